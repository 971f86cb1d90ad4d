import type { MetaValue } from "./ggufHeader";
import type { Metadata } from "./metadata";
import { ModelFileProblem, quoted } from "./modelFileProblem";
import { type StringTable, tableText } from "./stringTable";

/** A model file's tokenizer tables as they stand in the file. */
export interface Vocabulary {
  /** Name of the file, for messages. */
  readonly fileName: string;
  /** Token texts by id: normal tokens in GPT-2's spelling (a printable character per byte), all others literally. */
  readonly tokens: StringTable;
  /** By token id, one of `TokenType`; control tokens are recognised by name where the file calls them something else. */
  readonly types: Uint8Array;
  /** "left right" in GPT-2's spelling, by rank. */
  readonly merges: StringTable;
  readonly bosId: number | undefined;
  /** End of text and, if the file has it, end of turn. */
  readonly endIds: readonly number[];
}

/** GGUF's token types (llama.h, enum llama_token_type). */
export const TokenType = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

/** Tokens after which generation ends, whatever type the file gives them (llama.cpp's set for this vocabulary). */
export const END_NAMES: readonly string[] = [
  "<|endoftext|>",
  "<|im_end|>",
  "<|fim_pad|>",
  "<|repo_name|>",
  "<|file_sep|>",
];
/** Tokens that are control tokens although converters write them as user-defined; llama.cpp corrects them as well. */
const CONTROL_NAMES: readonly string[] = [
  ...END_NAMES,
  "<|im_start|>",
  "<|fim_prefix|>",
  "<|fim_middle|>",
  "<|fim_suffix|>",
];

/** Special tokens are kept by name, as strings; real vocabularies have some tens. */
const SPECIALS_MAX = 4096;

/** Pre-tokenizers whose pattern is Qwen2's. */
const PRE_TOKENIZERS: readonly string[] = ["qwen2"];

/** @param n_vocab rows of the embedding; the vocabulary must have as many tokens. Errors: `ModelFileProblem`. */
export function readVocabulary(metadata: Metadata, n_vocab: number, fileName: string, warnings: string[]): Vocabulary {
  checkKind(metadata);
  const tokens = stringTable(metadata, "tokenizer.ggml.tokens");
  if (tokens.count !== n_vocab) {
    throw new ModelFileProblem(
      `its vocabulary has ${String(tokens.count)} tokens and its embedding ${String(n_vocab)} rows`,
    );
  }
  if (
    metadata.get("tokenizer.ggml.add_bos_token")?.kind === "bool" &&
    metadata.bool("tokenizer.ggml.add_bos_token") === true
  ) {
    warnings.push("tokenizer.ggml.add_bos_token is ignored: prompts begin without a BOS token");
  }
  const types = correctedTypes(tokens, readTypes(metadata.get("tokenizer.ggml.token_type"), tokens.count));
  const specials = types.reduce(
    (count, type) => count + (type === TokenType.normal || type === TokenType.unused ? 0 : 1),
    0,
  );
  if (specials > SPECIALS_MAX) {
    throw new ModelFileProblem(
      `its vocabulary has ${String(specials)} special tokens; the limit is ${String(SPECIALS_MAX)}`,
    );
  }
  const id = (name: string): number | undefined => metadata.integer(`tokenizer.ggml.${name}_token_id`, 0, n_vocab - 1);
  return {
    fileName,
    tokens,
    types,
    merges: stringTable(metadata, "tokenizer.ggml.merges"),
    bosId: id("bos"),
    endIds: [id("eos"), id("eot")].filter((end) => end !== undefined),
  };
}

function checkKind(metadata: Metadata): void {
  const model = metadata.string("tokenizer.ggml.model");
  if (model !== "gpt2") {
    throw new ModelFileProblem(`its tokenizer is ${quoted(model ?? "missing")}; byte-level BPE ('gpt2') is supported`);
  }
  const pre = metadata.string("tokenizer.ggml.pre");
  if (pre === undefined || !PRE_TOKENIZERS.includes(pre)) {
    throw new ModelFileProblem(`its pre-tokenizer is ${quoted(pre ?? "missing")}; 'qwen2' is supported`);
  }
}

function stringTable(metadata: Metadata, key: string): StringTable {
  const entry = metadata.get(key);
  if (entry?.kind !== "strings") {
    throw new ModelFileProblem(`its metadata lacks the list of strings ${quoted(key)}`);
  }
  return entry.table;
}

function readTypes(entry: MetaValue | undefined, count: number): Uint8Array {
  if (entry === undefined) {
    return new Uint8Array(count).fill(TokenType.normal);
  }
  if (entry.kind !== "ints" || entry.values.length !== count) {
    throw new ModelFileProblem("its 'tokenizer.ggml.token_type' is not an integer for each token");
  }
  const strange = entry.values.findIndex((type) => type < 0 || type > TokenType.byte);
  if (strange >= 0) {
    throw new ModelFileProblem(`its token ${String(strange)} has the unknown type ${String(entry.values[strange])}`);
  }
  return Uint8Array.from(entry.values);
}

function correctedTypes(tokens: StringTable, types: Uint8Array): Uint8Array {
  for (let id = 0; id < types.length; id++) {
    // Every name begins with '<', the same byte in GPT-2's spelling: few tokens need to become strings.
    if (types[id] !== TokenType.control && tokens.bytes[tokens.offsets[id] ?? 0] === 0x3c) {
      if (CONTROL_NAMES.includes(tableText(tokens, id))) {
        types[id] = TokenType.control;
      }
    }
  }
  return types;
}
