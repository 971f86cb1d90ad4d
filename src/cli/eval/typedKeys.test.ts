import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { languageIdOfPath } from "../../core/language";
import { emptyDocumentFor, keysOf } from "./typedKeys";

const FILES = join(import.meta.dirname, "..", "..", "..", "bench", "eval", "files");

describe("keysOf", () => {
  for (const name of readdirSync(FILES)) {
    it(`types ${name}, and knows where in it every key leads`, () => {
      const text = readFileSync(join(FILES, name), "utf8");
      const keys = keysOf(name, languageIdOfPath(name), text);
      const document = emptyDocumentFor(name, languageIdOfPath(name), text);
      let last = 0;
      for (const { key, offset } of keys) {
        document.press(key);
        if (offset !== undefined) {
          assert.equal(document.text.slice(0, document.offset), text.slice(0, offset));
          assert.ok(offset >= last);
          last = offset;
        }
      }
      assert.equal(document.text, text);
      assert.equal(last, text.length);
    });
  }

  it("has nothing to do for an empty file", () => {
    assert.deepEqual(keysOf("a.ts", "typescript", ""), []);
  });

  it("knows no place while the editor's indentation is taken back", () => {
    const keys = keysOf("a.py", "python", "if a:\n    b\nc");
    const backspace = keys.findIndex(({ key }) => key.kind === "backspace");
    assert.deepEqual(
      keys.slice(backspace - 1).map(({ offset }) => offset),
      [undefined, 12, 13],
    );
  });

  it("leaves no indentation on an empty line above a bracket that the editor closed", () => {
    const text = "namespace a {\n\n  int b;\n\n}  // namespace a\n";
    assert.ok(keysOf("a.h", "cpp", text).some(({ key }) => key.kind === "belowCloser"));
  });

  it("says where a text cannot be typed", () => {
    assert.throws(() => keysOf("a.ts", "typescript", "a {\n  \n  b"), {
      code: "bad_request",
      message: /cannot type 'a.ts': line 2 becomes/,
    });
  });
});
