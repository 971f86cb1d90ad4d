import assert from "node:assert/strict";
import { parse } from "./parse";
import { MarkdownStream } from "./stream";
import { processorMs } from "../../../test/fixtures/processorTime";

const PIECES = [
  "A paragraph\nof two lines.",
  "# Heading",
  "Setext\n===",
  "Setext\n-",
  "- a\n- b\n\n  more of b\n- c",
  "1. one\n2. two\n   ```py\n   x = 1\n   ```",
  "a\n2. not a list",
  "a\n***bold***",
  "a\n***",
  "a\n- b",
  "a\n-",
  "```ts\nconst a = `x`;\n\n# no heading\n```",
  "~~~\nunclosed",
  "````md\n```\ninner\n```\n````",
  "    indented\n\n    code",
  "> quote\nlazy\n> more",
  "> ```\n> in quote\n> ```",
  "| a | b |\n|---|---|\n| 1 | 2 |",
  "text\n| a | b |\n|---|---|\n| 1 | 2 |",
  "- a | b\n---|---\n1 | 2",
  "---",
  "* * *",
  "[ref]: https://a.example",
  "[ref] and <b>html</b>",
  "<div>\nhtml\n</div>",
  "### Third\n# First\n#### Fourth",
  "a  \nb\\\nc",
  "\t- tab",
  "",
  "   ",
];

/** Numbers from 0 to 1, always the same for a seed. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function randomText(next: () => number): string {
  const count = 1 + Math.floor(next() * 7);
  const part = () => PIECES[Math.floor(next() * PIECES.length)] ?? "";
  const gap = () => (next() < 0.4 ? "\n" : "\n\n");
  return Array.from({ length: count }, () => part() + gap()).join("");
}

const blocksOf = (stream: MarkdownStream) => [...stream.closed, ...stream.open];
const whole = (text: string) => parse(text).map(({ block }) => block);

describe("Markdown that is still being written", () => {
  it("is after every piece what the whole text is", () => {
    const next = random(7);
    for (let round = 0; round < 400; round += 1) {
      const text = randomText(next);
      const stream = new MarkdownStream();
      for (let at = 0; at < text.length;) {
        at = Math.min(text.length, at + 1 + Math.floor(next() * 6));
        stream.update(text.slice(0, at));
        assert.deepEqual(blocksOf(stream), whole(text.slice(0, at)), JSON.stringify(text.slice(0, at)));
      }
    }
  });

  it("keeps a closed block as it is", () => {
    const stream = new MarkdownStream();
    stream.update("First.\n\nSecond.\n\nThird.\nM");
    const [first, second] = stream.closed;
    assert.equal(stream.closed.length, 2);
    stream.update("First.\n\nSecond.\n\nThird.\nMore.\n\n- a\n");
    assert.equal(stream.closed[0], first);
    assert.equal(stream.closed[1], second);
    assert.equal(stream.closed.length, 3);
  });

  it("closes nothing on a line that is not whole", () => {
    const stream = new MarkdownStream();
    stream.update("a\n***");
    assert.equal(stream.closed.length, 0);
    stream.update("a\n***bold***");
    assert.deepEqual(blocksOf(stream), whole("a\n***bold***"));
  });

  it("begins anew with another text", () => {
    const stream = new MarkdownStream();
    stream.update("a\n\nb\n\nc");
    stream.update("x");
    assert.deepEqual(blocksOf(stream), whole("x"));
  });

  it("takes lines of any system", () => {
    const stream = new MarkdownStream();
    for (const text of ["a\r", "a\r\n\r\nb", "a\r\n\r\nb\r\n\r\nc\rd"]) {
      stream.update(text);
      assert.deepEqual(blocksOf(stream), whole(text));
    }
  });

  const LONG: Readonly<Record<string, string>> = {
    list: "- an item of some words\n".repeat(1500),
    table: `| a | b |\n|---|---|\n${"| one | two |\n".repeat(1500)}`,
    quote: "> a line\n".repeat(1500),
    paragraph: "a line of words\n".repeat(1500),
    code: `\`\`\`\n${"let a = 1;\n".repeat(1500)}`,
    brackets: "[".repeat(30_000),
    "bracketed lines": "[a [b *c `d\n".repeat(1500),
  };
  for (const [name, text] of Object.entries(LONG)) {
    it(`parses one open ${name} in time that grows with its length, and all of it at the end`, () => {
      const stream = new MarkdownStream();
      const started = process.cpuUsage();
      for (let at = 0; at < text.length; at += 20) {
        stream.update(text.slice(0, at), false);
      }
      const ms = process.cpuUsage(started).user / 1000;
      assert.ok(ms < 8000, `${ms.toFixed(0)} ms`);
      stream.update(text, false);
      stream.update(text);
      assert.deepEqual(blocksOf(stream), whole(text));
    });
  }

  it("shows all of a long block while it grows", () => {
    const stream = new MarkdownStream();
    const code = `\`\`\`ts\n${"let a = 1;\n".repeat(1000)}`;
    stream.update(code, false);
    stream.update(`${code}let b = 2;`, false);
    const [block] = stream.open;
    assert.ok(block?.kind === "code" && block.text.endsWith("let a = 1;\nlet b = 2;"));
  });

  it("parses a long answer in time that grows with its length", () => {
    const text = "A sentence of some words, and `code`.\n\n```ts\nconst a = 1;\n```\n\n".repeat(400);
    const stream = new MarkdownStream();
    const started = processorMs();
    for (let at = 0; at < text.length; at += 5) {
      stream.update(text.slice(0, at));
    }
    const ms = processorMs() - started;
    assert.ok(ms < 8000, `${ms.toFixed(0)} ms`);
  });
});
