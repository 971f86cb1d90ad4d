import assert from "node:assert/strict";
import { insertedCode } from "./insertion";

const TWO = { style: "spaces", size: 2 } as const;
const TABS = { style: "tabs", size: 4 } as const;

describe("insertedCode", () => {
  const CODE = ["    if (a) {", "        b();", "    }"];

  it("is as deep as the cursor's line, in the file's own style", () => {
    const place = { before: "  ", above: "f() {", indentation: TWO, languageId: "typescript" };
    assert.deepEqual(insertedCode(CODE, place), ["if (a) {", "    b();", "  }"]);
    const tabs = { before: "\t", above: "func f() {", indentation: TABS, languageId: "go" };
    assert.deepEqual(insertedCode(CODE, tabs), ["if (a) {", "\t\tb();", "\t}"]);
  });

  it("is as deep as the block above where the cursor's line is empty", () => {
    const place = { before: "", above: "f() {", indentation: TWO, languageId: "typescript" };
    assert.deepEqual(insertedCode(CODE, place), ["  if (a) {", "    b();", "  }"]);
  });

  it("goes on in a line", () => {
    const place = { before: "  const f = ", above: "", indentation: TWO, languageId: "typescript" };
    assert.deepEqual(insertedCode(["() => {", "  g();", "};"], place), ["() => {", "    g();", "  };"]);
  });
});
