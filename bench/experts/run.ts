/**
 * Tries cache policies on traces of `hearth trace`, and prints tables for docs/adr/0010-expert-cache-policy.md.
 *
 *     npx tsx bench/experts/run.ts TRACE… [--residency 0.1,0.2,0.3,0.42,0.5,0.68,0.8] [--prompt 512] [--details 0.3,0.42,0.68]
 */
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { markdownTable } from "../report";
import { Belady } from "./belady";
import { missesOf, type Policy, type Size } from "./cache";
import { type Batch, demandsOf } from "./demands";
import { acrossTokens, foresightOf } from "./guesses";
import {
  Adaptive,
  ReuseDistance,
  LayerQuota,
  Lru,
  LruTwo,
  Segmented,
  Staleness,
  ThreeQueues,
  type UseOptions,
} from "./policies";
import { readsOf } from "./prefetch";
import { readTrace, type Trace } from "./trace";

/** Tokens that fill the cache and are not counted: so many, or a quarter of a short trace. */
const WARM_UP = 256;
/** What ADR 0010 recommends, and the same by choices alone. */
const BY_CHOICES: UseOptions = { halfLives: [8, 128], learns: true };
const RECOMMENDED: UseOptions = { ...BY_CHOICES, nextRankedUse: 0.25 };
const NAME_OF_RECOMMENDED = "reuse distance, 8 and 128, next-ranked experts";

/** What a scan does to a policy shows in a few of them. */
const TRIED_ON_PROMPTS = [
  "LRU",
  "SLRU",
  "ARC",
  "S3-FIFO",
  "staleness in tokens, layer order",
  "LFU, half-life 32",
  NAME_OF_RECOMMENDED,
  "the same, not told what comes next",
];
/** After a prompt: hits of the tokens up to each of these. */
const DECODED = [4, 16, 64, 256];

/** Of the next token: no router has said anything of them. */
const LAYERS_ACROSS = 3;

type Make = (size: Size) => Policy;

