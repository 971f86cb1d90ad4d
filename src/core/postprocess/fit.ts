import { IDENTIFIER_CHAR, missingClosers, type Surroundings } from "../context";
import { type OuterCloser, scan } from "../scanner";
import { type Draft, shortened } from "./draft";

/** A draft, and how much of the line after the cursor it replaces. */
export interface FittedDraft extends Draft {
  readonly replaceAfter: number;
}

/** The rest of the cursor's line must not be duplicated: it is cut from the end of the text, or replaced. */
export function fitToRestOfLine(draft: Draft, at: Surroundings): FittedDraft {
  const after = at.after.trimEnd();
  if (after === "") {
    return { ...draft, replaceAfter: 0 };
  }
  const closers = scan(draft.text, at.language, at.state).outerClosers;
  const shared = sharedEnd(draft.text, after, at, closers);
  if (shared > 0) {
    const text = draft.text.trimEnd();
    return { ...shortened(draft, text.slice(0, text.length - shared), "alreadyThere"), replaceAfter: 0 };
  }
  return { ...draft, replaceAfter: replacedChars(draft.text, after, closers) };
}

/** Length of the longest beginning of `after` with which the text ends. */
function sharedEnd(text: string, after: string, at: Surroundings, closers: readonly OuterCloser[]): number {
  const end = text.trimEnd();
  for (let length = Math.min(after.length, end.length); length > 0; --length) {
    const from = end.length - length;
    const splitsWord = IDENTIFIER_CHAR.test(after[length - 1] ?? "") && IDENTIFIER_CHAR.test(after[length] ?? "");
    if (!splitsWord && end.endsWith(after.slice(0, length)) && closesOutside(end, from, at, closers)) {
      return length;
    }
  }
  return 0;
}

/**
 * `g(a)` before `)`: the text's last bracket closes its own, and is not the one behind the cursor. What is shared may
 * close what it opens itself and what was open at the cursor.
 */
function closesOutside(text: string, from: number, at: Surroundings, closers: readonly OuterCloser[]): boolean {
  const { state } = scan(text.slice(0, from), at.language, at.state);
  const shared = scan(text.slice(from), at.language, state).outerClosers;
  return shared.every((closer) => closers.some(({ index }) => index === from + closer.index));
}

/** Brackets and quotes behind the cursor that the text closes itself before it goes on. */
function replacedChars(text: string, after: string, closers: readonly OuterCloser[]): number {
  let replaced = 0;
  let last = -1;
  for (const closer of closers) {
    const from = replaced + (/^\s*/.exec(after.slice(replaced))?.[0].length ?? 0);
    if (!after.startsWith(closer.text, from) || !includesInOrder(text, after.slice(replaced, from), last + 1)) {
      break;
    }
    replaced = from + closer.text.length;
    last = closer.index + closer.text.length - 1;
  }
  const rest = after.slice(replaced);
  // `a);` before `)` and `;`: the rest follows in the text too.
  return replaced > 0 && rest !== "" && includesInOrder(text, rest, last + 1) && !/[\p{L}\p{N}]/u.test(rest)
    ? after.length
    : replaced;
}

/** Editors show a replacement only if the replaced text is still in it, perhaps with more in between. */
function includesInOrder(text: string, part: string, from: number): boolean {
  let at = from;
  for (const char of part) {
    at = text.indexOf(char, at) + 1;
    if (at === 0) {
      return false;
    }
  }
  return true;
}

/** Brackets that close nothing, or what the document already closes, end the text. */
export function balanceBrackets(draft: FittedDraft, at: Surroundings): FittedDraft {
  const { language, state, after } = at;
  if (!language.brackets || state.mode.kind === "lineComment" || state.mode.kind === "blockComment") {
    return draft;
  }
  const { outerClosers, stillOpen } = scan(draft.text, language, state);
  const closers = outerClosers.filter(({ text }) => /[)\]}]/.test(text));
  const stray = outerClosers.find((closer) => closer.stray);
  if (stray !== undefined) {
    return { ...shortened(draft, draft.text.slice(0, stray.index).trimEnd(), "unbalanced"), replaceAfter: 0 };
  }
  const replaced = after.slice(0, draft.replaceAfter).replace(/[^)\]}]/g, "").length;
  const allowed = missingClosers(at) + replaced;
  const surplus = closers.length - allowed;
  // `} else {` closes one and opens one.
  const first = surplus > stillOpen ? closers[allowed] : undefined;
  return first === undefined ? draft : shortenedTo(draft, draft.text.slice(0, first.index).trimEnd());
}

function shortenedTo(draft: FittedDraft, text: string): FittedDraft {
  return { ...shortened(draft, text, "alreadyThere"), replaceAfter: draft.replaceAfter };
}

/** A quote at the very end that opens a string is one too many. */
export function dropLoneQuote(draft: FittedDraft, at: Surroundings): FittedDraft {
  const { mode } = scan(draft.text, at.language, at.state).state;
  if (draft.cutOff || at.after.trim() !== "" || mode.kind !== "string" || mode.quote.multiline) {
    return draft;
  }
  const { text: quote } = mode.quote;
  const without = draft.text.slice(0, -quote.length);
  const opensThere = draft.text.endsWith(quote) && scan(without, at.language, at.state).state.mode.kind === "code";
  return opensThere ? { ...shortened(draft, without, "unbalanced"), replaceAfter: draft.replaceAfter } : draft;
}
