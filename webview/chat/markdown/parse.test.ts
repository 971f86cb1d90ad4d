import assert from "node:assert/strict";
import type { Block, Inline } from "./blocks";
import { parse } from "./parse";
import { processorMs } from "../../../test/fixtures/processorTime";

const blocksOf = (text: string): readonly Block[] => parse(text).map(({ block }) => block);
const only = (text: string): Block => {
  const blocks = blocksOf(text);
  assert.equal(blocks.length, 1);
  return blocks[0]!;
};
const inline = (text: string): readonly Inline[] => {
  const block = only(text);
  assert.ok(block.kind === "paragraph");
  return block.children;
};
const text = (text: string): Inline => ({ kind: "text", text });

describe("Markdown of an answer", () => {
  it("is plain data", () => {
    assert.deepEqual(blocksOf("# A\n\nb *c* **d** `e`\nf\n\n---\n\n> q\n"), [
      { kind: "heading", level: 1, rank: 1, children: [text("A")] },
      {
        kind: "paragraph",
        children: [
          text("b "),
          { kind: "emphasis", children: [text("c")] },
          text(" "),
          { kind: "strong", children: [text("d")] },
          text(" "),
          { kind: "code", text: "e" },
          { kind: "break" },
          text("f"),
        ],
      },
      { kind: "rule" },
      { kind: "quote", children: [{ kind: "paragraph", children: [text("q")] }] },
    ]);
  });

  it("has lists with their first number, and lists in lists", () => {
    const paragraph = (word: string): Block => ({ kind: "paragraph", children: [text(word)] });
    assert.deepEqual(only("3. a\n4. b\n   - c\n"), {
      kind: "list",
      start: 3,
      items: [[paragraph("a")], [paragraph("b"), { kind: "list", start: undefined, items: [[paragraph("c")]] }]],
    });
  });

  it("has tables with the alignment of their columns", () => {
    assert.deepEqual(only("| a | b |\n|---|--:|\n| 1 | 2 |\n"), {
      kind: "table",
      head: [
        { align: "left", children: [text("a")] },
        { align: "right", children: [text("b")] },
      ],
      rows: [
        [
          { align: "left", children: [text("1")] },
          { align: "right", children: [text("2")] },
        ],
      ],
    });
  });

  it("says whether a code block has been ended", () => {
    const cases: readonly (readonly [string, string, boolean])[] = [
      ["```ts\na\n```", "a\n", true],
      ["```ts\na\n", "a\n", false],
      ["```ts\na", "a", false],
      ["```ts\n", "", false],
      ["```ts\n```", "", true],
      ["```ts\n\n```\n", "\n", true],
      ["```ts\na\n\n", "a\n\n", false],
    ];
    for (const [markdown, code, ended] of cases) {
      assert.deepEqual(only(markdown), { kind: "code", language: "ts", text: code, ended }, JSON.stringify(markdown));
    }
  });

  it("finds the language in what models write behind a fence", () => {
    const languages = ["ts", "ts src/a.ts", "ts:src/a.ts", "{.ts}", '{ts title="a"}', ".ts", ""].map((info) => {
      const block = only(`\`\`\`${info}\nx\n\`\`\``);
      return block.kind === "code" ? block.language : undefined;
    });
    assert.deepEqual(languages, ["ts", "ts", "ts", "ts", "ts", "ts", ""]);
  });

  it("skips no rank of headings", () => {
    const ranks = blocksOf("### a\n\n# b\n\n#### c\n\n## d\n\n### e\n").map((block) =>
      block.kind === "heading" ? block.rank : 0,
    );
    assert.deepEqual(ranks, [1, 1, 2, 2, 3]);
  });
});

