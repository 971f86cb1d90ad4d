import type { PromptTraits } from "../../core/ports";
import { layOutPrompt } from "../../core/promptLayout";
import type { PlainLayout, PromptPart } from "../../protocol/prompt";
import { LAYOUT_CASES, type LayoutCase } from "./layoutCases";

/** Raised with every change to the cases or the layouts: a verdict of another version says nothing about these. */
export const LAYOUT_TEST_VERSION = 2;

/** A layout must be better than to continue by more than this part of the bits that that costs. */
const GAIN_MIN = 0.02;

const OTHERS = ["suffix-comment", "chat-fill"] as const satisfies readonly PlainLayout[];

/** What a layout cost. */
export interface LayoutCost {
  /** −log2 of the probability of the true middles of the cases that were asked. */
  readonly bits: number;
  /** Fewer than all: after so many it could not win any more. */
  readonly cases: number;
}

export interface LayoutVerdict {
  readonly layout: PlainLayout;
  /** Of each layout that was possible. */
  readonly costs: Readonly<Partial<Record<PlainLayout, LayoutCost>>>;
}

/** Bits of the text after the prompt, as generation would draw: what healing takes back of the prompt is given. */
export type BitsAfter = (prompt: readonly PromptPart[], text: string) => Promise<number>;

/**
 * Which layout makes the true middles of the cases the likeliest. Another one than continuation must be better by more than
 * GAIN_MIN whichever case is left out: of few cases one can make all the difference. Bits only grow, so continuation is asked
 * first, and another layout is dropped as soon as it has cost what it must cost less than in all. Asks 20 to 60 prompts, one
 * after the other.
 *
 * @param traits of the model; with `chat`, a chat is tried too.
 * Errors: those of `bitsAfter`.
 */
export async function chooseLayout(
  traits: PromptTraits,
  bitsAfter: BitsAfter,
  cases: readonly LayoutCase[] = LAYOUT_CASES,
): Promise<LayoutVerdict> {
  const bitsOf = async (plain: PlainLayout, limit: number): Promise<readonly number[]> => {
    const bits: number[] = [];
    for (const each of cases) {
      if (sum(bits) >= limit) {
        break;
      }
      bits.push(await bitsAfter(layoutPrompt(each, { ...traits, plain }), each.middle));
    }
    return bits;
  };
  const costs: Partial<Record<PlainLayout, LayoutCost>> = {};
  const continued = await bitsOf("continuation", Infinity);
  costs.continuation = { bits: sum(continued), cases: continued.length };
  let best: PlainLayout = "continuation";
  let limit = (1 - GAIN_MIN) * sum(continued);
  for (const layout of traits.chat === undefined ? OTHERS.slice(0, -1) : OTHERS) {
    const bits = await bitsOf(layout, limit);
    costs[layout] = { bits: sum(bits), cases: bits.length };
    // The last case may be the one with which it has cost too much.
    if (bits.length === cases.length && sum(bits) < limit && isBetter(bits, continued)) {
      best = layout;
      limit = sum(bits);
    }
  }
  return { layout: best, costs };
}

/** For each case: of the others, a layout's bits are fewer than those of continuation by more than GAIN_MIN. */
function isBetter(bits: readonly number[], continued: readonly number[]): boolean {
  return bits.every((own, i) => sum(bits) - own < (1 - GAIN_MIN) * (sum(continued) - (continued[i] ?? 0)));
}

function sum(values: readonly number[]): number {
  return values.reduce((all, each) => all + each, 0);
}

/** The prompt of a case as the product lays it out. */
export function layoutPrompt(place: LayoutCase, traits: PromptTraits): readonly PromptPart[] {
  return layOutPrompt(place, { ...traits, fimLayouts: [] });
}

/** Why a model gets its layout, in a clause. */
export function layoutReason({ layout, costs }: LayoutVerdict): string {
  const words = Object.entries(costs).map(
    ([name, { bits, cases }]) =>
      `${name} ${bits.toFixed(0)} bits${cases === LAYOUT_CASES.length ? "" : `, dropped after ${String(cases)} cases`}`,
  );
  const means =
    layout === "continuation" ? "no other is better by more than 2 % whichever case is left out" : "it is the best";
  return `the self-test of ${String(LAYOUT_CASES.length)} cases says so (${words.join("; ")}): ${means}`;
}
