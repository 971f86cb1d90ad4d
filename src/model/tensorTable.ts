import { type RawTensor, withoutTrailingOnes } from "./ggufHeader";
import type { Hyperparameters } from "./hyperparameters";
import { ModelFileProblem, quoted } from "./modelFileProblem";
import type { ModelSpec, TensorInfo, TensorType } from "./modelSpec";

/**
 * From a GGUF tensor table to the tensors that the engine uses, each checked: present, of a supported type, of exactly
 * the shape that the hyper-parameters imply, aligned, inside the file and overlapping no other.
 */

interface TypeFacts {
  readonly name: TensorType;
  readonly blockWeights: number;
  readonly blockBytes: number;
}

/** By GGML type number (ggml.h, enum ggml_type). */
const TYPES: ReadonlyMap<number, TypeFacts> = new Map([
  [0, { name: "F32", blockWeights: 1, blockBytes: 4 }],
  [1, { name: "F16", blockWeights: 1, blockBytes: 2 }],
  [2, { name: "Q4_0", blockWeights: 32, blockBytes: 18 }],
  [3, { name: "Q4_1", blockWeights: 32, blockBytes: 20 }],
  [8, { name: "Q8_0", blockWeights: 32, blockBytes: 34 }],
  [14, { name: "Q6_K", blockWeights: 256, blockBytes: 210 }],
  [30, { name: "BF16", blockWeights: 1, blockBytes: 2 }],
]);

/** Types that exist in published files and that we do not run, so that a message can name them. */
const OTHER_TYPES: Readonly<Record<number, string>> = {
  6: "Q5_0",
  7: "Q5_1",
  9: "Q8_1",
  10: "Q2_K",
  11: "Q3_K",
  12: "Q4_K",
  13: "Q5_K",
  15: "Q8_K",
  16: "IQ2_XXS",
  17: "IQ2_XS",
  18: "IQ3_XXS",
  19: "IQ1_S",
  20: "IQ4_NL",
  21: "IQ3_S",
  22: "IQ2_S",
  23: "IQ4_XS",
  24: "I8",
  25: "I16",
  26: "I32",
  27: "I64",
  28: "F64",
  29: "IQ1_M",
  34: "TQ1_0",
  35: "TQ2_0",
  39: "MXFP4",
};

/** For the approximate head, where it is switched on: the engine looks at its shape then. */
export const PREDICTOR = "lm_head_profiler.weight";
const WARNED_NAMES_MAX = 3;

export interface TensorTable {
  readonly n_vocab: number;
  readonly down_transposed: boolean;
  readonly tensors: TensorInfo[];
  /** The type of most of the model's bytes, as a file's name would say it. */
  readonly quantLabel: string;
}

/** @param fileBytes the file's size. Errors: `ModelFileProblem` naming the first tensor at fault. */
export function readTensorTable(
  raw: readonly RawTensor[],
  hyper: Hyperparameters,
  alignment: number,
  fileBytes: number,
  warnings: string[],
): TensorTable {
  const table = new TensorPicker(raw, alignment, fileBytes);
  const { n_embd, n_ff, n_expert } = hyper;
  const n_vocab = table.shapeOf("token_embd.weight")[1] ?? 0;
  table.take("token_embd.weight", [n_embd, n_vocab]);
  table.take("output_norm.weight", [n_embd]);
  if (table.has("output.weight")) {
    table.take("output.weight", [n_embd, n_vocab]);
  }
  const down_transposed = isDownTransposed(table, hyper);
  for (let il = 0; il < hyper.n_layer; il++) {
    const name = (tensor: string): string => `blk.${String(il)}.${tensor}.weight`;
    table.take(name("attn_norm"), [n_embd]);
    takeQkv(table, hyper, name);
    table.take(name("attn_output"), [hyper.n_head * hyper.head_dim, n_embd]);
    table.take(name("ffn_norm"), [n_embd]);
    table.take(name("ffn_gate_inp"), [n_embd, n_expert]);
    table.take(name("ffn_gate_exps"), [n_embd, n_ff, n_expert]);
    table.take(name("ffn_up_exps"), [n_embd, n_ff, n_expert]);
    table.take(name("ffn_down_exps"), down_transposed ? [n_embd, n_ff, n_expert] : [n_ff, n_embd, n_expert]);
  }
  table.takeIfSupported(PREDICTOR);
  refuseMoreLayers(table, hyper.n_layer);
  table.checkOverlaps();
  warnAboutIgnored(table, warnings);
  const tensors = table.tensors;
  return { n_vocab, down_transposed, tensors, quantLabel: quantLabelOf(tensors) };
}

