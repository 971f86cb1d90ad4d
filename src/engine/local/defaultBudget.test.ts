import assert from "node:assert/strict";
import { join } from "node:path";
import type { MemoryLimit } from "../../machineMemory";
import { LocalEngine, type OpenOptions } from "./localEngine";
import type { NativeAddon } from "./native";

const STARTER = join(__dirname, "..", "..", "..", "models", "hearth-starter.gguf");

async function opened<T>(options: OpenOptions, look: (engine: LocalEngine) => T): Promise<T> {
  const engine = await LocalEngine.open(STARTER, options);
  try {
    return look(engine);
  } finally {
    engine.close();
  }
}

describe("an engine without a budget", () => {
  const groupOf = (budget: number): MemoryLimit => ({ bytes: Math.ceil((budget * 4) / 3), by: "controlGroup" });

  it("takes all it needs where there is enough, and says nothing", () =>
    opened({ limit: { bytes: 64 * 2 ** 30, by: "machine" } }, ({ info, warnings }) => {
      assert.equal(info.plan.slots, info.plan.slotsForAll);
      assert.deepEqual(warnings, []);
    }));

  it("gets what its control group has, less a part for others, and says how many experts fit", async () => {
    let given: number | undefined;
    // An engine of which a part of the experts fits, whatever this process takes.
    const addon = {
      loadEngine: (_: unknown, options: { memoryBudgetBytes?: number }) => {
        given = options.memoryBudgetBytes;
        return Promise.resolve({ info: () => ({ plan: { slots: 10, slotsForAll: 48 } }) });
      },
    } as unknown as NativeAddon;
    const engine = await LocalEngine.open(STARTER, { limit: groupOf(300_000_000) }, undefined, addon);
    assert.equal(given, 300_000_000);
    assert.match(
      engine.warnings.join(),
      /group has 0\.37 GiB of memory, so .* at most 0\.28 GiB: 10 of 48 experts fit/,
    );
  });

  it("is refused where not even the least fits, with the least that works", () =>
    assert.rejects(
      opened({ limit: groupOf(20_000_000) }, () => undefined),
      {
        code: "memory",
        message: /the smallest that works is \d+ MiB .*; this process's control group has 0\.02 GiB of memory/,
      },
    ));

  it("is not limited where a budget was asked for", () =>
    opened({ limit: groupOf(20_000_000), memoryBudgetBytes: 2 ** 32 }, ({ info, warnings }) => {
      assert.equal(info.plan.slots, info.plan.slotsForAll);
      assert.deepEqual(warnings, []);
    }));
});
