import assert from "node:assert/strict";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { assertBadModel, failureOf } from "./testing/badModel";
import {
  headerBytes,
  laidOut,
  type RawTensorInfo,
  stringBytes,
  TempFolder,
  tinyEntries,
  tinyTensors,
  u32Bytes,
  u64Bytes,
} from "./testing/ggufBytes";

const TWO_POW_60 = 2n ** 60n;

describe("openGgufFile: files that are not what they should be", () => {
  const folder = new TempFolder();
  after(() => {
    folder.remove();
  });

  function withTensors(
    change: (tensor: RawTensorInfo, all: RawTensorInfo[]) => RawTensorInfo | RawTensorInfo[],
  ): string {
    const { tensors, dataBytes } = laidOut(tinyTensors());
    const changed = tensors.flatMap((tensor) => change(tensor, tensors));
    return folder.write("bad.gguf", headerBytes({ entries: [...tinyEntries()], tensors: changed }), dataBytes);
  }

  const onlyFor = (name: string, change: Partial<RawTensorInfo>) =>
    withTensors((tensor) => (tensor.name === name ? { ...tensor, ...change } : tensor));

  describe("not GGUF files", () => {
    const cases: readonly [string, Uint8Array, RegExp][] = [
      ["empty", Buffer.alloc(0), /^it is empty$/],
      ["three bytes", Buffer.from("GGU"), /not a GGUF file/],
      ["a web page", Buffer.from("<!DOCTYPE html><html><body>404</body></html>"), /not a GGUF file/],
      ["a text that is long", Buffer.alloc(3_000_000, "some text. "), /not a GGUF file/],
      ["zeros", Buffer.alloc(4096), /not a GGUF file/],
      ["only the magic", Buffer.from("GGUF"), /cut short/],
      ["half a preamble", headerBytes({ entries: [], tensors: [] }).subarray(0, 20), /cut short/],
      ["version 0", headerBytes({ version: 0, entries: [], tensors: [] }), /version 0/],
      ["version 1", headerBytes({ version: 1, entries: [], tensors: [] }), /version 1, which is no longer read/],
      ["version 4", headerBytes({ version: 4, entries: [], tensors: [] }), /version 4, newer than version 3/],
      ["big-endian", headerBytes({ version: 0x03000000, entries: [], tensors: [] }), /big-endian/],
      ["no metadata", headerBytes({ entries: [], tensors: [] }), /lacks 'general\.architecture'/],
    ];
    for (const [name, bytes, what] of cases) {
      it(name, async () => {
        await assertBadModel(folder.write("bad.gguf", bytes), what);
      });
    }
    it("a missing file", async () => {
      const error = await failureOf(join(folder.path, "none.gguf"));
      assert.equal(error.message, `cannot open model 'none.gguf': no such file; choose another model`);
    });
    it("a folder", async () => {
      await assertBadModel(folder.path, /^it is a folder$/);
    });
    it("a path with a NUL", async () => {
      await assertBadModel(join(folder.path, "a\0b"), /^no such file$/);
    });
    it("a device", async function () {
      if (process.platform === "win32") {
        this.skip();
      }
      await assertBadModel("/dev/zero", /^it is not a regular file$/);
    });
    it("a file without permission to read", async function () {
      if (process.platform === "win32" || process.getuid?.() === 0) {
        this.skip();
      }
      const path = folder.write("secret.gguf", Buffer.from("GGUF"));
      chmodSync(path, 0);
      await assertBadModel(path, /^permission denied$/);
    });
  });

  describe("counts and lengths that the file cannot hold", () => {
    const tokens = (count: bigint, ...items: Uint8Array[]): Uint8Array =>
      Buffer.concat([stringBytes("tokenizer.ggml.tokens"), u32Bytes(9), u32Bytes(8), u64Bytes(count), ...items]);
    const cases: readonly [string, Uint8Array, RegExp][] = [
      [
        "2^60 keys",
        headerBytes({ entries: [], tensors: [], keyCount: TWO_POW_60 }),
        /announces \d+ metadata entries; the limit/,
      ],
      [
        "2^60 tensors",
        headerBytes({ entries: [], tensors: [], tensorCount: TWO_POW_60 }),
        /announces \d+ tensors; the limit/,
      ],
      ["one key too many", headerBytes({ entries: [], tensors: [], keyCount: 1n }), /cut short/],
      ["one tensor too many", headerBytes({ entries: [], tensors: [], tensorCount: 1n }), /cut short/],
      [
        "a key of 2^63 bytes",
        Buffer.concat([preamble(1n), u64Bytes(2n ** 63n)]),
        /bytes for the name of metadata entry 0/,
      ],
      ["a key past the end", Buffer.concat([preamble(1n), u64Bytes(1000)]), /cut short/],
      [
        "a text of 2^60 bytes",
        Buffer.concat([preamble(1n), stringBytes("general.name"), u32Bytes(8), u64Bytes(TWO_POW_60)]),
        /bytes for the value of 'general\.name'/,
      ],
      [
        "a text past the end",
        Buffer.concat([preamble(1n), stringBytes("general.name"), u32Bytes(8), u64Bytes(4000)]),
        /cut short/,
      ],
      [
        "an unwanted text past the end",
        Buffer.concat([preamble(1n), stringBytes("x.y"), u32Bytes(8), u64Bytes(TWO_POW_60)]),
        /cut short/,
      ],
      ["2^60 tokens", Buffer.concat([preamble(1n), tokens(TWO_POW_60)]), /announces \d+ elements, more than/],
      ["a token past the end", Buffer.concat([preamble(1n), tokens(1n, u64Bytes(99))]), /cut short/],
      [
        "a token of 2^32 + 1 bytes",
        Buffer.concat([preamble(1n), tokens(1n, u64Bytes(2n ** 32n + 1n))]),
        /element 0 of 'tokenizer\.ggml\.tokens' announces/,
      ],
      [
        "2^60 unwanted numbers",
        Buffer.concat([preamble(1n), stringBytes("x"), u32Bytes(9), u32Bytes(0), u64Bytes(TWO_POW_60)]),
        /announces \d+ elements, more than/,
      ],
      ["a key of no bytes", Buffer.concat([preamble(1n), stringBytes("")]), /metadata entry 0 is empty/],
      [
        "a key that is not UTF-8",
        Buffer.concat([preamble(1n), stringBytes(Uint8Array.of(0x61, 0xff))]),
        /is not UTF-8/,
      ],
      [
        "a text that is not UTF-8",
        Buffer.concat([preamble(1n), stringBytes("general.name"), u32Bytes(8), stringBytes(Uint8Array.of(0xc0, 0x80))]),
        /is not UTF-8/,
      ],
      ["an unknown type", Buffer.concat([preamble(1n), stringBytes("x"), u32Bytes(13)]), /'x' has the unknown type 13/],
      [
        "an array of an unknown type",
        Buffer.concat([preamble(1n), stringBytes("x"), u32Bytes(9), u32Bytes(77), u64Bytes(1)]),
        /'x' is an array of the unknown type 77/,
      ],
      [
        "an array of arrays",
        Buffer.concat([preamble(1n), stringBytes("x"), u32Bytes(9), u32Bytes(9), u64Bytes(1)]),
        /'x' is an array of arrays/,
      ],
    ];
    for (const [name, bytes, what] of cases) {
      it(name, async () => {
        await assertBadModel(folder.write("bad.gguf", bytes), what);
      });
    }
    it("more tokens than any vocabulary, all of them there", async () => {
      const many = Buffer.alloc(8 * ((1 << 20) + 1));
      const bytes = Buffer.concat([preamble(1n), tokens(BigInt((1 << 20) + 1), many)]);
      await assertBadModel(
        folder.write("bad.gguf", bytes),
        /announces 1048577 elements in 'tokenizer\.ggml\.tokens'; the limit/,
      );
    });
    it("a header of a hundred megabytes", async () => {
      const bytes = Buffer.concat([preamble(2n), stringBytes("x"), u32Bytes(9), u32Bytes(0), u64Bytes(100_000_000)]);
      await assertBadModel(
        folder.write("bad.gguf", bytes, 100_000_100),
        /announces 100000000 elements|longer than 67108864 bytes/,
      );
    });
  });

  describe("tensors", () => {
    const q = "blk.2.attn_q.weight";
    const cases: readonly [string, () => string, RegExp][] = [
      ["a missing one", () => withTensors((t) => (t.name === q ? [] : t)), /lacks the tensor 'blk\.2\.attn_q\.weight'/],
      [
        "no embedding",
        () => withTensors((t) => (t.name === "token_embd.weight" ? [] : t)),
        /lacks the tensor 'token_embd\.weight'/,
      ],
      [
        "the same twice",
        () => withTensors((t) => (t.name === q ? [t, t] : t)),
        /has the tensor 'blk\.2\.attn_q\.weight' twice/,
      ],
      [
        "another shape",
        () => onlyFor(q, { shape: [64, 127] }),
        /attn_q\.weight' has the shape \[64, 127\] where its metadata implies \[64, 128\]/,
      ],
      ["a shape of zero", () => onlyFor(q, { shape: [64, 0] }), /impossible shape \[64, 0\]/],
      ["a shape of 2^60", () => onlyFor(q, { shape: [TWO_POW_60, TWO_POW_60] }), /impossible shape/],
      [
        "a shape whose product wraps to a small one",
        () => onlyFor(q, { shape: [2n ** 63n, 2n, 64n, 128n] }),
        /impossible shape/,
      ],
      ["no dimensions", () => onlyFor(q, { shape: [] }), /has 0 dimensions/],
      ["five dimensions", () => onlyFor(q, { shape: [64, 128, 1, 1, 1] }), /has 5 dimensions/],
      ["one dimension for the embedding", () => onlyFor("token_embd.weight", { shape: [64] }), /has the shape \[64\]/],
      [
        "a type that we do not run",
        () => onlyFor(q, { type: 22 }),
        /attn_q\.weight' has the type IQ2_S; types that work are F32, F16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, BF16/,
      ],
      ["a type that nobody knows", () => onlyFor(q, { type: 4_000_000_000 }), /has the type number 4000000000/],
      [
        "more layers than the header says",
        () =>
          withTensors((t, all) =>
            t === all[0] ? [t, { name: "blk.99.x.weight", shape: [1], type: 0, offset: 0 }] : t,
          ),
        /layers, but it has a tensor 'blk\.99\.x\.weight'/,
      ],
      [
        "rows that are no whole blocks",
        () => onlyFor(q, { type: 14 }),
        /rows of 64, not a whole number of Q6_K blocks/,
      ],
      ["an unaligned offset", () => onlyFor(q, { offset: 33 }), /not at a multiple of 32/],
      ["an offset past the end", () => onlyFor(q, { offset: 2 ** 40 }), /past the file's end/],
      ["an offset that overflows", () => onlyFor(q, { offset: 2n ** 64n - 32n }), /past the file's end/],
      [
        "an unknown tensor past the end",
        () => withTensors((t, all) => (t === all[0] ? [t, { name: "x", shape: [1], type: 22, offset: 2 ** 41 }] : t)),
        /tensor 'x' ends at byte \d+, past/,
      ],
      [
        "two in one place",
        () => withTensors((t, all) => (t.name === q ? { ...t, offset: all[0]?.offset ?? 0 } : t)),
        /overlap/,
      ],
      ["a name of no bytes", () => onlyFor(q, { name: "" }), /name of tensor \d+ is empty/],
      ["a name too long", () => onlyFor(q, { name: "n".repeat(129) }), /129 bytes for the name of tensor/],
    ];
    for (const [name, path, what] of cases) {
      it(name, async () => {
        await assertBadModel(path(), what);
      });
    }
    it("types of a published file that we do not run, all of them, and what to choose instead", async () => {
      const types: Readonly<Record<string, number>> = { ffn_gate_exps: 22, ffn_up_exps: 16, ffn_down_exps: 21 };
      const path = withTensors((t) => ({ ...t, type: types[t.name.split(".")[2] ?? ""] ?? t.type }));
      const { message } = await failureOf(path);
      assert.match(
        message,
        /_exps\.weight' has the type IQ2_S, others IQ2_XXS, IQ3_S; types that work are [^;]+; choose a file of the same model in one of those types, such as Q4_K_M or Q4_0, or a smaller one such as Q3_K_M or Q2_K$/,
      );
    });
    it("a file that lacks its last byte", async () => {
      const { tensors, dataBytes } = laidOut(tinyTensors());
      const header = headerBytes({ entries: [...tinyEntries()], tensors });
      const error = await failureOf(folder.write("short.gguf", header, dataBytes - 1));
      assert.match(
        error.message,
        /ends at byte \d+, past the file's end at \d+; the download is incomplete; download it again$/,
      );
    });
    it("a fused attn_qkv of the wrong size", async () => {
      const path = withTensors((t) => (t.name === q ? { ...t, name: "blk.2.attn_qkv.weight" } : t));
      await assertBadModel(path, /attn_qkv\.weight' has the shape \[64, 128\] where its metadata implies \[64, 256\]/);
    });
  });
});

function preamble(keyCount: bigint): Uint8Array {
  return headerBytes({ entries: [], tensors: [], keyCount });
}
