import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { FileLock } from "../fileLock";
import { type Deleted, deleteStored, planDeletion } from "./deletion";
import type { StoredPlaces } from "./storedFiles";

const RECORD = JSON.stringify({ version: 1, reference: "o/r/m.gguf", url: "https://a/m.gguf", bytes: 4, sha256: "00" });

/** Folders with these files in them, by paths relative to one folder. */
async function withFiles(
  files: Readonly<Record<string, string>>,
  work: (places: StoredPlaces, path: (name: string) => string) => Promise<void>,
): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), "hearth-deletion-"));
  const path = (name: string): string => join(root, name);
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(path(name)), { recursive: true });
      writeFileSync(path(name), text);
    }
    const places = {
      env: { HEARTH_RUNTIME_DIR: path("run") },
      modelFolders: [path("models")],
      editorFolders: [{ path: path("storage/hearth"), what: "conversations" }],
    };
    await work(places, path);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

const deleteAll = (places: StoredPlaces, models: boolean): Promise<Deleted> =>
  deleteStored(places, { engineScript: "/not/needed", models });

describe("the deletion of what is stored", () => {
  it("finds nothing where nothing is, and makes nothing", () =>
    withFiles({}, async (places, path) => {
      assert.deepEqual((await planDeletion(places)).always, []);
      assert.deepEqual(await deleteAll(places, true), { files: 0, bytes: 0, failures: [] });
      assert.ok(!existsSync(path("run")));
    }));

  it("takes what the editor keeps with its folders, and leaves the folders of others", () =>
    withFiles(
      { "storage/hearth/conversations/c.json": "{}", "storage/other/x": "x", "run/letter.txt": "Dear all" },
      async (places, path) => {
        const { files, failures } = await deleteAll(places, false);
        assert.deepEqual([files, failures], [1, []]);
        assert.ok(!existsSync(path("storage/hearth")));
        assert.ok(existsSync(path("storage/other/x")));
        // Whoever keeps letters in the engine's folder.
        assert.ok(existsSync(path("run/letter.txt")));
      },
    ));

  it("takes a link and not what it leads to", () =>
    withFiles({ "models/m.gguf.json": RECORD, "elsewhere/m.gguf": "GGUF" }, async (places, path) => {
      symlinkSync(path("elsewhere/m.gguf"), path("models/m.gguf"));
      await deleteAll(places, true);
      assert.ok(!existsSync(path("models/m.gguf")));
      assert.ok(existsSync(path("elsewhere/m.gguf")));
    }));

  it("leaves a download that a process is at, and says which", () =>
    withFiles({ "models/o/m.gguf.part": "GG", "models/o/m.gguf.part.json": "{}" }, async (places, path) => {
      const lock = await FileLock.take(path("models/o/m.gguf.lock"), "m");
      const { failures } = await deleteAll(places, true);
      assert.ok(existsSync(path("models/o/m.gguf.part")));
      assert.ok(await lock.isHeld());
      assert.match(failures[0] ?? "", new RegExp(`process ${String(process.pid)} is downloading it; pause that`));
      await lock.release();
      assert.deepEqual((await deleteAll(places, true)).failures, []);
      assert.ok(!existsSync(path("models/o")));
    }));

  it("goes on behind what cannot be deleted, and tells it", () =>
    withFiles({ "models/adopted.json/x": "a folder", "models/pins.json": "{}" }, async (places, path) => {
      const { files, failures } = await deleteAll(places, true);
      assert.equal(failures.length, 1);
      assert.match(failures[0] ?? "", /adopted\.json' was not deleted: /);
      assert.equal(files, 1);
      assert.ok(!existsSync(path("models/pins.json")));
    }));
});
