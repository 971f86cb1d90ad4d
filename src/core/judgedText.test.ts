import assert from "node:assert/strict";
import type { GeneratedToken } from "../protocol/generation";
import { judgedTokens, jointLogprob, placedTokens, withoutTyped } from "./judgedText";

/** Tokens that are one text, with logarithms −1, −2, … */
function tokensOf(...pieces: readonly string[]) {
  let text = "";
  const tokens = pieces.map((piece, i) => {
    const start = text.length;
    text += piece;
    return { start, logprob: -1 - i };
  });
  return { text, tokens };
}

describe("judgedTokens", () => {
  const token = (offset: number, more: Partial<GeneratedToken> = {}): GeneratedToken => ({
    id: 1,
    offset,
    logprob: -3,
    watched: [-2],
    ...more,
  });

  it("counts a line feed together with all tokens that begin with one", () => {
    const generated = [token(0), token(1), token(2, { watched: [-7] })];
    assert.deepEqual(
      judgedTokens("a\nb", generated).map(({ logprob }) => logprob),
      [-3, -2, -3],
    );
    // Held back, or a stop string.
    assert.deepEqual(judgedTokens("a", generated.slice(0, 2))[1], { start: 1, logprob: -2 });
  });

  it("charges nothing for what the user has typed: a forced token counts among those allowed", () => {
    assert.deepEqual(judgedTokens("ab", [token(0, { allowedLogprob: -0.1 })]), [{ start: 0, logprob: -0.1 }]);
  });
});

describe("placedTokens", () => {
  const placed = (pieces: readonly string[], shaped: string) => {
    const { text, tokens } = tokensOf(...pieces);
    return placedTokens(text, tokens, shaped)?.map(({ start, logprob }) => [start, logprob]);
  };

  it("finds the tokens of a text that is cut", () => {
    assert.deepEqual(placed(["a", ".b", "(c", ")"], "a.b"), [
      [0, -1],
      [1, -2],
    ]);
  });

  it("leaves tokens out that are missing at the beginning", () => {
    assert.deepEqual(placed(["```", "\n", "x", " = 1"], "x = 1"), [
      [0, -3],
      [1, -4],
    ]);
    assert.deepEqual(placed([" foo", "()"], "foo()"), [
      [0, -1],
      [3, -2],
    ]);
  });

  it("follows a text that is indented otherwise", () => {
    assert.deepEqual(placed(["if", ":", "\n  ", "  b", "\n", "c"], "if:\n\tb\nc"), [
      [0, -1],
      [2, -2],
      [3, -3],
      [3, -4],
      [6, -5],
      [7, -6],
    ]);
  });

  it("keeps tokens that are nothing yet: halves of a character, and what was taken back", () => {
    const { text } = tokensOf("\u00e9", "b");
    const tokens = [0, 0, 1].map((start, i) => ({ start, logprob: -1 - i }));
    assert.deepEqual(placedTokens(text, tokens, "\u00e9b"), tokens);
  });

  it("says so where the one is not made of the other", () => {
    assert.equal(placed(["a", "b"], "cd"), undefined);
    assert.equal(placed(["a\nb"], "a\nc"), undefined);
  });
});

describe("withoutTyped", () => {
  const { text, tokens } = tokensOf("ab", "cd", "e");

  it("charges no more for what is typed, and all of a token of which a part is left", () => {
    const rest = withoutTyped({ text, tokens, isOpen: true }, 3);
    assert.deepEqual(rest, {
      text: "de",
      tokens: [
        { start: 0, logprob: -2 },
        { start: 1, logprob: -3 },
      ],
      isOpen: true,
    });
    assert.equal(jointLogprob(rest, 1), -2);
    assert.equal(jointLogprob(rest, 2), -5);
    assert.deepEqual(withoutTyped({ text, tokens }, 2).tokens.length, 2);
  });

  it("leaves a text without probabilities one", () => {
    assert.deepEqual(withoutTyped({ text }, 2), { text: "cde" });
    assert.equal(jointLogprob({ text }, 2), 0);
  });
});
