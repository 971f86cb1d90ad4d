import type { Generation, Keystroke } from "./keystroke";

export interface Quantiles {
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
  readonly max: number;
}

/** What a replay comes to. */
export interface Summary {
  readonly keystrokes: number;
  /** The editor asked after so many of them; the others were followed by another key too soon. */
  readonly requests: number;
  /** Requests to the engine, and how many of them were cancelled. */
  readonly engineCalls: number;
  readonly cancelledCalls: number;
  /** Cancelled during prefill: how much of the prompt was evaluated is unknown. */
  readonly cancelledInPrompt: number;
  /** Editor requests that were answered without an engine request of their own, by how. */
  readonly fromMemory: number;
  readonly fromInFlight: number;
  /** Requests by the source of their text, or by `none` and `cancelled`; those that show nothing by skip reason. */
  readonly answers: Readonly<Record<string, number>>;
  readonly skipReasons: Readonly<Record<string, number>>;
  /** Prompt tokens that an engine request had to evaluate; `null` if there was none. */
  readonly newTokens: Quantiles | null;
  readonly promptTokens: Quantiles | null;
  /** Prefills before any request, and their new tokens in all. */
  readonly prefills: number;
  readonly prefillTokens: number;
  /** From a key to new text on the screen. */
  readonly shownMs: Quantiles | null;
  /** From a cancel to the engine's report. */
  readonly cancelMs: Quantiles | null;
  /** Keys after which new text came on the screen; keys through which text stayed there. */
  readonly shown: number;
  readonly kept: number;
  readonly accepted: number;
  readonly acceptedChars: number;
}

/** The smallest value that so large a part of them does not exceed; null for none. */
export function quantiles(values: readonly number[]): Quantiles | null {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (part: number): number => sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN;
  return sorted.length === 0 ? null : { count: sorted.length, p50: at(0.5), p95: at(0.95), max: at(1) };
}

const MEMORY: readonly string[] = ["typedAlong", "forward", "revisited"];

export function summarise(keystrokes: readonly Keystroke[], prefills: readonly Generation[]): Summary {
  const asked = keystrokes.filter((each) => each.asked);
  const generations = keystrokes.flatMap((each) => each.generations);
  const sum = (of: (each: Keystroke) => number): number => keystrokes.reduce((total, each) => total + of(each), 0);
  const count = (of: (each: Keystroke) => boolean): number => sum((each) => (of(each) ? 1 : 0));
  const cancelled = generations.filter(wasCancelled);
  const isDone = (value: number | undefined): value is number => value !== undefined;
  return {
    keystrokes: keystrokes.length,
    requests: asked.length,
    engineCalls: sum(({ engineCalls }) => engineCalls),
    cancelledCalls: cancelled.length,
    cancelledInPrompt: cancelled.filter(({ newTokens }) => newTokens === undefined).length,
    fromMemory: count(({ source, outcome }) => outcome === "text" && MEMORY.includes(source ?? "")),
    fromInFlight: count(({ source, outcome }) => outcome === "text" && source === "inFlight"),
    answers: tally(asked.map(({ outcome, source }) => (outcome === "text" ? source : outcome))),
    skipReasons: tally(asked.flatMap(({ reason }) => reason ?? [])),
    newTokens: quantiles(generations.map(({ newTokens }) => newTokens).filter(isDone)),
    promptTokens: quantiles(generations.map(({ promptTokens }) => promptTokens).filter((each) => each > 0)),
    prefills: prefills.length,
    prefillTokens: prefills.reduce((total, { newTokens }) => total + (newTokens ?? 0), 0),
    shownMs: quantiles(keystrokes.map(({ shownMs }) => shownMs).filter(isDone)),
    cancelMs: quantiles([...generations, ...prefills].map(({ cancelMs }) => cancelMs).filter(isDone)),
    shown: count(({ shownMs }) => shownMs !== undefined),
    kept: count(({ kept }) => kept),
    accepted: count(({ acceptedChars }) => acceptedChars > 0),
    acceptedChars: sum(({ acceptedChars }) => acceptedChars),
  };
}

function wasCancelled({ finish }: Generation): boolean {
  return finish === "cancelled" || finish === "superseded";
}

function tally(names: readonly (string | undefined)[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) {
    if (name !== undefined) {
      counts[name] = (counts[name] ?? 0) + 1;
    }
  }
  return counts;
}

/** For people. */
export function table(summary: Summary): string {
  const rows: (readonly [string, string])[] = [
    ["keys pressed", String(summary.keystrokes)],
    ["asked by the editor", `${String(summary.requests)}: ${listed(summary.answers)}`],
    ["asked of the engine", `${String(summary.engineCalls)}, ${String(summary.cancelledCalls)} cancelled`],
    ["new prompt tokens", told(summary.newTokens, 0)],
    ["prompt tokens", told(summary.promptTokens, 0)],
    ["prefilled", `${String(summary.prefills)} prompts, ${String(summary.prefillTokens)} tokens`],
    ["to text on screen, ms", told(summary.shownMs, 0)],
    ["to a stop, ms", told(summary.cancelMs, 1)],
    ["text came, stayed", `${String(summary.shown)}, ${String(summary.kept)} times`],
    ["accepted", `${String(summary.accepted)} times, ${String(summary.acceptedChars)} characters`],
    ["skip reasons", listed(summary.skipReasons)],
  ];
  return rows.map(([name, value]) => `${name.padEnd(22)} ${value}\n`).join("");
}

function told(values: Quantiles | null, digits: number): string {
  if (values === null) {
    return "none";
  }
  const { count, p50, p95, max } = values;
  return `median ${p50.toFixed(digits)}, 95 % ${p95.toFixed(digits)}, most ${max.toFixed(digits)} (of ${String(count)})`;
}

function listed(counts: Readonly<Record<string, number>>): string {
  const entries = Object.entries(counts).sort(([, a], [, b]) => b - a);
  return entries.length === 0 ? "none" : entries.map(([name, count]) => `${String(count)} ${name}`).join(", ");
}
