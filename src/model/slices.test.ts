import assert from "node:assert/strict";
import { join } from "node:path";
import { healPromptInSteps } from "../engine/local/tokenHealing";
import { openGgufFile } from "./ggufFile";
import { inSlices, type Steps } from "./slices";
import { Tokenizer } from "./tokenizer";

const STARTER = join(__dirname, "../../models/hearth-starter.gguf");
/** Of processor time, which a machine under load does not make longer. A slice is 5 ms; cutting out a long word is one step. */
const BLOCKED_MS_MAX = 400;

/** Texts whose tokens took seconds at a stretch: one word without end, words without number, spaces. */
const LONG: readonly [string, string][] = [
  ["one word", "abcdefg".repeat(60_000)],
  ["spaces", " ".repeat(400_000)],
  ["signs", "=".repeat(400_000)],
  ["a one-line program", "if(a){b=c+d;}".repeat(30_000)],
  ["words that end apart", `${"x".repeat(500_000)} `],
];

/** The most processor time, in milliseconds, that passed between two turns of the event loop while the work went on. */
async function longestWait(begin: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let last = process.cpuUsage();
  const look = (): void => {
    longest = Math.max(longest, process.cpuUsage(last).user / 1000);
    last = process.cpuUsage();
  };
  const timer = setInterval(look, 1);
  await begin();
  clearInterval(timer);
  look();
  return longest;
}

describe("work in slices", function () {
  this.timeout(600_000);
  let tokenizer: Tokenizer;
  before(async () => {
    tokenizer = new Tokenizer((await openGgufFile(STARTER)).vocab);
  });

  for (const [name, text] of LONG) {
    it(`lets others have their turn while it counts the tokens of ${name}`, async () => {
      let ids: number[] | undefined;
      const waited = await longestWait(async () => {
        ids = await inSlices(tokenizer.encodeTextInSteps(text));
      });
      assert.ok(waited < BLOCKED_MS_MAX, `${String(Math.round(waited))} ms`);
      assert.deepEqual(ids, tokenizer.encodeText(text));
    });

    it(`lets others have their turn while it encodes a prompt of ${name}`, async () => {
      const waited = await longestWait(() => inSlices(healPromptInSteps(tokenizer, [{ kind: "text", text }])));
      assert.ok(waited < BLOCKED_MS_MAX, `${String(Math.round(waited))} ms`);
    });
  }

  it("gives what it gives at a stretch while other texts are encoded in between", async () => {
    const [, [, text]] = LONG as [unknown, [string, string]];
    const alone = tokenizer.encodeText(text);
    const steps = (function* (): Steps<number[]> {
      for (const inner = tokenizer.encodeTextInSteps(text); ;) {
        const step = inner.next();
        if (step.done === true) {
          return step.value;
        }
        tokenizer.encodeText(`${"y".repeat(300)} and 'another'`);
        yield;
      }
    })();
    assert.deepEqual(await inSlices(steps), alone);
  });

  it("ends when it is cancelled", async () => {
    let asked = 0;
    const steps = tokenizer.encodeTextInSteps("abc ".repeat(500_000));
    assert.equal(await inSlices(steps, () => ++asked === 2), undefined);
    assert.equal(asked, 2);
  });
});
