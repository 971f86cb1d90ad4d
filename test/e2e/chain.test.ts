import assert from "node:assert/strict";
import { editorForSuite } from "./editor";

const BODY = "  for (const job of queue.jobs) {\n    job.run();\n  }\n";
const blockOf = (name: string): string => `export function ${name}(queue: Queue): void {\n${BODY}}\n\n`;
const FILE = `${["first", "second", "third"].map(blockOf).join("")}export function fourth(queue: Queue): void {\n  \n}\n`;
const LINE = FILE.split("\n").length - 2;

describe("one Tab after the other", () => {
  const editor = editorForSuite({ name: "chain", files: { "queue.ts": FILE } });

  it("accepts a block behind the line that opens it, without a key in between", async () => {
    const { current } = editor;
    await current.openFile("queue.ts", LINE, 3);
    await current.ready();
    await current.type("for");
    const line = await current.ghost();
    await current.screenshot("line");
    assert.equal(line, " (const job of queue.jobs) {");
    await current.press("Tab");
    const block = await current.ghost();
    await current.screenshot("block");
    assert.match(block.trim(), /^job\.run\(\);/);
    await current.press("Tab");
    const saved = await current.saved("queue.ts", (file) => file.split("job.run();").length > 4);
    await current.screenshot("both");
    assert.equal(
      saved
        .split("\n")
        .slice(LINE - 1, LINE + 1)
        .join("\n"),
      "  for (const job of queue.jobs) {\n    job.run();",
    );
    // It was there before it was asked for.
    assert.match(await current.skipReasons(), /An earlier answer for the same position\./);
  });
});
