/**
 * The committed reference vectors, references/NAME.json and NAME.bin. Written by test/fixtures/oracle/references.py,
 * which describes the format.
 */
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

import { isRandomModelName, type RandomModelName } from "../fixtures/randomModels";

export const REFERENCE_DIRECTORY = join(import.meta.dirname, "references");

/** Steps of {@link Reference.margins} in one unit of a router logit. */
export const MARGIN_STEPS = 256;

export interface Reference {
  readonly model: RandomModelName;
  /** Of the model file that the oracle ran, lower-case hexadecimal. */
  readonly sha256: string;
  readonly oracle: "llama.cpp" | "numpy";
  /** GGUF types of the matrices, F32 left out. */
  readonly weightTypes: readonly string[];
  readonly n_vocab: number;
  readonly n_layer: number;
  readonly n_expert_used: number;
  readonly tokens: readonly number[];
  /** The positions that {@link logits} has. */
  readonly positions: readonly number[];
  /** [n_position, n_vocab] */
  readonly logits: Float32Array;
  /** [n_layer, n_token, n_expert_used], expert ids by rank. */
  readonly routing: Uint8Array;
  /** Router logit of rank r less that of rank r + 1, [n_layer, n_token, n_expert_used], in 1/256, at most 255. */
  readonly margins: Uint8Array;
}

/** Names in references/, without those that are wrong on purpose. */
export function referenceNames(): string[] {
  return readdirSync(REFERENCE_DIRECTORY)
    .filter((file) => file.endsWith(".json"))
    .map((file) => basename(file, ".json"))
    .sort();
}

interface Header {
  readonly model: string;
  readonly sha256: string;
  readonly oracle: "llama.cpp" | "numpy";
  readonly weight_types: readonly string[];
  readonly n_vocab: number;
  readonly n_layer: number;
  readonly n_expert_used: number;
  readonly tokens: readonly number[];
  readonly positions: readonly number[];
}

/** Reads references/NAME; `name` may be `wrong/...`. */
export function readReference(name: string): Reference {
  const header = JSON.parse(readFileSync(join(REFERENCE_DIRECTORY, `${name}.json`), "utf8")) as Header;
  const data = readFileSync(join(REFERENCE_DIRECTORY, `${name}.bin`));
  const n_logit = header.positions.length * header.n_vocab;
  const n_choice = header.n_layer * header.tokens.length * header.n_expert_used;
  if (!isRandomModelName(header.model) || data.length !== 4 * n_logit + 2 * n_choice) {
    throw new Error(`reference ${name} is damaged: make it again (test/fixtures/oracle/README.md)`);
  }
  return {
    model: header.model,
    sha256: header.sha256,
    oracle: header.oracle,
    weightTypes: header.weight_types,
    n_vocab: header.n_vocab,
    n_layer: header.n_layer,
    n_expert_used: header.n_expert_used,
    tokens: header.tokens,
    positions: header.positions,
    logits: floatsFrom(data.subarray(0, 4 * n_logit)),
    routing: data.subarray(4 * n_logit, 4 * n_logit + n_choice),
    margins: data.subarray(4 * n_logit + n_choice),
  };
}

/** Little-endian float32 from bytes at any alignment. */
export function floatsFrom(bytes: Buffer): Float32Array {
  return Float32Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i));
}
