import { expectedIndent } from "../blockRules";
import { IDENTIFIER_CHAR, type Surroundings } from "../context";
import { indentOf, indentWidth, leadingSpace } from "../indentation";
import { type Draft, shortened } from "./draft";

/** Line feeds only; no byte order marks, no characters that a cut in the middle of one has left. */
export function plainLineFeeds(draft: Draft): Draft {
  const text = draft.text.replace(/\r\n?/g, "\n").replace(/[\0\uFEFF]|\uFFFD+$/g, "");
  return shortened(draft, text, "empty");
}

/** A model that writes its control tokens as text has ended there, whatever it says afterwards. */
export function stopAtControlToken(draft: Draft): Draft {
  const text = draft.text.replace(/^(?:<\|[a-z_]{2,24}\|>)+/, "");
  const at = text.search(/<\|[a-z_]{2,24}\|>|<\/?s>$|<EOT>/);
  return shortened(draft, at === -1 ? text : text.slice(0, at), "empty");
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

/** Models that were trained to talk repeat the line, or at least the word, that they are to continue. */
export function dropDuplication(draft: Draft, { before, state }: Surroundings): Draft {
  const typed = before.trimStart();
  const text = draft.text.trimStart();
  if (typed.trimEnd().length >= 3 && /\W/.test(typed) && text.startsWith(typed.trimEnd())) {
    const rest = text.slice(typed.trimEnd().length);
    return shortened(draft, before.endsWith(" ") ? rest.replace(/^ /, "") : rest, "repeats");
  }
  const word = /[\p{L}\p{N}_$]{3,}$/u.exec(before)?.[0];
  const goesOn = word !== undefined && draft.text.startsWith(word);
  return goesOn && state.mode.kind === "code" ? shortened(draft, draft.text.slice(word.length), "repeats") : draft;
}

/** On a blank line the text begins at once; behind code at most one line break comes before more. */
export function dropLeadingBlankLines(draft: Draft, { before, indentation }: Surroundings): Draft {
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
  const rest = draft.text.slice(lead.length);
  if (before.trim() === "") {
    return before === "" ? draft : { ...draft, text: missingIndent(lead, at) + rest };
  }
  const isRedundant = /[ \t]$/.test(before) || (language.brackets && /[([.!~@]$/.test(before));
  if (isRedundant) {
    return { ...draft, text: rest };
  }
  return lead.length > 1 && IDENTIFIER_CHAR.test(rest.slice(0, 1)) ? { ...draft, text: ` ${rest}` } : draft;
}

/** The editor has indented the line; a model that indents it again means the same, unless the block is deeper. */
function missingIndent(lead: string, at: Surroundings): string {
  const { size } = at.indentation;
  const present = indentWidth(at.before, size);
  const wanted = Math.min(Math.max(present, expectedIndent(at)), indentWidth(at.before + lead, size));
  return indentOf(wanted - present, at.indentation);
}
