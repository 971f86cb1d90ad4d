import assert from "node:assert/strict";
import { SavedKeys } from "./savedKeys";
import { keysOf } from "./typedKeys";

describe("SavedKeys", () => {
  it("saves the keys up to the end of a suggestion, less the one that accepts it", () => {
    const saved = new SavedKeys(keysOf("a.txt", "plaintext", "abcdefghij"));
    saved.add(2, 6);
    assert.equal(saved.count, 3);
  });

  it("saves nothing by a suggestion of one key", () => {
    const saved = new SavedKeys(keysOf("a.txt", "plaintext", "abcdefghij"));
    saved.add(9, 10);
    assert.equal(saved.count, 0);
  });

  it("saves no key twice", () => {
    const saved = new SavedKeys(keysOf("a.txt", "plaintext", "abcdefghij"));
    saved.add(0, 5);
    saved.add(3, 5);
    assert.equal(saved.count, 4);
    // What is left of it, and a key to accept that.
    saved.add(4, 8);
    assert.equal(saved.count, 6);
  });

  it("counts keys, not characters: what the editor does by itself is none", () => {
    const text = "if (a) {\n    b();\n}";
    const keys = keysOf("a.ts", "typescript", text);
    // i f _ ( a ) _ { Enter b ( ) ; Down
    assert.equal(keys.length, 14);
    const saved = new SavedKeys(keys);
    saved.add(8, text.length);
    assert.equal(saved.count, 5);
  });
});
