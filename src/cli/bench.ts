import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { LocalEngine } from "../engine/local/localEngine";
import type { LocalSession } from "../engine/local/localSession";
import { terminalText } from "../core/visibleText";
import { EngineError } from "../protocol/errors";
import { readText } from "./documents";
import type { NativeEngineStats } from "../engine/local/native";
import { type Arguments, engineOptions, flagOption, textOption, usageError, wholeOption } from "./options";
import { headSentence, modelPath, openEngine, Progress, printJson } from "./session";

export const benchOptions = {
  prompt: { type: "string" },
  generate: { type: "string" },
  depth: { type: "string" },
  text: { type: "string" },
  chunk: { type: "string" },
} as const;

/**
 * `hearth bench MODEL`: tokens a second. Real text is fed in both phases, so that figures do not depend on what a model
 * happens to say: --prompt tokens at once (prefill) after --depth tokens of context, then --generate one by one (decode).
 */
export async function bench(args: Arguments): Promise<void> {
  if (args.positionals.length > 1) {
    throw usageError("bench takes one model");
  }
  const n_prompt = wholeOption(args, "prompt", 1, 2 ** 20) ?? 512;
  const n_generate = wholeOption(args, "generate", 0, 2 ** 20) ?? 64;
  const n_depth = wholeOption(args, "depth", 0, 2 ** 20) ?? 0;
  const text = await benchText(args);
  const n_token = n_depth + n_prompt + n_generate;
  const started = performance.now();
  const engine = await openEngine(args, modelPath(args, args.positionals[0]), {
    contextTokens: Math.max(n_token, engineOptions(args).contextTokens ?? 0),
  });
  const load_ms = performance.now() - started;
  try {
    const tokens = tokensOf(engine, text, n_token, "measure");
    const times = await measure(engine, engine.newSession(), tokens, n_depth, n_prompt);
    const head = engine.approximateHead;
    const result = {
      model: engine.model.name,
      isa: engine.info.isa,
      threads: engine.info.threads,
      prompt: n_prompt,
      generate: n_generate,
      depth: n_depth,
      prefill_tps: n_prompt / times.prefill_s,
      decode_tps: n_generate === 0 ? null : n_generate / times.decode_s,
      load_ms,
      peak_rss_bytes: process.resourceUsage().maxRSS * 1024,
      planned_bytes: engine.info.plan.totalBytes,
      budget_bytes: engineOptions(args).memoryBudgetBytes ?? null,
      expert_slots: engine.stats.slots,
      expert_slots_for_all: engine.info.plan.slotsForAll,
      ...flat("prefill", times.prefillReads),
      ...flat("decode", times.decodeReads),
    };
    if (flagOption(args, "json")) {
      printJson(head === undefined ? result : { ...result, approximate_head: head });
      return;
    }
    for (const [name, value] of Object.entries(result)) {
      const shown = typeof value === "number" && !Number.isInteger(value) ? value.toFixed(2) : String(value);
      process.stdout.write(terminalText(`${name.padEnd(28)} ${shown}\n`));
    }
    if (head !== undefined) {
      process.stdout.write(`${headSentence(head)}\n`);
    }
  } finally {
    engine.close();
  }
}

async function measure(
  engine: LocalEngine,
  session: LocalSession,
  tokens: Int32Array,
  n_depth: number,
  n_prompt: number,
): Promise<{ prefill_s: number; decode_s: number; prefillReads: Reads; decodeReads: Reads }> {
  const progress = new Progress("measuring");
  if (n_depth > 0) {
    await session.evaluate(tokens.subarray(0, n_depth));
  }
  const atStart = engine.stats;
  const started = performance.now();
  await session.evaluate(tokens.subarray(0, n_depth + n_prompt));
  const prefilled = performance.now();
  const afterPrompt = engine.stats;
  for (let n = n_depth + n_prompt + 1; n <= tokens.length; ++n) {
    await session.evaluate(tokens.subarray(0, n), { approximate: true });
    progress.show(n / tokens.length);
  }
  progress.clear();
  return {
    prefill_s: (prefilled - started) / 1000,
    decode_s: (performance.now() - prefilled) / 1000,
    prefillReads: readsOf(atStart, afterPrompt, n_prompt),
    decodeReads: readsOf(afterPrompt, engine.stats, tokens.length - n_depth - n_prompt),
  };
}

/** What experts cost in one phase. */
interface Reads {
  readonly hit_rate: number | null;
  /** Of the experts asked for, those that a guess was reading already. */
  readonly late_rate: number | null;
  readonly read_bytes_per_token: number | null;
  /** Nothing was computed meanwhile: reads that nothing hid. */
  readonly waited_ms_per_token: number | null;
}

function readsOf(before: NativeEngineStats, after: NativeEngineStats, tokens: number): Reads {
  const asked = after.hits + after.misses - before.hits - before.misses;
  const share = (amount: number, of: number): number | null => (of === 0 ? null : amount / of);
  return {
    hit_rate: share(after.hits - before.hits, asked),
    late_rate: share(after.late - before.late, asked),
    read_bytes_per_token: share(after.bytesRead - before.bytesRead, tokens),
    waited_ms_per_token: share(after.waitedMs - before.waitedMs, tokens),
  };
}

function flat(phase: string, reads: Reads): Record<string, number | null> {
  return Object.fromEntries(Object.entries(reads).map(([name, value]) => [`${phase}_${name}`, value as number | null]));
}

/** The file of --text, or the text that comes with Hearth. */
export async function benchText(args: Arguments): Promise<string> {
  const file = textOption(args, "text");
  return file === undefined ? readFileSync(join(__dirname, "bench-text.txt"), "utf8") : readText(file);
}

/** Errors: EngineError `bad_request` where the text is shorter. */
export function tokensOf(engine: LocalEngine, text: string, n_token: number, attempt: string): Int32Array {
  const ids = engine.tokenizer.encodeText(text);
  if (ids.length < n_token) {
    throw new EngineError(
      "bad_request",
      `cannot ${attempt} ${String(n_token)} tokens: the text has ${String(ids.length)}; give a longer one with --text`,
    );
  }
  return Int32Array.from(ids.slice(0, n_token));
}
