import assert from "node:assert/strict";
import { fuzzInChild } from "./fuzz";
import { TARGETS } from "./targets";

/** `npm run fuzz -- --minutes 30` for longer. */
const SECONDS = Number(process.env["HEARTH_FUZZ_SECONDS"] ?? 15);

describe("bytes of strangers", () => {
  it(`end in a result or in a sentence (${String(SECONDS)} s each of ${TARGETS.join(", ")}, at once)`, async function () {
    this.timeout(SECONDS * 1000 + 300_000);
    const reports = await Promise.all(TARGETS.map((name) => fuzzInChild(name, SECONDS)));
    for (const { target, changed, found } of reports) {
      // Else the changes are too wild or too tame to reach much.
      assert.ok(changed > 20, `${target}: only ${String(changed)} inputs beside the corpus`);
      assert.ok(found > 0, `${target}: ${String(changed)} changed inputs ended as those of the corpus`);
    }
  });
});
