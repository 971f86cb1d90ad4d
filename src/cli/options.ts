import { parseArgs, type ParseArgsConfig } from "node:util";
import type { NativeEngineOptions, NativeSamplerOptions } from "../engine/local/native";
import { type Isa, ISAS } from "../protocol/engine";
import { EngineError } from "../protocol/errors";

/** Options that every command takes. */
const COMMON_OPTIONS = {
  model: { type: "string" },
  threads: { type: "string" },
  "memory-budget": { type: "string" },
  isa: { type: "string" },
  seed: { type: "string" },
  temperature: { type: "string" },
  "top-k": { type: "string" },
  "top-p": { type: "string" },
  "min-p": { type: "string" },
  prefetch: { type: "string" },
  "approximate-head": { type: "string" },
  context: { type: "string" },
  "expert-slots": { type: "string" },
  eviction: { type: "string" },
  json: { type: "boolean" },
} as const satisfies ParseArgsConfig["options"];

export type OptionTable = Record<string, { readonly type: "string" | "boolean" }>;

/** A parsed command line: what is not an option, and each option as it was given. */
export interface Arguments {
  readonly positionals: readonly string[];
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
}

/** Wrong usage: exit code 2. */
export function usageError(message: string): EngineError {
  return new EngineError("usage", `${message}; see "hearth --help"`);
}

/** Errors: EngineError `usage` for options that the command does not have. */
export function parseCommandLine(args: readonly string[], own: OptionTable): Arguments {
  try {
    const { positionals, values } = parseArgs({
      args: withThreshold(args),
      options: { ...COMMON_OPTIONS, ...own },
      allowPositionals: true,
      strict: true,
    });
    return { positionals, options: values };
  } catch (error) {
    throw usageError(error instanceof Error ? error.message.replace(/[.\n].*$/s, "") : String(error));
  }
}

/** The authors' own threshold, 0, misses the likeliest token six times as often. */
const HEAD_THRESHOLD = "-2";

/** `--approximate-head` may stand alone or before a number, which may be negative; parseArgs knows neither. */
function withThreshold(args: readonly string[]): string[] {
  const name = "--approximate-head";
  return args.flatMap((arg, i) => {
    const isThreshold = (at: number): boolean => args[at - 1] === name && /^[-+]?\.?\d/.test(args[at] ?? "");
    if (arg === name) {
      return [`${name}=${isThreshold(i + 1) ? (args[i + 1] ?? "") : HEAD_THRESHOLD}`];
    }
    return isThreshold(i) ? [] : [arg];
  });
}

export function textOption({ options }: Arguments, name: string): string | undefined {
  const value = options[name];
  return typeof value === "string" ? value : undefined;
}

export function flagOption({ options }: Arguments, name: string): boolean {
  return options[name] === true;
}

/** A whole number in [min, max]. */
export function wholeOption(args: Arguments, name: string, min: number, max: number): number | undefined {
  const value = numberOption(args, name, min, max);
  if (value !== undefined && !Number.isInteger(value)) {
    throw usageError(`--${name} is a whole number, not '${textOption(args, name) ?? ""}'`);
  }
  return value;
}

export function numberOption(args: Arguments, name: string, min: number, max: number): number | undefined {
  const given = textOption(args, name);
  if (given === undefined) {
    return undefined;
  }
  const value = given.trim() === "" ? Number.NaN : Number(given);
  if (!(value >= min && value <= max)) {
    throw usageError(`--${name} is a number from ${String(min)} to ${String(max)}, not '${given}'`);
  }
  return value;
}

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
};

/** "1GiB", "900 MB", "1073741824" → bytes. */
export function parseBytes(given: string): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(given);
  const unit = UNITS[match?.[2]?.toLowerCase() ?? "?"];
  const bytes = unit === undefined ? Number.NaN : Math.floor(Number(match?.[1]) * unit);
  if (!(bytes > 0 && bytes <= 2 ** 50)) {
    throw usageError(`a memory budget is a size such as 1GiB or 900MB, not '${given}'`);
  }
  return bytes;
}

const isIsa = (name: string): name is Isa => ISAS.some((isa) => isa === name);

/** How to load the engine. */
export function engineOptions(args: Arguments): Omit<NativeEngineOptions, "processBytes"> {
  const threads = wholeOption(args, "threads", 1, 256);
  const budget = textOption(args, "memory-budget");
  const isa = textOption(args, "isa");
  const prefetch = textOption(args, "prefetch");
  const context = wholeOption(args, "context", 1, 2 ** 24);
  const approximateHead = numberOption(args, "approximate-head", -1000, 1000);
  const slots = wholeOption(args, "expert-slots", 1, 2 ** 20);
  if (isa !== undefined && !isIsa(isa)) {
    throw usageError(`--isa is one of ${ISAS.join(", ")}, not '${isa}'`);
  }
  const eviction = textOption(args, "eviction");
  if (eviction !== undefined && eviction !== "lru" && eviction !== "expected-wait") {
    throw usageError(`--eviction is expected-wait or lru, not '${eviction}'`);
  }
  if (prefetch !== undefined && prefetch !== "on" && prefetch !== "exact" && prefetch !== "off") {
    throw usageError(`--prefetch is on, exact or off, not '${prefetch}'`);
  }
  return {
    ...(threads === undefined ? {} : { threads }),
    ...(budget === undefined ? {} : { memoryBudgetBytes: parseBytes(budget) }),
    ...(isa === undefined ? {} : { isa }),
    ...(prefetch === undefined ? {} : { readAhead: prefetch !== "off", hints: prefetch === "on" }),
    ...(eviction === undefined ? {} : { eviction }),
    ...(approximateHead === undefined ? {} : { approximateHead }),
    ...(context === undefined ? {} : { contextTokens: context }),
    ...(slots === undefined ? {} : { expertSlots: slots }),
  };
}

/** How to choose tokens; `defaults` where the command line says nothing. */
export function samplerOptions(
  args: Arguments,
  defaults: { temperature: number; topK: number; topP: number },
): NativeSamplerOptions {
  return {
    temperature: numberOption(args, "temperature", 0, 100) ?? defaults.temperature,
    topK: wholeOption(args, "top-k", 0, 2 ** 30) ?? defaults.topK,
    topP: numberOption(args, "top-p", 0, 1) ?? defaults.topP,
    minP: numberOption(args, "min-p", 0, 1) ?? 0,
    seed: wholeOption(args, "seed", 0, Number.MAX_SAFE_INTEGER) ?? 0,
  };
}
