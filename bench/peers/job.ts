/** What the run asks a child process to do, and what comes back. */
import type { Isa } from "../../src/protocol/engineOptions";

export type PeerSpec =
  | {
      readonly engine: "hearth";
      /** Its dist/ folder. */
      readonly dist: string;
      readonly isa?: Isa;
      readonly memoryBudgetBytes?: number;
    }
  | {
      readonly engine: "llama";
      /** Of node-llama-cpp. */
      readonly module: string;
      /** The library made of noRepack.c: weights stay in the mapped file as they are. Otherwise what it does by itself. */
      readonly noRepack?: string;
    };

export type Measure =
  /** Each of these many tokens at once, in an empty context. */
  | { readonly kind: "prefill"; readonly sizes: readonly number[] }
  /** `tokens` tokens one by one, after `depth` others. */
  | { readonly kind: "decode"; readonly depth: number; readonly tokens: number }
  /** A prompt as text, of so many tokens where that is given, and the first token after it. */
  | { readonly kind: "start"; readonly prompt: string; readonly promptTokens?: number };

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
  /** Nothing more is begun of what is timed when it has taken so long. */
  readonly timeLimitMs?: number;
}

/** A line of its own, behind PROGRESS, as something timed begins (without `ms`) and as each part of it ends. */
export interface Progress {
  readonly name: string;
  readonly ms?: number;
  /** Since it began, if this was its last part because the time is up. */
  readonly stoppedMs?: number;
  readonly kernels: string;
}

/** The child's last line. */
export interface Report {
  /** By name of what was measured; several where one job repeats it. Milliseconds. */
  readonly times: Readonly<Record<string, readonly number[]>>;
  /** Of what was stopped by the time limit: milliseconds after which. */
  readonly stoppedMs: Readonly<Record<string, number>>;
  /** Undefined if the process had to be killed. */
  readonly peakRssBytes?: number;
  /** What was read while tokens were decoded. */
  readonly reads?: Reads;
  /** Which kernels it says it uses. */
  readonly kernels: string;
}

/** Of all decoded tokens together. */
export interface Reads {
  /** Read from disks by the process, as the system counts it; undefined where it does not. */
  readonly diskBytes?: number;
  /** Only of an engine that keeps experts itself. */
  readonly experts?: ExpertCounts;
}

/** See NativeEngineStats. */
export interface ExpertCounts {
  readonly hits: number;
  readonly misses: number;
  readonly late: number;
  readonly hintHits: number;
  readonly waitedMs: number;
  readonly bytesRead: number;
  /** At the end. */
  readonly slots: number;
}

export const PROGRESS = "progress ";

/** The line on which a `start` job has its first token. */
export const FIRST_TOKEN_LINE = "first token";

/** Tokens before those that are timed, after the depth. */
export const DECODE_LEAD = 4;
