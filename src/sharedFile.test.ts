import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { changeSharedFile } from "./sharedFile";

const COUNT = 10;
const numbersIn = (text: string | undefined): readonly number[] => JSON.parse(text ?? "[]") as readonly number[];

describe("a file that several processes change", () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "hearth-shared-"));
    path = join(folder, "made", "x.json");
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const add = (number: number): Promise<void> =>
    changeSharedFile(path, (text) => JSON.stringify([...numbersIn(text), number]));
  const left = (): string[] => readdirSync(join(folder, "made"));

  it("loses no change, whether of one process or of several", async () => {
    const code = `
      const { changeSharedFile } = require(${JSON.stringify(join(import.meta.dirname, "sharedFile.ts"))});
      const [path, from] = process.argv.slice(1);
      const add = (number) => changeSharedFile(path, (text) => JSON.stringify([...JSON.parse(text ?? "[]"), number]));
      void Promise.all(Array.from({ length: ${String(COUNT)} }, (_, i) => add(Number(from) + i)));
    `;
    const args = ["--import", "tsx", "-e", code, path];
    const children = [1000, 2000, 3000].map((from) =>
      spawn(process.execPath, [...args, String(from)], { stdio: ["ignore", "ignore", "inherit"] }),
    );
    await Promise.all(Array.from({ length: COUNT }, (_, i) => add(i)));
    const codes = await Promise.all(children.map(async (child) => (await once(child, "close")) as [number]));
    assert.ok(
      codes.every(([code]) => code === 0),
      String(codes),
    );
    const numbers = numbersIn(readFileSync(path, "utf8"));
    assert.equal(new Set(numbers).size, 4 * COUNT, "a change was lost");
    assert.deepEqual(left(), ["x.json"]);
  });

  it("stays as it is, or goes, where the change says so or fails", async () => {
    await add(1);
    await changeSharedFile(path, (_, same) => same);
    await assert.rejects(
      changeSharedFile(path, () => {
        throw new Error("no");
      }),
      /no/,
    );
    assert.deepEqual(numbersIn(readFileSync(path, "utf8")), [1]);
    await changeSharedFile(path, () => undefined);
    assert.equal(existsSync(path), false);
    assert.deepEqual(left(), []);
  });

  it("is changed all the same where a process that hangs holds it", async () => {
    await add(1);
    writeFileSync(`${path}.lock`, JSON.stringify({ pid: process.pid, host: hostname(), nonce: "hangs" }));
    await add(2);
    assert.deepEqual(numbersIn(readFileSync(path, "utf8")), [1, 2]);
  });
});
