import { parseArgs } from "node:util";
import {
  ENGINE_OPTION_NAMES,
  engineOption,
  type EngineOptionFlag,
  type EngineOptionKind,
  type EngineOptions,
  nameMeant,
} from "../protocol/engineOptions";
import type { SamplerOptions } from "../protocol/generation";

type Option = EngineOptionKind & EngineOptionFlag;

const ENGINE_FLAGS = ENGINE_OPTION_NAMES.map(engineOption).filter(({ flag, isRare }) => flag !== undefined && !isRare);

/** Options that every command takes. */
const COMMON_OPTIONS: OptionTable = {
  model: { type: "string" },
  ...Object.fromEntries(
    ENGINE_FLAGS.map(({ flag = "", kind }) => [flag, { type: kind === "boolean" ? "boolean" : "string" }]),
  ),
  prefetch: { type: "string" },
  seed: { type: "string" },
  temperature: { type: "string" },
  "top-k": { type: "string" },
  "top-p": { type: "string" },
  "min-p": { type: "string" },
  json: { type: "boolean" },
};

export type OptionTable = Record<string, { readonly type: "string" | "boolean" }>;

/** A parsed command line: what is not an option, and each option as it was given. */
export interface Arguments {
  readonly positionals: readonly string[];
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
}

/** A command line that does not parse: exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export function usageError(message: string): UsageError {
  return new UsageError(`${message}; see "hearth --help"`);
}

/** Errors: UsageError for options that the command does not have. */
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
    throw usageError(`--${name} must be a whole number, not '${textOption(args, name) ?? ""}'`);
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
    throw usageError(`--${name} must be a number from ${String(min)} to ${String(max)}, not '${given}'`);
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
    throw usageError(`a memory budget must be a size such as 1GiB or 900MB, not '${given}'`);
  }
  return bytes;
}

/** `on` reads experts on a guess too, `exact` only those that a layer has asked for. */
const PREFETCH_MODES: Readonly<Record<string, EngineOptions>> = {
  on: { readAhead: true, hints: true },
  exact: { readAhead: true, hints: false },
  off: { readAhead: false, hints: false },
};

/** How to load the engine. */
export function engineOptions(args: Arguments): EngineOptions {
  const given = ENGINE_OPTION_NAMES.map((name) => [name, valueOf(args, engineOption(name))] as const);
  const prefetch = textOption(args, "prefetch");
  if (prefetch !== undefined && !Object.hasOwn(PREFETCH_MODES, prefetch)) {
    throw usageError(`--prefetch must be on, exact or off, not '${prefetch}'`);
  }
  return {
    ...(Object.fromEntries(given.filter(([, value]) => value !== undefined)) as EngineOptions),
    ...(prefetch === undefined ? {} : PREFETCH_MODES[prefetch]),
  };
}

function valueOf(args: Arguments, option: Option): number | string | boolean | undefined {
  const given = option.flag === undefined ? undefined : args.options[option.flag];
  if (option.flag === undefined || typeof given !== "string") {
    return given;
  }
  switch (option.kind) {
    case "whole":
      return wholeOption(args, option.flag, option.min, option.max);
    case "number":
      return numberOption(args, option.flag, option.min, option.max);
    case "bytes":
      return parseBytes(given);
    case "name": {
      const name = nameMeant(option, given);
      if (name === undefined) {
        throw usageError(`--${option.flag} must be one of ${option.names.join(", ")}, not '${given}'`);
      }
      return name;
    }
    case "boolean":
      return true;
  }
}

const HELP_COLUMN = 25;

/** A line of help for each option of the engine, or some. */
export function engineOptionsHelp(): string {
  const indent = " ".repeat(HELP_COLUMN);
  return ENGINE_FLAGS.map(({ flag = "", value = "", help = [] }) => {
    const head = `  --${flag} ${value}`;
    const lines = help.map((line) => `${indent}${line}\n`).join("");
    return head.length < HELP_COLUMN && lines !== ""
      ? `${head.padEnd(HELP_COLUMN)}${lines.slice(HELP_COLUMN)}`
      : `${head}\n${lines}`;
  }).join("");
}

/** How to choose tokens; `defaults` where the command line says nothing. */
export function samplerOptions(
  args: Arguments,
  defaults: { temperature: number; topK: number; topP: number },
): SamplerOptions {
  return {
    temperature: numberOption(args, "temperature", 0, 100) ?? defaults.temperature,
    topK: wholeOption(args, "top-k", 0, 2 ** 30) ?? defaults.topK,
    topP: numberOption(args, "top-p", 0, 1) ?? defaults.topP,
    minP: numberOption(args, "min-p", 0, 1) ?? 0,
    seed: wholeOption(args, "seed", 0, Number.MAX_SAFE_INTEGER) ?? 0,
  };
}
