import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeNumbersIn } from "../protocol/decimal";
import { catalogueModel } from "./catalogue";
import { knownMemorySpeed, measureMemorySpeed, MEMORY_SPEED_FILE, rememberMemorySpeed } from "./memorySpeed";
import { formatBytes } from "./size";
import { expectedSpeed, speedText } from "./speedEstimate";

const fileOf = (id: string) => catalogueModel({ id })!.file;
const SPEED = { leastBytesPerSecond: 31e9, mostBytesPerSecond: 35e9 };

describe("numbers for people", () => {
  afterEach(() => {
    writeNumbersIn("en");
  });

  it("are written as the language of the texts writes them", () => {
    const texts = (): string[] => [
      formatBytes(2.5e9),
      formatBytes(130e6),
      speedText({ leastTps: 0.46, mostTps: 25, dependsOnDrive: false }),
    ];
    const speeds = (from: string): string => `${from} to 25 tokens a second`;
    assert.deepEqual(texts(), ["2.5 GB", "130 MB", speeds("0.5")]);
    writeNumbersIn("de");
    assert.deepEqual(texts(), ["2,5 GB", "130 MB", speeds("0,5")]);
  });
});

describe("the speed that a model is expected to have", () => {
  it("holds what was measured on the machine of docs/performance.md", () => {
    for (const [id, memoryBytes, budget, measured] of [
      ["smallthinker-4b-instruct", 16e9, undefined, 48.1],
      ["smallthinker-21b-instruct", 24e9, undefined, 13.9],
      ["smallthinker-4b-instruct", 16e9, 2 ** 30, 19.9],
      ["smallthinker-21b-instruct", 16e9, 2 ** 33, 11.2],
    ] as const) {
      const { leastTps, mostTps } = expectedSpeed(fileOf(id), { memoryBytes }, SPEED, budget);
      assert.ok(leastTps < measured && measured < mostTps, `${id}: ${leastTps} < ${measured} < ${mostTps}`);
    }
  });

  it("is a range that grows with memory's speed and with the budget, and says where it hangs on the drive", () => {
    const file = fileOf("smallthinker-21b-instruct");
    const at = (memoryBytes: number, factor = 1) =>
      expectedSpeed(file, { memoryBytes }, { leastBytesPerSecond: 31e9 * factor, mostBytesPerSecond: 35e9 * factor });
    assert.deepEqual([at(64e9).dependsOnDrive, at(10e9).dependsOnDrive], [false, true]);
    assert.ok(at(10e9).mostTps < at(13e9).mostTps && at(13e9).mostTps < at(64e9).mostTps);
    assert.ok(Math.abs(at(64e9, 2).leastTps / at(64e9).leastTps - 2) < 1e-9);
  });

  it("is said in few digits", () => {
    const said = (leastTps: number, mostTps: number, dependsOnDrive = false): string =>
      speedText({ leastTps, mostTps, dependsOnDrive });
    assert.equal(said(28.07, 57.1), "30 to 55 tokens a second");
    assert.equal(said(0.31, 7.6, true), "0.3 to 8 tokens a second, depending on the drive");
    assert.equal(said(12.1, 12.4), "12 tokens a second");
    assert.equal(said(0.01, 131), "0.1 to 140 tokens a second");
  });
});

describe("the speed of memory", () => {
  it("is measured by threads that end, and can be stopped", async function () {
    this.timeout(300_000);
    const { leastBytesPerSecond, mostBytesPerSecond } = await measureMemorySpeed(new AbortController().signal);
    // Between a busy emulator and what no machine has.
    assert.ok(
      leastBytesPerSecond > 1e8 && mostBytesPerSecond < 5e12,
      `${leastBytesPerSecond} to ${mostBytesPerSecond}`,
    );
    assert.ok(leastBytesPerSecond <= mostBytesPerSecond);
    const ending = new AbortController();
    const measuring = measureMemorySpeed(ending.signal);
    ending.abort(new Error("enough"));
    await assert.rejects(measuring);
  });

  it("is remembered for this machine, and for some weeks", async () => {
    const folder = mkdtempSync(join(tmpdir(), "hearth-speed-"));
    try {
      assert.equal(await knownMemorySpeed(folder), undefined);
      const now = Date.parse("2026-01-10T00:00:00Z");
      const measured = "2026-01-01T00:00:00Z";
      await rememberMemorySpeed(folder, { ...SPEED, measured, machine: "another" });
      assert.equal(await knownMemorySpeed(folder, now), undefined);
      const path = join(folder, MEMORY_SPEED_FILE);
      // As it names itself.
      await rememberMemorySpeed(folder, { ...(await measureMemorySpeed(new AbortController().signal)), measured });
      assert.ok(await knownMemorySpeed(folder, now));
      assert.equal(await knownMemorySpeed(folder, now + 40 * 86_400_000), undefined);
      const own = JSON.parse(readFileSync(path, "utf8")) as object;
      writeFileSync(path, JSON.stringify({ ...own, mostBytesPerSecond: "fast" }));
      assert.equal(await knownMemorySpeed(folder, now), undefined);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
