import assert from "node:assert/strict";
import { answerParts, type CodePart } from "./answerParts";

function blockOf(answer: string, original: readonly string[] = []): CodePart {
  const block = answerParts(answer, original).find((part) => part.kind === "code");
  assert.ok(block !== undefined, answer);
  return block;
}

function code(answer: string, original: readonly string[] = []): string {
  return blockOf(answer, original).lines.join("\n");
}

describe("answerParts", () => {
  const CASES: readonly [what: string, answer: string, code: string][] = [
    ["a fence", "```ts\na\n  b\n```", "a\n  b"],
    ["talk around it", "Sure! Here `it` is:\n\n```ts\na\n```\nThis is **better**.\n```ts\nother\n```", "a"],
    ["tildes", "~~~ python\na = 1\n~~~\n", "a = 1"],
    ["tildes around backticks", "~~~md\n```js\nf()\n```\n~~~", "```js\nf()\n```"],
    ["a longer fence around a shorter one", "````md\n```\nf()\n```\n````", "```\nf()\n```"],
    [
      "a fence as long inside, with its language",
      "```md\n# a\n```js\nf()\n```\nb\n```\nBye",
      "# a\n```js\nf()\n```\nb",
    ],
    [
      "fences inside a comment",
      "```ts\n/**\n * ```ts\n * f()\n * ```\n */\nf();\n```",
      "/**\n * ```ts\n * f()\n * ```\n */\nf();",
    ],
    ["a fence deep inside a string", '```py\n"""\n        ```\n"""\n```', '"""\n        ```\n"""'],
    ["line ends of Windows", "```ts\r\na\r\n\tb\r\n```\r\n", "a\n\tb"],
    ["an indented fence", "1. Do it:\n   ```ts\n   a\n     b\n\n   ```", "a\n  b\n"],
    ["white space at line ends", "```ts\na  \n\t\n```", "a  \n\t"],
    ["blank lines", "```ts\n\n\na\n\n```", "\n\na\n"],
    ["a closing fence that is longer", "```ts\na\n`````", "a"],
    ["nothing inside", "```ts\n```", ""],
    ["a template string", "```js\nconst a = `\n``x``\n`;\n```", "const a = `\n``x``\n`;"],
  ];
  for (const [what, answer, expected] of CASES) {
    it(`reads ${what}`, () => {
      assert.equal(code(answer), expected);
    });
  }

  it("says whether the fence was closed", () => {
    const read = (answer: string): [string[], boolean] => [[...blockOf(answer).lines], blockOf(answer).closed];
    assert.deepEqual(read("```ts\na\nb"), [["a", "b"], false]);
    assert.deepEqual(read("```ts\na\nb\n``"), [["a", "b"], false]);
    assert.deepEqual(read("```ts\na\nb\n```"), [["a", "b"], true]);
  });

  it("keeps an answer without a fence apart", () => {
    assert.deepEqual(answerParts("I cannot do that.\nSorry."), [
      { kind: "talk", lines: ["I cannot do that.", "Sorry."] },
    ]);
    assert.deepEqual(answerParts(""), []);
  });

  it("takes code between backticks on one line for talk", () => {
    for (const answer of ["Use ```const a = 1``` there", "```const a = 1```"]) {
      assert.ok(answerParts(answer).every(({ kind }) => kind === "talk"));
    }
  });

  const WRITTEN: readonly [what: string, answer: string, code: string][] = [
    ["a fence behind prose", "Here is the code: ```python\na = 1\n```\nBye.", "a = 1"],
    ["a fence behind prose without a space", "Code:```python\na = 1\n```", "a = 1"],
    ["a fence in a list", "1. ```python\n   a = 1\n   if a:\n       b()\n   ```\n2. Done.", "a = 1\nif a:\n    b()"],
    ["a fence in a list whose code is not indented", "- ```python\nif a:\n    b()\n```", "if a:\n    b()"],
    ["a fence in a quote", "> Here:\n>\n> ```js\n> f();\n>\n>   g();\n> ```\n\nBye.", "f();\n\n  g();"],
    ["talk behind the closing mark", "```js\nf();\n``` I hope this helps!\nBye.", "f();"],
    ["a closing mark behind code", "```js\nf();\ng();```", "f();\ng();"],
    ["braces", "```{r}\nplot(1)\n```", "plot(1)"],
    ["a title", '```js title="a.js"\nf();\n```', "f();"],
  ];
  for (const [what, answer, expected] of WRITTEN) {
    it(`reads ${what}`, () => {
      assert.equal(code(answer), expected);
    });
  }

  const README = ["# A", "", "Run:", "", "```", "npm start", "```", "", "Then open it."];

  it("knows the end of a block that shows blocks by what it takes the place of", () => {
    const inner = README.with(0, "# B").join("\n");
    assert.equal(code(`\`\`\`markdown\n${inner}\n\`\`\``, README), inner);
    assert.equal(code(`\`\`\`markdown\n${inner}\n\`\`\`\n\nTry it:\n\`\`\`\nnpm start\n\`\`\``, README), inner);
    assert.equal(code(`\`\`\`md\n${inner}\n\`\`\`\n`), inner);
  });
});
