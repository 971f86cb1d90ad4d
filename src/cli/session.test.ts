import assert from "node:assert/strict";
import { engineOptions, parseBytes, parseCommandLine, wholeOption } from "./options";
import { headSentence, slowKernels } from "./session";

describe("slowKernels", () => {
  it("says so where a processor has nothing better, not where somebody asked for it", () => {
    assert.match(slowKernels("ref", undefined).join(), /neither AVX2 nor NEON/);
    assert.deepEqual(slowKernels("ref", "ref"), []);
    assert.deepEqual(slowKernels("avx2", undefined), []);
  });
});

describe("headSentence", () => {
  it("says how much was left out, and how often wrongly", () => {
    assert.equal(
      headSentence({ active: 0.0651, audited: 64, missed: 1 / 64 }),
      "approximate head: 6.5 % of the vocabulary, missed 1.6 % of 64 audited tokens",
    );
  });
});

describe("parseBytes", () => {
  const good: readonly (readonly [string, number])[] = [
    ["1GiB", 2 ** 30],
    ["1.5 gib", 1.5 * 2 ** 30],
    ["900MB", 900e6],
    ["512MiB", 2 ** 29],
    ["1073741824", 2 ** 30],
  ];
  for (const [given, bytes] of good) {
    it(`${given} is ${bytes} bytes`, () => {
      assert.equal(parseBytes(given), bytes);
    });
  }
  for (const given of ["", "GiB", "-1GiB", "1 elephant", "0", "1e400", "1GiB2"]) {
    it(`refuses '${given}'`, () => {
      assert.throws(() => parseBytes(given), { name: "UsageError" });
    });
  }
});

describe("parseCommandLine", () => {
  it("takes common options and a command's own", () => {
    const args = parseCommandLine(["a:1:2", "--threads", "3", "--max-tokens=7", "--json"], {
      "max-tokens": { type: "string" },
    });
    assert.deepEqual(args.positionals, ["a:1:2"]);
    assert.equal(wholeOption(args, "threads", 1, 8), 3);
    assert.equal(wholeOption(args, "max-tokens", 1, 8), 7);
    assert.equal(wholeOption(args, "seed", 0, 8), undefined);
    assert.throws(() => wholeOption(args, "threads", 4, 8), { name: "UsageError", message: /from 4 to 8/ });
  });

  it("takes --approximate-head alone, or with a threshold of either sign", () => {
    const given: readonly (readonly [string[], number, string[]])[] = [
      [["a.gguf", "--approximate-head"], -2, ["a.gguf"]],
      [["--approximate-head", "a.gguf"], -2, ["a.gguf"]],
      [["--approximate-head", "--json", "a.gguf"], -2, ["a.gguf"]],
      [["--approximate-head", "0", "a.gguf"], 0, ["a.gguf"]],
      [["--approximate-head", "-1.5", "a.gguf"], -1.5, ["a.gguf"]],
      [["--approximate-head=-3"], -3, []],
    ];
    for (const [line, approximateHead, positionals] of given) {
      const args = parseCommandLine(line, {});
      assert.deepEqual(engineOptions(args), { approximateHead }, line.join(" "));
      assert.deepEqual(args.positionals, positionals);
    }
    assert.deepEqual(engineOptions(parseCommandLine([], {})), {});
    for (const wrong of ["--approximate-head=yes", "--approximate-head=", "--approximate-head=-1e9"]) {
      assert.throws(() => engineOptions(parseCommandLine([wrong], {})), { name: "UsageError" });
    }
  });

  it("refuses what it does not know, in one line", () => {
    assert.throws(() => parseCommandLine(["--no-such"], {}), { name: "UsageError", message: /^[^\n]+$/ });
  });
});
