import assert from "node:assert/strict";
import { textOf, traceOf } from "./handMade";
import { chosenOf, guessedOf, parseTrace } from "./trace";

/** Two tokens, three layers, two of five experts. */
const CHOSEN = [
  [
    [0, 1],
    [2, 3],
    [4, 0],
  ],
  [
    [1, 2],
    [3, 0],
    [2, 1],
  ],
];

describe("parseTrace", () => {
  it("gives each expert of each layer a key of its own", () => {
    const trace = traceOf(CHOSEN, 5, 2);
    assert.equal(trace.n_token, 2);
    assert.deepEqual([...chosenOf(trace, 0, 2)], [14, 10]);
    assert.deepEqual([...chosenOf(trace, 1, 0)], [1, 2]);
    assert.deepEqual([...guessedOf(trace, 1, 1, 0)], [8, 5]);
    assert.deepEqual([...guessedOf(trace, 1, 1, 1)], [12, 11]);
    // There is nothing behind the last layer, and nothing was recorded beyond the depth.
    assert.deepEqual([...guessedOf(trace, 1, 2, 1)], []);
    assert.deepEqual([...guessedOf(trace, 1, 0, 2)], []);
    assert.deepEqual([...trace.nextRanked.subarray(0, 2)], [2, 3]);
  });

  it("reads a trace of 0.1", () => {
    const older = parseTrace(textOf(CHOSEN, 5).replaceAll('"next_ranked"', '"runners_up"'), "f");
    assert.deepEqual([...older.nextRanked.subarray(0, 2)], [2, 3]);
  });

  const text = textOf(CHOSEN, 5);
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ["an empty file", "", /f:1: .*JSON/],
    ["another file", '{"layers": []}\n', /f:1: .*no header.*hearth trace/],
    ["a later version", text.replace('"hearth_trace":1', '"hearth_trace":2'), /f:1: .*version 1/],
    ["a header of nonsense", text.replace('"n_used":2', '"n_used":6'), /f:1: 'n_used' .* 1 to 5, not 6/],
    ["no tokens", `${text.split("\n")[0]!}\n`, /f: the trace has no tokens/],
    ["a line that was cut off", text.slice(0, -20), /f:3: .*cut off/],
    ["a list", text.replace(/\{"token":0.*\n/, "[1]\n"), /f:2: .*no object/],
    ["an id too large", text.replace("[4,0]", "[5,0]"), /f:2: 'chosen' of layer 2 is 2 different ids below 5/],
    ["an id twice", text.replace("[4,0]", "[4,4]"), /f:2: 'chosen' of layer 2/],
    ["an id that is none", text.replace("[4,0]", '["4",0]'), /f:2: 'chosen' of layer 2/],
    ["a layer too few", text.replace("[0,1],", ""), /f:2: 'chosen' is a list of 3, not of 2/],
    ["no guesses", text.replace(/"guessed".*?"next_ranked"/, '"next_ranked"'), /f:2: 'guessed' .* not undefined/],
  ];
  for (const [what, damaged, says] of cases) {
    it(`refuses ${what}`, () => {
      assert.throws(() => parseTrace(damaged, "f"), says);
    });
  }
});
