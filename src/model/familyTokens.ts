import { type FimFormat, QWEN_FIM } from "../protocol/prompt";

/**
 * What a family's vocabularies call their control tokens. Names decide where a file says nothing: `tokenizer.ggml.fim_*_token_id`
 * win over them, and the beginning and the end of a text are known by their ids alone.
 */
export interface FamilyTokens {
  readonly fim: FimFormat;
  /** Tokens after which generation ends, whatever type the file gives them. */
  readonly ends: readonly string[];
  /** Tokens that are control tokens although converters write some of them as user-defined; llama.cpp corrects them as well. */
  readonly controls: readonly string[];
}

/** Of every family: llama.cpp ends generation at them wherever they are. */
const COMMON_ENDS = ["<|endoftext|>", "<|im_end|>"] as const;

const QWEN_ENDS = [...COMMON_ENDS, "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>"];
export const QWEN_TOKENS: FamilyTokens = {
  fim: QWEN_FIM,
  ends: QWEN_ENDS,
  controls: [...QWEN_ENDS, "<|im_start|>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>"],
};

/** StarCoder's names (JetBrains' model card). */
const MELLUM_ENDS = [...COMMON_ENDS, "<fim_pad>", "<reponame>", "<filename>"];
export const MELLUM_TOKENS: FamilyTokens = {
  fim: { prefix: "<fim_prefix>", suffix: "<fim_suffix>", middle: "<fim_middle>", file: "<filename>" },
  ends: MELLUM_ENDS,
  controls: [...MELLUM_ENDS, "<|im_start|>", "<fim_prefix>", "<fim_middle>", "<fim_suffix>"],
};
