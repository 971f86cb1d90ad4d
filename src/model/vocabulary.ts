import type { FimFormat } from "../protocol/prompt";
import type { FamilyTokens } from "./familyTokens";
import type { MetaValue } from "./ggufHeader";
import type { Metadata } from "./metadata";
import { ModelFileProblem, quoted } from "./modelFileProblem";
import { PRE_TOKENIZERS, type PreTokenizer } from "./preTokenizer";
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
  /** true: prompts begin with it. */
  readonly addsBos: boolean;
  /** What the file calls the end of a text, else of a turn. */
  readonly eosId: number | undefined;
  /** Tokens after which generation ends. */
  readonly endIds: readonly number[];
  /** How words are cut before merges. */
  readonly preTokenizer: PreTokenizer;
  /** The control tokens for filling in. A name in `missing` is not in the vocabulary. */
  readonly fim: { readonly format: FimFormat; readonly missing: readonly string[] };
}

/** GGUF's token types (llama.h, enum llama_token_type). */
export const TokenType = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

/** Special tokens are kept by name, as strings; real vocabularies have some tens. */
const SPECIALS_MAX = 4096;
/** Of one special token's name; the longest known ones are runs of spaces, of about a hundred bytes. */
const SPECIAL_BYTES_MAX = 256;
/** Of all together: they become a trie, and a text is looked through for them. */
const ALL_SPECIALS_BYTES_MAX = 256 * 1024;

/**
 * @param n_vocab rows of the embedding; the vocabulary must have as many tokens.
 * @param family what its control tokens are called where the file does not say it.
 * Errors: `ModelFileProblem`.
 */
export function readVocabulary(
  metadata: Metadata,
  n_vocab: number,
  fileName: string,
  family: FamilyTokens,
  warnings: string[],
): Vocabulary {
  const preTokenizer = readKind(metadata);
  const tokens = stringTable(metadata, "tokenizer.ggml.tokens");
  if (tokens.count !== n_vocab) {
    throw new ModelFileProblem(
      `its vocabulary has ${String(tokens.count)} tokens and its embedding ${String(n_vocab)} rows`,
    );
  }
  const id = (name: string): number | undefined => metadata.integer(`tokenizer.ggml.${name}_token_id`, 0, n_vocab - 1);
  const types = readTypes(metadata.get("tokenizer.ggml.token_type"), tokens.count);
  const named = correctTypes(tokens, types, family);
  const fim = readFim(tokens, types, family, named, id);
  checkSpecials(tokens, types);
  const ends = [id("eos"), id("eot"), id("eom"), id("fim_pad"), id("fim_rep"), id("fim_sep")];
  const bosId = id("bos");
  return {
    fileName,
    tokens,
    types,
    merges: stringTable(metadata, "tokenizer.ggml.merges"),
    bosId,
    addsBos: readAddsBos(metadata, bosId, warnings),
    eosId: ends[0] ?? ends[1],
    endIds: [...ends, ...family.ends.map((name) => named.get(name))].filter((end) => end !== undefined),
    preTokenizer,
    fim,
  };
}

/** Errors: `ModelFileProblem` for more, or longer, special tokens than any vocabulary has. */
function checkSpecials(tokens: StringTable, types: Uint8Array): void {
  let count = 0;
  let bytes = 0;
  types.forEach((type, id) => {
    // Byte tokens cannot be named.
    if (type === TokenType.normal || type === TokenType.unused || type === TokenType.byte) {
      return;
    }
    const length = (tokens.offsets[id + 1] ?? 0) - (tokens.offsets[id] ?? 0);
    if (length > SPECIAL_BYTES_MAX) {
      throw new ModelFileProblem(
        `its special token ${String(id)} has a name of ${String(length)} bytes; the limit is ${String(SPECIAL_BYTES_MAX)}`,
      );
    }
    count += 1;
    bytes += length;
  });
  if (count > SPECIALS_MAX) {
    throw new ModelFileProblem(
      `its vocabulary has ${String(count)} special tokens; the limit is ${String(SPECIALS_MAX)}`,
    );
  }
  if (bytes > ALL_SPECIALS_BYTES_MAX) {
    throw new ModelFileProblem(
      `the names of its special tokens have ${String(bytes)} bytes; the limit is ${String(ALL_SPECIALS_BYTES_MAX)}`,
    );
  }
}

function readAddsBos(metadata: Metadata, bosId: number | undefined, warnings: string[]): boolean {
  const entry = metadata.get("tokenizer.ggml.add_bos_token");
  const isWanted = entry?.kind === "bool" && entry.value;
  if (isWanted && bosId === undefined) {
    warnings.push("tokenizer.ggml.add_bos_token is ignored: the file names no BOS token");
  }
  return isWanted && bosId !== undefined;
}

/** Keys of the tokens' ids, newer ones first. */
const FIM_KEYS = {
  prefix: ["fim_pre", "prefix"],
  suffix: ["fim_suf", "suffix"],
  middle: ["fim_mid", "middle"],
  file: ["fim_sep"],
  repository: ["fim_rep"],
} as const satisfies Readonly<Record<keyof FimFormat, readonly string[]>>;

/** Ids that the file gives win over names; what they stand for is a control token. @param named ids of the family's tokens. */
function readFim(
  tokens: StringTable,
  types: Uint8Array,
  family: FamilyTokens,
  named: ReadonlyMap<string, number>,
  idOf: (name: string) => number | undefined,
): Vocabulary["fim"] {
  const missing: string[] = [];
  const nameOf = (role: keyof FimFormat, familys: string): string => {
    const given = FIM_KEYS[role].map(idOf).find((id) => id !== undefined);
    if (given !== undefined) {
      types[given] = TokenType.control;
      return tableText(tokens, given);
    }
    if (!named.has(familys)) {
      missing.push(familys);
    }
    return familys;
  };
  const { prefix, suffix, middle, file, repository } = family.fim;
  const format = {
    prefix: nameOf("prefix", prefix),
    suffix: nameOf("suffix", suffix),
    middle: nameOf("middle", middle),
    file: nameOf("file", file),
    ...(repository === undefined ? {} : { repository: nameOf("repository", repository) }),
  };
  return { format, missing };
}

function readKind(metadata: Metadata): PreTokenizer {
  const model = metadata.string("tokenizer.ggml.model");
  if (model !== "gpt2") {
    throw new ModelFileProblem(`its tokenizer is ${quoted(model ?? "missing")}; byte-level BPE ('gpt2') is supported`);
  }
  const pre = metadata.string("tokenizer.ggml.pre");
  const found = PRE_TOKENIZERS.find((name) => name === pre);
  if (found === undefined) {
    const names = PRE_TOKENIZERS.map((name) => `'${name}'`).join(" and ");
    throw new ModelFileProblem(`its pre-tokenizer is ${quoted(pre ?? "missing")}; ${names} are supported`);
  }
  return found;
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

/** Makes the family's control tokens such in `types`; their ids by name, and those of the tokens that end a text. */
function correctTypes(tokens: StringTable, types: Uint8Array, family: FamilyTokens): ReadonlyMap<string, number> {
  const controls = new Set(family.controls);
  const named = new Map<string, number>();
  for (let id = 0; id < types.length; id++) {
    // Every name begins with '<', the same byte in GPT-2's spelling: few tokens need to become strings.
    if (tokens.bytes[tokens.offsets[id] ?? 0] === 0x3c) {
      const name = tableText(tokens, id);
      if (controls.has(name)) {
        types[id] = TokenType.control;
        named.set(name, id);
      }
    }
  }
  return named;
}
