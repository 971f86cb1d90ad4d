import type { LocalSession } from "../engine/local/localSession";
import type { NativeSyncReport } from "../engine/local/native";
import { benchText, tokensOf } from "./bench";
import { writingFile } from "./documents";
import { type Arguments, engineOptions, textOption, usageError, wholeOption } from "./options";
import { modelPath, openEngine, Progress } from "./session";

export const traceOptions = {
  text: { type: "string" },
  tokens: { type: "string" },
  output: { type: "string" },
  depth: { type: "string" },
  chunk: { type: "string" },
} as const;

export const TRACE_VERSION = 1;

/** The first line of a trace file. */
export interface TraceHeader {
  /** TRACE_VERSION. */
  readonly hearth_trace: number;
  readonly model: string;
  readonly n_layer: number;
  readonly n_expert: number;
  readonly n_used: number;
  /** How many layers ahead is foreseen. */
  readonly depth: number;
}

/** Every other line: a token, in the order of the text. Ids of experts by falling rank. */
export interface TraceLine {
  readonly token: number;
  /** [n_layer][n_used] */
  readonly chosen: readonly (readonly number[])[];
  /**
   * [n_layer][min(depth, n_layer - il)][n_used]: guessed[il][j] is what layer il + j would choose by the residual as it is when
   * layer il - 1 has added its attention, before its experts have run; guessed[0] by the token's embedding.
   */
  readonly guessed: readonly (readonly (readonly number[])[])[];
  /** [n_layer][min(n_used, n_expert - n_used)]: the next-ranked experts. */
  readonly next_ranked: readonly (readonly number[])[];
}

const DEPTH_DEFAULT = 4;
const TOKENS_DEFAULT = 2048;
/** What is asked of the engine at once: it comes back as lists of numbers. */
const PIECE_TOKENS = 128;

/**
 * `hearth trace MODEL --text F`: how a text is routed, as JSON lines: TraceHeader, then TraceLines. What bench/experts tries
 * cache policies on.
 */
export async function trace(args: Arguments): Promise<void> {
  if (args.positionals.length > 1) {
    throw usageError("trace takes one model");
  }
  const depth = wholeOption(args, "depth", 1, 16) ?? DEPTH_DEFAULT;
  const n_asked = wholeOption(args, "tokens", 1, 2 ** 20);
  const output = textOption(args, "output");
  const text = await benchText(args);
  const path = modelPath(args, args.positionals[0]);
  const n_token = n_asked ?? TOKENS_DEFAULT;
  const engine = await openEngine(args, path, {
    contextTokens: Math.max(n_token, engineOptions(args).contextTokens ?? 0),
  });
  try {
    const { name, spec } = engine.model;
    const tokens = tokensOf(engine, text, n_token, "trace");
    const header: TraceHeader = {
      hearth_trace: TRACE_VERSION,
      model: name,
      n_layer: spec.n_layer,
      n_expert: spec.n_expert,
      n_used: spec.n_expert_used,
      depth,
    };
    const evaluate = async (write: (bytes: Uint8Array) => void): Promise<void> => {
      write(lineOf(header));
      await traceTokens(engine.newSession(), tokens, header, (line) => {
        write(lineOf(line));
      });
    };
    await (output === undefined ? evaluate((bytes) => process.stdout.write(bytes)) : writingFile(output, evaluate));
  } finally {
    engine.close();
  }
}

async function traceTokens(
  session: LocalSession,
  tokens: Int32Array,
  { n_used, depth }: TraceHeader,
  give: (line: TraceLine) => void,
): Promise<void> {
  const progress = new Progress("tracing");
  for (let first = 0; first < tokens.length; first += PIECE_TOKENS) {
    const end = Math.min(first + PIECE_TOKENS, tokens.length);
    const report = await session.evaluate(tokens.subarray(0, end), { trace: true, traceDepth: depth });
    for (let t = 0; first + t < end; ++t) {
      give(tokenLine(tokens[first + t] ?? -1, report, t, n_used));
    }
    progress.show(end / tokens.length);
  }
  progress.clear();
}

function tokenLine(
  token: number,
  { trace: layers = [], guesses = [], nextRanked = [] }: NativeSyncReport,
  t: number,
  n_used: number,
): TraceLine {
  const ofToken = (lists: typeof layers): number[][] => lists.map((list) => [...(list[t] ?? [])]);
  return {
    token,
    chosen: ofToken(layers),
    guessed: ofToken(guesses).map((ids) =>
      Array.from({ length: ids.length / n_used }, (_, j) => ids.slice(j * n_used, (j + 1) * n_used)),
    ),
    next_ranked: ofToken(nextRanked),
  };
}

const lineOf = (value: TraceHeader | TraceLine): Uint8Array => new TextEncoder().encode(`${JSON.stringify(value)}\n`);
