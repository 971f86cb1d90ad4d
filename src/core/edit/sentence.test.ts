import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { Translate } from "../../protocol/translate";
import { englishSentence, sentenceIn } from "./sentence";
import {
  failedWarning,
  keptWarning,
  leftOutWarnings,
  localWarning,
  lostWarning,
  othersWarning,
  WARNINGS,
} from "./warnings";

function speaker(language: string): Translate {
  const texts = JSON.parse(readFileSync(`l10n/bundle.l10n.${language}.json`, "utf8")) as Record<string, string>;
  return (message, ...args) => {
    const text = texts[message];
    assert.ok(text !== undefined, `${language} lacks ${JSON.stringify(message)}`);
    return text.replace(/\{(\d+)\}/g, (_, index: string) => String(args[Number(index)]));
  };
}

describe("what is told of an edit", () => {
  const names = ["a", "b", "a", "c", "d", "e", "f", "g"];

  it("is English on the command line", () => {
    const all = [
      ...leftOutWarnings({ restored: 1, gone: 12 }),
      lostWarning(names),
      lostWarning(["a"]),
      lostWarning(["a", "b"]),
    ];
    assert.deepEqual(all.map(englishSentence), [
      "The answer left code out: 1 line was put back as before.",
      "Besides what the answer left out, 12 lines were removed: check that this is intended.",
      "The answer no longer contains 'a', 'b', 'c', 'd', 'e', and 2 more: check that this is intended.",
      "The answer no longer contains 'a': check that this is intended.",
      "The answer no longer contains 'a' and 'b': check that this is intended.",
    ]);
  });

  it("is in the user's language, with counts, names and lists", () => {
    const all = [
      ...leftOutWarnings({ restored: 1, gone: 1 }),
      ...leftOutWarnings({ restored: 2, gone: 3 }),
      othersWarning(1),
      othersWarning(4),
      failedWarning(1, 4),
      lostWarning(["x"]),
      keptWarning(names),
      localWarning("x", "main"),
      WARNINGS.cut,
    ];
    for (const language of ["de", "zh-cn"]) {
      const t = speaker(language);
      const said = all.map((sentence) => sentenceIn(sentence, t, language));
      for (const [i, sentence] of said.entries()) {
        assert.ok(
          !/\{\d\}|\b(?:the|answer|code|more|lines?)\b/i.test(sentence.replaceAll("Code", "")),
          `${language}, ${String(i)}: ${sentence}`,
        );
      }
      assert.equal(new Set(said).size, said.length);
    }
    assert.match(sentenceIn(keptWarning(names), speaker("de"), "de"), /'a', 'b', 'c', 'd', 'e' und 2 weitere/);
    assert.match(sentenceIn(keptWarning(names), speaker("zh-cn"), "zh-cn"), /'a'、'b'、'c'、'd'、'e'和/);
  });
});
