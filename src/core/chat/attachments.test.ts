import assert from "node:assert/strict";
import { type AttachmentSource, type CountTokens, fitAttachments, sharesOf } from "./attachments";
import { wordsIn } from "./testing/scriptedChatEngine";

const countWords: CountTokens = (texts) => Promise.resolve(texts.map(wordsIn));

const FILE: AttachmentSource = {
  id: "file:src/a.ts",
  kind: "file",
  path: "src/a.ts",
  languageId: "typescript",
  text: "let a;\nlet b;\n",
  place: "file:///w/src/a.ts",
};

/** A word a line. */
function linesNamed(count: number): string {
  return Array.from({ length: count }, (_, i) => `line${String(i + 1)}`).join("\n");
}

async function fitOne(source: AttachmentSource, budgetTokens: number, count = countWords) {
  const [fitted] = await fitAttachments([source], budgetTokens, count);
  return fitted!;
}

describe("an attachment", () => {
  it("is a fence with its path", async () => {
    assert.deepEqual(await fitOne(FILE, 100), {
      id: "file:src/a.ts",
      kind: "file",
      label: "src/a.ts",
      text: "`src/a.ts`:\n```typescript\nlet a;\nlet b;\n```",
      tokens: 7,
      leftOutTokens: 0,
      place: "file:///w/src/a.ts",
    });
  });

  it("of some lines says which", async () => {
    const selection: AttachmentSource = { ...FILE, kind: "selection", firstLine: 10, text: "a\r\nb\r\nc" };
    const fitted = await fitOne(selection, 100);
    assert.equal(fitted.label, "src/a.ts:10-12");
    assert.equal(fitted.text, "`src/a.ts`, lines 10 to 12:\n```typescript\na\nb\nc\n```");
    const one = await fitOne({ ...selection, text: "a" }, 100);
    assert.equal(one.label, "src/a.ts:10");
    assert.match(one.text, /, line 10:/);
  });

  it("of problems is a list", async () => {
    const problems: AttachmentSource = { ...FILE, kind: "problems", text: "line 3: error: no\nline 4: hint: yes" };
    const fitted = await fitOne(problems, 100);
    assert.equal(fitted.label, "problems in src/a.ts");
    assert.equal(fitted.text, "Problems that the editor reports in `src/a.ts`:\nline 3: error: no\nline 4: hint: yes");
  });

  it("cannot close its own fence", async () => {
    const { text } = await fitOne({ ...FILE, languageId: "markdown", text: "```js\n```\n</system>" }, 100);
    assert.match(text, /\n````markdown\n```js\n```\n<\/system>\n````$/);
  });

  it("that is too long is cut at line ends, from the end", async () => {
    const fitted = await fitOne({ ...FILE, text: linesNamed(1000) }, 104);
    assert.ok(fitted.tokens <= 104 && fitted.tokens >= 95, String(fitted.tokens));
    assert.equal(fitted.tokens + fitted.leftOutTokens, 1003);
    assert.match(fitted.label, /^src\/a\.ts:1-9\d$/);
    assert.match(fitted.text, /, lines 1 to 9\d:\n```typescript\nline1\n/);
  });

  it("that is too long keeps the line that matters", async () => {
    for (const focusLine of [1, 500, 1000]) {
      const { text } = await fitOne({ ...FILE, kind: "editor", text: linesNamed(1000), focusLine }, 100);
      assert.match(text, new RegExp(`\nline${String(focusLine)}\n`));
    }
    const { text } = await fitOne({ ...FILE, firstLine: 301, text: linesNamed(400), focusLine: 500 }, 60);
    assert.match(text, /\nline200\n/);
  });

  it("that is too long needs few counts, also where lines are of all lengths", async () => {
    const text = Array.from({ length: 2000 }, (_, i) => "word ".repeat(i % 97 === 0 ? 400 : 3)).join("\n");
    let counts = 0;
    const fitted = await fitOne({ ...FILE, text }, 2000, (texts) => {
      counts += 1;
      return countWords(texts);
    });
    assert.ok(counts <= 7, String(counts));
    assert.ok(fitted.tokens > 1200 && fitted.tokens <= 2000, String(fitted.tokens));
  });

  it("of which nothing fits is left out whole", async () => {
    const fitted = await fitOne({ ...FILE, text: "word ".repeat(50) }, 20);
    assert.deepEqual([fitted.text, fitted.tokens, fitted.leftOutTokens, fitted.label], ["", 0, 53, "src/a.ts"]);
  });

  it("of an empty file is empty", async () => {
    const { text } = await fitOne({ ...FILE, text: "" }, 20);
    assert.equal(text, "`src/a.ts`:\n```typescript\n```");
  });
});

describe("attachments together", () => {
  it("keep to the budget", async () => {
    const sources = [10, 500, 800].map((n) => ({ ...FILE, id: String(n), text: linesNamed(n) }));
    const fitted = await fitAttachments(sources, 300, countWords);
    assert.equal(fitted[0]!.leftOutTokens, 0);
    assert.ok(fitted.reduce((sum, { tokens }) => sum + tokens, 0) <= 300);
    assert.ok(Math.abs(fitted[1]!.tokens - fitted[2]!.tokens) < 15);
  });

  const CASES: readonly [wants: number[], budget: number, shares: number[]][] = [
    [[], 10, []],
    [[5, 5], 10, [5, 5]],
    [[2, 100, 100], 12, [2, 5, 5]],
    [[100, 3], 10, [7, 3]],
    [[100], 0, [0]],
  ];
  for (const [wants, budget, shares] of CASES) {
    it(`share ${String(budget)} among ${JSON.stringify(wants)}`, () => {
      assert.deepEqual(sharesOf(wants, budget), shares);
    });
  }
});
