import assert from "node:assert/strict";
import type { CursorCase } from "./cursorFile";
import { answerAt, countsOf, type CursorAnswer, cursorFiguresOf, sumOfCounts } from "./cursors";
import { scriptedSubject } from "./testing/scriptedSubject";

const ABOVE = "const first = 1;\nconst second = ";
const CURSOR: CursorCase = {
  path: "src/a.ts",
  language: "typescript",
  text: `${ABOVE}\nconst third = 3;\n`,
  offset: ABOVE.length,
  rest: "first + 1;",
};

const answer = (more: Partial<CursorAnswer>): CursorAnswer => ({
  path: "a.ts",
  language: "typescript",
  rest: "first + 1;",
  said: "",
  shown: "",
  bits: 10,
  bytes: 11,
  ...more,
});

describe("answerAt", () => {
  it("asks for what the product would, with and without its gate, and never sees the rest of the line", async () => {
    const subject = scriptedSubject(() => "first + 1;\nconst x = 1;");
    const said = await answerAt(subject, CURSOR);
    assert.deepEqual([said.said, said.shown], ["first + 1;", "first + 1;"]);
    assert.deepEqual([said.bits, said.bytes], [22, 11]);
    assert.deepEqual(subject.prompts, [ABOVE, ABOVE]);
  });

  it("shows nothing where the product would ask nothing", async () => {
    const before = "const first = 1;";
    const subject = scriptedSubject(() => "\n");
    const said = await answerAt(subject, { ...CURSOR, text: `${before}\n`, offset: before.length, rest: " // one" });
    assert.deepEqual([said.said, said.shown], ["", ""]);
    assert.equal(subject.prompts.length, 1);
  });

  it("sees what follows the line", async () => {
    const subject = {
      ...scriptedSubject(() => "x"),
      traits: { fimLayouts: ["suffix-first"], fileHeader: true } as const,
    };
    await answerAt(subject, CURSOR);
    assert.match(subject.prompts[0] ?? "", /const third = 3;/);
    assert.doesNotMatch(subject.prompts[0] ?? "", /first \+ 1/);
  });

  it("passes on what the engine refuses", async () => {
    const subject = scriptedSubject(() => {
      throw new Error("refused");
    });
    await assert.rejects(answerAt(subject, CURSOR), /refused/);
  });
});

describe("countsOf", () => {
  const cases: readonly (readonly [string, Partial<CursorAnswer>, readonly [number, number, number, number]])[] = [
    ["nothing said", {}, [0, 0, 0, 0]],
    ["all said", { said: "first + 1; ", shown: "first + 1;" }, [1, 1, 1, 1]],
    ["the first word", { said: "first", shown: "first" }, [0, 1, 1, 1]],
    ["half a word", { said: "firs", shown: "firs" }, [0, 0, 1, 0]],
    ["more than the line", { said: "first + 1;", shown: "first + 1;\nx" }, [1, 1, 1, 0]],
    ["two characters", { rest: ");", said: ");", shown: ");" }, [1, 1, 1, 0]],
    ["white space before the first word counts", { rest: "  first", said: " first" }, [0, 0, 0, 0]],
    ["a sign is a first word", { rest: ".length", said: ".size", shown: ".size" }, [0, 1, 1, 0]],
    ["white space at the end of what is shown does not", { said: "first", shown: "first  " }, [0, 1, 1, 1]],
    ["nothing but white space is nothing", { shown: "  " }, [0, 0, 0, 0]],
  ];
  for (const [what, more, expected] of cases) {
    it(what, () => {
      const { exact, firstWord, shown, shownRight } = countsOf(answer(more));
      assert.deepEqual([exact, firstWord, shown, shownRight], expected);
    });
  }
});

describe("cursorFiguresOf", () => {
  it("sums counts, and bits before it divides them", () => {
    const counts = [
      answer({ said: "first + 1;", shown: "first", bits: 4, bytes: 16 }),
      answer({ shown: "wrong", bits: 20, bytes: 4 }),
    ].map(countsOf);
    assert.deepEqual(cursorFiguresOf(sumOfCounts(counts)), {
      n: 2,
      exact: 1,
      first_word: 1,
      bits_per_byte: 1.2,
      shown: 2,
      shown_right: 1,
      shown_wrong: 1,
    });
  });

  it("is made of numbers where there is no cursor", () => {
    assert.ok(Object.values(cursorFiguresOf(sumOfCounts([]))).every((value) => value === 0));
  });
});
