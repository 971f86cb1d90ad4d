import assert from "node:assert/strict";
import { loopingLines } from "./repetitionLoop";

const BLOCK = ["/** Says what it is that this function says. */", "function f() {", "  return 1;", "}", ""];
const times = (count: number, lines: readonly string[]): string[] => Array.from({ length: count }, () => lines).flat();

describe("loopingLines", () => {
  it("are none in code", () => {
    assert.equal(loopingLines(BLOCK, []), 0);
    assert.equal(loopingLines(times(2, BLOCK), []), 0);
    assert.equal(loopingLines(["[", ...times(40, ["  0,"])], []), 0);
    assert.equal(loopingLines(["[", ...times(40, ["  [0, 0, 0, 0],"])], []), 0);
    assert.equal(loopingLines(["<ul>", ...times(8, [`<li class="${"long ".repeat(20)}"></li>`])], []), 0);
    assert.equal(loopingLines([], []), 0);
  });

  it("are all but the first time", () => {
    assert.equal(loopingLines(["const a = 1;", ...times(3, BLOCK)], []), 2 * BLOCK.length);
    assert.equal(loopingLines(["const a = 1;", ...times(12, ["f();"])], []), 11);
    assert.equal(loopingLines(["[", ...times(100, ["  0,"])], []), 99);
    const line = `const ${"long".repeat(20)} = 1;`;
    assert.equal(loopingLines(times(4, [line]), []), 3);
  });

  it("are fewer of code that has ended", () => {
    assert.equal(loopingLines(times(12, ["f();"]), [], true), 0);
    assert.equal(loopingLines(times(1000, ["  0,"]), [], true), 0);
    assert.equal(loopingLines(times(3, BLOCK), [], true), 2 * BLOCK.length);
    assert.equal(loopingLines(times(60, ["f();"]), [], true), 59);
  });

  it("are none where the original says it as often", () => {
    assert.equal(loopingLines(times(3, BLOCK), times(3, BLOCK)), 0);
    assert.equal(loopingLines(times(10, ["0,"]), times(12, ["  0,"])), 0);
  });
});
