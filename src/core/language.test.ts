import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { languageIdOfPath } from "./language";

describe("languageIdOfPath", () => {
  it("knows names and extensions, and passes on what it does not know", () => {
    const paths = [
      "a/b.ts",
      "x.PY",
      "Makefile",
      "a.zig",
      "b.tsx",
      "src/CMakeLists.txt",
      "a.h",
      "a.ml",
      "README",
      "a.qux",
    ];
    assert.deepEqual(paths.map(languageIdOfPath), [
      "typescript",
      "python",
      "makefile",
      "zig",
      "typescriptreact",
      "cmake",
      "c",
      "ocaml",
      "plaintext",
      "qux",
    ]);
  });
});
