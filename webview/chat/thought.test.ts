import assert from "node:assert/strict";
import { partsOf } from "./thought";

describe("Thoughts before an answer", () => {
  it("stand between marks at the beginning", () => {
    assert.deepEqual(partsOf("<think>\nFirst a,\nthen b.\n</think>\n\nIt is **c**."), {
      thought: "First a,\nthen b.",
      answer: "It is **c**.",
      thinking: false,
    });
  });

  it("may have begun in the prompt", () => {
    assert.deepEqual(partsOf("a or b?\n</think>\nb."), { thought: "a or b?", answer: "b.", thinking: false });
  });

  it("go on until they end", () => {
    assert.deepEqual(partsOf("\n<think>\nHm"), { thought: "Hm", answer: "", thinking: true });
    assert.deepEqual(partsOf("<think>"), { thought: "", answer: "", thinking: true });
  });

  it("are not there where the marks are empty, or stand in an answer", () => {
    assert.deepEqual(partsOf("<think>\n\n</think>\n\nYes."), { thought: undefined, answer: "Yes.", thinking: false });
    for (const text of ["", "Plain.", "Write `<think>` and `</think>` around it."]) {
      assert.deepEqual(partsOf(text), { thought: undefined, answer: text, thinking: false });
    }
  });
});
