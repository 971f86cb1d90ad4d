import assert from "node:assert/strict";
import type { GgufValue } from "../../test/fixtures/ggufWriter";
import { openGgufFile } from "./ggufFile";
import { assertBadModel } from "./testing/badModel";
import {
  entryBytes,
  headerBytes,
  TempFolder,
  TINY_DIMENSIONS,
  tinyEntries,
  tinyTensors,
  writeTinyModel,
} from "./testing/ggufBytes";
import { Tokenizer } from "./tokenizer";

const u32 = (value: number): GgufValue => ({ type: "uint32", value });
const text = (value: string): GgufValue => ({ type: "string", value });
const strings = (value: string[]): GgufValue => ({ type: "array", of: "string", value });

describe("openGgufFile: metadata that makes no sense", () => {
  const folder = new TempFolder();
  after(() => {
    folder.remove();
  });

  /** A file whose metadata entries are the given bytes. */
  function withEntries(...entries: Uint8Array[]): string {
    return folder.write("bad.gguf", headerBytes({ entries, tensors: [] }));
  }

  function withChanged(changes: Readonly<Record<string, GgufValue | undefined>>): string {
    const entries = tinyEntries();
    for (const [key, value] of Object.entries(changes)) {
      if (value === undefined) {
        entries.delete(key);
      } else {
        entries.set(key, value);
      }
    }
    return writeTinyModel(folder, entries, tinyTensors(), "bad.gguf");
  }

  describe("metadata", () => {
    const key = (name: string): string => `smallthinker.${name}`;
    const cases: readonly [string, Readonly<Record<string, GgufValue | undefined>>, RegExp][] = [
      [
        "another architecture",
        { "general.architecture": text("llama") },
        /architecture is 'llama', not 'smallthinker'/,
      ],
      [
        "an architecture that is a number",
        { "general.architecture": u32(1) },
        /'general\.architecture' must be a string and is the number 1/,
      ],
      ["a part of a split model", { "split.count": { type: "uint16", value: 3 } }, /one of 3 parts of a split model/],
      ["no layers given", { [key("block_count")]: undefined }, /lacks 'smallthinker\.block_count'/],
      ["no layers", { [key("block_count")]: u32(0) }, /block_count' is 0, outside 1 to 512/],
      ["too many layers", { [key("block_count")]: u32(513) }, /block_count' is 513, outside 1 to 512/],
      ["a negative count", { [key("block_count")]: { type: "int32", value: -6 } }, /is -6, outside/],
      [
        "a count of 2^64 - 1",
        { [key("block_count")]: { type: "uint64", value: 2n ** 64n - 1n } },
        /is 18446744073709552000, outside/,
      ],
      [
        "a count that is a float",
        { [key("block_count")]: { type: "float32", value: 6 } },
        /must be a whole number and is the number 6/,
      ],
      [
        "a count per layer",
        { [key("attention.head_count")]: { type: "array", of: "uint32", value: [4, 2] } },
        /head_count' differs from layer to layer \(4, 2\)/,
      ],
      ["too many experts", { [key("expert_count")]: u32(1025) }, /expert_count' is 1025/],
      [
        "more experts used than there are",
        { [key("expert_used_count")]: u32(9) },
        /expert_used_count' is 9, outside 1 to 8/,
      ],
      [
        "heads that do not share evenly",
        { [key("attention.head_count_kv")]: u32(3) },
        /4 heads cannot share 3 key-value heads/,
      ],
      [
        "an odd head",
        { [key("attention.key_length")]: u32(31), [key("attention.value_length")]: u32(31) },
        /31 dimensions, not an even number/,
      ],
      [
        "a head that is no whole number",
        {
          [key("attention.key_length")]: undefined,
          [key("attention.head_count")]: u32(3),
          [key("attention.head_count_kv")]: u32(3),
        },
        /dimensions, not an even number/,
      ],
      [
        "values of another length",
        { [key("attention.value_length")]: u32(64) },
        /value_length' is 64 where the heads have 32/,
      ],
      ["partial rope", { [key("rope.dimension_count")]: u32(16) }, /dimension_count' is 16 where the heads have 32/],
      ["yarn", { [key("rope.scaling.type")]: text("yarn") }, /rope scaling \('yarn'\)/],
      [
        "a scaling factor without a type",
        { [key("rope.scaling.factor")]: { type: "float32", value: 2 } },
        /rope scaling \('linear'\)/,
      ],
      ["the old scaling key", { [key("rope.scale_linear")]: { type: "float32", value: 2 } }, /rope scaling/],
      [
        "another rope base in windows",
        { [key("rope.freq_base_swa")]: { type: "float32", value: 10_000 } },
        /one positive base/,
      ],
      ["a rope base of 0", { [key("rope.freq_base")]: { type: "float32", value: 0 } }, /one positive base/],
      [
        "a rope base that is no number",
        { [key("rope.freq_base")]: { type: "float32", value: NaN } },
        /must be a finite number/,
      ],
      [
        "an epsilon of 0",
        { [key("attention.layer_norm_rms_epsilon")]: { type: "float32", value: 0 } },
        /is 0, outside 0 to 1/,
      ],
      ["scaled experts", { [key("expert_weights_scale")]: { type: "float32", value: 2.5 } }, /scaled by 2\.5/],
      ["gating 3", { [key("expert_gating_func")]: u32(3) }, /expert_gating_func' is 3; 1 \(softmax\) and 2/],
      ["gating 0", { [key("expert_gating_func")]: u32(0) }, /expert_gating_func' is 0; 1 \(softmax\) and 2/],
      [
        "a window pattern of another length",
        {
          [key("attention.sliding_window")]: u32(9),
          [key("attention.sliding_window_pattern")]: { type: "array", of: "bool", value: [true] },
        },
        /not a flag for each of 6 layers/,
      ],
      [
        "a window pattern of words",
        {
          [key("attention.sliding_window")]: u32(9),
          [key("attention.sliding_window_pattern")]: strings(Array<string>(6).fill("a")),
        },
        /not a flag for each of 6 layers/,
      ],
      ["an alignment that is no power of two", { "general.alignment": u32(48) }, /alignment is not a power of two/],
      ["an alignment of 0", { "general.alignment": u32(0) }, /alignment is not a power of two/],
      ["an enormous alignment", { "general.alignment": u32(2 ** 31) }, /alignment is not a power of two/],
      ["a name that is a list", { "general.name": strings(["a"]) }, /'general\.name' must be a string and is an array/],
      ["a template that is a number", { "tokenizer.chat_template": u32(7) }, /must be a string and is the number 7/],
      [
        "capabilities that are a string",
        { "hearth.capabilities": text("chat") },
        /must be a list of strings and is a string/,
      ],
      [
        "layouts that are numbers",
        { "hearth.fim.layouts": { type: "array", of: "uint32", value: [1] } },
        /must be a list of strings/,
      ],
    ];
    for (const [name, changes, what] of cases) {
      it(name, async () => {
        await assertBadModel(withChanged(changes), what);
      });
    }
    it("the same key twice", async () => {
      const entry = entryBytes("general.name", text("a"));
      await assertBadModel(withEntries(entry, entry), /'general\.name' twice/);
    });
    it("a key with control characters is shown without them", async () => {
      const entry = entryBytes("general.\u001b[31m\n\u202e", text("a"));
      await assertBadModel(withEntries(entry, entry), /'general\.\?\[31m\?\?' twice/);
    });
  });

  describe("vocabulary", () => {
    const tokens = tinyEntries().get("tokenizer.ggml.tokens");
    assert.ok(tokens?.type === "array" && tokens.of === "string");
    const changedToken = (id: number, value: string): GgufValue => strings(tokens.value.with(id, value));
    const cases: readonly [string, Readonly<Record<string, GgufValue | undefined>>, RegExp][] = [
      ["another tokenizer", { "tokenizer.ggml.model": text("llama") }, /tokenizer is 'llama'/],
      ["no tokenizer", { "tokenizer.ggml.model": undefined }, /tokenizer is 'missing'/],
      ["another pre-tokenizer", { "tokenizer.ggml.pre": text("llama-bpe") }, /pre-tokenizer is 'llama-bpe'/],
      ["no pre-tokenizer", { "tokenizer.ggml.pre": undefined }, /pre-tokenizer is 'missing'/],
      ["no tokens", { "tokenizer.ggml.tokens": undefined }, /lacks the list of strings 'tokenizer\.ggml\.tokens'/],
      [
        "tokens that are numbers",
        { "tokenizer.ggml.tokens": { type: "array", of: "uint32", value: [1] } },
        /lacks the list of strings/,
      ],
      ["no merges", { "tokenizer.ggml.merges": undefined }, /lacks the list of strings 'tokenizer\.ggml\.merges'/],
      [
        "too few tokens",
        { "tokenizer.ggml.tokens": strings(tokens.value.slice(1)) },
        /has 511 tokens and its embedding 512 rows/,
      ],
      [
        "too few types",
        { "tokenizer.ggml.token_type": { type: "array", of: "int32", value: [1] } },
        /not an integer for each token/,
      ],
      [
        "types that are floats",
        { "tokenizer.ggml.token_type": { type: "array", of: "float32", value: Array<number>(512).fill(1) } },
        /not an integer for each token/,
      ],
      [
        "a type of 99",
        { "tokenizer.ggml.token_type": { type: "array", of: "int32", value: Array<number>(512).fill(99) } },
        /token 0 has the unknown type 99/,
      ],
      [
        "a special token without end",
        {
          "tokenizer.ggml.tokens": strings(tokens.value.with(300, "a".repeat(257))),
          "tokenizer.ggml.token_type": { type: "array", of: "int32", value: Array<number>(512).fill(1).with(300, 3) },
        },
        /special token 300 has a name of 257 bytes; the limit is 256/,
      ],
      ["an end token outside", { "tokenizer.ggml.eos_token_id": u32(512) }, /eos_token_id' is 512, outside 0 to 511/],
      [
        "a token in another spelling",
        { "tokenizer.ggml.tokens": changedToken(300, "a b") },
        /token 300 is not spelled/,
      ],
      [
        "a token beyond the alphabet",
        { "tokenizer.ggml.tokens": changedToken(300, "\u{1f600}") },
        /token 300 is not spelled/,
      ],
      [
        "a byte without a token",
        { "tokenizer.ggml.tokens": changedToken(0, "zzzz"), "tokenizer.ggml.merges": strings([]) },
        /no token for the byte 0x21/,
      ],
      [
        "a merge of nothing known",
        { "tokenizer.ggml.merges": strings(["q q"]) },
        /merge 0 \("q q"\) does not join two tokens/,
      ],
      ["a merge without a space", { "tokenizer.ggml.merges": strings(["qq"]) }, /merge 0 \("qq"\) does not/],
      ["a merge of one half", { "tokenizer.ggml.merges": strings([" a"]) }, /merge 0 \(" a"\) does not/],
      [
        "a merge to no token",
        {
          "tokenizer.ggml.tokens": strings(tokens.value.with(300, "<|im_end|").with(301, ">")),
          "tokenizer.ggml.merges": strings(["<|im_end| a"]),
        },
        /merge 0 .* does not join two tokens/,
      ],
    ];
    for (const [name, changes, what] of cases) {
      it(name, async () => {
        await assertBadModel(withChanged(changes), what);
      });
    }

    it("takes a vocabulary of many equal tokens and merges", async () => {
      await openGgufFile(vocabularyOf(Array<string>(50_000).fill("same"), Array<string>(50_000).fill("t h"))).then(
        (model) => new Tokenizer(model.vocab),
      );
    });

    it("refuses a vocabulary whose tokens all fall into one slot of a hash table", async function () {
      this.timeout(300_000);
      // The table's own hash (FNV-1a, folded) at the size that it has for so many tokens: 8192 slots.
      const colliding: string[] = [];
      for (let i = 0; colliding.length < 2100; i++) {
        let hash = 0x811c9dc5;
        for (let shift = 0; shift < 28; shift += 4) {
          hash = Math.imul(hash ^ (0x61 + ((i >>> shift) & 15)), 0x01000193);
        }
        if (((hash ^ (hash >>> 15)) & 8191) === 77) {
          const letters = Array.from({ length: 7 }, (_, at) => 0x61 + ((i >>> (4 * at)) & 15));
          colliding.push(String.fromCharCode(...letters));
        }
      }
      await assertBadModel(vocabularyOf(colliding, []), /made to make hash tables collide/);
    });

    function vocabularyOf(words: readonly string[], merges: string[]): string {
      const tokens = tinyEntries().get("tokenizer.ggml.tokens");
      assert.ok(tokens?.type === "array" && tokens.of === "string");
      const value = [...tokens.value, ...words];
      const big = { ...TINY_DIMENSIONS, n_layer: 1, n_vocab: value.length };
      const entries = tinyEntries(big).set("tokenizer.ggml.tokens", strings(value));
      entries.delete("tokenizer.ggml.token_type");
      return writeTinyModel(
        folder,
        entries.set("tokenizer.ggml.merges", strings(merges)),
        tinyTensors(big),
        "bad.gguf",
      );
    }
  });
});
