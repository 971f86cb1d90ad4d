import { join } from "node:path";
import { LocalEngine } from "../engine/local/localEngine";
import type { NativeEngineOptions } from "../engine/local/native";
import { catalogueModel } from "../models/catalogue";
import { defaultModelFolder } from "../models/modelFolder";
import { installedPath } from "../models/installedPath";
import { EngineError } from "../protocol/errors";
import type { ApproximateHeadStatistics } from "../protocol/engine";
import type { Isa } from "../protocol/engineOptions";
import { terminalText, visibleJson } from "../core/visibleText";
import { type Arguments, engineOptions, textOption } from "./options";

/** The model that comes with Hearth; found from dist/ and from src/cli/ alike. */
export function builtInModel(): string {
  const root = __dirname.endsWith("cli") ? join(__dirname, "..", "..") : join(__dirname, "..");
  return join(root, "models", "hearth-starter.gguf");
}

/**
 * A file's path, or the name of an installed model: what is neither comes back as it is, for the message of who opens it.
 * Errors: EngineError `bad_model` for a model of the catalogue that is not here.
 */
export function modelPath(args: Arguments, positional?: string): string {
  const given = positional ?? textOption(args, "model");
  if (given === undefined) {
    return builtInModel();
  }
  const installed = installedPath(given, defaultModelFolder());
  if (installed === undefined && catalogueModel({ id: given }) !== undefined) {
    throw new EngineError(
      "bad_model",
      `model '${given}' is not installed; get it with "hearth models download ${given}"`,
    );
  }
  return installed ?? given;
}

/** Loads a model, showing progress and warnings on stderr. Errors: EngineError. */
export async function openEngine(
  args: Arguments,
  path: string,
  overrides: Omit<NativeEngineOptions, "processBytes"> = {},
): Promise<LocalEngine> {
  const progress = new Progress("loading model");
  try {
    const engine = await LocalEngine.open(path, { ...engineOptions(args), ...overrides }, (done, total) => {
      progress.show(done / total);
    });
    progress.clear();
    for (const warning of [...engine.warnings, ...slowKernels(engine.info.isa, textOption(args, "isa"))]) {
      process.stderr.write(terminalText(`hearth: warning: ${warning}\n`));
    }
    return engine;
  } finally {
    progress.clear();
  }
}

/** A warning for a processor that lacks the instructions of our fast kernels: it works, but slowly. */
export function slowKernels(isa: Isa, forced: string | undefined): string[] {
  return isa === "ref" && forced === undefined
    ? ["this processor has neither AVX2 nor NEON with dot products: the reference kernels are used, many times slower"]
    : [];
}

export function headSentence({ active, audited, missed }: ApproximateHeadStatistics): string {
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  return (
    `approximate head: ${percent(active)} of the vocabulary, ` +
    `missed ${percent(missed)} of ${String(audited)} audited tokens`
  );
}

/** One line on stderr, only where a person sees it. */
export class Progress {
  readonly #label: string;
  readonly #visible = process.stderr.isTTY;
  #shown = false;

  constructor(label: string) {
    this.#label = label;
  }

  /** @param part from 0 to 1. */
  show(part: number): void {
    if (this.#visible) {
      process.stderr.write(`\r${this.#label} ${(part * 100).toFixed(0).padStart(3)} %`);
      this.#shown = true;
    }
  }

  clear(): void {
    if (this.#shown) {
      process.stderr.write("\r\u001b[K");
      this.#shown = false;
    }
  }
}

export function printJson(value: unknown): void {
  process.stdout.write(`${visibleJson(value)}\n`);
}
