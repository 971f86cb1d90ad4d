import assert from "node:assert/strict";
import { configuredIndentation, parseEditorConfig } from "./editorConfig";
import { globOf } from "./glob";
import { processorMs } from "../../../test/fixtures/processorTime";

const FOUR = { style: "spaces", size: 4 } as const;

describe("an .editorconfig", () => {
  it("matches names by its patterns", () => {
    const cases: readonly [pattern: string, path: string, matches: boolean][] = [
      ["*", "a/b.ts", true],
      ["*.py", "a/b.py", true],
      ["*.py", "a/b.pyi", false],
      ["*.{js,ts}", "x/y.ts", true],
      ["*.{js,ts}", "x/y.tsx", false],
      ["{Makefile,*.mk}", "sub/Makefile", true],
      ["/*.md", "README.md", true],
      ["/*.md", "docs/README.md", false],
      ["lib/*.js", "lib/a.js", true],
      ["lib/*.js", "lib/b/a.js", false],
      ["lib/**.js", "lib/b/a.js", true],
      ["lib/**.js", "src/lib/a.js", false],
      ["a?.c", "ab.c", true],
      ["a?.c", "a/.c", false],
      ["[ab].c", "b.c", true],
      ["[!ab].c", "b.c", false],
      ["[!ab].c", "c.c", true],
      ["v{1..3}.txt", "v2.txt", true],
      ["v{1..3}.txt", "v4.txt", false],
      ["{a}.c", "{a}.c", true],
      ["a\\*.c", "a*.c", true],
      ["a\\*.c", "ab.c", false],
      ["{a,{b,c}}.x", "c.x", true],
      ["a+b.(c)", "a+b.(c)", true],
    ];
    for (const [pattern, path, matches] of cases) {
      assert.equal(globOf(pattern).test(path), matches, `${pattern} ${path}`);
    }
  });

  it("is read with comments, any case and line ends, and what is no pair", () => {
    const config = parseEditorConfig(
      "\uFEFF; c\r\nROOT = True\r\n[*]\r\n# c\r\nindent_style = Space\r\nnonsense\r\nindent_size=2\r\n",
    );
    assert.equal(config.isRoot, true);
    assert.deepEqual(configuredIndentation([{ config, path: "a.ts" }], FOUR), { style: "spaces", size: 2 });
  });

  it("lets later sections and nearer files win, up to the root", () => {
    const near = parseEditorConfig("[*.go]\nindent_style = tab\n");
    const middle = parseEditorConfig(
      "root = true\n[*]\nindent_style = space\nindent_size = 2\n[*.go]\nindent_size = 8\n",
    );
    const far = parseEditorConfig("[*]\nindent_size = 3\n");
    const above = (name: string): Parameters<typeof configuredIndentation>[0] => [
      { config: near, path: name },
      { config: middle, path: `sub/${name}` },
      { config: far, path: `a/sub/${name}` },
    ];
    assert.deepEqual(configuredIndentation(above("x.go"), FOUR), { style: "tabs", size: 8 });
    assert.deepEqual(configuredIndentation(above("x.c"), FOUR), { style: "spaces", size: 2 });
  });

  it("takes a tab's width as the size of tabs, and says nothing where nothing is said", () => {
    const tabs = parseEditorConfig("[*]\nindent_style = tab\nindent_size = tab\ntab_width = 8\n");
    assert.deepEqual(configuredIndentation([{ config: tabs, path: "a" }], FOUR), { style: "tabs", size: 8 });
    const none = parseEditorConfig("[*]\ncharset = utf-8\nindent_size = unset\n");
    assert.equal(configuredIndentation([{ config: none, path: "a" }], FOUR), undefined);
  });

  it("takes hostile patterns for what matches nothing, in no time", () => {
    const started = processorMs();
    const stars = [`${"*a".repeat(60)}c`, "*a*a*a*a*ac", "**a**a**a**ac", "{*a,*b}{*a,*b}{*a,*b}{*a,*b}{*a,*b}z"];
    for (const pattern of ["{a,".repeat(300), "[", "{1..99999999}", "[z-a]", "\\", "{".repeat(5000), ...stars]) {
      for (const path of [`${"a".repeat(60)}b`, "a".repeat(4000), "a/".repeat(2000)]) {
        assert.equal(globOf(pattern).test(path), false, pattern);
      }
    }
    assert.ok(processorMs() - started < 2000);
  });
});
