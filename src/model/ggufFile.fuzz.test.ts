import assert from "node:assert/strict";
import { Prng } from "../../test/fixtures/prng";
import { EngineError } from "../protocol/errors";
import { openGgufFile } from "./ggufFile";
import { familyEntries, familyTensors } from "./testing/familyFiles";
import {
  type Entry,
  headerBytes,
  laidOut,
  type RawTensorInfo,
  TempFolder,
  TINY_DIMENSIONS,
  tinyEntries,
  tinyTensors,
} from "./testing/ggufBytes";
import { Tokenizer } from "./tokenizer";

const SHAPE = { ...TINY_DIMENSIONS, n_layer: 2 };
const MELLUM_LAYERS = {
  "mellum.attention.sliding_window_pattern": { type: "array", of: "bool", value: [true, false] },
} as const;
/** Of several families and types: Q4_0, Q5_1, Q5_0. */
const FILES: readonly (readonly [family: string, entries: Iterable<Entry>, tensors: readonly RawTensorInfo[]])[] = [
  ["SmallThinker", tinyEntries(SHAPE), tinyTensors(SHAPE)],
  ["Mellum 2", familyEntries("mellum", MELLUM_LAYERS, SHAPE), familyTensors(SHAPE, 7)],
  ["Qwen3-MoE", familyEntries("qwen3moe", {}, SHAPE), familyTensors(SHAPE, 6)],
];

for (const [family, entries, rawTensors] of FILES) {
  describe(`openGgufFile: any damage to a valid file of ${family}`, () => {
    const folder = new TempFolder();
    after(() => {
      folder.remove();
    });
    const { tensors, dataBytes } = laidOut(rawTensors);
    const header = headerBytes({ entries: [...entries], tensors });

    /** Opens the file; an `EngineError` is as good as success, anything else is not. */
    async function survives(path: string): Promise<boolean> {
      try {
        const model = await openGgufFile(path);
        const tokenizer = new Tokenizer(model.vocab);
        const ids = tokenizer.encodeText("const x = 1;");
        assert.ok(ids.every((id) => id >= 0 && id < tokenizer.nVocab && !tokenizer.isControl(id)));
        for (const tensor of model.spec.tensors) {
          assert.ok(tensor.offset >= 0 && tensor.offset + tensor.bytes <= model.spec.file_bytes);
        }
        return true;
      } catch (error) {
        if (error instanceof EngineError && /^cannot open model 'fuzz.gguf': .+; .+$/s.test(error.message)) {
          return false;
        }
        throw error;
      }
    }

    it("gives a model or one clear error: 2,000 files with changed bytes", async function () {
      this.timeout(600_000);
      const random = new Prng("header bytes");
      const counts = { opened: 0, refused: 0 };
      for (let i = 0; i < 2000; i++) {
        const damaged = Buffer.from(header);
        // Mostly where structure is: the metadata's beginning, or the tensor table at the end.
        const zone = random.nextBelow(3);
        for (let flips = 1 + random.nextBelow(4); flips > 0; flips--) {
          const at =
            zone === 0
              ? random.nextBelow(1200)
              : zone === 1
                ? header.length - 1 - random.nextBelow(1500)
                : random.nextBelow(header.length);
          const values = [random.nextBelow(256), 0, 255, 0x80, (damaged[at] ?? 0) ^ (1 << random.nextBelow(8))];
          damaged[at] = values[random.nextBelow(values.length)] ?? 0;
        }
        const opened = await survives(folder.write("fuzz.gguf", damaged, dataBytes));
        counts[opened ? "opened" : "refused"]++;
      }
      // Both must occur, else the test looks at nothing.
      assert.ok(counts.opened > 50 && counts.refused > 500, JSON.stringify(counts));
    });

    it("gives one clear error: 500 files cut short", async function () {
      this.timeout(300_000);
      const random = new Prng("header lengths");
      for (let i = 0; i < 500; i++) {
        const length = i < 300 ? i : random.nextBelow(header.length);
        assert.equal(await survives(folder.write("fuzz.gguf", header.subarray(0, length))), false);
      }
    });

    it("gives a model or one clear error: 300 files of random bytes after a valid start", async function () {
      this.timeout(300_000);
      const random = new Prng("noise");
      for (let i = 0; i < 300; i++) {
        const start = 24 + random.nextBelow(400);
        const noise = Buffer.from(Array.from({ length: 2000 }, () => random.nextU32() & 0xff));
        await survives(folder.write("fuzz.gguf", Buffer.concat([header.subarray(0, start), noise])));
      }
    });
  });
}
