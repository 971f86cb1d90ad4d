import { type Dimensions, readDimensions, readGating, refuseExpertScale } from "../hyperparameters";
import type { Metadata } from "../metadata";
import { ModelFileProblem, quoted } from "../modelFileProblem";
import type { BlockSpec } from "../modelSpec";

/** What the architectures whose blocks are Qwen3-MoE's have in common. */

/** Without `expert_feed_forward_length` the experts that are used share out the width of the dense feed-forward (llama.cpp). */
export function readQwenDimensions(keys: Metadata): Dimensions {
  const dimensions = readDimensions(keys);
  if (keys.has("expert_feed_forward_length")) {
    return dimensions;
  }
  const n_ff = dimensions.n_ff / dimensions.n_expert_used;
  if (!Number.isInteger(n_ff)) {
    throw new ModelFileProblem(
      `its ${quoted(keys.fullKey("feed_forward_length"))} cannot be shared out to ${String(dimensions.n_expert_used)} experts`,
    );
  }
  return { ...dimensions, n_ff };
}

/**
 * Norms on each head's queries and keys, the router behind attention, softmax of the chosen experts and SiLU; all but the
 * attention of its layers. Refused is what files of this architecture may say and no released one does.
 *
 * @param title the architecture's, for messages.
 */
export function readQwenBlock(keys: Metadata, title: string): Omit<BlockSpec, "attention"> {
  refuseExpertScale(keys, title);
  if (readGating(keys) === "sigmoid") {
    throw new ModelFileProblem(`its experts are weighted by sigmoid, which ${title} models never do`);
  }
  if (keys.has("expert_weights_norm") && keys.bool("expert_weights_norm") === false) {
    throw new ModelFileProblem(`its expert weights do not sum to 1, as those of ${title} models do`);
  }
  for (const key of ["expert_shared_count", "leading_dense_block_count", "expert_group_used_count"]) {
    const count = keys.integer(key, 0, Number.MAX_SAFE_INTEGER) ?? 0;
    if (count > 0) {
      throw new ModelFileProblem(
        `its ${quoted(keys.fullKey(key))} is ${String(count)}, which Hearth does not support`,
        `choose a ${title} model whose layers are all mixtures of experts`,
      );
    }
  }
  return { routerInput: "ffnNorm", gating: "softmax", activation: "silu", qkNorm: true };
}
