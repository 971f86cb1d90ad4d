import type { SyntaxReader } from "../../core/syntax/reader";
import { EngineError } from "../../protocol/errors";
import { EditedDocument, type Key } from "../replay/editedDocument";
import { Typist } from "../replay/typist";

/** A key on the way from an empty document to a text. */
export interface TypedKey {
  readonly key: Key;
  /**
   * UTF-16 units of the text that stand before the cursor after the key; undefined while something else stands there, such as
   * an indentation of the editor's own that the next keys take back.
   */
  readonly offset: number | undefined;
}

/** More keys than this for a character: the typist goes round in circles. */
const KEYS_PER_CHAR_MAX = 3;

/** An empty document, in an editor that is set up for the indentation of `text`. */
export function emptyDocumentFor(
  path: string,
  languageId: string,
  text: string,
  reader?: SyntaxReader,
): EditedDocument {
  const document = new EditedDocument(path, languageId, text, reader);
  document.replace(0, text.length, "");
  return document;
}

/**
 * The keys that make `text` (line feeds only) of an empty document, in an editor that indents and closes brackets by itself.
 * Errors: EngineError `bad_request` for a text that cannot be typed.
 */
export function keysOf(path: string, languageId: string, text: string, reader?: SyntaxReader): readonly TypedKey[] {
  const document = emptyDocumentFor(path, languageId, text, reader);
  const typist = new Typist(document, text, true);
  const keys: TypedKey[] = [];
  while (!typist.isDone && keys.length <= KEYS_PER_CHAR_MAX * text.length) {
    const key = typist.next();
    if (key === undefined) {
      break;
    }
    document.press(key);
    const { offset } = document;
    keys.push({ key, offset: text.startsWith(document.text.slice(0, offset)) ? offset : undefined });
  }
  if (document.text !== text) {
    throw new EngineError("bad_request", `cannot type '${path}': ${firstDifference(document.text, text)}`);
  }
  return keys;
}

function firstDifference(typed: string, wanted: string): string {
  let at = 0;
  while (typed[at] !== undefined && typed[at] === wanted[at]) {
    at += 1;
  }
  const line = wanted.slice(0, at).split("\n").length;
  const shown = (text: string): string => JSON.stringify(text.slice(at, at + 20));
  return `line ${String(line)} becomes ${shown(typed)} where ${shown(wanted)} is wanted`;
}
