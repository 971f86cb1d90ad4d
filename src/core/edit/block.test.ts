import assert from "node:assert/strict";
import { blockAround } from "./block";

const SCRIPT = `import a from "a";
import b from "b";

/** Says what f does. */
@deprecated
function f(
  x: number,
): void {
  if (x) {
    a();
  } else {
    b();
  }
}

const c = 1;
const d = 2;`.split("\n");

const PYTHON = `class A:
    # Says it.
    @property
    def f(self):
        if self.x:

            return 1
        else:
            return 2

    def g(self):
        pass`.split("\n");

describe("blockAround", () => {
  const CASES: readonly [lines: readonly string[], at: string, first: string, last: string][] = [
    [SCRIPT, "    a();", "  if (x) {", "  }"],
    [SCRIPT, "  } else {", "  if (x) {", "  }"],
    [SCRIPT, "function f(", "/** Says what f does. */", "}"],
    [SCRIPT, "  x: number,", "/** Says what f does. */", "}"],
    [SCRIPT, 'import a from "a";', 'import a from "a";', 'import b from "b";'],
    [SCRIPT, "const d = 2;", "const c = 1;", "const d = 2;"],
    [PYTHON, "            return 1", "        if self.x:", "            return 2"],
    [PYTHON, "    def f(self):", "    # Says it.", "            return 2"],
    [PYTHON, "        pass", "    def g(self):", "        pass"],
    [PYTHON, "", "        if self.x:", "            return 2"],
  ];
  for (const [lines, at, first, last] of CASES) {
    it(`at '${at.trim()}' goes from '${first.trim()}' to '${last.trim()}'`, () => {
      const { start, end } = blockAround(lines, lines.indexOf(at), 4);
      assert.deepEqual([lines[start], lines[end - 1]], [first, last]);
    });
  }

  it("is found in any document", () => {
    assert.deepEqual(blockAround([""], 0, 4), { start: 0, end: 1 });
    assert.deepEqual(blockAround(["", "", "a"], 0, 4), { start: 2, end: 3 });
  });
});
