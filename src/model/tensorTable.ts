import { type RawTensor, withoutTrailingOnes } from "./ggufHeader";
import { ModelFileProblem, quoted } from "./modelFileProblem";
import type { Hyperparameters, ModelSpec, TensorInfo, TensorType } from "./modelSpec";

/**
 * From a GGUF tensor table to the tensors that the engine uses, each checked: present, of a supported type, of exactly
 * the shape that the hyper-parameters imply, aligned, inside the file and overlapping no other. Which tensors these are, an
 * architecture says.
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
  [6, { name: "Q5_0", blockWeights: 32, blockBytes: 22 }],
  [7, { name: "Q5_1", blockWeights: 32, blockBytes: 24 }],
  [8, { name: "Q8_0", blockWeights: 32, blockBytes: 34 }],
  [10, { name: "Q2_K", blockWeights: 256, blockBytes: 84 }],
  [11, { name: "Q3_K", blockWeights: 256, blockBytes: 110 }],
  [12, { name: "Q4_K", blockWeights: 256, blockBytes: 144 }],
  [13, { name: "Q5_K", blockWeights: 256, blockBytes: 176 }],
  [14, { name: "Q6_K", blockWeights: 256, blockBytes: 210 }],
  [30, { name: "BF16", blockWeights: 1, blockBytes: 2 }],
]);

/** Types that exist in published files and that we do not run, so that a message can name them. */
const OTHER_TYPES: Readonly<Record<number, string>> = {
  9: "Q8_1",
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

/** The predictor of the approximate head, as the engine calls it. */
export const PREDICTOR = "lm_head_profiler.weight";
const WARNED_NAMES_MAX = 3;

/** A tensor that the engine needs. */
export interface TensorRequest {
  /** What the engine finds it by: llama.cpp's name, e.g. `blk.0.attn_q.weight` (native/model/model_spec.cc lists them). */
  readonly name: string;
  /** What the file calls it, where that is something else. */
  readonly nameInFile?: string;
  /** ggml order. */
  readonly shape: readonly number[];
  /** A matrix of `rows` rows (or as many of them) that the file may have instead, in which this one begins at `firstRow`. */
  readonly fusedIn?: { readonly name: string; readonly firstRow: number; readonly rows: number };
}

/** What an architecture asks of a file's tensor table. */
export interface TensorList {
  /** Rows of the embedding. */
  readonly n_vocab: number;
  readonly down_transposed: boolean;
  readonly tensors: readonly TensorRequest[];
  /**
   * What the file may call the predictor of an approximate head. It may be missing, and of any shape: the engine checks it
   * where the head is switched on.
   */
  readonly predictor?: string;
}

/** What an architecture may look at before it knows which tensors there should be. */
export interface TensorLookup {
  has(name: string): boolean;
  /** ggml order, without trailing ones beyond the first. Errors: `ModelFileProblem` if there is no such tensor. */
  shapeOf(name: string): readonly number[];
}

/**
 * The tensors that a description of blocks implies, under llama.cpp's names. `output.weight` may be missing, which ties the
 * head to the embedding; `attn_q`, `attn_k` and `attn_v` may be one `attn_qkv`, and `ffn_gate_exps` and `ffn_up_exps` one
 * `ffn_gate_up_exps`.
 */
export function moeTensors(hyper: Hyperparameters, file: TensorLookup, down_transposed: boolean): TensorList {
  const { n_embd } = hyper;
  const n_vocab = file.shapeOf("token_embd.weight")[1] ?? 0;
  const tensors: TensorRequest[] = [
    { name: "token_embd.weight", shape: [n_embd, n_vocab] },
    { name: "output_norm.weight", shape: [n_embd] },
  ];
  if (file.has("output.weight")) {
    tensors.push({ name: "output.weight", shape: [n_embd, n_vocab] });
  }
  for (let il = 0; il < hyper.n_layer; il++) {
    tensors.push(...layerTensors(hyper, il, down_transposed));
  }
  return { n_vocab, down_transposed, tensors };
}

function layerTensors(hyper: Hyperparameters, il: number, down_transposed: boolean): TensorRequest[] {
  const { n_embd, n_ff, n_expert, head_dim } = hyper;
  const n_q = hyper.n_head * head_dim;
  const n_kv = hyper.n_head_kv * head_dim;
  const name = (tensor: string): string => `blk.${String(il)}.${tensor}.weight`;
  const projection = (tensor: string, firstRow: number, rows: number): TensorRequest => ({
    name: name(tensor),
    shape: [n_embd, rows],
    fusedIn: { name: name("attn_qkv"), firstRow, rows: n_q + 2 * n_kv },
  });
  const half = (tensor: string, firstRow: number): TensorRequest => ({
    name: name(tensor),
    shape: [n_embd, n_ff, n_expert],
    fusedIn: { name: name("ffn_gate_up_exps"), firstRow, rows: 2 * n_ff },
  });
  const headNorms = hyper.block.qkNorm ? ["attn_q_norm", "attn_k_norm"] : [];
  return [
    { name: name("attn_norm"), shape: [n_embd] },
    projection("attn_q", 0, n_q),
    projection("attn_k", n_q, n_kv),
    projection("attn_v", n_q + n_kv, n_kv),
    ...headNorms.map((tensor) => ({ name: name(tensor), shape: [head_dim] })),
    { name: name("attn_output"), shape: [n_q, n_embd] },
    { name: name("ffn_norm"), shape: [n_embd] },
    { name: name("ffn_gate_inp"), shape: [n_embd, n_expert] },
    half("ffn_gate_exps", 0),
    half("ffn_up_exps", n_ff),
    { name: name("ffn_down_exps"), shape: down_transposed ? [n_embd, n_ff, n_expert] : [n_ff, n_embd, n_expert] },
  ];
}

export interface TensorTable {
  readonly n_vocab: number;
  readonly down_transposed: boolean;
  readonly tensors: readonly TensorInfo[];
  /** The type of most of the model's bytes, as a file's name would say it. */
  readonly quantLabel: string;
}

/**
 * @param listTensors an architecture's list, of the table that it is given.
 * @param fileBytes the file's size.
 * Errors: `ModelFileProblem` naming the first tensor at fault.
 */
export function readTensorTable(
  raw: readonly RawTensor[],
  listTensors: (file: TensorLookup) => TensorList,
  n_layer: number,
  alignment: number,
  fileBytes: number,
  warnings: string[],
): TensorTable {
  const table = new TensorPicker(raw, alignment, fileBytes);
  const { n_vocab, down_transposed, tensors: requests, predictor } = listTensors(table);
  for (const request of requests) {
    table.take(request);
  }
  if (predictor !== undefined) {
    table.takeIfSupported(PREDICTOR, predictor);
  }
  refuseMoreLayers(table, n_layer);
  table.checkOverlaps();
  warnAboutIgnored(table, predictor, warnings);
  const { tensors } = table;
  return { n_vocab, down_transposed, tensors, quantLabel: quantLabelOf(tensors) };
}

/** A header that names fewer layers than the file has is damaged: half a model gives nonsense. */
function refuseMoreLayers(table: TensorPicker, n_layer: number): void {
  const beyond = table.unusedNames.find((name) => Number(/^blk\.(\d+)\./.exec(name)?.[1] ?? -1) >= n_layer);
  if (beyond !== undefined) {
    throw new ModelFileProblem(`its header says ${n_layer} layers, but it has a tensor ${quoted(beyond)}`);
  }
}

function warnAboutIgnored(table: TensorPicker, predictor: string | undefined, warnings: string[]): void {
  const ignored = table.unusedNames.filter((name) => name !== predictor);
  if (predictor !== undefined && ignored.length < table.unusedNames.length) {
    warnings.push(`${predictor} is of a type that is not supported: there is no approximate head`);
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
class TensorPicker implements TensorLookup {
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

  take({ name, nameInFile = name, shape, fusedIn }: TensorRequest): void {
    if (fusedIn !== undefined && this.has(fusedIn.name)) {
      const [rowLength = 0, , ...matrices] = shape;
      const { type, offset } = this.#checked(fusedIn.name, [rowLength, fusedIn.rows, ...matrices]);
      const stride = matrices.length === 0 ? undefined : bytesOf(type, [rowLength, fusedIn.rows]);
      this.#add(name, type, shape, offset + bytesOf(type, [rowLength, fusedIn.firstRow]), stride);
      return;
    }
    const { type, offset } = this.#checked(nameInFile, shape);
    this.#add(name, type, shape, offset);
  }

  /** Takes a tensor that the model works without, of whatever shape. */
  takeIfSupported(name: string, nameInFile: string): void {
    const tensor = this.#raw.get(nameInFile);
    const type = tensor && TYPES.get(tensor.type);
    if (tensor !== undefined && type !== undefined) {
      this.#used.add(nameInFile);
      this.#endOf(tensor);
      this.#add(name, type, tensor.shape, tensor.offset);
    }
  }

  #add(name: string, type: TypeFacts, shape: readonly number[], offset: number, stride?: number): void {
    const tensor = { name, type: type.name, shape, offset, bytes: bytesOf(type, shape) };
    this.tensors.push(stride === undefined ? tensor : { ...tensor, stride });
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
    const type = this.#supported(tensor);
    if ((shape[0] ?? 0) % type.blockWeights !== 0) {
      throw new ModelFileProblem(
        `its tensor '${name}' has rows of ${String(shape[0])}, not a whole number of ${type.name} blocks`,
      );
    }
    this.#endOf(tensor);
    return { type, offset: tensor.offset };
  }

  #supported(tensor: RawTensor): TypeFacts {
    const type = TYPES.get(tensor.type);
    if (type === undefined) {
      const others = new Set([...this.#raw.values()].map((each) => each.type).filter((each) => !TYPES.has(each)));
      others.delete(tensor.type);
      const also = others.size === 0 ? "" : `, others ${[...others].map(nameOfType).join(", ")}`;
      const works = [...TYPES.values()].map(({ name }) => name).join(", ");
      throw new ModelFileProblem(
        `its tensor ${quoted(tensor.name)} has the type ${nameOfType(tensor.type)}${also}; types that work are ${works}`,
        "choose a file of the same model in one of those types, such as Q4_K_M or Q4_0, or a smaller one such as Q3_K_M or Q2_K",
      );
    }
    return type;
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

function nameOfType(type: number): string {
  return OTHER_TYPES[type] ?? `number ${String(type)}`;
}
