import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { ROOT } from "./hearth";

/** What the pages for people say is so: commands run as they are written, options exist, links lead somewhere. */

const PAGES = [
  ...["README.md", "MARKETPLACE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"],
  ...readdirSync(join(ROOT, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
  ...readdirSync(join(ROOT, "docs", "adr")).map((name) => `docs/adr/${name}`),
  ...["bench/peers/README.md", "bench/keystrokes/README.md", "bench/experts/README.md", "training/README.md"],
];
const textOf = (page: string): string => readFileSync(join(ROOT, page), "utf8");

/** Lines of the blocks for a shell, without remarks. */
function shellLines(page: string): string[] {
  return [...textOf(page).matchAll(/^```(?:sh|bash)\n(.*?)^```$/gms)]
    .flatMap(([, block = ""]) => block.split("\n"))
    .map((line) => line.replace(/\s+#.*$/, "").trim())
    .filter((line) => line !== "");
}

const help = async (): Promise<string> =>
  (await promisify(execFile)(process.execPath, ["dist/cli.js", "--help"], { cwd: ROOT })).stdout;

describe("the README", () => {
  it("has commands that run as they are written", async () => {
    const { scripts } = JSON.parse(textOf("package.json")) as { scripts: Readonly<Record<string, string>> };
    const lines = shellLines("README.md");
    assert.ok(lines.length >= 4, lines.join("\n"));
    for (const line of lines) {
      const [, script] = /^npm (?:run )?([\w:]+)(?: -- .*)?$/.exec(line) ?? [];
      if (script !== undefined) {
        // Those that set up, build and start have been run, or this would not run; test/e2e/start.test.ts runs `npm start`.
        assert.ok(scripts[script] !== undefined, line);
        continue;
      }
      const { stdout } = await promisify(execFile)("sh", ["-c", line], { cwd: ROOT });
      assert.match(stdout, /\S/, line);
    }
  });

  it("names commands and options of hearth that there are", async () => {
    const known = await help();
    const said = PAGES.filter((page) => !page.startsWith("docs/adr/") && page !== "CHANGELOG.md").flatMap((page) =>
      [...textOf(page).matchAll(/`(?:hearth|node dist\/cli\.js) ([a-z][^`]*)`/g)].map(([, command = ""]) => ({
        page,
        command,
      })),
    );
    assert.ok(said.length > 20, String(said.length));
    for (const { page, command } of said) {
      const [name = ""] = command.split(" ");
      assert.ok(known.includes(`hearth ${name}`), `${page}: hearth ${command}`);
      for (const [option] of command.matchAll(/--[a-z][a-z-]*/g)) {
        assert.ok(known.includes(option), `${page}: hearth ${command}`);
      }
    }
  });
});

describe("pages of the project", () => {
  it("tell what the version in package.json changes", () => {
    const { version } = JSON.parse(textOf("package.json")) as { version: string };
    const [, newest, date] = /^## (\S+) - (\S+)$/m.exec(textOf("CHANGELOG.md")) ?? [];
    assert.equal(newest, version);
    assert.match(date ?? "", /^(Unreleased|\d{4}-\d{2}-\d{2})$/);
  });

  it("link to what there is", () => {
    const broken = PAGES.flatMap((page) =>
      [...textOf(page).matchAll(/\]\((?!https?:|mailto:|#)([^)\s#]+)[^)]*\)/g)]
        .map(([, target = ""]) => target)
        .filter((target) => !existsSync(join(ROOT, dirname(page), target)))
        .map((target) => `${page}: ${target}`),
    );
    assert.deepEqual(broken, []);
  });

  it("link to headings that there are", () => {
    const slug = (heading: string): string =>
      heading
        .toLowerCase()
        .replaceAll(/[`*_]/g, "")
        .replaceAll(/[^\p{L}\p{N}\s-]/gu, "")
        .trim()
        .replaceAll(" ", "-");
    const broken = PAGES.flatMap((page) =>
      [...textOf(page).matchAll(/\]\((?!https?:)([^)\s#]*)#([^)\s]+)\)/g)]
        .filter(([, target = "", anchor = ""]) => {
          const text = target === "" ? textOf(page) : readFileSync(join(ROOT, dirname(page), target), "utf8");
          return ![...text.matchAll(/^#+ (.+)$/gm)].some(([, heading = ""]) => slug(heading) === anchor);
        })
        .map(([link]) => `${page}: ${link}`),
    );
    assert.deepEqual(broken, []);
  });
});
