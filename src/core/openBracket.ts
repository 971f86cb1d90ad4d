import { linesBelow, missingClosers, type Surroundings } from "./context";
import { indentWidth, leadingSpace } from "./indentation";

/** A bracket at the end of code that nothing behind the cursor closes, and where an editor would close it. */
export interface OpenBracket {
  readonly close: string;
  /** Of the line that it stands in. */
  readonly indent: string;
  /** A block is closed once a line has been begun in it, below that line; another bracket at once, behind the cursor. */
  readonly isBlock: boolean;
}

/**
 * What an accepted suggestion has left open at its end. Editors close brackets that are typed, and those that come with a
 * suggestion they leave open.
 */
export function openBracketAt(at: Surroundings): OpenBracket | undefined {
  const { open, before, after, enclosing } = at;
  const isAtEnd = open?.kind === "bracket" && enclosing === undefined && before.endsWith(open.text);
  if (!isAtEnd || open.close === "" || after.trim() !== "" || missingClosers(at) === 0) {
    return undefined;
  }
  const size = at.indentation.size;
  const width = indentWidth(before, size);
  const [next = ""] = linesBelow(at, 1);
  const nextWidth = indentWidth(next, size);
  // What was read below may end before the closer does: what stands where the block would be, or ends it, belongs to it.
  if (nextWidth > width || (nextWidth === width && next.trimStart().startsWith(open.close))) {
    return undefined;
  }
  return { close: open.close, indent: leadingSpace(before), isBlock: open.text === "{" };
}
