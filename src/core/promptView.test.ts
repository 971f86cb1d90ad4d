import assert from "node:assert/strict";
import { promptView } from "./promptView";

const ANSWER = { text: "b;", tokens: [{ id: 1, offset: 0, logprob: Math.log(0.5) }] };
const REPORT = {
  finish: "stop",
  promptTokens: 30,
  reusedTokens: 20,
  generatedTokens: 3,
  prefillMs: 12.4,
  decodeMs: 30,
} as const;

describe("promptView", () => {
  it("shows every part with its size, tokens reused and evaluated, and milliseconds by stage", () => {
    const view = promptView({
      path: "src/a.ts",
      sections: [
        {
          name: "header",
          parts: [
            { kind: "special", token: "<|file_sep|>" },
            { kind: "text", text: "src/a.ts\n" },
          ],
        },
        { name: "prefix", parts: [{ kind: "text", text: "a + " }] },
      ],
      answer: ANSWER,
      report: REPORT,
      layoutMs: 1,
      engineMs: 50,
    });
    assert.equal(
      view,
      [
        "════ The prompt at the cursor in src/a.ts ════",
        "30 tokens: 20 reused, 10 evaluated; 3 generated",
        "milliseconds: laid out 1, waited for the engine 8, prompt evaluated 12, answer generated 30",
        "",
        "════ the document's path: 21 characters ════",
        "<|file_sep|>src/a.ts\n",
        "════ above the cursor, to the cursor: 4 characters ════",
        "a + ",
        "════ Up to here: the prompt. What the model says after it, and how likely it finds that: ════",
        "",
        'token  joint  from       text\n 50 %   50 %  model      "b;"\n',
      ].join("\n"),
    );
  });

  it("says that there is none", () => {
    const none = {
      path: "a",
      sections: [],
      answer: { text: "", tokens: [] },
      report: undefined,
      layoutMs: 0,
      engineMs: 0,
    };
    assert.match(promptView(none), /It is empty/);
  });
});
