import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { FileLock, lockHolder } from "./fileLock";
import { startTime } from "./processes";

describe("a file's lock", () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "hearth-lock-"));
    path = join(folder, "x.lock");
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const write = (holder: object): void => {
    writeFileSync(path, JSON.stringify({ host: hostname(), nonce: "n", ...holder }));
  };

  it("is had by one, and by the next after it", async () => {
    const lock = await FileLock.take(path, "x");
    assert.equal((await lockHolder(path))?.pid, process.pid);
    await assert.rejects(FileLock.take(path, "a model"), {
      code: "busy",
      message: /'a model': process \d+ does already/,
    });
    await lock.release();
    assert.equal(existsSync(path), false);
    await (await FileLock.take(path, "x")).release();
  });

  it("of a process that is gone is taken over", async () => {
    const { pid } = spawnSync(process.execPath, ["-e", ""]);
    write({ pid });
    assert.equal(await lockHolder(path), undefined);
    const lock = await FileLock.take(path, "x");
    assert.equal(await lock.isHeld(), true);
  });

  it("of a process that was killed while it took it leaves nothing", async () => {
    const { pid } = spawnSync(process.execPath, ["-e", ""]);
    const [dead, living] = [`${path}.0123456789ab`, `${path}.ba9876543210`];
    writeFileSync(dead, JSON.stringify({ pid, host: hostname(), nonce: "n" }));
    writeFileSync(living, JSON.stringify({ pid: process.pid, host: hostname(), nonce: "n" }));
    await (await FileLock.take(path, "x")).release();
    assert.deepEqual([existsSync(dead), existsSync(living)], [false, true]);
  });

  it("is had where a file system has no hard links, and is not taken while it is being written", async () => {
    const noLinks = (): Promise<void> => Promise.reject(Object.assign(new Error("no links"), { code: "EPERM" }));
    const lock = await FileLock.take(path, "x", noLinks);
    assert.equal(await lock.isHeld(), true);
    await assert.rejects(FileLock.take(path, "x", noLinks), { code: "busy" });
    await lock.release();
    writeFileSync(path, "");
    setTimeout(() => {
      write({ pid: process.pid });
    }, 50);
    await assert.rejects(FileLock.take(path, "x", noLinks), { code: "busy" });
    // Of a process that was killed in the middle.
    writeFileSync(path, "");
    const late = Date.now() / 1000 - 60;
    utimesSync(path, late, late);
    assert.equal(await (await FileLock.take(path, "x", noLinks)).isHeld(), true);
  });

  it("of a process whose id another one has by now is taken over", async function () {
    const started = startTime(process.pid);
    if (started === undefined) {
      // The system does not tell when a process was started.
      this.skip();
    }
    write({ pid: process.pid, started: `${started}0` });
    await FileLock.take(path, "x");
    write({ pid: process.pid, started });
    await assert.rejects(FileLock.take(path, "x"), { code: "busy" });
  });

  it("of another machine is left alone, and the sentence says how to end it", async () => {
    write({ pid: 1, host: "another" });
    await assert.rejects(FileLock.take(path, "x"), { code: "busy", message: /on 'another' .* or remove '.*x\.lock'/ });
  });

  it("that says nothing is taken over", async () => {
    writeFileSync(path, "{");
    await FileLock.take(path, "x");
  });

  it("is no longer held, and not released, once another has taken it over", async () => {
    const lock = await FileLock.take(path, "x");
    write({ pid: process.ppid });
    assert.equal(await lock.isHeld(), false);
    await lock.release();
    assert.match(readFileSync(path, "utf8"), /"nonce":"n"/);
  });

  it("that is stale is taken by one of many", async () => {
    const { pid } = spawnSync(process.execPath, ["-e", ""]);
    write({ pid });
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => FileLock.take(path, "x")));
    const held = await Promise.all(
      results.map((result) => (result.status === "fulfilled" ? result.value.isHeld() : Promise.resolve(false))),
    );
    assert.equal(held.filter(Boolean).length, 1);
  });
});
