import assert from "node:assert/strict";
import { completeWith } from "../../src/cli/givenAnswer";
import { answerFiles, requestOf } from "./answers";
import { assertOwnNames, type GoldenCase, read, rewrite, REWRITES, show } from "./goldenFiles";

const FILES = answerFiles(__dirname);
const CASES_MIN = 300;
const LANGUAGES_MIN = 25;

async function run(each: GoldenCase): Promise<string> {
  const outcome = await completeWith(requestOf(each), read(each.said));
  return outcome.shown ? `becomes\n${show(outcome.document)}` : `stays: ${outcome.reason}`;
}

describe("golden answers", () => {
  for (const file of FILES) {
    describe(file.name, () => {
      if (REWRITES) {
        it("is written", async () => {
          const actual: string[] = [];
          for (const each of file.cases) {
            actual.push(await run(each));
          }
          rewrite(file, "answer", actual);
        });
        return;
      }
      for (const each of file.cases) {
        it(each.name, async () => {
          assert.equal(await run(each), each.expected);
        });
      }
    });
  }

  it("are many, in many languages, and have names of their own", () => {
    const cases = FILES.flatMap((file) => file.cases);
    assert.ok(cases.length >= CASES_MIN, `${String(cases.length)} cases`);
    const languages = new Set(cases.map((each) => requestOf(each).languageId));
    assert.ok(languages.size >= LANGUAGES_MIN, `${String(languages.size)} languages`);
    assertOwnNames(FILES);
  });
});
