import type { CursorContext } from "./promptLayout";

/** A completion on its way to the editor. */
export interface Draft {
  readonly text: string;
  /** The model was cut off by the token limit, so the last line may be unfinished. */
  readonly cutOff: boolean;
}

type Step = (draft: Draft, cursor: CursorContext) => Draft;

/** In order; each is pure and looks only at the draft and the document. */
const STEPS: readonly Step[] = [
  dropUnfinishedLine,
  stopAtDedent,
  dropNextLineAgain,
  dropSuffixAgain,
  dropTrailingSpace,
];

/** What the editor would insert at the cursor; empty when nothing is worth inserting. */
export function postprocess(draft: Draft, cursor: CursorContext): string {
  const { text } = STEPS.reduce((current, step) => step(current, cursor), draft);
  return text.trim() === "" ? "" : text;
}

/** A multi-line text that hit the limit ends with its last whole line; a single line is shown as far as it came. */
function dropUnfinishedLine(draft: Draft): Draft {
  const lastBreak = draft.text.lastIndexOf("\n");
  return draft.cutOff && lastBreak > 0 ? { ...draft, text: draft.text.slice(0, lastBreak) } : draft;
}

/** Lines that leave the block in which the cursor stands belong to what follows, not to the completion. */
function stopAtDedent(draft: Draft, cursor: CursorContext): Draft {
  const lines = draft.text.split("\n");
  const indent = indentWidth(currentLine(cursor).before);
  const end = lines.findIndex((line, i) => i > 0 && line.trim() !== "" && indentWidth(line) < indent);
  return end === -1 ? draft : { ...draft, text: lines.slice(0, end).join("\n") };
}

/** A model likes to go on with the line that is already there. */
function dropNextLineAgain(draft: Draft, cursor: CursorContext): Draft {
  const lines = draft.text.split("\n");
  const next = nextLine(cursor)?.trim() ?? "";
  if (lines.length < 2 || next === "" || lines[lines.length - 1]?.trim() !== next) {
    return draft;
  }
  return { ...draft, text: lines.slice(0, -1).join("\n") };
}

/** What stands behind the cursor on its line (often closing brackets) must not come twice. */
function dropSuffixAgain(draft: Draft, cursor: CursorContext): Draft {
  const after = currentLine(cursor).after.trimEnd();
  if (after === "" || draft.text.includes("\n")) {
    return draft;
  }
  const text = draft.text.trimEnd();
  for (let length = Math.min(after.length, text.length); length > 0; --length) {
    if (text.endsWith(after.slice(0, length))) {
      return { ...draft, text: text.slice(0, text.length - length) };
    }
  }
  return draft;
}

function dropTrailingSpace(draft: Draft): Draft {
  return { ...draft, text: draft.text.trimEnd() };
}

/** The cursor's line, split at the cursor. */
export function currentLine({ text, offset }: CursorContext): { before: string; after: string } {
  const start = text.lastIndexOf("\n", offset - 1) + 1;
  const end = text.indexOf("\n", offset);
  return {
    before: text.slice(offset === 0 ? 0 : start, offset),
    after: text.slice(offset, end === -1 ? undefined : end),
  };
}

function nextLine({ text, offset }: CursorContext): string | undefined {
  const end = text.indexOf("\n", offset);
  return end === -1 ? undefined : text.slice(end + 1).split("\n", 1)[0];
}

const TAB_WIDTH = 4;

/** Columns of leading white space. */
export function indentWidth(line: string): number {
  const indent = /^[ \t]*/.exec(line)?.[0] ?? "";
  const tabs = indent.replaceAll(" ", "").length;
  return indent.length - tabs + TAB_WIDTH * tabs;
}
