import { IDENTIFIER_CHAR, type Surroundings } from "../context";
import { indentWidth, leadingSpace, neighboursOf } from "../indentation";
import { firstUnopened } from "./balance";
import { type Draft, shortened } from "./draft";

/** Line feeds only; no byte order marks, no characters that a cut in the middle of one has left. */
export function plainLineFeeds(draft: Draft): Draft {
  const text = draft.text.replace(/\r\n?/g, "\n").replace(/[\0\uFEFF]|\uFFFD+$/g, "");
  return shortened(draft, text, "empty");
}

/** A model that writes its control tokens as text has ended there, whatever it says afterwards. */
export function stopAtControlToken(draft: Draft, { above, below }: Surroundings): Draft {
  const text = draft.text.replace(/^(?:<\|[a-z_]{2,24}\|>)+/, "");
  const found = /<\|[a-z_]{2,24}\|>|<\/?s>$|<EOT>/.exec(text);
  // A document that is about such tokens says them, too, or quotes them.
  const isQuoted = found !== null && /["'`]$/.test(text.slice(0, found.index));
  const isMeant = found !== null && (isQuoted || [above, below].some((part) => part.includes(found[0])));
  return shortened(draft, found === null || isMeant ? text : text.slice(0, found.index), "empty");
}

/** Chat models wrap code in fences, and say so in a sentence before; only what is between them is code. */
export function unwrapFences(draft: Draft, { language }: Surroundings): Draft {
  if (!language.brackets && !language.tags) {
    // Prose may contain fences of its own.
    return draft;
  }
  const lines = draft.text.split("\n");
  const isFence = (line: string): boolean => /^\s*(?:```|~~~)[\w+#-]*\s*$/.test(line);
  const first = lines.findIndex(isFence);
  if (first === -1) {
    return draft;
  }
  const isPreamble = lines.slice(0, first).every((line) => line.trim() === "" || /^[A-Z][^;{}=]*[:.]\s*$/.test(line));
  const from = isPreamble ? first + 1 : 0;
  const end = lines.findIndex((line, i) => i >= from && isFence(line));
  return shortened(draft, lines.slice(from, end === -1 ? undefined : end).join("\n"), "empty");
}

/** On a blank line the text begins at once; behind code at most one line break comes before more. */
export function dropLeadingBlankLines(draft: Draft, { before, indentation }: Surroundings): Draft {
  if (draft.isWhole === true) {
    return draft;
  }
  const isBlank = before.trim() === "";
  const text = draft.text.replace(/^(?:[ \t]*\n)+/, isBlank ? "" : "\n");
  const leavesBlock =
    isBlank && text !== draft.text && indentWidth(text, indentation.size) < indentWidth(before, indentation.size);
  return leavesBlock ? shortened(draft, "", "outdented") : shortened(draft, text, "empty");
}

/** One space is enough, and white space that is there already must not come again. */
export function fitLeadingSpace(draft: Draft, at: Surroundings): Draft {
  const { before, language } = at;
  const lead = leadingSpace(draft.text);
  if (lead === "" || draft.text.startsWith(`${lead}\n`)) {
    return draft;
  }
  if (before.trim() === "") {
    // That is indentation; see reindent.ts.
    return draft;
  }
  const rest = draft.text.slice(lead.length);
  if (draft.isWhole === true && mayBeMeant(lead, rest, at)) {
    return draft;
  }
  const isCode = language.brackets && at.enclosing === undefined;
  // A shell's test wants it.
  const isTest = at.syntax.reader.languageId === "shellscript" && /[[!]$/.test(before);
  const isInside = isCode && !isTest && /(?:[([.!~]|(?<!\$)@)$/.test(before) && !isSpacedAtBothEnds(draft.text);
  const isRedundant = /[ \t]$/.test(before) || isInside;
  if (isRedundant) {
    return { ...draft, text: rest };
  }
  return lead.length > 1 && IDENTIFIER_CHAR.test(rest.slice(0, 1)) ? { ...draft, text: ` ${rest}` } : draft;
}

/** The text has a space behind the bracket in front of it, and in front of the one that closes that: `[ a b ]`. */
function isSpacedAtBothEnds(text: string): boolean {
  const end = firstUnopened(text);
  return /^ \S/.test(text) && end > 1 && text[end - 1] === " ";
}

/** Columns are aligned here, or the text's brackets have spaces inside: as one line or another around has it. */
function mayBeMeant(lead: string, rest: string, at: Surroundings): boolean {
  const { before } = at;
  if (lead !== " " || /\s\s$/.test(before)) {
    return true;
  }
  const { above, below } = neighboursOf(at.above, at.below);
  const around = [...above, ...below];
  if (before.endsWith(" ")) {
    const isComment = at.language.lineComments.some((mark) => rest.startsWith(mark));
    return isComment || around.some((line) => /\S(?:  |\t)/.test(line));
  }
  const pair = before.slice(-1) + lead;
  return `${before}\n${around.join("\n")}`.includes(pair);
}
