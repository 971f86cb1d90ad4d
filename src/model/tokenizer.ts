import { EngineError } from "../protocol/errors";
import type { PromptPart } from "../protocol/prompt";
import { Bpe } from "./bpe";
import { type BpeTables, buildBpeTables } from "./bpeTables";
import { nameModelFile } from "./modelFileProblem";
import { type PreTokenizer, splitWords } from "./preTokenizer";
import { drain, type Steps } from "./slices";
import { tableText } from "./stringTable";
import { TokenType, type Vocabulary } from "./vocabulary";

/** Words up to this length are remembered; longer ones rarely come twice. */
const CACHED_WORD_CHARS_MAX = 64;
/** Two generations of so many words: about 2 MB when full. */
const CACHE_GENERATION_WORDS = 6000;
/** Between two turns of others. */
const WORDS_PER_STEP = 64;
const NO_BYTES = new Uint8Array(0);

/**
 * Byte-level BPE as llama.cpp does it for the pre-tokenizers that are known: ids are the same for every well-formed text
 * without user-defined tokens. Text is not normalised (Hugging Face applies NFC): a source file's bytes are what the model sees and what it gives back.
 *
 * Text never yields a control token, nor a user-defined one (`<tool_call>`), even where it spells one out: those come
 * only from `special` parts. Not thread-safe; one per model and thread.
 */
export class Tokenizer {
  readonly nVocab: number;
  /** Padding rows of the embedding that stand for nothing: sampling must exclude them. Ascending. */
  readonly unusedIds: readonly number[];
  /** Names of all tokens that a `special` part may name, and the only strings that a chat template may turn into tokens. */
  readonly specialNames: readonly string[];
  readonly bosName: string | undefined;
  readonly eosName: string | undefined;
  /** The control token that the text left of the cursor follows, by name. */
  readonly fimPrefixName: string;

  readonly #tables: BpeTables;
  readonly #types: Uint8Array;
  readonly #specials = new Map<string, number>();
  readonly #ends: ReadonlySet<number>;
  readonly #bpe: Bpe;
  readonly #preTokenizer: PreTokenizer;
  /** What every prompt begins with; undefined: nothing. */
  readonly #firstId: number | undefined;
  readonly #cache = new WordCache();
  /** Undefined until it is needed. */
  #beginnings: Beginnings | undefined;
  /** A UTF-16 unit is at most three bytes of UTF-8. */
  readonly #wordBytes = Buffer.alloc(CACHED_WORD_CHARS_MAX * 3);

