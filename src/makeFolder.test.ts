import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeFolder, makeFolderSync } from "./makeFolder";

for (const [name, make] of Object.entries({
  makeFolder,
  makeFolderSync: (path: string): Promise<void> =>
    Promise.resolve().then(() => {
      makeFolderSync(path);
    }),
})) {
  describe(name, () => {
    let folder: string;
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), "hearth-folder-"));
    });
    afterEach(() => {
      rmSync(folder, { recursive: true, force: true });
    });

    it("makes what is missing, for this user alone, and takes what is there", async () => {
      await Promise.all([make(join(folder, "a", "b", "c")), make(join(folder, "a", "b", "d"))]);
      await make(join(folder, "a", "b", "c"));
      assert.ok(statSync(join(folder, "a", "b", "d")).isDirectory());
      if (process.platform !== "win32") {
        assert.equal(statSync(join(folder, "a", "b", "c")).mode & 0o777, 0o700);
        assert.equal(statSync(join(folder, "a")).mode & 0o777, 0o700);
      }
    });

    it("rejects where there is a file, or a link to nowhere", async () => {
      writeFileSync(join(folder, "file"), "");
      await assert.rejects(make(join(folder, "file")), { code: "EEXIST" });
      await assert.rejects(make(join(folder, "file", "b")), { code: "ENOTDIR" });
      if (process.platform !== "win32") {
        symlinkSync(join(folder, "none"), join(folder, "link"));
        await assert.rejects(make(join(folder, "link", "b")), { code: "EEXIST" });
      }
    });

    it("ends where nothing can be made", async function () {
      if (!existsSync("/proc/self")) {
        this.skip();
      }
      for (const path of ["/proc/hearth", "/proc/hearth/a/b", "/proc/self/fd/hearth"]) {
        await assert.rejects(make(path), { code: /^E(NOENT|ACCES|PERM|ROFS)$/ }, path);
      }
    });
  });
}
