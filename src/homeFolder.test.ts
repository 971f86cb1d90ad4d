import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { homeFolder } from "./homeFolder";

describe("homeFolder", () => {
  it("is the user's, or one of temporary files where there is none, but never one of others", function () {
    if (process.getuid === undefined) {
      this.skip();
    }
    assert.equal(homeFolder(), homedir());
    const none = (): string => {
      throw new Error("uv_os_homedir returned ENOENT");
    };
    const folder = mkdtempSync(join(tmpdir(), "hearth-home-"));
    try {
      const own = join(folder, `hearth-${String(process.getuid())}`);
      assert.equal(homeFolder(none, folder), join(own, "home"));
      mkdirSync(own);
      assert.equal(homeFolder(none, folder), join(own, "home"));
      rmSync(own, { recursive: true });
      symlinkSync(folder, own);
      assert.equal(homeFolder(none, folder), "/nonexistent");
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
