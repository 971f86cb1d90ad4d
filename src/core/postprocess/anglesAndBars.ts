import type { Surroundings } from "../context";

/**
 * `<` and `>` around type arguments, told from comparisons, shifts and arrows by what stands beside them: grammars tell them only where
 * both stand there, and not around every kind of argument.
 */

/** Behind a name, with the first argument right behind it; and the end of arguments. */
const ANGLE = /(?<=[\p{L}\p{N}_:])<(?![<=\s])|(?<![\s\-=<>])>+(?!=)|(?<=[\p{L}\p{N}_:]<)>+(?!=)/gu;

/** Where the text closes more type arguments than it opens: UTF-16 units from its beginning, a closer each. */
export function unopenedAngles(text: string): number[] {
  const found: number[] = [];
  let depth = 0;
  for (const { 0: sign, index } of text.matchAll(ANGLE)) {
    for (let i = 0; i < sign.length; ++i) {
      if (sign === "<") {
        depth += 1;
      } else if (depth > 0) {
        depth -= 1;
      } else {
        found.push(index + i);
      }
    }
  }
  return found;
}

/** The `>` behind the cursor that end type arguments that are open before it; 0 in a string or a comment. */
export function anglesAround({ before, after, enclosing }: Surroundings): number {
  const closers = /^>*/.exec(after.trimStart())?.[0].length ?? 0;
  const open = /(?:[\p{L}\p{N}_:]<[^<>();=]*)+$/u.exec(before)?.[0].split("<").length ?? 1;
  return enclosing === undefined ? Math.min(closers, open - 1) : 0;
}

/** Parameters of a block or a closure have been opened. */
const IN_BARS = /(?:[{(,=]|\b(?:do|move))\s*\|[^|]*$/;

/** The cursor stands among a block's parameters, and the bar that ends them is behind it. */
export function isInBars({ before, after, enclosing }: Surroundings): boolean {
  return enclosing === undefined && /^\s*\|(?!\|)/.test(after) && IN_BARS.test(before);
}

/** Where a text ends such parameters; -1 where it does not. */
export function barIn(text: string): number {
  return text.search(/(?<!\|)\|(?!\|)/);
}
