import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gitIgnored } from "./gitIgnored";

describe("gitIgnored", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "hearth-ignored-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it("finds what a .gitignore names", async () => {
    execFileSync("git", ["init", "--quiet", folder]);
    writeFileSync(join(folder, ".gitignore"), "made/\n*.out.ts\n");
    const files = ["a.ts", "b.out.ts", "made/c.ts", "ö.out.ts"].map((name) => join(folder, name));
    assert.deepEqual(await gitIgnored(folder, files), [files[1], files[2], files[3]]);
    assert.deepEqual(await gitIgnored(folder, []), []);
  });

  it("finds nothing where there is no repository, nor folder", async () => {
    assert.deepEqual(await gitIgnored(folder, [join(folder, "a.ts")]), []);
    assert.deepEqual(await gitIgnored(join(folder, "none"), [join(folder, "none", "a.ts")]), []);
  });
});
