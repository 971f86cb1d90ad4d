import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Prng } from "../../../test/fixtures/prng";
import { LOCAL_FILES } from "../../localFiles";
import { type FileFacts, ReadRules } from "./readRules";

/** A tree in memory; a text beginning with "-> " is a link. */
function tree(files: Readonly<Record<string, string>>): FileFacts {
  const isThere = (path: string): boolean =>
    files[path] !== undefined || Object.keys(files).some((each) => each.startsWith(`${path}/`));
  return {
    text: (path) => Promise.resolve(files[path]),
    exists: (path) => Promise.resolve(isThere(path)),
    realPath: (path) =>
      Promise.resolve(
        files[path]?.startsWith("-> ") === true ? files[path].slice(3) : isThere(path) ? path : undefined,
      ),
  };
}

async function ruleIn(
  files: Readonly<Record<string, string>>,
  path: string,
  { workspace = "/w", ignoreCase = false, isFolder = false } = {},
): Promise<string | undefined> {
  return new ReadRules(tree(files), ignoreCase).ruleAt(path, workspace, { isFolder });
}

describe("ignore files", () => {
  const files = {
    "/w/.gitignore": "# what builds leave\n\nbuild/\n*.log\n!keep.log\n/top.txt\ndocs/*.tmp\n",
    "/w/sub/.gitignore": "!debug.log\nlocal\n/only-here\n",
    "/w/a b/[x]/.gitignore": "odd\n",
  };
  const cases: readonly [path: string, rule: string | undefined][] = [
    ["/w/src/main.ts", undefined],
    ["/w/build/main.ts", "'build/' in line 3 of '.gitignore'"],
    ["/w/deep/er/build/x/y.ts", "'build/' in line 3 of '.gitignore'"],
    ["/w/build", undefined],
    ["/w/a.log", "'*.log' in line 4 of '.gitignore'"],
    ["/w/keep.log", undefined],
    ["/w/build/keep.log", "'build/' in line 3 of '.gitignore'"],
    ["/w/top.txt", "'/top.txt' in line 6 of '.gitignore'"],
    ["/w/sub/top.txt", undefined],
    ["/w/docs/a.tmp", "'docs/*.tmp' in line 7 of '.gitignore'"],
    ["/w/docs/x/a.tmp", undefined],
    ["/w/sub/debug.log", undefined],
    ["/w/sub/x/debug.log", undefined],
    ["/w/sub/other.log", "'*.log' in line 4 of '.gitignore'"],
    ["/w/sub/x/local/y.ts", "'local' in line 2 of 'sub/.gitignore'"],
    ["/w/local/y.ts", undefined],
    ["/w/sub/only-here", "'/only-here' in line 3 of 'sub/.gitignore'"],
    ["/w/sub/x/only-here", undefined],
    ["/w/a b/[x]/odd", "'odd' in line 1 of 'a b/[x]/.gitignore'"],
    ["/w/a b/x/odd", undefined],
  ];
  for (const [path, rule] of cases) {
    it(`say of ${path}: ${rule ?? "nothing"}`, async () => {
      assert.equal(await ruleIn(files, path), rule);
    });
  }

  it("name folders too", async () => {
    assert.equal(await ruleIn(files, "/w/x/build", { isFolder: true }), "'build/' in line 3 of '.gitignore'");
    assert.equal(await ruleIn(files, "/w/x", { isFolder: true }), undefined);
  });

  it("of Hearth's count more than Git's, both ways", async () => {
    const both = { ...files, "/w/.hearthignore": "private/\n!a.log\n*.csv\n", "/w/sub/.gitignore": "!data.csv\n" };
    assert.equal(await ruleIn(both, "/w/private/x.ts"), "'private/' in line 1 of '.hearthignore'");
    assert.equal(await ruleIn(both, "/w/a.log"), undefined);
    assert.equal(await ruleIn(both, "/w/sub/data.csv"), "'*.csv' in line 3 of '.hearthignore'");
  });

  it("bring no secret back", async () => {
    assert.match((await ruleIn({ "/w/.hearthignore": "!.env\n!*\n" }, "/w/.env")) ?? "", /environment variables/);
  });

  it("of the repository that holds the workspace count", async () => {
    const outer = { "/r/.git/HEAD": "x", "/r/.gitignore": "gen\n", "/r/.git/info/exclude": "mine.ts\n" };
    assert.equal(await ruleIn(outer, "/r/w/gen/a.ts", { workspace: "/r/w" }), "'gen' in line 1 of '/r/.gitignore'");
    assert.equal(
      await ruleIn(outer, "/r/w/mine.ts", { workspace: "/r/w" }),
      "'mine.ts' in line 1 of '.git/info/exclude'",
    );
  });

  it("of a repository that ignores the workspace itself do not count, but its own do", async () => {
    const files = { "/r/.git/HEAD": "", "/r/.gitignore": ".cache/\n*.log\n", "/r/.cache/w/.gitignore": "local\n" };
    const at = { workspace: "/r/.cache/w" };
    assert.equal(await ruleIn(files, "/r/.cache/w/cart.ts", at), undefined);
    assert.equal(await ruleIn(files, "/r/.cache/w/local", at), "'local' in line 1 of '.gitignore'");
    assert.match((await ruleIn(files, "/r/.cache/w/.env", at)) ?? "", /environment variables/);
    assert.match((await ruleIn(files, "/r/.cache/w/cart.ts", { workspace: "/other" })) ?? "", /'\.cache\/'/);
    assert.match((await ruleIn(files, "/r/.cache/w/cart.ts", { workspace: "/r" })) ?? "", /'\.cache\/'/);
  });

  it("above a workspace without a repository do not count", async () => {
    assert.equal(
      await ruleIn({ "/.gitignore": "*\n", "/home/.gitignore": "*\n" }, "/home/w/a.ts", { workspace: "/home/w" }),
      undefined,
    );
  });

  it("of a file outside the workspace are those of its repository, else of its own folder", async () => {
    const outside = {
      "/r/.git/HEAD": "x",
      "/r/.gitignore": "gen\n",
      "/o/.gitignore": "*\n",
      "/o/p/.gitignore": "q.ts\n",
    };
    assert.notEqual(await ruleIn(outside, "/r/x/gen"), undefined);
    assert.equal(await ruleIn(outside, "/o/p/q.ts"), "'q.ts' in line 1 of '.gitignore'");
    assert.equal(await ruleIn(outside, "/o/p/r.ts", { workspace: undefined }), undefined);
  });

  it("may have a byte order mark, CRLF, escapes and trailing spaces", async () => {
    const odd = { "/w/.gitignore": "\uFEFFfirst  \r\n\\#hash\r\n\\!bang\r\nspace\\ \r\n[ab].ts\r\n**/gen/**/x\r\n" };
    for (const name of ["first", "#hash", "!bang", "space ", "a.ts", "d/gen/e/f/x"]) {
      assert.notEqual(await ruleIn(odd, `/w/${name}`), undefined, name);
    }
    assert.equal(await ruleIn(odd, "/w/hash"), undefined);
  });

  it("tell cases apart where the system does", async () => {
    const upper = { "/w/.gitignore": "Build/\n" };
    assert.equal(await ruleIn(upper, "/w/build/x"), undefined);
    assert.notEqual(await ruleIn(upper, "/w/build/x", { ignoreCase: true }), undefined);
  });

  it("are read once, until they change", async () => {
    const changing: Record<string, string> = { "/w/.gitignore": "a.ts\n" };
    const rules = new ReadRules(tree(changing), false);
    assert.notEqual(await rules.ruleAt("/w/a.ts", "/w"), undefined);
    changing["/w/.gitignore"] = "b.ts\n";
    assert.notEqual(await rules.ruleAt("/w/a.ts", "/w"), undefined);
    rules.forget();
    assert.equal(await rules.ruleAt("/w/a.ts", "/w"), undefined);
  });
});

