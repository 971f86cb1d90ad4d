/** What the run asks a child process to do, and what comes back. */

export type PeerSpec =
  | {
      readonly engine: "hearth";
      /** Its dist/ folder. */
      readonly dist: string;
      readonly isa?: "ref" | "avx2" | "avx512vnni";
      readonly memoryBudgetBytes?: number;
    }
  | {
      readonly engine: "llama";
      /** Of node-llama-cpp. */
      readonly module: string;
    };

export type Measure =
  /** Each of these many tokens at once, in an empty context. */
  | { readonly kind: "prefill"; readonly sizes: readonly number[] }
  /** `tokens` tokens one by one, after `depth` others. */
  | { readonly kind: "decode"; readonly depth: number; readonly tokens: number }
  /** A prompt as text, and the first token after it. */
  | { readonly kind: "start"; readonly prompt: string };

export interface Job {
  readonly peer: PeerSpec;
  readonly model: string;
  readonly threads: number;
  readonly contextTokens: number;
  readonly measure: Measure;
  /** JSON file: ids of real text, the same for all. */
  readonly tokens: string;
  /** Tokens of other text that are evaluated first, so that all weights have been touched. */
  readonly warmUpTokens: number;
}

/** The child's last line. */
export interface Report {
  /** By name of what was measured; several where one job repeats it. Milliseconds. */
  readonly times: Readonly<Record<string, readonly number[]>>;
  readonly peakRssBytes: number;
  /** Which kernels it says it uses. */
  readonly kernels: string;
}

/** The line on which a `start` job has its first token. */
export const FIRST_TOKEN_LINE = "first token";

/** Tokens before those that are timed, after the depth. */
export const DECODE_LEAD = 4;