function policiesOf(trace: Trace): ReadonlyMap<string, Make> {
  const { n_layer, n_used } = trace.header;
  const nextRanked = ({ token, n_token, il }: Batch): Int32Array => {
    const at = (token * n_layer + il) * n_used;
    return n_token > 1 ? new Int32Array() : trace.nextRanked.subarray(at, at + n_used).filter((key) => key >= 0);
  };
  const expected =
    (options: UseOptions): Make =>
    (size) =>
      new ReuseDistance(size, options, n_used, nextRanked);
  const halfLives = [8, 16, 32, 64, 128, 256, 512];
  return new Map<string, Make>([
    ["LRU", () => new Lru()],
    ["LRU-2", (size) => new LruTwo(size)],
    ["SLRU", (size) => new Segmented(size)],
    ["ARC", (size) => new Adaptive(size)],
    ["S3-FIFO", (size) => new ThreeQueues(size)],
    ["quota a layer, LRU", (size) => new LayerQuota(size)],
    ["staleness in tokens, layer order", (size) => new Staleness(size)],
    ...halfLives.map((halfLife): [string, Make] => [
      `LFU, half-life ${halfLife}`,
      expected({ halfLives: [halfLife, halfLife], layerOrder: false }),
    ]),
    ["LFU, 8 and 128", expected({ ...BY_CHOICES, layerOrder: false })],
    ["reuse distance, 32", expected({ halfLives: [32, 32] })],
    ["reuse distance, 8 and 128, half each", expected({ ...BY_CHOICES, learns: false })],
    ["reuse distance, 8 and 128", expected(BY_CHOICES)],
    [NAME_OF_RECOMMENDED, expected(RECOMMENDED)],
    ["the same, not told what comes next", expected({ ...RECOMMENDED, knowsNext: false })],
  ]);
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const percent = (value: number): string => (100 * value).toFixed(1);

function sizeOf({ header: { n_layer, n_expert } }: Trace, residency: number): Size {
  return { n_layer, n_expert, n_slot: Math.floor(residency * n_layer * n_expert) };
}

const warmUpOf = (trace: Trace): number => Math.min(WARM_UP, Math.floor(trace.n_token / 4));

/** Hits in per cent; in brackets how much of the way from LRU to the optimum that is. */
function hitTable(trace: Trace, residencies: readonly number[]): string {
  const { n_layer, n_used } = trace.header;
  const batches = demandsOf(trace, 0, trace.n_token, 1);
  const skipped = warmUpOf(trace) * n_layer;
  const hits = (size: Size, policy: Policy): number =>
    1 - sum(missesOf(size, batches, policy).slice(skipped)) / ((batches.length - skipped) * n_used);
  const sizes = residencies.map((residency) => sizeOf(trace, residency));
  const lru = sizes.map((size) => hits(size, new Lru()));
  const optimum = sizes.map((size) => hits(size, new Belady(batches)));
  const rows = [...policiesOf(trace)].map(([name, make]) => [
    name,
    ...sizes.map((size, i) => {
      const own = name === "LRU" ? lru[i]! : hits(size, make(size));
      return `${percent(own)} (${((100 * (own - lru[i]!)) / (optimum[i]! - lru[i]!)).toFixed(0)})`;
    }),
  ]);
  const head = ["policy", ...residencies.map((residency) => `${percent(residency)} %`)];
  return markdownTable(head, [...rows, ["optimum (Belady)", ...optimum.map(percent)]]);
}

function foresightTable(trace: Trace, residencies: readonly number[]): string {
  const rows = residencies.flatMap((residency) =>
    foresightOf(trace, sizeOf(trace, residency), new Lru(), warmUpOf(trace)).map((each) => [
      `${percent(residency)} %`,
      each.ahead,
      percent(each.recall),
      percent(each.recallOfMisses),
      percent(each.precisionOfReads),
      each.precisionByRank.map(percent).join(", "),
    ]),
  );
  return markdownTable(
    ["residency", "layers ahead", "named of chosen", "named of LRU's misses", "right of reads", "by rank"],
    rows,
  );
}

function boundaryTable(trace: Trace, residencies: readonly number[]): string {
  const policies = policiesOf(trace);
  const rows = residencies.flatMap((residency) => {
    const size = sizeOf(trace, residency);
    const policy = policies.get(NAME_OF_RECOMMENDED)!(size);
    return acrossTokens(trace, size, policy, warmUpOf(trace), LAYERS_ACROSS).map(({ il, again, missed, likeliest }) => [
      `${percent(residency)} %`,
      il,
      percent(again),
      missed.toFixed(2),
      percent(likeliest),
    ]);
  });
  return markdownTable(
    ["residency", "layer", "chosen again", "missed a token", "likeliest of the missing is chosen"],
    rows,
  );
}

function prefetchTable(trace: Trace, residencies: readonly number[]): string {
  const policies = policiesOf(trace);
  const rows = residencies.flatMap((residency) =>
    ["LRU", NAME_OF_RECOMMENDED].flatMap((name) =>
      Array.from({ length: trace.header.depth + 1 }, (_, depth) => {
        const size = sizeOf(trace, residency);
        const reads = readsOf(trace, size, policies.get(name)!(size), depth, warmUpOf(trace));
        const { exposed, speculative, wasted } = reads;
        return [
          `${percent(residency)} %`,
          name,
          depth,
          exposed.toFixed(1),
          (exposed + speculative).toFixed(1),
          wasted.toFixed(1),
        ];
      }),
    ),
  );
  return markdownTable(["residency", "policy", "layers ahead", "waited for a token", "read a token", "in vain"], rows);
}

function promptTable(trace: Trace, residencies: readonly number[], n_prompt: number, n_chunk: number): string {
  const { n_layer, n_used } = trace.header;
  const prompt = demandsOf(trace, 0, n_prompt, n_chunk);
  const batches = [...prompt, ...demandsOf(trace, n_prompt, Math.min(trace.n_token, n_prompt + DECODED.at(-1)!), 1)];
  const n_asked = sum(prompt.map(({ keys }) => keys.length));
  const rows = residencies.flatMap((residency) => {
    const size = sizeOf(trace, residency);
    const policies: [string, Policy][] = [...policiesOf(trace)]
      .filter(([name]) => TRIED_ON_PROMPTS.includes(name))
      .map(([name, make]) => [name, make(size)]);
    return [...policies, ["optimum (Belady)", new Belady(batches)] as const].map(([name, policy]) => {
      const misses = missesOf(size, batches, policy);
      const decoded = misses.slice(prompt.length);
      return [
        `${percent(residency)} %`,
        name,
        percent(sum(misses.slice(0, prompt.length)) / n_asked),
        ...DECODED.map((to, i) => {
          const part = decoded.slice((DECODED[i - 1] ?? 0) * n_layer, to * n_layer);
          return percent(1 - sum(part) / (part.length * n_used));
        }),
      ];
    });
  });
  const spans = DECODED.map((to, i) => `hits of tokens ${(DECODED[i - 1] ?? 0) + 1}–${to}`);
  return markdownTable(["residency", "policy", "missed in the prompt", ...spans], rows);
}

function main(): void {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      residency: { type: "string", default: "0.1,0.2,0.3,0.42,0.5,0.68,0.8" },
      prompt: { type: "string", default: "512" },
      details: { type: "string", default: "0.3,0.42,0.68" },
    },
  });
  const residencies = values.residency.split(",").map(Number);
  // Guesses, reading ahead and prompts: all policies and sizes would be a long table.
  const details = values.details.split(",").map(Number);
  const asked = Number(values.prompt);
  if (positionals.length === 0 || ![...residencies, ...details].every((r) => r > 0 && r <= 1) || !(asked >= 1)) {
    throw new Error("usage: npx tsx bench/experts/run.ts TRACE… [--residency 0.3,0.5] [--prompt 512]");
  }
  for (const path of positionals) {
    const trace = readTrace(path);
    const { model, n_layer, n_expert, n_used } = trace.header;
    const n_prompt = Math.min(asked, Math.floor(trace.n_token / 2));
    const say = (text: string): boolean => process.stdout.write(`${text}\n`);
    say(
      `## ${basename(path)}: ${model}; ${n_layer} layers, ${n_used} of ${n_expert} experts; ${trace.n_token} tokens\n\n` +
        `Hits in per cent when decoding, the first ${warmUpOf(trace)} tokens left out; in brackets how far from LRU to the optimum\n`,
    );
    say(hitTable(trace, residencies));
    say(`Guesses\n\n${foresightTable(trace, details)}`);
    say(`Across the token boundary\n\n${boundaryTable(trace, details)}`);
    say(`Reading ahead\n\n${prefetchTable(trace, details)}`);
    for (const n_chunk of [128, 256]) {
      const title = `A prompt of ${n_prompt} tokens in chunks of ${n_chunk}, then decoding`;
      say(`${title}\n\n${promptTable(trace, details, n_prompt, n_chunk)}`);
    }
  }
}

main();
