import assert from "node:assert/strict";
import { withoutDuplication } from "./duplication";

describe("withoutDuplication", () => {
  const around = {
    languageId: "typescript",
    above: ["class A {", "  size = 1;", ""],
    lines: ["  f() {", "    return 1;", "  }"],
    below: ["", "  g() {", "    return 2;", "  }", "}"],
  };
  const REWRITE = ["f() {", "  return 3;", "}"];

  it("takes off what was shown above and below", () => {
    const answer = ["class A {", "  size = 1;", "", ...REWRITE, "", "  g() {", "    return 2;", "  }", "}"];
    assert.deepEqual(withoutDuplication(answer, around), REWRITE);
  });

  it("takes off brackets that are too many", () => {
    const body = { ...around, above: ["function f() {"], lines: ["  return 1;"], below: ["}", ""] };
    assert.deepEqual(withoutDuplication(["  return 2;", "}"], body), ["  return 2;"]);
    assert.deepEqual(withoutDuplication(["function f() {", "  return 2;", "}"], body), ["  return 2;"]);
    const open = { ...body, lines: ["  if (a) {", "    b();"], below: ["  }", "}"] };
    assert.deepEqual(withoutDuplication(["  if (c) {", "    b();", "  }"], open), ["  if (c) {", "    b();"]);
  });

  it("leaves what is only alike", () => {
    assert.deepEqual(withoutDuplication(REWRITE, around), REWRITE);
    const repeated = { ...around, above: ["  return 1;"], lines: ["  return 1;", "}"], below: ["}"] };
    assert.deepEqual(withoutDuplication(["  return 1;", "  return 2;", "}"], repeated), [
      "  return 1;",
      "  return 2;",
      "}",
    ]);
  });
});
