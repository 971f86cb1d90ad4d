import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, statSync, utimesSync } from "node:fs";
import { open as openFile } from "node:fs/promises";
import { join } from "node:path";
import { gguf } from "@huggingface/gguf";
import type { GgufValue } from "../../test/fixtures/ggufWriter";
import { openGgufFile } from "./ggufFile";
import { readGgufHeader } from "./ggufHeader";
import {
  TempFolder,
  TINY_DIMENSIONS,
  tinyEntries,
  tinyTensors,
  writeTinyModel,
  type RawTensorInfo,
} from "./testing/ggufBytes";

const u32 = (value: number): GgufValue => ({ type: "uint32", value });
const f32 = (value: number): GgufValue => ({ type: "float32", value });
const text = (value: string): GgufValue => ({ type: "string", value });

describe("openGgufFile: what a valid file says", () => {
  const folder = new TempFolder();
  after(() => {
    folder.remove();
  });

  function entriesWith(changes: Readonly<Record<string, GgufValue | undefined>>): Map<string, GgufValue> {
    const entries = tinyEntries();
    for (const [key, value] of Object.entries(changes)) {
      if (value === undefined) {
        entries.delete(key);
      } else {
        entries.set(key, value);
      }
    }
    return entries;
  }

  async function open(
    changes: Readonly<Record<string, GgufValue | undefined>> = {},
    tensors?: readonly RawTensorInfo[],
  ) {
    return openGgufFile(writeTinyModel(folder, entriesWith(changes), tensors));
  }

  it("gives hyper-parameters and tensors as the file has them", async () => {
    const path = writeTinyModel(folder);
    const { spec, warnings, name, quantLabel, identity } = await openGgufFile(path);
    assert.deepEqual(warnings, []);
    assert.equal(name, "tiny");
    assert.equal(quantLabel, "Q4_0");
    const { path: specPath, file_bytes, tensors, block, ...rest } = spec;
    assert.deepEqual(rest, {
      ...TINY_DIMENSIONS,
      rms_eps: Math.fround(1e-6),
      n_ctx_train: 4096,
      down_transposed: false,
    });
    assert.equal(specPath, path);
    assert.equal(file_bytes, statSync(path).size);
    assert.equal(tensors.length, 3 + 10 * TINY_DIMENSIONS.n_layer);
    assert.deepEqual(block, {
      routerInput: "residual",
      gating: "sigmoid",
      activation: "relu",
      qkNorm: false,
      attention: Array(6).fill({ window: 0, rope: { freq_base: 1.5e6 } }),
    });
    assert.deepEqual(identity, { path, size: file_bytes, mtimeMs: statSync(path).mtimeMs });
  });

  it("agrees with @huggingface/gguf on every tensor", async () => {
    const path = writeTinyModel(folder);
    const { spec } = await openGgufFile(path);
    const oracle = await gguf(path, { allowLocalFile: true });
    const types: Readonly<Record<number, string>> = { 0: "F32", 2: "Q4_0" };
    const expected = oracle.tensorInfos.map((tensor) => ({
      name: tensor.name,
      type: types[tensor.dtype],
      shape: tensor.shape.map(Number),
      offset: Number(oracle.tensorDataOffset + tensor.offset),
    }));
    const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : 1);
    const found = spec.tensors.map(({ name, type, shape, offset }) => ({ name, type, shape: [...shape], offset }));
    assert.deepEqual(found.sort(byName), expected.sort(byName));
  });

  it("knows a file's identity by size and time", async () => {
    const path = writeTinyModel(folder);
    const before = (await openGgufFile(path)).identity;
    assert.deepEqual((await openGgufFile(path)).identity, before);
    utimesSync(path, 1000, 1000);
    assert.notDeepEqual((await openGgufFile(path)).identity, before);
  });

  describe("gating", () => {
    const key = "smallthinker.expert_gating_func";
    it("is softmax for 1 and sigmoid for 2", async () => {
      assert.equal((await open({ [key]: u32(1) })).spec.block.gating, "softmax");
      assert.equal((await open({ [key]: u32(2) })).spec.block.gating, "sigmoid");
    });
    it("is sigmoid, with a warning, when the key is missing", async () => {
      const { spec, warnings } = await open({ [key]: undefined });
      assert.equal(spec.block.gating, "sigmoid");
      assert.match(warnings.join(), /expert_gating_func is missing; taking sigmoid/);
    });
  });

  describe("window and position encoding", () => {
    const window = "smallthinker.attention.sliding_window";
    const pattern = "smallthinker.attention.sliding_window_pattern";
    const rope = { freq_base: 1.5e6 };
    const global = { window: 0, rope: undefined };
    const local = { window: 96, rope };

    it("are global and NoPE at every fourth layer from 0 when the file has a window, which is honoured", async () => {
      const { spec } = await open({ [window]: u32(96) });
      assert.deepEqual(spec.block.attention, [global, local, local, local, global, local]);
    });
    it("are RoPE and global everywhere for a window of 0", async () => {
      assert.deepEqual((await open({ [window]: u32(0) })).spec.block.attention, Array(6).fill({ window: 0, rope }));
    });
    it("keep NoPE at every fourth layer whatever the window pattern's period", async () => {
      const { spec } = await open({ [window]: u32(96), [pattern]: u32(2) });
      assert.deepEqual(
        spec.block.attention.map((layer) => layer.window),
        [0, 96, 0, 96, 0, 96],
      );
      assert.deepEqual(
        spec.block.attention.map((layer) => layer.rope !== undefined),
        [false, true, true, true, false, true],
      );
    });
    it("put the window on all layers for period 0 and on none for period 1, as llama.cpp does", async () => {
      const all = await open({ [window]: u32(96), [pattern]: u32(0) });
      assert.deepEqual(
        all.spec.block.attention.map((layer) => layer.window),
        Array(6).fill(96),
      );
      const none = await open({ [window]: u32(96), [pattern]: u32(1) });
      assert.deepEqual(
        none.spec.block.attention.map((layer) => layer.window),
        Array(6).fill(0),
      );
    });
    it("take a flag per layer", async () => {
      const value: GgufValue = { type: "array", of: "bool", value: [true, true, false, false, true, false] };
      const { spec } = await open({ [window]: u32(96), [pattern]: value });
      assert.deepEqual(
        spec.block.attention.map((layer) => layer.window),
        [96, 96, 0, 0, 96, 0],
      );
    });
    it("leave RoPE out of layer 0 of a windowed model of four layers, where llama.cpp does not", async () => {
      const shape = { ...TINY_DIMENSIONS, n_layer: 4 };
      const entries = tinyEntries(shape).set(window, u32(96));
      const { spec } = await openGgufFile(writeTinyModel(folder, entries, tinyTensors(shape)));
      assert.deepEqual(spec.block.attention, [global, local, local, local]);
    });
  });

  describe("defaults", () => {
    it("take n_embd / n_head for a missing key_length and n_head for missing head_count_kv", async () => {
      const shape = { ...TINY_DIMENSIONS, head_dim: 16, n_head_kv: 4 };
      const entries = tinyEntries(shape);
      for (const key of ["key_length", "value_length", "head_count_kv"]) {
        entries.delete(`smallthinker.attention.${key}`);
      }
      const { spec } = await openGgufFile(writeTinyModel(folder, entries, tinyTensors(shape)));
      assert.equal(spec.head_dim, 16);
      assert.equal(spec.n_head_kv, 4);
    });
    it("take 10000 for a missing rope base, with a warning", async () => {
      const { spec, warnings } = await open({ "smallthinker.rope.freq_base": undefined });
      assert.deepEqual(spec.block.attention[0]?.rope, { freq_base: 10_000 });
      assert.match(warnings.join(), /rope\.freq_base is missing/);
    });
    it("take feed_forward_length where there is no length of the experts", async () => {
      assert.equal((await open({ "smallthinker.expert_feed_forward_length": undefined })).spec.n_ff, 96);
    });
    it("accept any integer type, and scaling that scales nothing", async () => {
      const { spec } = await open({
        "smallthinker.block_count": { type: "uint64", value: 6n },
        "smallthinker.context_length": { type: "int32", value: 4096 },
        "smallthinker.rope.dimension_count": { type: "uint16", value: 32 },
        "smallthinker.rope.scaling.type": text("none"),
        "smallthinker.rope.scaling.factor": f32(4),
        "smallthinker.rope.freq_base_swa": f32(1.5e6),
        "smallthinker.expert_weights_scale": f32(1),
      });
      assert.equal(spec.n_layer, 6);
    });
  });

  describe("tensors", () => {
    it("cut a fused attn_qkv into three tensors that cover it", async () => {
      const { n_embd, head_dim, n_head, n_head_kv } = TINY_DIMENSIONS;
      const fused = tinyTensors().flatMap((tensor) => {
        if (/attn_[kv]\.weight/.test(tensor.name)) {
          return [];
        }
        const name = tensor.name.replace("attn_q.", "attn_qkv.");
        return [
          name === tensor.name ? tensor : { ...tensor, name, shape: [n_embd, (n_head + 2 * n_head_kv) * head_dim] },
        ];
      });
      const { spec, warnings } = await open({}, fused);
      assert.deepEqual(warnings, []);
      const at = (name: string) => spec.tensors.find((tensor) => tensor.name === `blk.1.${name}.weight`);
      const q = at("attn_q");
      const k = at("attn_k");
      const v = at("attn_v");
      const norm = at("attn_norm");
      assert.ok(q !== undefined && k !== undefined && v !== undefined && norm !== undefined);
      assert.deepEqual(
        [q.shape, k.shape, v.shape],
        [
          [64, 128],
          [64, 64],
          [64, 64],
        ],
      );
      assert.deepEqual([q.bytes, k.bytes, v.bytes], [128 * 36, 64 * 36, 64 * 36]);
      assert.equal(q.offset, norm.offset + norm.bytes);
      assert.deepEqual([k.offset, v.offset], [q.offset + q.bytes, k.offset + k.bytes]);
      assert.equal(at("attn_qkv"), undefined);
    });

    const transposed = (n_embd: number, n_ff: number, tensors: RawTensorInfo[]): RawTensorInfo[] =>
      tensors.map((t) =>
        t.name.includes("ffn_down_exps") ? { ...t, shape: [n_embd, n_ff, TINY_DIMENSIONS.n_expert] } : t,
      );
    const profiler: RawTensorInfo = {
      name: "lm_head_profiler.weight",
      shape: [(64 + 512) * 128, 1],
      type: 2,
      offset: 0,
    };

    it("recognise the authors' flavour by the shape of ffn_down_exps", async () => {
      const { spec } = await open({}, transposed(64, 96, tinyTensors()));
      assert.equal(spec.down_transposed, true);
      assert.deepEqual(spec.tensors.find((t) => t.name === "blk.5.ffn_down_exps.weight")?.shape, [64, 96, 8]);
    });
    it("recognise it by its extra tensor where n_ff equals n_embd", async () => {
      const shape = { ...TINY_DIMENSIONS, n_ff: 64 };
      const open64 = async (tensors: RawTensorInfo[]) =>
        openGgufFile(writeTinyModel(folder, tinyEntries(shape), tensors));
      assert.equal((await open64(tinyTensors(shape))).spec.down_transposed, false);
      const { spec } = await open64([...tinyTensors(shape), profiler]);
      assert.equal(spec.down_transposed, true);
    });
    it("take the predictor of whatever shape as it is: the engine checks it where it is wanted", async () => {
      const found = async (predictor: RawTensorInfo) => {
        const { spec, warnings } = await open({}, [...tinyTensors(), predictor]);
        const tensor = spec.tensors.find(({ name }) => name === predictor.name);
        return { shape: tensor?.shape, bytes: tensor?.bytes, warnings };
      };
      const bytes = (576 * 128 * 18) / 32;
      assert.deepEqual(await found(profiler), { shape: [576 * 128], bytes, warnings: [] });
      const odd = await found({ ...profiler, shape: [128, 576] });
      assert.deepEqual(odd, { shape: [128, 576], bytes, warnings: [] });
      const { shape, warnings } = await found({ ...profiler, type: 22 });
      assert.equal(shape, undefined);
      assert.match(warnings.join(), /^lm_head_profiler\.weight is of a type that is not supported/);
    });
    it("ignore a tensor nobody knows, whatever its type, with a warning", async () => {
      const unknown = { name: "blk.0.attn_q_norm.weight", shape: [64], type: 22, offset: 0 };
      const { spec, warnings } = await open({}, [...tinyTensors(), unknown]);
      assert.match(warnings.join(), /unknown tensors are ignored: 'blk\.0\.attn_q_norm\.weight'/);
      assert.ok(!spec.tensors.some((tensor) => tensor.name === unknown.name));
    });
    it("do without output.weight: the head is tied", async () => {
      const { spec } = await open(
        {},
        tinyTensors().filter((tensor) => tensor.name !== "output.weight"),
      );
      assert.ok(!spec.tensors.some((tensor) => tensor.name === "output.weight"));
    });
    it("may have trailing dimensions of one", async () => {
      const tensors = tinyTensors().map((t) => (t.name === "output_norm.weight" ? { ...t, shape: [64, 1, 1] } : t));
      const { spec } = await open({}, tensors);
      assert.deepEqual(spec.tensors.find((t) => t.name === "output_norm.weight")?.shape, [64]);
    });
    it("may be of every supported type, with the block's size in bytes", async () => {
      const shape = { ...TINY_DIMENSIONS, n_embd: 256, n_ff: 512, head_dim: 64 };
      const bytesPer256 = {
        ...{ F32: 1024, F16: 512, BF16: 512 },
        ...{ Q4_0: 144, Q4_1: 160, Q5_0: 176, Q5_1: 192, Q8_0: 272 },
        ...{ Q2_K: 84, Q3_K: 110, Q4_K: 144, Q5_K: 176, Q6_K: 210 },
      };
      for (const [id, type] of [
        [0, "F32"],
        [1, "F16"],
        [30, "BF16"],
        [2, "Q4_0"],
        [3, "Q4_1"],
        [6, "Q5_0"],
        [7, "Q5_1"],
        [8, "Q8_0"],
        [10, "Q2_K"],
        [11, "Q3_K"],
        [12, "Q4_K"],
        [13, "Q5_K"],
        [14, "Q6_K"],
      ] as const) {
        const model = await openGgufFile(writeTinyModel(folder, tinyEntries(shape), tinyTensors(shape, id)));
        const q = model.spec.tensors.find((tensor) => tensor.name === "blk.0.attn_q.weight");
        assert.deepEqual([model.quantLabel, q?.type, q?.bytes], [type, type, 256 * bytesPer256[type]]);
      }
    });
    it("may be routers in any type", async () => {
      const tensors = tinyTensors().map((t) => (t.name.includes("ffn_gate_inp") ? { ...t, type: 30 } : t));
      assert.equal(
        (await open({}, tensors)).spec.tensors.find((t) => t.name === "blk.0.ffn_gate_inp.weight")?.type,
        "BF16",
      );
    });
    it("may stand at an alignment of the file's own", async () => {
      const tensors = tinyTensors().map((tensor, i) => ({ ...tensor, offset: i * 65_536 }));
      const { headerBytes } = await import("./testing/ggufBytes");
      const header = headerBytes({ entries: [...tinyEntries().set("general.alignment", u32(4096))], tensors });
      const { spec } = await openGgufFile(folder.write("aligned.gguf", header, 65_536 * tensors.length + 8192));
      assert.ok(spec.tensors.every((tensor) => tensor.offset % 4096 === 0));
    });
  });

  describe("Hearth's own keys", () => {
    const list = (value: string[]): GgufValue => ({ type: "array", of: "string", value });

    it("say what the model can do, in order of preference", async () => {
      const model = await open({
        "hearth.capabilities": list(["complete"]),
        "hearth.fim.layouts": list(["prefix-first", "suffix-first"]),
        "hearth.prompt.file_header": { type: "bool", value: true },
      });
      assert.deepEqual(model.capabilities, ["complete"]);
      assert.deepEqual(model.fim.layouts, ["prefix-first", "suffix-first"]);
      assert.equal(model.fileHeader, true);
    });
    it("may name what only a newer Hearth knows", async () => {
      const model = await open({ "hearth.capabilities": list(["levitate", "complete"]) });
      assert.deepEqual(model.capabilities, ["complete"]);
      assert.match(model.warnings.join(), /'levitate', which this version of Hearth does not know/);
    });
    it("are optional", async () => {
      const model = await open();
      assert.deepEqual(model.capabilities, ["complete", "chat", "edit"]);
      assert.deepEqual(model.fim.layouts, []);
      assert.equal(model.fileHeader, false);
      assert.match(model.chatTemplate ?? "", /im_start/);
    });
    it("may give flags as numbers, text or lists", async () => {
      for (const [value, expected] of [
        [u32(1), true],
        [u32(0), false],
        [text("false"), false],
        [text("file"), true],
        [list(["<|file_sep|>", "{path}\n"]), true],
        [list([]), false],
      ] as const) {
        assert.equal((await open({ "hearth.prompt.file_header": value })).fileHeader, expected);
      }
    });
  });

  it("reads little more than the header", async () => {
    const path = writeTinyModel(
      folder,
      tinyEntries(),
      tinyTensors({ ...TINY_DIMENSIONS, n_vocab: 1 << 20 }),
      "long.gguf",
    );
    const file = await openFile(path, "r");
    let bytesAsked = 0;
    const counting = {
      read: (buffer: Buffer, at: number, length: number, position: number) => {
        bytesAsked += length;
        return file.read(buffer, at, length, position);
      },
    };
    const { dataOffset } = await readGgufHeader(counting, statSync(path).size, ["smallthinker"]);
    await file.close();
    assert.ok(bytesAsked <= dataOffset + 256 * 1024, `asked for ${String(bytesAsked)} bytes`);
  });

  it("skips metadata of no interest, however large", async () => {
    const entries = new Map<string, GgufValue>([
      ["other.blob", { type: "array", of: "uint8", value: Array.from({ length: 300_000 }, () => 7) }],
      ["other.words", { type: "array", of: "string", value: Array.from({ length: 20_000 }, () => "word") }],
      ["other.text", text("x".repeat(2_000_000))],
      ...tinyEntries(),
    ]);
    assert.equal((await openGgufFile(writeTinyModel(folder, entries))).spec.n_layer, 6);
  });

  it("opens a file with a name of its own", async () => {
    const path = join(folder.path, "später 模型");
    mkdirSync(path);
    const sub = writeTinyModel(
      folder,
      entriesWith({ "general.name": undefined, "general.size_label": text("4B") }),
      undefined,
      "später 模型/x.GGUF",
    );
    appendFileSync(sub, "trailing bytes do not matter");
    const model = await openGgufFile(sub);
    assert.deepEqual([model.name, model.sizeLabel], ["x", "4B"]);
  });
});
