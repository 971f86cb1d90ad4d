import assert from "node:assert/strict";
import { commitPrompt, type Excerpt, explainText, planEdit, rewritePrompt, testsPrompt } from "./editPrompt";

const EXCERPT: Excerpt = {
  path: "src/a.ts",
  languageId: "typescript",
  above: ["const a = 1;"],
  lines: ["function f() {", "  return a;", "}"],
  below: ["", ""],
};

function user(messages: readonly { role: string; content: string }[]): string {
  assert.deepEqual(
    messages.map(({ role }) => role),
    ["system", "user"],
  );
  return messages[1]!.content;
}

describe("planEdit", () => {
  const lines = Array.from({ length: 400 }, (_, i) => `line ${String(i)} of the document`);
  const document = { path: "a.ts", languageId: "typescript", lines };
  const range = { start: 200, end: 210 };

  it("takes the nearest lines along", () => {
    const plan = planEdit(document, range, { contextTokens: 4096, codeTokens: 60, growth: 2 });
    assert.ok(plan.kind === "fits");
    const { above, lines: own, below } = plan.excerpt;
    assert.equal(above.at(-1), lines[199]);
    assert.deepEqual(own, lines.slice(200, 210));
    assert.equal(below[0], lines[210]);
    assert.ok(above.length > below.length && above.length < 60);
  });

  it("leaves room for an answer as long as the code", () => {
    const plan = planEdit(document, range, { contextTokens: 1024, codeTokens: 250, growth: 2 });
    assert.ok(plan.kind === "fits" && plan.maxTokens > 300);
  });

  it("refuses what cannot be answered", () => {
    const plan = planEdit(document, range, { contextTokens: 1024, codeTokens: 600, growth: 2 });
    assert.ok(plan.kind === "tooLong" && plan.roomTokens > 200 && plan.roomTokens < 600);
  });
});

describe("prompts", () => {
  it("show the code in a fence of its own, and what is around it as such", () => {
    const text = user(rewritePrompt(EXCERPT, { kind: "refactor", instruction: " Make it const \n" }, 10));
    assert.match(text, /above the code, only to be read:\n\n```typescript\nconst a = 1;\n```/);
    assert.match(text, /The code to rewrite:\n\n```typescript\nfunction f\(\) \{\n {2}return a;\n\}\n```/);
    assert.doesNotMatch(text, /below the code/);
    assert.match(text, /Task: Make it const\n/);
  });

  it("count lines of problems in the code that is shown", () => {
    const problems = [
      { line: 11, message: "Cannot find\nname 'a'.", source: "ts" },
      ...Array.from({ length: 20 }, () => ({ line: 10, message: "x" })),
    ];
    const text = user(rewritePrompt(EXCERPT, { kind: "fix", problems }, 10));
    assert.match(text, /- line 2: Cannot find name 'a'\. \(ts\)\n/);
    assert.equal(text.match(/^- line/gm)?.length, 8);
  });

  it("let no code end their fence", () => {
    const text = user(rewritePrompt({ ...EXCERPT, lines: ["````", "a", "````"] }, { kind: "document" }, 0));
    assert.match(text, /`````typescript\n````\na\n````\n`````/);
  });

  it("begin alike for all edits", () => {
    const [system] = rewritePrompt(EXCERPT, { kind: "document" }, 0);
    assert.deepEqual(testsPrompt(EXCERPT, { path: "a.test.ts" }, true)[0], system);
  });

  it("for tests show how tests are written", () => {
    const example = { path: "b.test.ts", text: "it('works')" };
    const text = user(testsPrompt(EXCERPT, { path: "a.test.ts", example }, false));
    assert.match(text, /`b\.test\.ts`:\n\n```typescript\nit\('works'\)\n```/);
    assert.match(text, /added at the end of `a\.test\.ts`/);
    assert.match(user(testsPrompt(EXCERPT, { path: "a.test.ts" }, true)), /complete test file `a\.test\.ts`/);
  });

  it("for explanations name the place", () => {
    assert.match(explainText(EXCERPT, [], 10), /^Explain this code of `src\/a\.ts`, lines 11 to 13\./);
    assert.match(explainText(EXCERPT, [{ line: 11, message: "unused" }], 10), /\n- unused\n/);
  });

  it("for commits show earlier messages where there are any", () => {
    assert.match(
      user(commitPrompt("+a", ["Add b"])),
      /```diff\n\+a\n```\n\nEarlier messages, for the style:\n- Add b\n/,
    );
    assert.doesNotMatch(user(commitPrompt("+a", [])), /Earlier/);
  });
});
