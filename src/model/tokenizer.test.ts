import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Tokenizer as Oracle } from "@huggingface/tokenizers";
import { Prng } from "../../test/fixtures/prng";
import mellumCases from "../../test/fixtures/tokenizer/mellum2-llama-cpp.json";
import llamaCases from "../../test/fixtures/tokenizer/qwen2-llama-cpp.json";
import { EngineError } from "../protocol/errors";
import { openGgufFile } from "./ggufFile";
import { splitWords } from "./preTokenizer";
import { StreamingDetokenizer } from "./streamingDetokenizer";
import { TempFolder, TINY_DIMENSIONS, tinyEntries, tinyTensors, writeTinyModel } from "./testing/ggufBytes";
import { qwenVocabMetadata, readTokenizerJson } from "./testing/qwen";
import { SOURCES, sourceText } from "./testing/sources";
import { randomUnicode, strangeText } from "./testing/strangeText";
import { Tokenizer } from "./tokenizer";

const ROOT = join(__dirname, "../..");
const STARTER = join(ROOT, "models/hearth-starter.gguf");

/** A slice of a text may have cut a surrogate pair. */
const wellFormed = (text: string): string => Buffer.from(text, "utf8").toString("utf8");

/** The digits on their own, then GPT-2's words: StarCoder's `pre_tokenizer`, which Mellum 2's tokenizer.json has. */
const MELLUM_PRE_TOKENIZER = {
  type: "Sequence",
  pretokenizers: [
    { type: "Digits", individual_digits: true },
    { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
  ],
};

describe("Tokenizer with Mellum 2's pre-tokenizer", function () {
  this.timeout(600_000);
  const folder = new TempFolder();
  let tokenizer: Tokenizer;
  let oracle: Oracle;

  before(async () => {
    const { tokenizer: json, config } = readTokenizerJson();
    const shape = { ...TINY_DIMENSIONS, n_layer: 1, n_vocab: 151_936 };
    const entries = tinyEntries(shape, qwenVocabMetadata(json));
    entries.set("tokenizer.ggml.pre", { type: "string", value: "mellum2" });
    const path = writeTinyModel(folder, entries, tinyTensors(shape), "mellum2.gguf");
    tokenizer = new Tokenizer((await openGgufFile(path)).vocab);
    oracle = new Oracle({ ...json, normalizer: null, pre_tokenizer: MELLUM_PRE_TOKENIZER }, config);
  });
  after(() => {
    folder.remove();
  });

  it("gives llama.cpp's ids on its own test cases and on texts made to be difficult", () => {
    for (const { text, ids } of [...mellumCases.cases, ...mellumCases.more]) {
      assert.deepEqual(tokenizer.encodeText(text), ids, JSON.stringify(text));
    }
  });

  it("gives Hugging Face's ids on source in eleven languages", () => {
    for (const source of SOURCES) {
      const text = wellFormed(sourceText(source).slice(0, 60_000));
      const ids = tokenizer.encodeText(text);
      assert.equal(tokenizer.decode(ids), text);
      assert.deepEqual(ids, oracle.encode(text, { add_special_tokens: false }).ids, source[0]);
    }
  });

  it("cuts at each digit, and leaves spaces before one on their own", () => {
    const words = (text: string): string[] => [...splitWords(text, "mellum2")];
    assert.deepEqual(words("x1 = 42;  7\t8"), ["x", "1", " =", " ", "4", "2", ";", "  ", "7", "\t", "8"]);
    assert.deepEqual(words("it's  IT'S\n\n  b \n"), ["it", "'s", " ", " IT", "'", "S", "\n\n ", " b", " \n"]);
  });
});

describe("Tokenizer with a vocabulary of 151,936 tokens", function () {
  // Mostly the oracle's: it builds its tables in seconds.
  this.timeout(600_000);
  const folder = new TempFolder();
  let tokenizer: Tokenizer;
  let oracle: Oracle;
  /** The oracle without its NFC step. */
  let plainOracle: Oracle;

  before(async () => {
    const { tokenizer: json, config } = readTokenizerJson();
    const shape = { ...TINY_DIMENSIONS, n_layer: 1, n_vocab: 151_936 };
    const path = writeTinyModel(folder, tinyEntries(shape, qwenVocabMetadata(json)), tinyTensors(shape), "qwen.gguf");
    tokenizer = new Tokenizer((await openGgufFile(path)).vocab);
    oracle = new Oracle(json, config);
    plainOracle = new Oracle({ ...json, normalizer: null }, config);
  });
  after(() => {
    folder.remove();
  });

  const expected = (of: Oracle, text: string): number[] => of.encode(text, { add_special_tokens: false }).ids;

  function assertSameIds(text: string, ids: readonly number[], want: readonly number[], what: string): void {
    const at = ids.findIndex((id, i) => id !== want[i]);
    if (at >= 0 || ids.length !== want.length) {
      const context = tokenizer.decode(ids.slice(Math.max(0, at - 3), at + 3));
      assert.fail(
        `${what}: ids differ at ${String(at)} near ${JSON.stringify(context)} of ${JSON.stringify(text.slice(0, 200))}`,
      );
    }
  }

  it("gives llama.cpp's ids on its own test cases", () => {
    for (const { text, ids } of llamaCases.cases) {
      assertSameIds(text, tokenizer.encodeText(text), ids, "case");
    }
  });

  it("gives llama.cpp's ids on texts made to be difficult", () => {
    for (const { text, ids } of llamaCases.more) {
      assertSameIds(text, tokenizer.encodeText(text), ids, "text");
    }
  });

  it("gives Hugging Face's ids on more than 1 MB of source in eleven languages", () => {
    let chars = 0;
    for (const source of SOURCES) {
      const [language] = source;
      const text = sourceText(source);
      chars += text.length;
      const ids = tokenizer.encodeText(text);
      assert.equal(tokenizer.decode(ids), wellFormed(text));
      assertSameIds(text, ids, expected(text.normalize("NFC") === text ? oracle : plainOracle, text), language);
    }
    assert.ok(chars > 1_000_000, String(chars));
  });

  it("gives Hugging Face's ids on the same source with Windows line ends and with tabs", () => {
    for (const [language, path] of SOURCES.slice(-5)) {
      const text = readFileSync(join(ROOT, path), "utf8").replaceAll("\n", "\r\n").replaceAll("    ", "\t");
      assertSameIds(text, tokenizer.encodeText(text), expected(plainOracle, text), language);
    }
  });

  it("gives Hugging Face's ids on random texts", () => {
    // What JavaScript's \s and Hugging Face's case folding see differently, and control tokens, which it finds in text.
    const disputed = /[\ufeff\u0085\u017f\u212a]|<\|\w+\|>|<tool_call>/gu;
    const random = new Prng("tokenizer texts");
    for (let i = 0; i < 3000; i++) {
      const text = (i % 2 === 0 ? strangeText(random, 30) : randomUnicode(random, 40)).replaceAll(disputed, "?");
      assertSameIds(text, tokenizer.encodeText(text), expected(plainOracle, text), `text ${String(i)}`);
    }
  });

  it("does not normalise: what comes out is what went in", () => {
    const decomposed = "cafe\u0301 \u212b \u1112\u1161\u11ab \ufb01";
    const ids = tokenizer.encodeText(decomposed);
    assert.equal(tokenizer.decode(ids), decomposed);
    assertSameIds(decomposed, ids, expected(plainOracle, decomposed), "as without NFC");
    assert.notDeepEqual(ids, expected(oracle, decomposed));
  });

  it("takes Unicode's white space, not JavaScript's", () => {
    // The ids are llama.cpp's. U+0085 is white space to it; U+FEFF is not, so a space may join it.
    assert.deepEqual(tokenizer.encodeText("a\u0085b"), [64, 126, 227, 65]);
    assert.deepEqual(tokenizer.encodeText(" \ufeffx"), [75780, 87]);
  });

  it("takes a lone surrogate as U+FFFD", () => {
    for (const [broken, whole] of [
      ["a\ud800b", "a\ufffdb"],
      ["\udc00", "\ufffd"],
      ["x\ud83d", "x\ufffd"],
      ["\ude00\ud83d", "\ufffd\ufffd"],
    ] as const) {
      assert.deepEqual(tokenizer.encodeText(broken), tokenizer.encodeText(whole));
    }
  });

  it("does not let a word of a megabyte take quadratic time", function () {
    // Quadratic merging would take hours; the limit allows for a slow machine.
    this.timeout(300_000);
    for (const character of ["a", " ", "\n", "!", "é", "ab", "=-", "\t "]) {
      const text = character.repeat(2 ** 20 / character.length);
      const ids = tokenizer.encodeText(text);
      assert.equal(tokenizer.decode(ids), text);
      const short = text.slice(0, 2000);
      assertSameIds(
        short,
        tokenizer.encodeText(short),
        expected(plainOracle, short),
        `2000 of ${JSON.stringify(character)}`,
      );
    }
  });

  it("merges long words by heap exactly as short ones by scan", () => {
    const random = new Prng("long words");
    const letters = "etaoinsrhldcumfpgwybvkxjqz";
    for (let i = 0; i < 200; i++) {
      const length = 30 + random.nextBelow(60);
      const word = Array.from({ length }, () => letters[Math.min(random.nextBelow(26), random.nextBelow(26))]).join("");
      assertSameIds(word, tokenizer.encodeText(word), expected(plainOracle, word), "word");
    }
  });

  it("gives the same ids whether a word is remembered or not", () => {
    const text = readFileSync(join(ROOT, "node_modules/typescript/lib/lib.dom.d.ts"), "utf8").slice(0, 400_000);
    assert.deepEqual(tokenizer.encodeText(text), tokenizer.encodeText(text));
  });

  it("never gives a control token for text, but one for a special part", () => {
    const text = "<|im_end|><|endoftext|><|fim_prefix|><tool_call>[PAD151700]";
    assert.ok(tokenizer.encodeText(text).every((id) => id < 151_643));
    assert.deepEqual(
      tokenizer.encode([
        { kind: "special", token: "<|im_start|>" },
        { kind: "text", text: "user\n<|im_end|>" },
        { kind: "special", token: "<|im_end|>" },
      ]),
      [151_644, ...tokenizer.encodeText("user\n<|im_end|>"), 151_645],
    );
  });

  it("tokenises each part on its own", () => {
    const parts = ["con", "st x", " = 1"].map((text) => ({ kind: "text", text }) as const);
    assert.deepEqual(
      tokenizer.encode(parts),
      parts.flatMap(({ text }) => tokenizer.encodeText(text)),
    );
    assert.notDeepEqual(tokenizer.encode(parts), tokenizer.encodeText("const x = 1"));
  });

  it("refuses a special token that the vocabulary does not have, and ids outside it", () => {
    const bad = (run: () => unknown): void => {
      assert.throws(run, (error) => error instanceof EngineError && error.code === "bad_request");
    };
    bad(() => tokenizer.encode([{ kind: "special", token: "<|nope|>" }]));
    bad(() => tokenizer.encode([{ kind: "special", token: "[PAD151700]" }]));
    for (const id of [-1, 151_936, 1.5, NaN]) {
      bad(() => tokenizer.tokenBytes(id));
    }
  });

  it("knows its special tokens", () => {
    assert.equal(tokenizer.nVocab, 151_936);
    assert.equal(tokenizer.special("<|im_end|>"), 151_645);
    assert.equal(tokenizer.special("<|fim_middle|>"), 151_660);
    assert.equal(tokenizer.special("[PAD151700]"), undefined);
    assert.equal(tokenizer.special("the"), undefined);
    assert.deepEqual([tokenizer.bosName, tokenizer.eosName], ["<|endoftext|>", "<|im_end|>"]);
    assert.equal(tokenizer.specialNames.length, 22);
    const ends = Array.from({ length: 151_936 }, (_, id) => id).filter((id) => tokenizer.isEndOfGeneration(id));
    assert.deepEqual(ends, [151_643, 151_645, 151_662, 151_663, 151_664]);
    assert.deepEqual(
      [tokenizer.unusedIds.length, tokenizer.unusedIds[0], tokenizer.unusedIds.at(-1)],
      [271, 151_665, 151_935],
    );
    // Converters call the FIM tokens user-defined.
    assert.ok(tokenizer.isControl(151_659) && tokenizer.isControl(151_644));
    assert.ok(!tokenizer.isControl(151_657) && !tokenizer.isControl(100));
  });

  it("decodes control and unused tokens to nothing and user-defined ones to their text", () => {
    const ids = tokenizer.encode([
      { kind: "special", token: "<|im_start|>" },
      { kind: "text", text: "naïve" },
      { kind: "special", token: "<tool_call>" },
      { kind: "special", token: "<|fim_pad|>" },
    ]);
    assert.equal(tokenizer.decode([...ids, 151_935]), "naïve<tool_call>");
    assert.equal(tokenizer.tokenBytes(151_935).length, 0);
  });

  it("holds its tables in 5 MB", () => {
    // The budget of the whole process is in docs/adr/0003; this part of it is exact.
    assert.ok(tokenizer.tableBytes <= 5_000_000, String(tokenizer.tableBytes));
  });

  describe("StreamingDetokenizer", () => {
    const text = "naïve 日本語 😀👨‍👩‍👧🇩🇪 é\u0301 ក្រ \ufeff done";

    it("gives the text piece by piece and never half a character", () => {
      const stream = new StreamingDetokenizer(tokenizer);
      const pieces = tokenizer.encodeText(text).map((id) => stream.push(id));
      assert.equal(pieces.join("") + stream.flush(), text);
      assert.ok(pieces.every((piece) => piece === wellFormed(piece) && !piece.includes("\ufffd")));
    });

    it("holds a split character back until it is whole", () => {
      const byte = (value: number): number => {
        const id = Array.from({ length: 256 }, (_, i) => i).find((i) => tokenizer.tokenBytes(i)[0] === value);
        return id ?? assert.fail();
      };
      const stream = new StreamingDetokenizer(tokenizer);
      assert.deepEqual(
        [0xf0, 0x9f, 0x98, 0x80].map((value) => stream.push(byte(value))),
        ["", "", "", "😀"],
      );
      // What can no longer become a character is U+FFFD at once; what still could, at the end.
      assert.equal([0xe2, 0x82, 0x41].map((value) => stream.push(byte(value))).join("|"), "||\ufffdA");
      assert.deepEqual(
        [stream.push(byte(0xff)), stream.push(byte(0xe2)), stream.flush(), stream.flush()],
        ["\ufffd", "", "\ufffd", ""],
      );
    });

    it("equals decode for any tokens in any order", () => {
      const random = new Prng("tokens");
      for (let i = 0; i < 2000; i++) {
        // Half of them single bytes, which are mostly not UTF-8.
        const ids = Array.from({ length: 12 }, () => random.nextBelow(random.nextBelow(2) === 0 ? 256 : 151_936));
        const stream = new StreamingDetokenizer(tokenizer);
        const streamed = ids.map((id) => stream.push(id)).join("") + stream.flush();
        assert.equal(streamed, tokenizer.decode(ids), JSON.stringify(ids));
        const bytes = Buffer.concat(ids.map((id) => tokenizer.tokenBytes(id)));
        assert.equal(streamed, new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes));
      }
    });
  });
});

describe("Tokenizer of the starter model", () => {
  it("gives back every text", async function () {
    if (!existsSync(STARTER)) {
      this.skip();
    }
    const model = await openGgufFile(STARTER);
    const tokenizer = new Tokenizer(model.vocab);
    assert.equal(model.known.id, "hearth-starter");
    assert.equal(model.fileHeader, true);
    assert.ok(tokenizer.special("<|file_sep|>") !== undefined);
    for (const [, path] of SOURCES) {
      const text = readFileSync(join(ROOT, path), "utf8").slice(0, 50_000);
      const ids = tokenizer.encodeText(text);
      assert.equal(tokenizer.decode(ids), wellFormed(text));
      assert.ok(ids.every((id) => id < tokenizer.nVocab && !tokenizer.isControl(id)));
    }
    const random = new Prng("starter");
    for (let i = 0; i < 500; i++) {
      const text = strangeText(random, 30);
      assert.equal(tokenizer.decode(tokenizer.encodeText(text)), text);
    }
  });
});
