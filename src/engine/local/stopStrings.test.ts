import assert from "node:assert/strict";
import { StopStrings } from "./stopStrings";

function run(stops: string[], pieces: string[]): { text: string; found: boolean } {
  const stream = new StopStrings(stops);
  let text = "";
  for (const piece of pieces) {
    text += stream.push(piece);
  }
  if (!stream.found) {
    text += stream.flush();
  }
  return { text, found: stream.found };
}

describe("StopStrings", () => {
  it("passes everything on without stop strings", () => {
    assert.deepEqual(run([], ["a", "b\n\n"]), { text: "ab\n\n", found: false });
  });

  it("cuts before the first stop string, however the text is split", () => {
    const whole = "let x = 1;\n\nlet y";
    for (let cut = 0; cut <= whole.length; ++cut) {
      const pieces = [whole.slice(0, cut), whole.slice(cut)];
      assert.deepEqual(run(["\n\n", "never"], pieces), { text: "let x = 1;", found: true });
    }
    assert.deepEqual(run(["\n\n"], [...whole]), { text: "let x = 1;", found: true });
  });

  it("takes the earliest of several", () => {
    assert.deepEqual(run(["cd", "b"], ["abcd"]), { text: "a", found: true });
  });

  it("gives back what only looked like a beginning", () => {
    assert.deepEqual(run(["```"], ["a``", "b`"]), { text: "a``b`", found: false });
  });

  it("holds back no more than a beginning", () => {
    const stream = new StopStrings(["abc"]);
    assert.equal(stream.push("xyzab"), "xyz");
    assert.equal(stream.push("ab"), "ab");
    assert.equal(stream.flush(), "ab");
  });

  it("drops what comes after", () => {
    const stream = new StopStrings(["."]);
    assert.equal(stream.push("a.b"), "a");
    assert.equal(stream.push("c"), "");
    assert.ok(stream.found);
  });
});