/**
 * The authors' converter stores `ffn_down_exps` like `ffn_up_exps`, one row per neuron. Where n_ff equals n_embd the
 * shapes are the same, and only the authors' extra tensor tells the flavours apart.
 */
function isDownTransposed(table: TensorPicker, hyper: Hyperparameters): boolean {
  const [rowLength, rows] = table.shapeOf("blk.0.ffn_down_exps.weight");
  if (hyper.n_ff === hyper.n_embd) {
    return table.has(PREDICTOR);
  }
  return rowLength === hyper.n_embd && rows === hyper.n_ff;
}

/** Takes `attn_q`, `attn_k` and `attn_v`, cut out of a fused `attn_qkv` if that is what the file has. */
function takeQkv(table: TensorPicker, hyper: Hyperparameters, name: (tensor: string) => string): void {
  const rows = {
    attn_q: hyper.n_head * hyper.head_dim,
    attn_k: hyper.n_head_kv * hyper.head_dim,
    attn_v: hyper.n_head_kv * hyper.head_dim,
  };
  const parts = Object.entries(rows).map(([tensor, count]) => ({ name: name(tensor), rows: count }));
  if (table.has(name("attn_qkv"))) {
    table.takeByRows(name("attn_qkv"), hyper.n_embd, parts);
    return;
  }
  for (const part of parts) {
    table.take(part.name, [hyper.n_embd, part.rows]);
  }
}

/** A header that names fewer layers than the file has is damaged: half a model gives nonsense. */
function refuseMoreLayers(table: TensorPicker, n_layer: number): void {
  const beyond = table.unusedNames.find((name) => Number(/^blk\.(\d+)\./.exec(name)?.[1] ?? -1) >= n_layer);
  if (beyond !== undefined) {
    throw new ModelFileProblem(`its header says ${n_layer} layers, but it has a tensor ${quoted(beyond)}`);
  }
}

function warnAboutIgnored(table: TensorPicker, warnings: string[]): void {
  const ignored = table.unusedNames.filter((name) => name !== PREDICTOR);
  if (ignored.length < table.unusedNames.length) {
    warnings.push(`${PREDICTOR} is of a type that is not supported: there is no approximate head`);
  }
  if (ignored.length > 0) {
    const named = ignored.slice(0, WARNED_NAMES_MAX).map(quoted).join(", ");
    const rest = ignored.length > WARNED_NAMES_MAX ? ` and ${String(ignored.length - WARNED_NAMES_MAX)} more` : "";
    warnings.push(`unknown tensors are ignored: ${named}${rest}`);
  }
}

function quantLabelOf(tensors: ModelSpec["tensors"]): string {
  const bytes = new Map<string, number>();
  for (const tensor of tensors) {
    bytes.set(tensor.type, (bytes.get(tensor.type) ?? 0) + tensor.bytes);
  }
  return [...bytes].reduce((most, entry) => (entry[1] > most[1] ? entry : most), ["", 0])[0];
}

/** Hands out the tensors of one file by name and remembers which were asked for. */
class TensorPicker {
  readonly tensors: TensorInfo[] = [];
  readonly #raw = new Map<string, RawTensor>();
  readonly #used = new Set<string>();
  readonly #alignment: number;
  readonly #fileBytes: number;

  constructor(raw: readonly RawTensor[], alignment: number, fileBytes: number) {
    this.#alignment = alignment;
    this.#fileBytes = fileBytes;
    for (const tensor of raw) {
      this.#raw.set(tensor.name, tensor);
    }
  }

