import assert from "node:assert/strict";
import { cutPreviewOf, previewOf } from "./streamPreview";

const OLD = ["function f() {", "  a();", "  b();", "}", "", "function g() {", "}"];

describe("previewOf", () => {
  const CASES: readonly [what: string, written: string[], left: number][] = [
    ["nothing", [], 0],
    ["what was kept", ["function f() {", "  a();"], 2],
    ["a line that is new", ["function f() {", "  x();"], 1],
    ["lines that are new and one that was kept", ["function f() {", "  x();", "  b();"], 3],
    ["a bracket that is another one", ["function f() {", "}"], 1],
    ["all of it", OLD, OLD.length],
  ];
  for (const [what, written, left] of CASES) {
    it(`after ${what} has what is not read yet`, () => {
      assert.deepEqual(previewOf(OLD, written), [...written, ...OLD.slice(left)]);
    });
  }
});

describe("cutPreviewOf", () => {
  it("has no line twice that was changed", () => {
    const written = ["function f() {", "  a(1);", "  b(1);"];
    assert.deepEqual(cutPreviewOf(OLD, written, 4), [...written, ...OLD.slice(3)]);
    assert.deepEqual(cutPreviewOf(OLD, ["function f() {"], 4), OLD);
  });
});
