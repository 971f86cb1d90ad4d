import assert from "node:assert/strict";
import { CancelSource } from "../../src/core/cancellation";
import { runCrowd } from "./crowd";
import { inWorld, PATIENT_TEST_MS, soon, STARTER, text } from "./engines";

/** `HEARTH_FUZZ=2000 HEARTH_SEED=7 npx mocha test/seam/crowd.test.ts` for more, and others. */
const REQUESTS = Number(process.env["HEARTH_FUZZ"] ?? 90);
const SEED = process.env["HEARTH_SEED"] ?? "1";

describe("three clients that change model, memory and threads at any moment", function () {
  this.timeout(PATIENT_TEST_MS);

  it(`are each answered, or told why not (${String(REQUESTS)} requests, seed ${SEED})`, () =>
    inWorld(async (world) => {
      const { outcomes } = await runCrowd(world, { seed: SEED, goesOn: (done) => done < REQUESTS });
      assert.ok(outcomes["answered"]! > REQUESTS / 3, JSON.stringify(outcomes));
      assert.equal(world.pids().length, 1);
    }));

  it("are told so where the engine is killed meanwhile, and served by the next one", () =>
    inWorld(async (world) => {
      const { outcomes, kills } = await runCrowd(world, {
        seed: SEED,
        kills: "some",
        // Which act comes when is drawn as requests end: in one run in two nobody is killed within the first ones.
        goesOn: (done, already) => done < REQUESTS / 2 || (already === 0 && done < 20 * REQUESTS),
      });
      assert.ok(kills > 0 && outcomes["answered"]! > 0, JSON.stringify({ outcomes, kills }));
    }));

  it("count no further where the answer is not wanted any more", () =>
    inWorld(async (world) => {
      const client = world.client();
      client.chooseModel({ path: STARTER });
      const long = "const value = name;\n".repeat(300_000);
      const cancel = new CancelSource();
      const counts = soon("an answer", client.count([long], cancel.token));
      const ids = soon("an answer", client.tokenize(text(long), cancel.token));
      cancel.cancel();
      assert.deepEqual([await counts, await ids], [[], []]);
    }));
});
