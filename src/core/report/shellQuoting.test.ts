import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileMaking, shellQuoted } from "./shellQuoting";

const TEXTS = [
  "",
  "plain",
  "two words",
  "it's",
  "''",
  "$HOME `id` $(id) \\ \\n !! !x",
  "a\nb\n",
  "a\n\nEND\nEND_\n",
  "\n\n",
  "no end",
  "a\r\nb\r\n",
  "tab\tin it\n",
  "\"double\" 'single' and both",
  "ü 日本 👩‍👩‍👧\n",
  "esc \u001b[31m bidi \u202E' ! \\ end",
  "-leading dash",
  "# comment\n",
  "a\\",
  "\u007f\u0085\uFEFF",
];

describe("shell quoting", () => {
  before(function () {
    if (spawnSync("bash", ["--version"]).status !== 0) {
      this.skip();
    }
  });

  for (const text of TEXTS) {
    it(`gives bash exactly ${JSON.stringify(text)}`, () => {
      const folder = mkdtempSync(join(tmpdir(), "hearth-quoting-"));
      try {
        const script = `printf '%s' "x"--answer=${shellQuoted(text)} > "$1/word"\n${fileMaking('"$1/file"', text)}`;
        writeFileSync(join(folder, "s.sh"), script);
        const { status, stderr } = spawnSync("bash", [join(folder, "s.sh"), folder], { encoding: "utf8" });
        assert.equal(status, 0, stderr);
        assert.equal(readFileSync(join(folder, "word"), "utf8"), `x--answer=${text}`);
        assert.equal(readFileSync(join(folder, "file"), "utf8"), text);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });
  }

  it("spells what nobody sees", () => {
    assert.equal(shellQuoted("a\u001b\u202E"), "$'a\\x1b\\xe2\\x80\\xae'");
  });
});
