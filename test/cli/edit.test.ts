import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hearth, hearthJson, withFolder } from "./hearth";

const CODE = "def f(x):\r\n    y = x + 1\r\n    return y\r\n\r\nprint(f(1))\r\n";
const ANSWER = "Here: ```python\ndef f(x):\n    return x + 1\n``` Bye.";
const WANTED = "def f(x):\r\n    return x + 1\r\n\r\nprint(f(1))\r\n";

interface Edited {
  readonly changed: boolean;
  readonly document: string;
  readonly warnings?: readonly string[];
  readonly reason?: string;
}

function withFile<T>(text: string, work: (file: string) => Promise<T>): Promise<T> {
  return withFolder((folder) => {
    const file = join(folder, "a.py");
    writeFileSync(file, text);
    return work(file);
  });
}

describe("hearth edit", () => {
  it("gives the document that an answer makes, with its line ends and its byte order mark", async () => {
    await withFile(`\uFEFF${CODE}`, async (file) => {
      const edited = await hearthJson<Edited>(["edit", `${file}:1-3`, "--kind", "refactor", `--answer=${ANSWER}`]);
      assert.deepEqual(edited, { changed: true, document: `\uFEFF${WANTED}`, warnings: [] });
      assert.equal(readFileSync(file, "utf8"), `\uFEFF${CODE}`);
    });
  });

  it("says why nothing is changed", async () => {
    await withFile(CODE, async (file) => {
      const said = "--answer=It is fine as it is.";
      const edited = await hearthJson<Edited>(["edit", `${file}:1-3`, "--kind", "fix", said]);
      assert.equal(edited.changed, false);
      assert.match(edited.reason ?? "", /no code/);
      assert.equal(edited.document, CODE);
    });
  });

  it("prints a unified diff, and writes the file where it is told to", async () => {
    await withFile(CODE, async (file) => {
      const args = ["edit", `${file}:1-3`, "--kind", "refactor", `--answer=${ANSWER}`];
      const printed = await hearth(args);
      assert.match(printed.stdout, /^--- a\/a\.py\n\+\+\+ b\/a\.py\n@@ -1,6 \+1,5 @@\n def f\(x\):\n- {4}y = x \+ 1\n/);
      assert.equal(readFileSync(file, "utf8"), CODE);
      await hearth([...args, "--write"]);
      assert.equal(readFileSync(file, "utf8"), WANTED);
    });
  });

  it("puts a block of a chat where it belongs, or says where that is not", async () => {
    await withFile(CODE, async (file) => {
      const apply = (answer: string, ...more: string[]): Promise<Edited> =>
        hearthJson<Edited>(["edit", `${file}:5`, "--kind", "apply", `--answer=${answer}`, ...more]);
      assert.equal((await apply("def f(x):\n    return x + 1\n")).document, WANTED);
      assert.equal(
        (await apply(" def f(x):\n-    y = x + 1\n-    return y\n+    return x + 1\n", "--language", "diff")).document,
        WANTED,
      );
      const shell = await apply("pip install x", "--language", "bash");
      assert.equal(shell.changed, false);
      assert.match(shell.reason ?? "", /shellscript/);
    });
  });

  it("offers names and commit messages", async () => {
    await withFile(CODE, async (file) => {
      const names = await hearthJson([
        "edit",
        file,
        "--kind",
        "names",
        "--current",
        "total_sum",
        "--answer=1. itemTotal\n2. class",
      ]);
      assert.deepEqual(names, { names: ["item_total"] });
    });
    const message = await hearthJson(["edit", "--kind", "commit", '--answer=git commit -m "Add a cache"']);
    assert.deepEqual(message, { message: "Add a cache" });
  });

  it("gives nothing of a file that must not be read to the model", async () => {
    await withFolder(async (folder) => {
      const git = (...args: string[]): string => execFileSync("git", args, { cwd: folder, encoding: "utf8" });
      const refused = async (...args: string[]): Promise<string> => {
        const ended = await hearth(["edit", ...args], { cwd: folder });
        assert.equal(ended.code, 1, ended.stderr);
        return ended.stderr;
      };
      git("init", "--quiet");
      writeFileSync(join(folder, ".hearthignore"), "private/\n");
      mkdirSync(join(folder, "private"));
      writeFileSync(join(folder, "private", "a.ts"), "const a = 1;\n");
      writeFileSync(join(folder, ".env"), "TOKEN=abc\n");
      const fix = ["--kind", "fix", "--instruction", "It is wrong."];
      assert.match(
        await refused(join("private", "a.ts:1-1"), ...fix),
        /nothing of .* is given to the model: .*private/,
      );
      assert.match(await refused(".env:1-1", ...fix), /nothing of .* is given to the model/);
      git("add", "-f", ".env", "private/a.ts");
      assert.match(await refused("--kind", "commit"), /none of the changed files may be read/);
      // With an answer there is no model.
      const given = await hearth(["edit", ".env:1-1", "--kind", "fix", "--answer=```\nTOKEN=abd\n```", "--json"], {
        cwd: folder,
      });
      assert.equal(given.code, 0, given.stderr);
    });
  });

  it("answers wrong input in one sentence", async () => {
    await withFile(CODE, async (file) => {
      const cases: readonly [args: string[], code: number, said: RegExp][] = [
        [[`${file}:1-99`, "--kind", "fix", "--answer=x"], 1, /cannot edit .*a\.py:1-99: the file has 6 lines/],
        [[`${file}:3-1`, "--kind", "fix", "--answer=x"], 1, /the last line is before the first/],
        [[`${file}:0`, "--kind", "apply", "--answer=x"], 1, /counted from 1/],
        [[`${file}:1-2`, "--kind", "paint", "--answer=x"], 2, /--kind must be refactor.*not 'paint'/],
        [[`${file}:1-2`, "--answer=x"], 2, /--kind must be refactor/],
        [[file, "--kind", "refactor", "--answer=x"], 2, /FILE:FIRST-LAST/],
        [[`${file}:1`, "--kind", "apply"], 2, /--answer/],
        [[file, "--kind", "names", "--answer=x"], 2, /--current/],
        [[`${file}x:1-2`, "--kind", "fix", "--answer=x"], 1, /cannot edit '.*': no such file/],
        [[`${file}:1-3`, "--kind", "refactor"], 2, /--instruction/],
      ];
      for (const [args, code, said] of cases) {
        const ended = await hearth(["edit", ...args]);
        assert.equal(ended.code, code, args.join(" "));
        assert.match(ended.stderr, said);
        assert.equal(ended.stderr.trim().split("\n").length, 1, ended.stderr);
        assert.equal(ended.stdout, "");
      }
    });
  });
});
