import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type * as packageTools from "../../tools/package.mjs";

describe("A package", () => {
  let tools: typeof packageTools;
  let folder: string;

  before(async () => {
    tools = await import("../../tools/package.mjs");
    folder = mkdtempSync(join(tmpdir(), "hearth-package-"));
  });

  after(() => {
    rmSync(folder, { recursive: true });
  });

  it("that is published has its pictures at the commit that it was made of", () => {
    assert.deepEqual(tools.linkArgs(undefined), ["--no-rewrite-relative-links"]);
    const args = tools.linkArgs("https://github.com/owner/hearth 0123456789abcdef0123456789abcdef01234567");
    const commit = "0123456789abcdef0123456789abcdef01234567";
    assert.equal(args[args.indexOf("--baseImagesUrl") + 1], `https://github.com/owner/hearth/raw/${commit}`);
    assert.equal(args[args.indexOf("--baseContentUrl") + 1], `https://github.com/owner/hearth/blob/${commit}`);
    for (const base of [
      "",
      "https://github.com/owner/hearth",
      "http://github.com/o/r 0123456",
      "https://github.com/o/r main",
    ]) {
      assert.throws(() => tools.linkArgs(base), /HEARTH_PAGE_BASE is not/, base);
    }
  });

  it("for other machines has an addon that loads there", () => {
    const stripped = join(folder, "stripped");
    const whole = join(folder, "whole");
    writeFileSync(stripped, "\x7fELF \0.text\0.dynsym\0");
    writeFileSync(whole, "\x7fELF \0.text\0.symtab\0");
    tools.checkPortable(stripped, ["GLIBC_2.28"]);
    tools.checkPortable(stripped, ["GLIBC_2.9"]);
    tools.checkPortable(stripped, []);
    assert.throws(() => {
      tools.checkPortable(stripped, ["GLIBC_2.29"]);
    }, /needs GLIBC_2\.29; it should load with GLIBC_2\.28/);
    assert.throws(() => {
      tools.checkPortable(stripped, ["GLIBC_2.17", "GLIBCXX_3.4.30"]);
    }, /C\+\+ library/);
    assert.throws(() => {
      tools.checkPortable(whole, ["GLIBC_2.17"]);
    }, /not stripped/);
  });
});
