/** Bytes that a token has to read, in any engine. */
import type { ModelSpec } from "../../src/model/modelSpec";

/** Bytes of an expert of a layer. */
export function bytesOfExpert(spec: ModelSpec): number {
  const bytes = spec.tensors.reduce((sum, tensor) => sum + (tensor.name.includes("_exps") ? tensor.bytes : 0), 0);
  return bytes / (spec.n_layer * spec.n_expert);
}

/** Bytes of weights and of keys and values that a token at `position` reads when nothing is left out. */
export function bytesOfToken(spec: ModelSpec, position: number): number {
  const hasHead = spec.tensors.some(({ name }) => name === "output.weight");
  const weights = spec.tensors.reduce((sum, { name, bytes }) => {
    if (name.includes("_exps")) {
      return sum + (bytes * spec.n_expert_used) / spec.n_expert;
    }
    return sum + (name === "token_embd.weight" && hasHead ? bytes / spec.n_vocab : bytes);
  }, 0);
  const perPosition = 2 * spec.n_head_kv * spec.head_dim * 2;
  const positions = spec.block.attention.reduce(
    (sum, { window }) => sum + (window > 0 ? Math.min(window, position) : position),
    0,
  );
  return weights + perPosition * positions;
}
