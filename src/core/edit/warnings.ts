import type { Sentence, Told } from "./sentence";

/** What the user should look at before a change is accepted. */

export const WARNINGS = {
  cut: "The answer is incomplete: what the model did not get to is unchanged.",
  unsure: "The answer did not say which part of it is code: check where it begins and ends.",
  widened: "Only a part of a block was selected, but the answer is the whole block: it replaces the whole block.",
  part: "The answer is only a part of the selected code: the rest of it stays as it was.",
  half: "Only a part of a block was selected: check that the change fits the rest of it.",
  codeChanged: "The answer also changed code; only its comments were applied.",
  loop: "The model began to repeat itself: the repetitions were left out.",
  beyond: "The change reaches beyond the selected lines.",
  statement: "A statement in the code that belongs to no declaration was left out.",
} as const;

/** With what is put in. What is counted has a message for one and one for many. */
const TOLD = {
  failed: "{0} of {1} changes in the answer's patch fit nowhere in the file and were left out.",
  restoredOne: "The answer left code out: 1 line was put back as before.",
  restored: "The answer left code out: {0} lines were put back as before.",
  goneOne: "Besides what the answer left out, 1 line was removed: check that this is intended.",
  gone: "Besides what the answer left out, {0} lines were removed: check that this is intended.",
  othersOne: "The answer contains another block of code, which was not used.",
  others: "The answer contains {0} more blocks of code, which were not used.",
  lost: "The answer no longer contains {0}: check that this is intended.",
  kept: "The code does not contain {0}: left unchanged.",
  local: "'{1}' declares a '{0}' inside itself, which was left as it was.",
} as const;

/** Why an answer, or a block of the chat, changes nothing. */
export const REASONS = {
  noCode: "The answer contains no code for this place.",
  answerLeavesOut: "The answer leaves code out and does not say where it belongs.",
  patchNowhere: "The answer is a patch whose lines do not occur in the file.",
  emptyBlock: "The block contains no code.",
  blockPatchNowhere: "The block is a patch whose lines do not occur in the file.",
  fitsNowhere: "The code fits nowhere in this file: select what it should replace, or insert it at the cursor.",
  codeLeavesOut: "The code leaves parts out and does not say where they belong.",
  textLeavesOut: "The text leaves parts out and does not say where they belong.",
  severalSections: "Several sections here have this heading: put the cursor in the one you mean.",
  several: "Several declarations here are called '{0}': put the cursor in the one you mean.",
  noClass: "There is no class here to put '{0}' in.",
  noAnswer: "The model gave no answer.",
  answerInLanguage: "The answer is {0}, not code for this place.",
  severalElements: "Several elements here are <{0}>: put the cursor in the one you mean.",
  otherLanguage: "The block is {0}, not {1}: it belongs in a document of its own.",
} as const;

export function failedWarning(failed: number, all: number): Told {
  return { message: TOLD.failed, args: [failed, all] };
}

/** Of an answer that left code out: lines that were put back, and lines that went without being named. */
export function leftOutWarnings({ restored, gone }: { readonly restored: number; readonly gone: number }): Sentence[] {
  return [
    ...(restored > 0 ? [counted(restored, TOLD.restoredOne, TOLD.restored)] : []),
    ...(gone > 0 ? [counted(gone, TOLD.goneOne, TOLD.gone)] : []),
  ];
}

export function othersWarning(count: number): Sentence {
  return counted(count, TOLD.othersOne, TOLD.others);
}

/** Of a rewrite that has fewer declarations than what it takes the place of. */
export function lostWarning(names: readonly string[]): Told {
  return { message: TOLD.lost, args: [names] };
}

/** Of a class, a rule or a section whose parts were changed one by one. */
export function keptWarning(names: readonly string[]): Told {
  return { message: TOLD.kept, args: [names] };
}

export function isOfKept(warning: Sentence): boolean {
  return typeof warning === "object" && warning.message === TOLD.kept;
}

/** Of something new that has the name of what a function declares inside itself. */
export function localWarning(name: string, around: string): Told {
  return { message: TOLD.local, args: [name, around] };
}

export function severalReason(name: string): Told {
  return { message: REASONS.several, args: [name] };
}

function counted(count: number, one: string, many: string): Sentence {
  return count === 1 ? one : { message: many, args: [count] };
}