  get unusedNames(): string[] {
    return [...this.#raw.keys()].filter((name) => !this.#used.has(name));
  }

  has(name: string): boolean {
    return this.#raw.has(name);
  }

  shapeOf(name: string): readonly number[] {
    return this.#find(name).shape;
  }

  take(name: string, shape: readonly number[]): void {
    const { type, offset } = this.#checked(name, shape);
    this.tensors.push({ name, type: type.name, shape, offset, bytes: bytesOf(type, shape) });
  }

  /** Takes a tensor that the model works without, of whatever shape. */
  takeIfSupported(name: string): void {
    const tensor = this.#raw.get(name);
    const type = tensor && TYPES.get(tensor.type);
    if (tensor !== undefined && type !== undefined) {
      const { shape, offset } = tensor;
      this.#used.add(name);
      this.#endOf(tensor);
      this.tensors.push({ name, type: type.name, shape, offset, bytes: bytesOf(type, shape) });
    }
  }

  /** Takes one matrix as several: its rows follow each other in the file, so each part is a tensor of its own. */
  takeByRows(name: string, rowLength: number, parts: readonly { name: string; rows: number }[]): void {
    const rows = parts.reduce((sum, part) => sum + part.rows, 0);
    const { type, offset } = this.#checked(name, [rowLength, rows]);
    let next = offset;
    for (const part of parts) {
      const shape = [rowLength, part.rows];
      const bytes = bytesOf(type, shape);
      this.tensors.push({ name: part.name, type: type.name, shape, offset: next, bytes });
      next += bytes;
    }
  }

  /** Over all tensors whose size we know, used or not: two that share bytes mean a damaged table. */
  checkOverlaps(): void {
    const spans = [...this.#raw.values()].map((tensor) => ({ ...tensor, end: this.#endOf(tensor) }));
    spans.sort((a, b) => a.offset - b.offset);
    spans.forEach((span, i) => {
      const before = spans[i - 1];
      if (before !== undefined && span.offset < before.end) {
        throw new ModelFileProblem(`its tensors ${quoted(before.name)} and ${quoted(span.name)} overlap`);
      }
    });
  }

  #find(name: string): RawTensor {
    const tensor = this.#raw.get(name);
    if (tensor === undefined) {
      throw new ModelFileProblem(`it lacks the tensor '${name}'`);
    }
    return tensor;
  }

  #checked(name: string, shape: readonly number[]): { type: TypeFacts; offset: number } {
    const tensor = this.#find(name);
    this.#used.add(name);
    if (tensor.shape.join() !== withoutTrailingOnes(shape).join()) {
      throw new ModelFileProblem(
        `its tensor '${name}' has the shape [${tensor.shape.join(", ")}] where its metadata implies [${shape.join(", ")}]`,
      );
    }
    const type = supported(tensor);
    if ((shape[0] ?? 0) % type.blockWeights !== 0) {
      throw new ModelFileProblem(
        `its tensor '${name}' has rows of ${String(shape[0])}, not a whole number of ${type.name} blocks`,
      );
    }
    this.#endOf(tensor);
    return { type, offset: tensor.offset };
  }

  /** The tensor's end in bytes from the start of the file (its start, where the type's size is unknown to us). */
  #endOf({ name, type, shape, offset }: RawTensor): number {
    const facts = TYPES.get(type);
    if (offset % this.#alignment !== 0) {
      throw new ModelFileProblem(
        `its tensor ${quoted(name)} starts at byte ${String(offset)}, not at a multiple of ${String(this.#alignment)}`,
      );
    }
    const end = offset + (facts === undefined ? 0 : bytesOf(facts, shape));
    if (!(end <= this.#fileBytes)) {
      throw new ModelFileProblem(
        `its tensor ${quoted(name)} ends at byte ${String(end)}, past the file's end at ${String(this.#fileBytes)}; ` +
          "the download is incomplete",
        "download it again",
      );
    }
    return end;
  }
}

function bytesOf(type: TypeFacts, shape: readonly number[]): number {
  // The product of a shape is a safe integer (checked when read); at most 4 bytes a weight keeps this one exact enough
  // to fail the comparison with the file's size where it is not.
  return (shape.reduce((product, length) => product * length, 1) / type.blockWeights) * type.blockBytes;
}

function supported(tensor: RawTensor): TypeFacts {
  const type = TYPES.get(tensor.type);
  if (type === undefined) {
    const found = OTHER_TYPES[tensor.type] ?? `number ${String(tensor.type)}`;
    throw new ModelFileProblem(
      `its tensor ${quoted(tensor.name)} has the type ${found}; types that work are ${[...TYPES.values()].map(({ name }) => name).join(", ")}`,
      "choose a file in one of those types, such as Q4_0",
    );
  }
  return type;
}
