import type { FamilyTokens } from "../familyTokens";
import type { Metadata } from "../metadata";
import { ModelFileProblem, quoted } from "../modelFileProblem";
import type { Hyperparameters } from "../modelSpec";
import type { ModelFamily } from "../registry";
import type { TensorList, TensorLookup } from "../tensorTable";
import { kindOfArchitecture } from "./otherArchitectures";

/** How the files of one model family are read, and what is known of its released models. One file of this folder each. */
export interface Architecture extends ModelFamily {
  /** `general.architecture`, which is also the prefix of the family's own keys. */
  readonly name: string;
  /** What its vocabularies call their control tokens. */
  readonly tokens: FamilyTokens;

  /**
   * @param keys the metadata below the family's prefix.
   * @param warnings gets a sentence for each oddity that keeps no model from running.
   * Errors: `ModelFileProblem`.
   */
  readHyperparameters(keys: Metadata, warnings: string[]): Hyperparameters;

  /** Which tensors the engine needs of such a model, by llama.cpp's names. Errors: `ModelFileProblem`. */
  listTensors(hyper: Hyperparameters, file: TensorLookup): TensorList;
}

/**
 * The one that the file names, of `known`.
 *
 * @param fileName for the command that joins a split model.
 * Errors: `ModelFileProblem` if it is none of them, or part of a file.
 */
export function architectureOf(metadata: Metadata, known: readonly Architecture[], fileName: string): Architecture {
  refuseParts(metadata, fileName);
  const name = metadata.string("general.architecture");
  if (name === undefined) {
    throw new ModelFileProblem("its metadata lacks 'general.architecture'");
  }
  const found = known.find((architecture) => architecture.name === name);
  if (found === undefined) {
    const advice = `choose a ${joined(known.map(({ title }) => title))} model in GGUF format`;
    const kind = kindOfArchitecture(name, metadata.get("general.type"));
    const what = kind === undefined ? "" : `it is ${kind}: `;
    const names = joined(known.map((architecture) => `'${architecture.name}'`));
    throw new ModelFileProblem(`${what}its architecture is ${quoted(name)}, not ${names}`, advice);
  }
  return found;
}

function joined(names: readonly string[]): string {
  return names.length < 3 ? names.join(" or ") : `${names.slice(0, -1).join(", ")} or ${names.at(-1) ?? ""}`;
}

/** As llama.cpp's gguf-split names them. */
const PART_NAME = /^(.*)-\d{5}-of-(\d{5})\.gguf$/i;

function refuseParts(metadata: Metadata, fileName: string): void {
  const parts = metadata.integer("split.count", 0, Number.MAX_SAFE_INTEGER) ?? 1;
  if (parts > 1) {
    const [, stem, count] = PART_NAME.exec(fileName) ?? [];
    const files =
      stem === undefined ? "" : ` ${quoted(`${stem}-00001-of-${count ?? ""}.gguf`)} ${quoted(`${stem}.gguf`)}`;
    throw new ModelFileProblem(
      `it is one of ${String(parts)} parts of a split model`,
      `join the parts with llama-gguf-split --merge${files}`,
    );
  }
}
