import assert from "node:assert/strict";
import type { GgufValue } from "../../../test/fixtures/ggufWriter";
import { syntheticVocabMetadata } from "../../../test/fixtures/syntheticVocab";
import { openGgufFile, promptTraitsOf } from "../ggufFile";
import { assertBadModel, failureOf } from "../testing/badModel";
import { type Changes, familyEntries, familyTensors } from "../testing/familyFiles";
import { TempFolder, TINY_DIMENSIONS, tinyTensors, writeTinyModel } from "../testing/ggufBytes";
import { Tokenizer } from "../tokenizer";

const { n_layer, n_embd, n_ff, n_expert } = TINY_DIMENSIONS;
const u32 = (value: number): GgufValue => ({ type: "uint32", value });
const f32 = (value: number): GgufValue => ({ type: "float32", value });
const text = (value: string): GgufValue => ({ type: "string", value });
const flags = (value: boolean[]): GgufValue => ({ type: "array", of: "bool", value });

describe("Mellum 2 and Qwen3-MoE", () => {
  const folder = new TempFolder();
  after(() => {
    folder.remove();
  });

  const write = (family: string, changes: Changes = {}, tensors = familyTensors()): string =>
    writeTinyModel(folder, familyEntries(family, changes), tensors, `${family}.gguf`);
  const open = (family: string, changes: Changes = {}, tensors = familyTensors()) =>
    openGgufFile(write(family, changes, tensors));

  it("reads Mellum 2: windows by the file's flags, YaRN in full layers only", async () => {
    const { spec, warnings } = await open("mellum");
    assert.deepEqual(warnings, []);
    const windowed = { window: 64, rope: { freq_base: 500_000 } };
    const yarn = { factor: 16, original_context: 8192, beta_fast: 32, beta_slow: 1 };
    const full = { window: 0, rope: { freq_base: 500_000, yarn } };
    assert.deepEqual(spec.block, {
      routerInput: "ffnNorm",
      gating: "softmax",
      activation: "silu",
      qkNorm: true,
      attention: [windowed, windowed, full, windowed, windowed, full],
    });
    assert.equal(spec.tensors.length, 3 + 12 * n_layer);
  });

  it("turns Mellum 2's windowed layers by their own base", async () => {
    const { spec } = await open("mellum", { "mellum.rope.freq_base_swa": f32(10_000) });
    assert.deepEqual(
      spec.block.attention.map(({ rope }) => rope?.freq_base),
      [10_000, 10_000, 500_000, 10_000, 10_000, 500_000],
    );
  });

  it("takes the last of four layers for full where the file has no pattern, and none for windowed without a window", async () => {
    const patternless = await open("mellum", { "mellum.attention.sliding_window_pattern": undefined });
    assert.deepEqual(
      patternless.spec.block.attention.map(({ window }) => window),
      [64, 64, 64, 0, 64, 64],
    );
    const full = await open("mellum", { "mellum.attention.sliding_window": undefined });
    assert.ok(full.spec.block.attention.every(({ window, rope }) => window === 0 && rope?.yarn !== undefined));
  });

  it("reads Qwen3-MoE: full attention everywhere, softmax without being told, a head that may be tied", async () => {
    const tied = familyTensors().filter(({ name }) => name !== "output.weight");
    const { spec, warnings } = await open("qwen3moe", {}, tied);
    assert.deepEqual(warnings, []);
    const full = { window: 0, rope: { freq_base: 1_500_000 } };
    assert.deepEqual(
      spec.block.attention,
      Array.from({ length: n_layer }, () => full),
    );
    assert.deepEqual([spec.block.gating, spec.block.activation, spec.block.qkNorm], ["softmax", "silu", true]);
    await assertBadModel(write("mellum", {}, tied), /lacks the tensor 'output\.weight'/);
  });

  it("reads whole numbers of any width, and arrays of equal ones", async () => {
    const ff = (value: number[]): GgufValue => ({ type: "array", of: "int32", value });
    const { spec } = await open("qwen3moe", {
      "qwen3moe.context_length": { type: "uint64", value: 262_144n },
      "qwen3moe.block_count": { type: "uint16", value: n_layer },
      "qwen3moe.expert_feed_forward_length": ff(Array<number>(n_layer).fill(n_ff)),
      "qwen3moe.attention.head_count_kv": { type: "array", of: "uint64", value: [2n, 2n] },
    });
    assert.deepEqual([spec.n_ctx_train, spec.n_ff, spec.n_head_kv], [262_144, n_ff, 2]);
    const key = "qwen3moe.expert_feed_forward_length";
    await assertBadModel(write("qwen3moe", { [key]: ff([n_ff, 64]) }), /differs from layer to layer \(96, 64\)/);
    const shared = await open("qwen3moe", {
      [key]: undefined,
      "qwen3moe.feed_forward_length": u32(n_ff * TINY_DIMENSIONS.n_expert_used),
    });
    assert.equal(shared.spec.n_ff, n_ff);
  });

  it("reads no key of another family, nor an importance matrix's, nor a vendor's", async () => {
    const { warnings, spec } = await open("qwen3moe", {
      "mellum.attention.sliding_window": u32(64),
      "smallthinker.expert_gating_func": u32(2),
      "quantize.imatrix.file": text("x"),
      "quantize.imatrix.entries_count": { type: "int32", value: -1 },
      "vendor.attention.sliding_window": u32(1),
      "qwen3moe.expert_weights_scale": f32(0),
    });
    assert.deepEqual(warnings, []);
    assert.ok(spec.block.attention.every(({ window }) => window === 0));
  });

  it("finds both halves of a fused ffn_gate_up_exps", async () => {
    const fused = familyTensors().flatMap((tensor) => {
      if (tensor.name.includes("ffn_up_exps")) {
        return [];
      }
      const name = tensor.name.replace("ffn_gate_exps", "ffn_gate_up_exps");
      return [name === tensor.name ? tensor : { ...tensor, name, shape: [n_embd, 2 * n_ff, n_expert] }];
    });
    const { spec, warnings } = await open("mellum", {}, fused);
    assert.deepEqual(warnings, []);
    const of = (name: string) => spec.tensors.find((tensor) => tensor.name === `blk.1.${name}.weight`);
    const [gate, up] = [of("ffn_gate_exps"), of("ffn_up_exps")];
    const half = (n_embd / 32) * 18 * n_ff;
    assert.deepEqual([gate?.bytes, gate?.stride], [half * n_expert, 2 * half]);
    assert.equal((up?.offset ?? 0) - (gate?.offset ?? 0), half);
    assert.deepEqual(up?.shape, [n_embd, n_ff, n_expert]);
  });

  const refusals: readonly (readonly [what: string, family: string, changes: Changes, message: RegExp])[] = [
    ["linear scaling", "mellum", { "mellum.rope.scaling.type": text("linear") }, /rope scaling \('linear'\); YaRN is/],
    [
      "YaRN without a factor",
      "mellum",
      { "mellum.rope.scaling.factor": undefined },
      /lacks 'mellum\.rope\.scaling\.factor'/,
    ],
    ["a factor below 1", "mellum", { "mellum.rope.scaling.factor": f32(0.5) }, /makes no sense/],
    ["a factor of 0", "mellum", { "mellum.rope.scaling.factor": f32(0) }, /scaling\.factor' is 0, not above 0/],
    ["no original context", "mellum", { "mellum.rope.scaling.original_context_length": u32(0) }, /is 0, not above 0/],
    ["a slope upside down", "mellum", { "mellum.rope.scaling.yarn_beta_slow": f32(64) }, /makes no sense/],
    ["another multiplier", "mellum", { "mellum.rope.scaling.yarn_log_multiplier": f32(1) }, /is 1; 0 is supported/],
    ["a base of 0", "mellum", { "mellum.rope.freq_base_swa": f32(0) }, /freq_base_swa' is 0, below 1/],
    [
      "a pattern of another length",
      "mellum",
      { "mellum.attention.sliding_window_pattern": flags([true]) },
      /not a flag for each/,
    ],
    [
      "sigmoid",
      "qwen3moe",
      { "qwen3moe.expert_gating_func": u32(2) },
      /weighted by sigmoid, which Qwen3-MoE models never/,
    ],
    [
      "weights that do not sum to 1",
      "qwen3moe",
      { "qwen3moe.expert_weights_norm": { type: "bool", value: false } },
      /do not sum to 1/,
    ],
    ["scaled experts", "qwen3moe", { "qwen3moe.expert_weights_scale": f32(2.5) }, /scaled by 2\.5/],
    ["shared experts", "qwen3moe", { "qwen3moe.expert_shared_count": u32(1) }, /expert_shared_count' is 1/],
    ["dense layers", "mellum", { "mellum.leading_dense_block_count": u32(1) }, /leading_dense_block_count' is 1/],
  ];
  for (const [what, family, changes, message] of refusals) {
    it(`refuses ${what}`, () => assertBadModel(write(family, changes), message));
  }

  it("refuses a file without norms on heads", () =>
    assertBadModel(write("qwen3moe", {}, tinyTensors()), /lacks the tensor 'blk\.0\.attn_q_norm\.weight'/));

  it("says what files of other architectures are, in one sentence", async () => {
    const kinds: readonly (readonly [string, RegExp])[] = [
      ["qwen3", /it is a dense Qwen3 model: its architecture is 'qwen3', not 'smallthinker'/],
      ["qwen2", /it is a dense Qwen2 model \(SmallThinker-3B-Preview is one, too\)/],
      ["qwen35moe", /it is a hybrid of attention and another kind of layer/],
      ["qwen3next", /it is a hybrid/],
      ["nomic-bert", /it is an encoder, which gives no text/],
      ["clip", /it is the image or audio part \(mmproj\) of another model/],
      ["gpt-oss", /it is a mixture of experts of another kind/],
      ["unheard-of", /^its architecture is 'unheard-of'/],
    ];
    for (const [name, message] of kinds) {
      await assertBadModel(write("qwen3moe", { "general.architecture": text(name) }), message);
    }
    const mmproj = { "general.architecture": text("qwen3vl"), "general.type": text("mmproj") };
    await assertBadModel(write("qwen3moe", mmproj), /it is the image or audio part \(mmproj\)/);
  });

  it("says how to join the parts of a split model", async () => {
    const entries = [...familyEntries("qwen3moe", { "split.count": { type: "uint16", value: 3 } })];
    const path = writeTinyModel(folder, new Map(entries), familyTensors(), "big-00002-of-00003.gguf");
    const { message } = await failureOf(path);
    assert.match(message, /it is one of 3 parts of a split model; join the parts with llama-gguf-split --merge/);
    assert.match(message, /--merge 'big-00001-of-00003\.gguf' 'big\.gguf'$/);
  });

  describe("prompts", () => {
    const layouts: GgufValue = { type: "array", of: "string", value: ["suffix-first"] };

    it("have the family's own control tokens, and a file's token that the file calls user-defined is one", async () => {
      const model = await open("mellum", { "hearth.fim.layouts": layouts, "hearth.prompt.file_header": u32(1) });
      const fim = { prefix: "<fim_prefix>", suffix: "<fim_suffix>", middle: "<fim_middle>", file: "<filename>" };
      assert.deepEqual(promptTraitsOf(model), {
        fimLayouts: ["suffix-first"],
        fileHeader: true,
        otherFiles: false,
        fim,
      });
      assert.match(model.fim.reason, /hearth\.fim\.layouts/);
      const tokenizer = new Tokenizer(model.vocab);
      const id = tokenizer.special("<filename>") ?? assert.fail();
      assert.ok(tokenizer.isControl(id) && tokenizer.isEndOfGeneration(id));
      assert.equal(tokenizer.decode([id]), "");
      assert.equal(tokenizer.decode(tokenizer.encodeText("<filename>")), "<filename>");
      assert.ok(!tokenizer.encodeText("<filename>").includes(id));
      assert.ok(tokenizer.isEndOfGeneration(tokenizer.special("<|endoftext|>") ?? -1));
      assert.equal(tokenizer.fimPrefixName, "<fim_prefix>");
    });

    it("have the tokens that the file names by id, before those of the family's names", async () => {
      const plain = new Tokenizer((await open("mellum")).vocab);
      const [middle = 0, pad = 0] = ["<fim_middle>", "<fim_pad>"].map((name) => plain.special(name));
      const { fim, vocab } = await open("mellum", {
        "hearth.fim.layouts": layouts,
        "tokenizer.ggml.fim_mid_token_id": u32(pad),
        "tokenizer.ggml.middle_token_id": u32(middle),
      });
      assert.equal(fim.format.middle, "<fim_pad>");
      assert.ok(new Tokenizer(vocab).isControl(pad));
    });

    it("fill nothing in where the vocabulary lacks a token, and inspect says so", async () => {
      const model = await open("mellum", {
        ...Object.fromEntries(syntheticVocabMetadata("qwen3moe")),
        "tokenizer.ggml.pre": text("mellum2"),
        "hearth.fim.layouts": layouts,
        "hearth.prompt.file_header": u32(1),
      });
      assert.deepEqual([model.fim.layouts, model.fileHeader], [[], false]);
      assert.match(model.fim.reason, /the vocabulary lacks '<fim_prefix>', '<fim_suffix>', '<fim_middle>'/);
      assert.match(model.warnings.join(" "), /without the file's path: the vocabulary lacks '<filename>'/);
    });

    it("show other files where the model was trained on that and the vocabulary has the tokens, and inspect says why", async () => {
      const wanted = { "hearth.fim.layouts": layouts, "hearth.prompt.other_files": u32(1) };
      for (const family of ["mellum", "qwen3moe"]) {
        const { otherFiles } = await open(family, wanted);
        assert.deepEqual(otherFiles, { shown: true, reason: "the file's hearth.prompt.other_files says so" });
        const unknown = await open(family, { "hearth.fim.layouts": layouts });
        assert.equal(unknown.otherFiles.shown, false);
        assert.match(unknown.otherFiles.reason, /is not known to be trained on more than one file at once/);
        const continuing = await open(family, { "hearth.prompt.other_files": u32(1) });
        assert.deepEqual(continuing.otherFiles, { shown: false, reason: "it is not prompted to fill in" });
        const off = await open(family, { ...wanted, "hearth.prompt.other_files": u32(0) });
        assert.equal(off.otherFiles.shown, false);
      }
      const without = syntheticVocabMetadata("qwen3moe").map(([key, value]): [string, GgufValue] => {
        const hasNames = key === "tokenizer.ggml.tokens" && value.type === "array" && value.of === "string";
        const renamed = (name: string): string => (name === "<|repo_name|>" ? "<|other|>" : name);
        return [key, hasNames ? { ...value, value: value.value.map(renamed) } : value];
      });
      const { otherFiles, fim } = await open("qwen3moe", { ...Object.fromEntries(without), ...wanted });
      assert.deepEqual(otherFiles, { shown: false, reason: "the vocabulary lacks '<|repo_name|>'" });
      assert.deepEqual(fim.layouts, ["suffix-first"]);
    });

    it("end at the ids that the file gives for EOS and EOT, and at <|endoftext|> always", async () => {
      const plain = new Tokenizer((await open("mellum")).vocab);
      const ordinary = plain.encodeText("x")[0] ?? assert.fail();
      assert.ok(!plain.isEndOfGeneration(ordinary));
      const endOfText = plain.special("<|endoftext|>") ?? assert.fail();
      for (const key of ["eos", "eot"]) {
        const { vocab } = await open("mellum", { [`tokenizer.ggml.${key}_token_id`]: u32(ordinary) });
        const tokenizer = new Tokenizer(vocab);
        assert.ok(tokenizer.isEndOfGeneration(ordinary) && tokenizer.isEndOfGeneration(endOfText), key);
      }
    });

    it("begin with a BOS token where the file asks for one, once", async () => {
      const add = { "tokenizer.ggml.add_bos_token": { type: "bool", value: true } } as const;
      const tokenizer = new Tokenizer((await open("mellum", add)).vocab);
      const bos = tokenizer.special(tokenizer.bosName ?? "") ?? assert.fail();
      const parts = [{ kind: "text", text: "int x" }] as const;
      assert.deepEqual(tokenizer.encodePrompt(parts), [bos, ...tokenizer.encode(parts)]);
      const begun = [{ kind: "special", token: tokenizer.bosName ?? "" }, ...parts] as const;
      assert.deepEqual(tokenizer.encodePrompt(begun), tokenizer.encode(begun));
      const without = new Tokenizer((await open("mellum")).vocab);
      assert.deepEqual(without.encodePrompt(parts), without.encode(parts));
      const nameless = await open("mellum", { ...add, "tokenizer.ggml.bos_token_id": undefined });
      assert.match(nameless.warnings.join(" "), /add_bos_token is ignored: the file names no BOS token/);
    });
  });

  it("skips merges onto tokens that are not normal ones", async () => {
    const of = (name: string) => new Map(syntheticVocabMetadata("mellum")).get(`tokenizer.ggml.${name}`);
    const merges = of("merges");
    assert.ok(merges?.type === "array" && merges.of === "string");
    const extra = ["<filename >", "<file name>", "<|im_end| >"];
    const { vocab } = await open("mellum", {
      "tokenizer.ggml.merges": { ...merges, value: [...extra, ...merges.value] },
    });
    const usual = new Tokenizer((await open("mellum")).vocab);
    const tokenizer = new Tokenizer(vocab);
    for (const sample of ["<filename>", "return <file name> const", "<|im_end|>"]) {
      assert.deepEqual(tokenizer.encodeText(sample), usual.encodeText(sample));
    }
  });
});