describe("links", () => {
  it("are judged by what they lead to as well", async () => {
    const files = {
      "/w/notes.txt": "-> /w/.env",
      "/w/.env": "",
      "/w/x.ts": "-> /w/gen/x.ts",
      "/w/gen/x.ts": "",
      "/w/.gitignore": "gen\n",
      "/w/out.ts": "-> /other/out.ts",
      "/other/out.ts": "",
    };
    assert.equal(
      await ruleIn(files, "/w/notes.txt"),
      "it is a link to '/w/.env': '.env' is a name of files that hold environment variables",
    );
    assert.equal(await ruleIn(files, "/w/x.ts"), "it is a link to '/w/gen/x.ts': 'gen' in line 1 of '.gitignore'");
    assert.equal(await ruleIn(files, "/w/out.ts"), undefined);
  });

  it("are followed on this machine", async function () {
    if (process.platform === "win32") {
      return this.skip();
    }
    const folder = mkdtempSync(join(tmpdir(), "hearth-links-"));
    try {
      writeFileSync(join(folder, ".env"), "A=1\n");
      symlinkSync(".env", join(folder, "notes.txt"));
      const rule = await new ReadRules(LOCAL_FILES, false).ruleAt(join(folder, "notes.txt"), folder);
      assert.match(rule ?? "", /^it is a link to '.*\/\.env': '\.env' is/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe("ignore files as Git reads them", () => {
  const NAMES = ["a", "b", "c.ts", "d.log", "e f", "build"];
  const PATTERNS =
    "a|b/|/a|/b/|*.ts|!c.ts|*.log|!d.log|build|!build/|a/b|a/**|**/b|a/**/c.ts|/*|!/a|e\\ f|[ab]|?.ts|!a/|# no||  |*|!*/|!*.ts|b/*|/build/".split(
      "|",
    );

  it("in random trees", async function () {
    const git = spawnSync("git", ["--version"]);
    if (git.status !== 0) {
      return this.skip();
    }
    const prng = new Prng("ignore files");
    const random = (): number => prng.nextU32() / 2 ** 32;
    const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)]!;
    for (let round = 0; round < 12; ++round) {
      const folder = mkdtempSync(join(tmpdir(), "hearth-ignore-"));
      try {
        spawnSync("git", ["init", "-q", folder]);
        const paths = new Set<string>();
        for (let i = 0; i < 60; ++i) {
          const parts = Array.from({ length: 1 + Math.floor(random() * 4) }, () => pick(NAMES));
          const path = parts.join("/");
          // No file where a folder is, nor the other way round.
          const clashes = [...paths].some((each) => each.startsWith(`${path}/`) || path.startsWith(`${each}/`));
          if (!clashes) {
            paths.add(path);
            mkdirSync(join(folder, dirname(path)), { recursive: true });
            writeFileSync(join(folder, path), "");
          }
        }
        const folders = [...new Set([...paths].flatMap((path) => parentsOf(path)))];
        for (const each of ["", pick(folders), pick(folders)]) {
          const lines = Array.from({ length: 1 + Math.floor(random() * 5) }, () => pick(PATTERNS));
          writeFileSync(join(folder, each, ".gitignore"), `${lines.join("\n")}\n`);
        }
        const { stdout } = spawnSync("git", ["check-ignore", "--no-index", "-z", "--stdin"], {
          cwd: folder,
          input: [...paths].join("\0"),
          encoding: "utf8",
          env: { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" },
        });
        const rules = new ReadRules(LOCAL_FILES, false);
        const ours: string[] = [];
        for (const path of paths) {
          if ((await rules.ruleAt(join(folder, path), folder)) !== undefined) {
            ours.push(path);
          }
        }
        assert.deepEqual(ours.sort(), stdout.split("\0").filter(Boolean).sort(), `round ${round}`);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }
  });

  function parentsOf(path: string): string[] {
    const parts = path.split("/").slice(0, -1);
    return parts.map((_, i) => parts.slice(0, i + 1).join("/"));
  }
});