  /** Builds the tables (some tens of milliseconds). Errors: EngineError `bad_model` for an inconsistent vocabulary. */
  constructor(vocabulary: Vocabulary) {
    this.#tables = tablesOf(vocabulary);
    this.#bpe = new Bpe(this.#tables);
    this.nVocab = vocabulary.tokens.count;
    this.#types = vocabulary.types;
    const unused: number[] = [];
    this.#types.forEach((type, id) => {
      if (type === TokenType.unused) {
        unused.push(id);
      } else if (type !== TokenType.normal && type !== TokenType.byte) {
        this.#specials.set(tableText(vocabulary.tokens, id), id);
      }
    });
    this.unusedIds = unused;
    this.specialNames = [...this.#specials.keys()].filter((name) => name !== "");
    this.#ends = new Set(vocabulary.endIds);
    const nameOf = (id: number | undefined) => (id === undefined ? undefined : tableText(vocabulary.tokens, id));
    this.bosName = nameOf(vocabulary.bosId);
    this.eosName = nameOf(vocabulary.eosId);
    this.fimPrefixName = vocabulary.fim.format.prefix;
    this.#preTokenizer = vocabulary.preTokenizer;
    this.#firstId = vocabulary.addsBos ? vocabulary.bosId : undefined;
  }

  /** Size of the tables in bytes (the cache of words not included). */
  get tableBytes(): number {
    const { bytes, offsets, byteTokens, merges } = this.#tables;
    const arrays = [bytes, offsets, byteTokens, merges.left, merges.right, merges.result, merges.slots, this.#types];
    return arrays.reduce((sum, array) => sum + array.byteLength, 0);
  }

  /**
   * Each part on its own, so that a change in one part changes no other part's ids.
   * Errors: EngineError `bad_request` for a special token that the vocabulary does not have.
   */
  encode(parts: readonly PromptPart[]): number[] {
    return drain(this.encodeInSteps(parts));
  }

  /** The same, in steps. Other texts may be encoded between two of them. */
  *encodeInSteps(parts: readonly PromptPart[]): Steps<number[]> {
    const ids: number[] = [];
    for (const part of parts) {
      if (part.kind === "text") {
        yield* this.#encodeInto(part.text, ids);
        continue;
      }
      const id = this.#specials.get(part.token);
      if (id === undefined) {
        throw new EngineError(
          "bad_request",
          `cannot encode the prompt: the model's vocabulary has no token ${part.token}; use a layout that the model knows`,
        );
      }
      ids.push(id);
    }
    return ids;
  }

  /** A whole prompt: what `encode` gives, after a BOS token where the file asks for one and the prompt has none. */
  encodePrompt(parts: readonly PromptPart[]): number[] {
    return drain(this.encodePromptInSteps(parts));
  }

  /** The same, in steps. */
  *encodePromptInSteps(parts: readonly PromptPart[]): Steps<number[]> {
    const ids = yield* this.encodeInSteps(parts);
    return this.#firstId === undefined || ids[0] === this.#firstId ? ids : [this.#firstId, ...ids];
  }

  encodeText(text: string): number[] {
    return drain(this.encodeTextInSteps(text));
  }

  /** The same, in steps. */
  *encodeTextInSteps(text: string): Steps<number[]> {
    const ids: number[] = [];
    yield* this.#encodeInto(text, ids);
    return ids;
  }

  /** Ids of the text; lone surrogates count as U+FFFD. */
  *#encodeInto(text: string, ids: number[]): Steps<void> {
    let words = 0;
    for (const word of splitWords(text, this.#preTokenizer)) {
      if (++words % WORDS_PER_STEP === 0) {
        yield;
      }
      const known = word.length <= CACHED_WORD_CHARS_MAX ? this.#cache.get(word) : undefined;
      if (known !== undefined) {
        for (const id of known) {
          ids.push(id);
        }
        continue;
      }
      if (word.length > CACHED_WORD_CHARS_MAX) {
        const bytes = Buffer.from(word, "utf8");
        yield* this.#bpe.encodeInSteps(bytes, bytes.length, ids);
      } else {
        this.#encodeShortWord(word, ids);
      }
    }
  }

  #encodeShortWord(word: string, ids: number[]): void {
    const first = ids.length;
    const length = this.#wordBytes.write(word, "utf8");
    this.#bpe.encode(this.#wordBytes, length, ids);
    // A copy as the key: `word` may be a slice that keeps the whole text in memory.
    this.#cache.set(this.#wordBytes.toString("utf8", 0, length), ids.slice(first));
  }

  /**
   * The bytes that a token adds to the text (a view; do not write to it): empty for control and unused tokens, possibly a
   * part of a character for others. Errors: EngineError `bad_request` for an id outside the vocabulary.
   */
  tokenBytes(id: number): Uint8Array {
    if (!Number.isInteger(id) || id < 0 || id >= this.nVocab) {
      throw new EngineError(
        "bad_request",
        `cannot decode the token ${String(id)}: the vocabulary has ${String(this.nVocab)} tokens; use ids from this model`,
      );
    }
    const type = this.#types[id];
    if (type !== TokenType.normal && type !== TokenType.userDefined) {
      return NO_BYTES;
    }
    return this.#tables.bytes.subarray(this.#tables.offsets[id], this.#tables.offsets[id + 1]);
  }

  /**
   * Ids of the text tokens that begin with `bytes` (at least one), or that `bytes` begins with. Ascending. There always
   * is one: the token of the first byte.
   */
  idsAlong(bytes: Uint8Array): number[] {
    const { bytes: all, offsets } = this.#tables;
    const ids: number[] = [];
    for (const id of this.#candidatesAlong(bytes)) {
      const start = offsets[id] ?? 0;
      const length = Math.min((offsets[id + 1] ?? 0) - start, bytes.length);
      let same = 1;
      while (same < length && all[start + same] === bytes[same]) {
        same += 1;
      }
      if (same === length) {
        ids.push(id);
      }
    }
    return ids;
  }

  /** Ids of the text tokens that begin with `bytes` (at least one). Ascending. */
  idsBeginningWith(bytes: Uint8Array): number[] {
    const { offsets } = this.#tables;
    return this.idsAlong(bytes).filter((id) => (offsets[id + 1] ?? 0) - (offsets[id] ?? 0) >= bytes.length);
  }

  /** Ids of the text tokens with this byte. Ascending. */
  idsContaining(byte: number): number[] {
    const { bytes, offsets } = this.#tables;
    const ids: number[] = [];
    this.#types.forEach((type, id) => {
      if (type === TokenType.normal && bytes.subarray(offsets[id], offsets[id + 1]).includes(byte)) {
        ids.push(id);
      }
    });
    return ids;
  }

  /** Text tokens with the same first byte and, where both have one, the same second. Ascending. */
  #candidatesAlong([first = 0, second]: Uint8Array): readonly number[] {
    this.#beginnings ??= this.#findBeginnings();
    const { single, byFirst, byPair } = this.#beginnings;
    if (second === undefined) {
      return byFirst[first] ?? [];
    }
    const longer = byPair.get(first * 256 + second) ?? [];
    return [...(single[first] ?? []), ...longer].sort((a, b) => a - b);
  }

  /** Of text tokens. Found once: a vocabulary has a hundred thousand, and a third of them begin with a space. */
  #findBeginnings(): Beginnings {
    const { bytes, offsets } = this.#tables;
    const byFirst: number[][] = Array.from({ length: 256 }, () => []);
    const single: number[][] = Array.from({ length: 256 }, () => []);
    const byPair = new Map<number, number[]>();
    this.#types.forEach((type, id) => {
      const start = offsets[id] ?? 0;
      const length = (offsets[id + 1] ?? 0) - start;
      if (type !== TokenType.normal || length === 0) {
        return;
      }
      const first = bytes[start] ?? 0;
      byFirst[first]?.push(id);
      if (length === 1) {
        single[first]?.push(id);
        return;
      }
      const pair = first * 256 + (bytes[start + 1] ?? 0);
      const ids = byPair.get(pair) ?? [];
      ids.push(id);
      byPair.set(pair, ids);
    });
    return { single, byFirst, byPair };
  }

  /** The text of the tokens; control tokens add nothing, bytes that are not UTF-8 become U+FFFD. */
  decode(ids: readonly number[]): string {
    return Buffer.concat(ids.map((id) => this.tokenBytes(id))).toString("utf8");
  }

  /** The id of a control or user-defined token by its name, e.g. `<|fim_prefix|>`. */
  special(name: string): number | undefined {
    return this.#specials.get(name);
  }

  isEndOfGeneration(id: number): boolean {
    return this.#ends.has(id);
  }

  isControl(id: number): boolean {
    const type = this.#types[id];
    return type === TokenType.control || type === TokenType.unknown;
  }
}

/** Ids, ascending, of tokens of one byte, and of all by their first byte and those of two and more by their first two. */
interface Beginnings {
  readonly single: readonly (readonly number[])[];
  readonly byFirst: readonly (readonly number[])[];
  readonly byPair: ReadonlyMap<number, readonly number[]>;
}

function tablesOf(vocabulary: Vocabulary): BpeTables {
  try {
    return buildBpeTables(vocabulary);
  } catch (error) {
    throw nameModelFile(error, "open model", vocabulary.fileName);
  }
}

/** Ids of words seen before. Two generations: when the young one is full it becomes the old one, and the old one goes. */
class WordCache {
  #young = new Map<string, readonly number[]>();
  #old = new Map<string, readonly number[]>();

  get(word: string): readonly number[] | undefined {
    const young = this.#young.get(word);
    if (young !== undefined) {
      return young;
    }
    const old = this.#old.get(word);
    if (old !== undefined) {
      this.set(word, old);
    }
    return old;
  }

  set(word: string, ids: readonly number[]): void {
    if (this.#young.size >= CACHE_GENERATION_WORDS) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(word, ids);
  }
}
