import assert from "node:assert/strict";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { asEngineError } from "./native";

/** Runs in a worker thread: keeps the engine busy until the thread is ended. */
const BUSY = `
const { parentPort } = require("node:worker_threads");
const { LocalEngine } = require(${JSON.stringify(join(__dirname, "localEngine.ts"))});
(async () => {
  const engine = await LocalEngine.open(${JSON.stringify(join(__dirname, "..", "..", "..", "models", "hearth-starter.gguf"))});
  const session = engine.newSession();
  const tokens = Int32Array.from({ length: 500 }, (_, i) => i % 200);
  parentPort.postMessage("busy");
  for (let round = 0; ; ++round) {
    tokens[0] = round % 200;
    await session.evaluate(tokens, { onLogits: () => {} });
  }
})();
`;

describe("the addon", () => {
  it("survives the end of a thread that uses it, whenever that comes", async () => {
    for (const delayMs of [0, 1, 3, 10, 30]) {
      const worker = new Worker(BUSY, { eval: true, execArgv: ["--require", "tsx/cjs"] });
      await new Promise<void>((resolve, reject) => {
        worker.once("message", () => {
          resolve();
        });
        worker.once("error", reject);
      });
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      assert.equal(typeof (await worker.terminate()), "number");
    }
  });
});

describe("asEngineError", () => {
  it("takes the addon's codes, and nothing else", () => {
    const native = Object.assign(new Error("cannot read"), { code: "io" });
    assert.deepEqual(
      [asEngineError(native)].map((error) => (error as { name: string; code: string }).code),
      ["io"],
    );
    assert.equal((asEngineError(native) as Error).name, "EngineError");
    const bug = Object.assign(new Error("bug"), { code: "ERR_INVALID_ARG_TYPE" });
    assert.equal(asEngineError(bug), bug);
    assert.equal(asEngineError("text"), "text");
  });
});
