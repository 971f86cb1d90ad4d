import { type Indentation, indentWidth, leadingSpace } from "../indentation";
import { withoutBlankEnds } from "./blankEnds";
import { fitIndentation } from "./codeIndentation";

/** A document, and where in it something is inserted. */
export interface InsertionPlace {
  /** The line of the cursor up to it. */
  readonly before: string;
  /** The line above that has text; "" where there is none. */
  readonly above: string;
  readonly indentation: Indentation;
  readonly languageId: string;
}

/**
 * Code as it is inserted at a cursor: every line as deep as the cursor's, in the file's own tabs or spaces. The first line
 * goes on where the cursor is.
 */
export function insertedCode(code: readonly string[], place: InsertionPlace): string[] {
  const { before, above, indentation, languageId } = place;
  const isLineStart = before.trim() === "";
  const like = isLineStart && before === "" ? above : before;
  const opens = isLineStart && before === "" && /[{([:]\s*$/.test(above);
  const width = indentWidth(leadingSpace(like), indentation.size) + (opens ? indentation.size : 0);
  const [first = "", ...others] = fitIndentation(withoutBlankEnds(code), { lines: [], width, indentation, languageId });
  if (!isLineStart) {
    return [first.trimStart(), ...others];
  }
  // White space that stands before the cursor already is not written twice.
  return [first.startsWith(before) ? first.slice(before.length) : first.trimStart(), ...others];
}
