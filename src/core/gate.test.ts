import assert from "node:assert/strict";
import { surroundingsOf } from "./context";
import { eagernessIn, EVERYTHING, hasFallen, jointMinAt, jointMinFor, jointMinOf, passingLength } from "./gate";
import type { JudgedText } from "./judgedText";
import { cursorAt } from "./testing/cursorAt";

/** A text of tokens, each with its probability. */
function judged(...tokens: readonly (readonly [text: string, probability: number])[]): JudgedText {
  let text = "";
  const placed = tokens.map(([piece, probability]) => {
    const start = text.length;
    text += piece;
    return { start, logprob: Math.log(probability) };
  });
  return { text, tokens: placed };
}

/** What passes at 0.5. */
function passing(text: JudgedText, marked = "x = |", jointMin = 0.5): string {
  return text.text.slice(0, passingLength(text, jointMin, surroundingsOf(cursorAt(marked))));
}

describe("passingLength", () => {
  it("multiplies: the longest run whose joint probability is high enough", () => {
    const text = judged(["foo", 0.9], [".", 0.9], ["bar", 0.8], ["(", 0.5], [")", 1]);
    assert.equal(passing(text), "foo.bar");
    assert.equal(passing(text, "x = |", 0.7), "foo.");
    assert.equal(passing(text, "x = |", 0.3), "foo.bar()");
    assert.equal(passing(text, "x = |", 0.95), "");
  });

  it("lets everything pass whose probability nobody tells", () => {
    assert.equal(passing({ text: "anything (at" }), "anything (at");
  });

  it("never ends inside an identifier, a number or a character", () => {
    assert.equal(passing(judged(["a", 1], [".get", 1], ["User", 0.2])), "a.");
    assert.equal(passing(judged(["größ", 1], ["e", 0.2])), "");
    assert.equal(passing(judged(["f(", 1], ["3", 1], [".14", 0.2])), "f(");
    assert.equal(passing(judged(["f(", 1], ["3.", 1], ["14", 0.2])), "f(");
    assert.equal(passing(judged(["f(3", 1], [".x", 0.2])), "f(3");
    assert.equal(passing(judged(['"', 1], ["\u{1F600}", 0.2])), '"');
    assert.equal(
      passing({
        ...judged(['"a', 1], ["\u{1F600}", 1]),
        tokens: [
          { start: 0, logprob: 0 },
          { start: 3, logprob: -9 },
        ],
      }),
      '"a',
    );
  });

  it("takes the end of a text that was stopped for no end of a word", () => {
    assert.equal(passing({ ...judged(["a.", 1], ["get", 1]), isOpen: true }), "a.");
    assert.equal(passing({ ...judged(["a.", 1], ["get(", 1]), isOpen: true }), "a.get(");
    assert.equal(passing(judged(["a.", 1], ["get", 1])), "a.get");
  });

  it("leaves nothing open that is known to be closed: all of it passes, or none", () => {
    const call = judged(["send", 1], ["(", 1], ["{", 1], ["\n  id", 0.4], [",\n}", 1], [")", 1], [";", 1]);
    assert.equal(passing(call), "send");
    assert.equal(passing(call, "x = |", 0.3), "send({\n  id,\n});");
    assert.equal(passing(judged(["f(", 1], ["a", 0.4], ["b", 1])), "f(", "nobody knows whether it is closed");
    assert.equal(passing(judged(["log(", 1], ['"one', 1], [" two", 0.4], ['")', 1])), "log");
    assert.equal(passing(judged(["a ", 1], ["/* b", 1], [" c", 0.4], [" */", 1])), "a ");
  });

  it("may leave open what was open before", () => {
    assert.equal(passing(judged(["one", 1], [" two", 0.4], ['")', 1]), 'log("|'), "one");
    assert.equal(passing(judged(["a", 1], [", b", 0.4], [")", 1]), "f(|"), "a");
  });
});

describe("hasFallen", () => {
  it("compares the product of all tokens", () => {
    const text = judged(["a", 0.8], ["b", 0.6]);
    assert.equal(hasFallen(text, 0.5), true);
    assert.equal(hasFallen(text, 0.45), false);
    assert.equal(hasFallen({ text: "ab" }, 0.9), false);
  });

  it("takes nothing away for how the text ends", () => {
    const text = judged(["a", 0.8], ["", 0.1]);
    assert.equal(hasFallen(text, 0.5), false);
  });
});

describe("jointMinAt", () => {
  const at = (marked: string, languageId = "typescript"): number =>
    jointMinAt(surroundingsOf(cursorAt(marked, languageId)), languageId, (id) => (id === "plaintext" ? 0.7 : 0.5));

  it("takes comments and documentation strings for prose", () => {
    assert.deepEqual([at("x = |"), at('x = "a|"')], [0.5, 0.5]);
    assert.deepEqual([at("x(); // a|"), at("/* a|"), at('def f():\n    """A|', "python")], [0.7, 0.7, 0.7]);
  });
});

describe("levels", () => {
  it("ask for less the more eager they are", () => {
    assert.ok(jointMinOf("careful") > jointMinOf("balanced"));
    assert.ok(jointMinOf("balanced") > jointMinOf("eager"));
    assert.equal(EVERYTHING("go"), 0);
  });

  it("are careful in prose", () => {
    for (const language of ["markdown", "plaintext", "git-commit"]) {
      assert.equal(eagernessIn(language, "eager"), "careful");
      assert.equal(jointMinFor("eager")(language), jointMinOf("careful"));
    }
    assert.equal(jointMinFor("eager")("typescript"), jointMinOf("eager"));
  });
});
