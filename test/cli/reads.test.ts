import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { hearth, hearthJson, withFolder } from "./hearth";

type Verdict = { readonly read: true } | { readonly read: false; readonly rule: string };

const KEY = ["-----BEGIN RSA ", "PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7bq0\n-----END RSA PRIVATE KEY-----\n"].join("");
const FILES: Readonly<Record<string, string>> = {
  ".gitignore": "build/\n*.log\n!keep.log\n",
  ".hearthignore": "# ours\nprivate/\n",
  "sub/.gitignore": "local.ts\n",
  "src/main.ts": "export const a = 1;\n",
  "src/secrets.ts": "export const a = 1;\n",
  "src/keep.log": "x\n",
  "src/a.log": "x\n",
  "build/out.js": "x\n",
  "private/notes.md": "x\n",
  "sub/local.ts": "x\n",
  "deploy/notes.txt": `key:\n${KEY}`,
  ".env": "A=1\n",
  ".env.example": "A=\n",
  "logo.bin": "\0\u0001",
};

/** Path to the rule; "" where it is read. */
const CASES: readonly [path: string, rule: RegExp | ""][] = [
  ["src/main.ts", ""],
  ["src/keep.log", ""],
  [".env.example", ""],
  ["src/not-there.ts", ""],
  [".env", /^'\.env' is a name of files that hold environment variables$/],
  ["not/there/.envrc", /environment variables/],
  ["infra/prod.tfvars", /Terraform/],
  ["src/a.log", /^'\*\.log' in line 2 of '\.gitignore'$/],
  ["build/out.js", /^'build\/' in line 1 of '\.gitignore'$/],
  ["build/not/there.js", /'build\/' in line 1/],
  ["build", /'build\/' in line 1/],
  ["private/notes.md", /^'private\/' in line 2 of '\.hearthignore'$/],
  ["sub/local.ts", /^'local\.ts' in line 1 of 'sub\/\.gitignore'$/],
  ["deploy/notes.txt", /^a private key stands in line 2$/],
  ["src/secrets.ts", /^'\*\*\/secrets\.\*' in the setting hearth\.exclude$/],
  ["src", /^it is a folder$/],
  ["logo.bin", /^it is no text/],
];

describe("hearth inspect --reads", () => {
  it("says of each file whether it is read, and by which rule not", () =>
    withFolder(async (folder) => {
      for (const [path, text] of Object.entries(FILES)) {
        mkdirSync(dirname(join(folder, path)), { recursive: true });
        writeFileSync(join(folder, path), text);
      }
      for (const [path, rule] of CASES) {
        const verdict = await hearthJson<Verdict>(["inspect", "--reads", join(folder, path), "--workspace", folder]);
        if (rule === "") {
          assert.deepEqual(verdict, { read: true }, path);
        } else {
          assert.ok(!verdict.read, `${path} is read`);
          assert.match(verdict.rule, rule);
        }
      }
      if (process.platform !== "win32") {
        symlinkSync(join("..", ".env"), join(folder, "src", "link.ts"));
        const verdict = await hearthJson<Verdict>(["inspect", "--reads", "src/link.ts", "--workspace", folder]);
        assert.match(verdict.read ? "" : verdict.rule, /^it is a link to '.*\.env': /);
      }
      const { stdout, code } = await hearth(["inspect", "--reads", ".env"], { cwd: folder });
      assert.equal(code, 0);
      assert.equal(stdout, "it is not read: '.env' is a name of files that hold environment variables\n");
    }));

  it("takes one path", async () => {
    for (const args of [
      ["--reads", ""],
      ["--reads", "a", "b"],
      ["--workspace", "."],
    ]) {
      assert.equal((await hearth(["inspect", ...args])).code, 2);
    }
  });
});
