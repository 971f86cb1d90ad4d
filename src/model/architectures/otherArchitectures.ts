import type { MetaValue } from "../ggufHeader";

/**
 * What files of architectures are that people download and Hearth does not run, for messages. Names are llama.cpp's
 * (src/llama-arch.cpp).
 */
const KINDS: readonly (readonly [names: RegExp, kind: string])[] = [
  [/^clip$/, "the image or audio part (mmproj) of another model"],
  [/(?:bert|embed|^t5encoder)/, "an encoder, which gives no text"],
  [
    /^(?:qwen3next|qwen35(?:moe)?|kimi-linear|granitehybrid|jamba|nemotron_h(?:_moe)?|lfm2(?:moe)?)$/,
    "a hybrid of attention and another kind of layer",
  ],
  [/^(?:mamba2?|rwkv.*)$/, "a recurrent model"],
  [/^qwen2$/, "a dense Qwen2 model (SmallThinker-3B-Preview is one, too)"],
  [/^qwen3$/, "a dense Qwen3 model"],
  [
    /^(?:llama|mistral.*|gemma.*|phi.*|starcoder2?|stablelm|granite|codeshell|seed_oss|smollm3|glm4|cohere2?)$/,
    "a model without experts, or with experts of another kind",
  ],
  [/(?:moe|^deepseek2?|^gpt-oss|^dots1|^llama4|^minimax.*|^ernie.*)$/, "a mixture of experts of another kind"],
];
/** By `general.type`. */
const TYPES: Readonly<Record<string, string>> = {
  mmproj: "the image or audio part (mmproj) of another model",
  adapter: "an adapter (LoRA) to another model",
  imatrix: "an importance matrix, which only making a model needs",
};

/** @param type `general.type`. undefined: nothing is known of it. */
export function kindOfArchitecture(name: string, type: MetaValue | undefined): string | undefined {
  const byType = type?.kind === "string" ? TYPES[type.value] : undefined;
  return byType ?? KINDS.find(([names]) => names.test(name))?.[1];
}
