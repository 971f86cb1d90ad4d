/** Instruction sets that there are kernels for: the list, whose twin is `kIsas` in native/base/cpu.h. */
export const ISAS = ["ref", "avx2", "avxvnni", "avx512vnni", "neon-dotprod", "neon-i8mm"] as const;
export type Isa = (typeof ISAS)[number];

/**
 * The options of the native engine, declared once: the type, the check of what a window sent, the command line's flag and
 * its help follow from here. A new one needs an entry, a field in native/engine/engine.h and a line in
 * native/addon/convert.cc. Without a value the engine decides.
 */
export type EngineOptionKind =
  /** `bytes`: the command line takes units. */
  | { readonly kind: "whole" | "number" | "bytes"; readonly min: number; readonly max: number }
  | { readonly kind: "boolean" }
  /** `aliases`: earlier names, still understood. */
  | { readonly kind: "name"; readonly names: readonly string[]; readonly aliases?: Readonly<Record<string, string>> };

export interface EngineOptionFlag {
  readonly flag?: string;
  /** Only commands that list the flag take it. */
  readonly isRare?: boolean;
  /** What stands behind the flag in the help, and the lines of its help. */
  readonly value?: string;
  readonly help?: readonly string[];
}

export const ENGINE_OPTIONS = {
  /** Default: the cores that the engine's process may use. */
  threads: {
    kind: "whole",
    min: 1,
    max: 256,
    flag: "threads",
    value: "N",
    help: ["default: the cores this process may use"],
  },
  /** Bytes that the whole engine process may take; default: what there is, less a reserve (machineMemory.ts). */
  memoryBudgetBytes: {
    kind: "bytes",
    min: 1,
    max: 2 ** 50,
    flag: "memory-budget",
    value: "1GiB",
    help: [
      "of the whole process; experts beyond it are read from the file as needed;",
      "default: what the machine or its control group has, less a part for others",
    ],
  },
  /** Default: the model's own, at most 4096. */
  contextTokens: {
    kind: "whole",
    min: 1,
    max: 2 ** 24,
    flag: "context",
    value: "N",
    help: ["tokens that a session may hold"],
  },
  /** Tokens of a prefill chunk; default 128, or 256 where experts do not all fit. */
  chunkTokens: { kind: "whole", min: 1, max: 2048, flag: "chunk", isRare: true },
  /** false: an expert is read only when computation waits for it. On the command line a part of --prefetch. */
  readAhead: { kind: "boolean" },
  /** false: no speculative reads, only experts that a layer has requested. On the command line a part of --prefetch. */
  hints: { kind: "boolean" },
  /** Which expert is evicted when the cache is full (native/experts/reuse_distance_policy.h). */
  eviction: {
    kind: "name",
    names: ["reuse-distance", "lru"],
    aliases: { "expected-wait": "reuse-distance" },
    flag: "eviction",
    value: "NAME",
    help: ["which expert makes room for another: reuse-distance (default) or lru"],
  },
  /** Draws only from tokens whose predicted score is above this (native/transformer/approximate_head.h). Default: from all. */
  approximateHead: {
    kind: "number",
    min: -1000,
    max: 1000,
    flag: "approximate-head",
    value: "[T]",
    help: [
      "draw only from tokens that the model's predictor, if its file has one, scores above T",
      "(default -2), and say how often that leaves out the likeliest: faster, not exact",
    ],
  },
  isa: {
    kind: "name",
    names: ISAS,
    flag: "isa",
    value: ISAS.join("|"),
  },
  /** Experts in memory at once, whatever the budget: for tests and measurements. */
  expertSlots: {
    kind: "whole",
    min: 1,
    max: 2 ** 20,
    flag: "expert-slots",
    value: "N",
    help: ["experts in memory at once, whatever the budget"],
  },
} as const satisfies Readonly<Record<string, EngineOptionKind & EngineOptionFlag>>;

export type EngineOptionName = keyof typeof ENGINE_OPTIONS;

type ValueOf<Option> = Option extends { readonly kind: "boolean" }
  ? boolean
  : Option extends { readonly kind: "name"; readonly names: readonly (infer Name)[] }
    ? Name
    : number;

export type EngineOptions = { readonly [Name in EngineOptionName]?: ValueOf<(typeof ENGINE_OPTIONS)[Name]> };

export const ENGINE_OPTION_NAMES = Object.keys(ENGINE_OPTIONS) as readonly EngineOptionName[];

/** The entry of an option, as what all entries have in common. */
export function engineOption(name: EngineOptionName): EngineOptionKind & EngineOptionFlag {
  return ENGINE_OPTIONS[name];
}

/** The name that is meant, or undefined. */
export function nameMeant(
  { names, aliases = {} }: Extract<EngineOptionKind, { kind: "name" }>,
  given: unknown,
): string | undefined {
  const alias = typeof given === "string" && Object.hasOwn(aliases, given) ? aliases[given] : given;
  return names.find((name) => name === alias);
}
