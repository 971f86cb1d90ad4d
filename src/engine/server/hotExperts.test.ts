import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cacheFolder } from "../wire/address";
import { CACHE_FILES_MAX } from "./cacheFile";
import { HotExperts } from "./hotExperts";

const MODEL = { path: "/models/a.gguf", size: 1000, mtimeMs: 12 };

describe("HotExperts", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "hearth-hot-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it("gives back what was written, in order, for the same file only", () => {
    const hot = new HotExperts(join(folder, "made"));
    assert.deepEqual([...hot.read(MODEL, 48)], []);
    hot.write(MODEL, Int32Array.of(7, 0, 47));
    assert.deepEqual([...new HotExperts(join(folder, "made")).read(MODEL, 48)], [7, 0, 47]);
    assert.deepEqual([...hot.read({ ...MODEL, mtimeMs: 13 }, 48)], []);
    assert.deepEqual([...hot.read({ ...MODEL, path: "/models/b.gguf" }, 48)], []);
    hot.write(MODEL, Int32Array.of(1));
    assert.deepEqual([...hot.read(MODEL, 48)], [1]);
    assert.equal(readdirSync(join(folder, "made")).length, 1);
  });

  it("takes nothing from a list that is damaged or does not fit", () => {
    const hot = new HotExperts(folder);
    hot.write(MODEL, Int32Array.of(3, 48));
    assert.deepEqual([...hot.read(MODEL, 48)], []);
    const [name] = readdirSync(folder);
    for (const text of ["", "{", "[1, 2", '{"0":1}', "[1.5]", "[-1]", '["1"]', "null"]) {
      writeFileSync(join(folder, name!), text);
      assert.deepEqual([...hot.read(MODEL, 48)], [], text);
    }
  });

  it("keeps the lists of the models that were used last", () => {
    const hot = new HotExperts(folder);
    for (let i = 0; i < CACHE_FILES_MAX + 5; ++i) {
      hot.write({ ...MODEL, mtimeMs: i }, Int32Array.of(i));
      // A clock may not tell two files of a moment apart.
      for (const name of readdirSync(folder)) {
        const path = join(folder, name);
        utimesSync(path, new Date(), new Date(statSync(path).mtimeMs - 1000));
      }
    }
    assert.equal(readdirSync(folder).length, CACHE_FILES_MAX);
    assert.deepEqual([...hot.read({ ...MODEL, mtimeMs: 4 }, 48)], []);
    assert.deepEqual([...hot.read({ ...MODEL, mtimeMs: 5 }, 48)], [5]);
  });

  it("does without a folder that cannot be made", () => {
    writeFileSync(join(folder, "file"), "");
    const hot = new HotExperts(join(folder, "file", "inside"));
    hot.write(MODEL, Int32Array.of(1));
    assert.deepEqual([...hot.read(MODEL, 48)], []);
  });

  it("lies where the system keeps what may be lost, or in an engine's own folder", () => {
    assert.equal(cacheFolder({ HEARTH_RUNTIME_DIR: "/own" }), "/own");
    if (process.platform === "linux") {
      assert.equal(cacheFolder({ XDG_CACHE_HOME: "/cache" }), "/cache/hearth");
      assert.match(cacheFolder({ XDG_CACHE_HOME: "" }), /\.cache\/hearth$/);
    }
  });
});
