import assert from "node:assert/strict";
import { type FencedAnswer, FenceStream, looksLikeRewrite } from "./fenceStream";

function read(answer: string, pieceChars = 3): FencedAnswer {
  const stream = new FenceStream();
  for (let i = 0; i < answer.length && !stream.isDone; i += pieceChars) {
    stream.push(answer.slice(i, i + pieceChars));
  }
  return stream.end();
}

function code(answer: string): string {
  const read1 = read(answer, 1);
  assert.deepEqual(read(answer, 1000), read1);
  assert.equal(read1.kind, "code");
  return read1.lines.join("\n");
}

describe("FenceStream", () => {
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
    assert.deepEqual(read("```ts\na\nb"), { kind: "code", lines: ["a", "b"], closed: false });
    assert.deepEqual(read("```ts\na\nb\n``"), { kind: "code", lines: ["a", "b"], closed: false });
    assert.deepEqual(read("```ts\na\nb\n```"), { kind: "code", lines: ["a", "b"], closed: true });
  });

  it("gives lines when they are complete", () => {
    const stream = new FenceStream();
    stream.push("```ts\nfirst\nsec");
    assert.deepEqual(stream.code, ["first"]);
    stream.push("ond\n");
    assert.deepEqual(stream.code, ["first", "second"]);
    stream.push("``");
    assert.equal(stream.isDone, false);
    stream.push("`\nmore");
    assert.equal(stream.isDone, true);
    assert.deepEqual(stream.code, ["first", "second"]);
  });

  it("keeps an answer without a fence apart", () => {
    assert.deepEqual(read("I cannot do that.\nSorry."), { kind: "noFence", lines: ["I cannot do that.", "Sorry."] });
    assert.deepEqual(read(""), { kind: "noFence", lines: [] });
  });

  it("takes code between backticks on one line for talk", () => {
    assert.equal(read("Use ```const a = 1``` there").kind, "noFence");
    assert.equal(read("```const a = 1```").kind, "noFence");
  });

  it("has an end, with or without line ends", () => {
    for (const text of ["x".repeat(1000), "x\n".repeat(500)]) {
      const stream = new FenceStream();
      stream.push("```\n");
      let pushes = 0;
      while (!stream.isDone) {
        stream.push(text);
        pushes += 1;
      }
      assert.ok(pushes < 1000);
      assert.equal((stream.end() as { closed: boolean }).closed, false);
    }
  });
});

describe("looksLikeRewrite", () => {
  const ORIGINAL = ["function f() {", "  return 1;", "}"];

  it("knows code by what it kept", () => {
    assert.ok(looksLikeRewrite(["function f() {", "  return 2;", "}"], ORIGINAL));
  });

  it("knows talk", () => {
    assert.ok(!looksLikeRewrite(["This function returns one.", "}"], ORIGINAL));
    assert.ok(!looksLikeRewrite(["One could say", "return 1;", "but that", "is not", "all of it"], ORIGINAL));
    assert.ok(!looksLikeRewrite([], ORIGINAL));
  });
});
