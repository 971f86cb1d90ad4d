/** What the user should look at before a change is accepted. */

export const WARNINGS = {
  cut: "The answer is not complete: what the model had not come to is as it was.",
  unsure: "The answer did not say which part of it is code: check where it begins and ends.",
  widened: "Only a part of a block was selected, and the answer is the whole block: it takes the place of the whole.",
  part: "The answer is only a part of the selected code: the rest of it stays as it was.",
  half: "Only a part of a block was selected: check that the change fits the rest of it.",
  codeChanged: "The answer changed code, too; only its comments were taken.",
  loop: "The model began to repeat itself: the repetitions were left out.",
  beyond: "The change reaches beyond the selected lines.",
} as const;

const NAMED_MAX = 5;

export function failedWarning(failed: number, all: number): string {
  return `${String(failed)} of ${String(all)} changes of the answer's patch fit nowhere in the file and were left out.`;
}

/** Of an answer that left code out: lines that were put back, and lines that went without being named. */
export function leftOutWarnings({ restored, gone }: { readonly restored: number; readonly gone: number }): string[] {
  const lines = (count: number): string => (count === 1 ? "1 line was" : `${String(count)} lines were`);
  return [
    ...(restored > 0 ? [`The answer left code out: ${lines(restored)} put back as before.`] : []),
    ...(gone > 0 ? [`Beside what the answer left out, ${lines(gone)} taken away: check that this is meant.`] : []),
  ];
}

export function othersWarning(count: number): string {
  return `The answer has ${count === 1 ? "another block" : `${String(count)} more blocks`} of code, which was not used.`;
}

/** Of a rewrite that has fewer declarations than what it takes the place of. */
export function lostWarning(names: readonly string[]): string {
  return `The answer no longer has ${listed(names)}: check that this is meant.`;
}

/** Of a class, a rule or a section whose parts were changed one by one. */
export function keptWarning(names: readonly string[]): string {
  return `${KEPT} ${listed(names)}: kept as it was.`;
}

const KEPT = "The code does not have";

export function isOfKept(warning: string): boolean {
  return warning.startsWith(KEPT);
}

/** Of something new that has the name of what a function declares inside itself. */
export function localWarning(name: string, around: string): string {
  return `'${around}' declares a '${name}' inside itself: that one is as it was.`;
}

function listed(names: readonly string[]): string {
  const all = [...new Set(names)];
  const some = all.slice(0, NAMED_MAX).map((name) => `'${name}'`);
  return some.join(", ") + (all.length > NAMED_MAX ? ` and ${String(all.length - NAMED_MAX)} more` : "");
}
