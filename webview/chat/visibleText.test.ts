import assert from "node:assert/strict";
import { hasReordering, textPieces } from "./visibleText";

describe("Text that hides its order", () => {
  it("is shown by name", () => {
    assert.deepEqual(textPieces("if (a\u202E) {\u2066"), [
      { kind: "plain", text: "if (a" },
      { kind: "control", name: "U+202E" },
      { kind: "plain", text: ") {" },
      { kind: "control", name: "U+2066" },
    ]);
  });

  it("leaves languages that are written from the right alone", () => {
    assert.equal(hasReordering("שלום \u200F! مرحبا"), false);
  });
});
