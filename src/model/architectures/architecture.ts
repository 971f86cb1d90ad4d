import type { Metadata } from "../metadata";
import { ModelFileProblem, quoted } from "../modelFileProblem";
import type { Hyperparameters } from "../modelSpec";
import type { ModelFamily } from "../registry";
import type { TensorList, TensorLookup } from "../tensorTable";

/** How the files of one model family are read, and what is known of its released models. One file of this folder each. */
export interface Architecture extends ModelFamily {
  /** `general.architecture`, which is also the prefix of the family's own keys. */
  readonly name: string;

  /**
   * @param keys the metadata below the family's prefix.
   * @param warnings gets a sentence for each oddity that keeps no model from running.
   * Errors: `ModelFileProblem`.
   */
  readHyperparameters(keys: Metadata, warnings: string[]): Hyperparameters;

  /** Which tensors the engine needs of such a model, by llama.cpp's names. Errors: `ModelFileProblem`. */
  listTensors(hyper: Hyperparameters, file: TensorLookup): TensorList;
}

/** The one that the file names, of `known`. Errors: `ModelFileProblem` if it is none of them, or part of a file. */
export function architectureOf(metadata: Metadata, known: readonly Architecture[]): Architecture {
  const parts = metadata.integer("split.count", 0, Number.MAX_SAFE_INTEGER) ?? 1;
  if (parts > 1) {
    throw new ModelFileProblem(
      `it is one of ${String(parts)} parts of a split model`,
      "join the parts with llama-gguf-split --merge",
    );
  }
  const name = metadata.string("general.architecture");
  if (name === undefined) {
    throw new ModelFileProblem("its metadata lacks 'general.architecture'");
  }
  const found = known.find((architecture) => architecture.name === name);
  if (found === undefined) {
    const names = known.map((architecture) => `'${architecture.name}'`).join(" or ");
    throw new ModelFileProblem(
      `its architecture is ${quoted(name)}, not ${names}`,
      `choose a ${known.map(({ title }) => title).join(" or ")} model in GGUF format`,
    );
  }
  return found;
}
