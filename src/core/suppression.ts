import { IDENTIFIER_CHAR, type Surroundings } from "./context";
import type { SuppressionReason } from "./skipReasons";

/** Longer lines are data or minified code: expensive to read and impossible to complete. */
const LINE_CHARS_MAX = 2000;

/** Closing brackets, quotes, comments and tags, brackets with nothing in them, and what may stand between and behind them. */
const ONLY_CLOSERS =
  /^(?:\s|[)\]}>"'`][.?!]*|[:;,]|\(\)|\[\]|\{\}|\{\{?\/[\w-]+\}\}?|<\/[\w.:-]*>|\/>|\*\/|-->|"#+|[%#?]>|[%#]\}|\)[\w]{1,16}")*\{?\s*$/;
/** And of formulas, code and emphasis in running text. */
const ONLY_TEXT_CLOSERS = /^(?:\s|[)\]}"'`:;,.?!*_~|]|\(\)|\[\]|\{\}|\$|\\(?:right)?\\?[)\]}|.])*$/;
/** Behind a shell's test or command. */
const SHELL_TEST = /^[\s"'`)}]*\]{0,2}\s*;\s*(?:then|do)\s*$/;

/** Why no request should be made to the engine here; undefined where one should. For automatic requests only. */
export function suppressionAt(at: Surroundings): SuppressionReason | undefined {
  const { before, after, above, below } = at;
  if (before.length + after.length > LINE_CHARS_MAX) {
    return "longLine";
  }
  if (above.trim() === "" && before.trim() === "" && after.trim() === "" && below.trim() === "") {
    return "emptyDocument";
  }
  const isText = at.language.blocks === "none" && !at.language.brackets;
  const isFormula = isText && before.endsWith("$");
  if (!isFormula && IDENTIFIER_CHAR.test(before.slice(-1)) && IDENTIFIER_CHAR.test(after.slice(0, 1))) {
    return "midWord";
  }
  const rest = isInPercents(at) ? after.slice(1) : after;
  if (!ONLY_CLOSERS.test(rest) && !SHELL_TEST.test(after) && !(isText && ONLY_TEXT_CLOSERS.test(rest))) {
    return "midLine";
  }
  return isLineComplete(at) ? "lineComplete" : undefined;
}

/** Between the signs around a variable of a batch file, of which the first is one of no pair. */
function isInPercents({ before, after, languageId }: Surroundings): boolean {
  return languageId === "bat" && after.startsWith("%") && /%\w*$/.test(before) && before.split("%").length % 2 === 0;
}

/** Where the user wants nothing suggested by itself; undefined elsewhere. */
export function placeSuppression(
  at: Surroundings,
  { inComments, inStrings }: { readonly inComments: boolean; readonly inStrings: boolean },
): "inComment" | "inString" | undefined {
  if (inComments && inStrings) {
    return undefined;
  }
  const { enclosing } = at;
  if (enclosing === undefined) {
    return undefined;
  }
  const isString = enclosing !== "comment";
  return (isString ? inStrings : inComments) ? undefined : isString ? "inString" : "inComment";
}

/** `return 1;|`: the model would only generate the end of the text. In the head of a `for` a semicolon ends nothing. */
function isLineComplete({ language, before, after, open, enclosing }: Surroundings): boolean {
  return (
    language.semicolons && before.endsWith(";") && after.trim() === "" && enclosing === undefined && open?.text !== "("
  );
}
