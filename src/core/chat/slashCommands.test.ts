import assert from "node:assert/strict";
import { SLASH_COMMANDS } from "../../protocol/chat";
import { instructionOf, splitCommand } from "./slashCommands";

describe("a slash command", () => {
  for (const { name } of SLASH_COMMANDS) {
    it(`${name} tells the model what to do, with what stands behind it`, () => {
      assert.ok(instructionOf(name).length > 40);
      assert.equal(instructionOf(`  ${name}  only this\nand that `), `${instructionOf(name)}\n\nonly this\nand that`);
    });
  }

  it("stands alone at the beginning", () => {
    for (const text of ["/fixed", "/fix/it", "see /fix", "/", "/constructor", ""]) {
      assert.deepEqual(splitCommand(text), { command: undefined, rest: text });
      assert.equal(instructionOf(text), text);
    }
  });
});