describe("Hostile Markdown", () => {
  it("is text where it is HTML", () => {
    assert.deepEqual(inline("<img src=x onerror=alert(1)> &lt;b>"), [text("<img src=x onerror=alert(1)> <b>")]);
    assert.deepEqual(inline("<script>alert(1)</script>"), [text("<script>alert(1)</script>")]);
  });

  it("links to the web and to mail only", () => {
    const hrefs = (markdown: string) => inline(markdown).flatMap((each) => (each.kind === "link" ? [each.href] : []));
    assert.deepEqual(hrefs("[a](https://a.example/b) <http://c.example> [d](mailto:e@f.example)"), [
      "https://a.example/b",
      "http://c.example/",
      "mailto:e@f.example",
    ]);
    for (const href of [
      "javascript:alert(1)",
      "JavaScript:alert(1)",
      "&#106;avascript:alert(1)",
      "java&#10;script:alert(1)",
      "data:text/html,<script>alert(1)</script>",
      "data:image/png;base64,AAAA",
      "vbscript:x",
      "file:///etc/passwd",
      "command:workbench.action.quit",
      "vscode://file/etc/passwd",
      "vscode-resource:x",
      "blob:https://a.example/1",
      "//a.example/b",
      "src/a.ts",
      "#a",
    ]) {
      assert.deepEqual(hrefs(`[x](<${href}>) <${href}>`), [], href);
    }
  });

  it("shows what an image is said to show, and no image", () => {
    assert.deepEqual(inline("![a *cat*](https://a.example/x.png)"), [text("a cat")]);
    assert.deepEqual(inline("![](https://a.example/x.png)"), [text("image")]);
    assert.deepEqual(inline("[![a](b.png)](https://a.example/)"), [
      { kind: "link", href: "https://a.example/", children: [text("a")] },
    ]);
  });

  it("takes no name for an address", () => {
    assert.deepEqual(inline("main.rs user@host.example 10.0.0.1 example.com"), [
      text("main.rs user@host.example 10.0.0.1 example.com"),
    ]);
  });

  it("is parsed in time, however long its lines and however deep it is nested", () => {
    for (const line of [
      "a".repeat(100_000),
      "[".repeat(50_000),
      "![".repeat(25_000),
      "*a ".repeat(20_000),
      "`".repeat(50_000),
      "_*".repeat(20_000),
      "<".repeat(50_000),
      "http://".repeat(10_000),
      "&".repeat(50_000),
      "\\".repeat(50_000),
      "|".repeat(20_000),
      ">".repeat(20_000),
      "- ".repeat(5000),
      "~~a".repeat(10_000),
      `|a|\n|-|\n${"|".repeat(300)}`.repeat(50),
      `|a|\n|-|\n|x${" ".repeat(50_000)}y|`,
      `|a|\n|-|\n|x${" <br".repeat(12_000)}|`,
      `${"|a".repeat(250)}|\n${"|-".repeat(250)}|\n${"|\n".repeat(250)}\n`.repeat(15),
      "a|b\n-|-\n- x\n".repeat(5000),
    ]) {
      const started = processorMs();
      parse(line);
      const ms = processorMs() - started;
      assert.ok(ms < 2000, `${line.slice(0, 10)}… took ${ms.toFixed(0)} ms`);
    }
  });

  it("reads blocks inside a block of Markdown, with marks as long as its own", () => {
    const codes = (text: string): string[] =>
      parse(text).flatMap(({ block }) => (block.kind === "code" ? [block.text] : []));
    assert.deepEqual(codes("```markdown\n# T\n\n```js\nx\n```\n\nmore\n```\n\nThat is it."), [
      "# T\n\n```js\nx\n```\n\nmore\n",
    ]);
    assert.deepEqual(codes("```md\nRun:\n\n```\nnpm start\n```\n\nDone\n```\nBye."), [
      "Run:\n\n```\nnpm start\n```\n\nDone\n",
    ]);
    assert.deepEqual(codes("```md\n# A\n```\n\n```js\nx\n```"), ["# A\n", "x\n"]);
  });

  it("shows a table of too many columns or cells as it is written", () => {
    const table = (columns: number, row: string, rows: number): string =>
      `${"|a".repeat(columns)}|\n${"|-".repeat(columns)}|\n${`${row}\n`.repeat(rows)}`;
    const tables: readonly [string, "table" | "code"][] = [
      [table(99, "|x".repeat(99), 20), "table"],
      [table(150, "|x", 1), "code"],
      [table(2, "|x|y", 900), "table"],
      [table(2, "|x|y", 3000), "code"],
      // As many cells as characters, and more.
      [table(30, "|x".repeat(30), 30), "table"],
      [table(30, "|", 30), "code"],
      [table(30, "|", 8), "table"],
    ];
    for (const [written, kind] of tables) {
      const [block, after] = blocksOf(`${written}\nafter`);
      assert.equal(block?.kind, kind, written.slice(0, 200));
      assert.ok(block.kind !== "code" || block.text === written);
      assert.equal(after?.kind, "paragraph");
    }
    assert.equal(only(`> ${table(150, "|x", 1).replaceAll("\n", "\n> ")}`).kind, "quote");
  });

  it("breaks lines in cells, and leaves formulas as they are written", () => {
    const [table] = parse("| a |\n|---|\n| x <br>  y<br/><BR />z  w |");
    assert.ok(table?.block.kind === "table");
    const { children } = table.block.rows[0]![0]!;
    assert.deepEqual(
      children.map((inline) => (inline.kind === "text" ? inline.text : inline.kind)),
      ["x", "break", "y", "break", "break", "z  w"],
    );
    const [formula] = parse("So \\(a_1 * b_2 * c\\) and \\[x\\], but \\* is a star.");
    assert.ok(formula?.block.kind === "paragraph");
    const text = formula.block.children.map((inline) => (inline.kind === "text" ? inline.text : "?")).join("");
    assert.equal(text, "So \\(a_1 * b_2 * c\\) and \\[x\\], but * is a star.");
  });
});
