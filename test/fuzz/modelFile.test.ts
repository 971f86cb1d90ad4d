/**
 * Damaged model files through the whole engine: whatever is changed, opening and evaluating ends with numbers or with an
 * EngineError. A crash or a hang would end this process. (The header's own fuzz tests are beside src/model/ggufHeader.ts.)
 */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LocalEngine } from "../../src/engine/local/localEngine";
import { openGgufFile } from "../../src/model/ggufFile";
import { EngineError } from "../../src/protocol/errors";
import { ggmlBytes } from "../fixtures/ggmlTypes";
import { Prng } from "../fixtures/prng";
import { writeRandomModel } from "../fixtures/randomModels";

/** `HEARTH_FUZZ=25000 npx mocha test/fuzz/modelFile.test.ts` for a hundred thousand. */
const ROUNDS = Number(process.env["HEARTH_FUZZ"] ?? 250);

/** What happened: every kind is fine, but each must happen, or the damage is too tame or too wild. */
type Outcome = "evaluated" | "refused" | "not finite";

async function tryModel(path: string): Promise<Outcome> {
  try {
    const engine = await LocalEngine.open(path, { contextTokens: 16, threads: 1 });
    try {
      await engine.newSession().evaluate(Int32Array.of(1, 2, 3));
      return "evaluated";
    } finally {
      engine.close();
    }
  } catch (error) {
    assert.ok(error instanceof EngineError, error instanceof Error ? error.stack : String(error));
    assert.match(error.message, /^cannot [^\n]+$/);
    return error.code === "numeric" ? "not finite" : "refused";
  }
}

describe("a damaged model file", () => {
  for (const name of ["shape21b-q4_0", "mellum-q4_k_m", "qwen3moe-mixed", "qwen3moe-q2_k_xl"] as const) {
    it(`never crashes the engine (${ROUNDS} files of ${name})`, async function () {
      this.timeout(300_000 + ROUNDS * 1000);
      const fixtures = join(".cache", "fixtures");
      mkdirSync(fixtures, { recursive: true });
      const { path } = writeRandomModel(name, fixtures);
      const good = readFileSync(path);
      const { spec } = await openGgufFile(path);
      const headerBytes = Math.min(...spec.tensors.map(({ offset }) => offset));
      const first = spec.tensors.find(({ offset }) => offset === headerBytes)?.type ?? "Q4_0";
      const blockBytes = ggmlBytes(first, first.endsWith("_K") ? 256 : 32);
      const folder = mkdtempSync(join(tmpdir(), "hearth-fuzz-"));
      const outcomes: Record<Outcome, number> = { evaluated: 0, refused: 0, "not finite": 0 };
      try {
        const prng = new Prng("damaged model files");
        const damaged = join(folder, "damaged.gguf");
        for (let round = 0; round < ROUNDS; ++round) {
          let bytes = Buffer.from(good);
          // Half of the damage hits the header, where it matters most.
          const end = round % 2 === 0 ? headerBytes : bytes.length;
          for (let i = 0; i <= prng.nextBelow(8); ++i) {
            bytes[prng.nextBelow(end)] = prng.nextBelow(256);
          }
          if (round % 5 === 0) {
            bytes = bytes.subarray(0, prng.nextBelow(bytes.length));
          }
          if (round % 7 === 0) {
            // A scale of the first tokens that is no number, or huge.
            bytes.writeUInt16LE(
              prng.nextBelow(2) === 0 ? 0x7e01 : 0x7bff,
              Math.min(bytes.length - 2, headerBytes + blockBytes * (round % 12)),
            );
          }
          writeFileSync(damaged, bytes);
          outcomes[await tryModel(damaged)] += 1;
        }
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
      for (const [outcome, count] of Object.entries(outcomes)) {
        assert.ok(count > 0, `${outcome} never happened: ${JSON.stringify(outcomes)}`);
      }
    });
  }
});
