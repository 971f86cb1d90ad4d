import assert from "node:assert/strict";
import type { PromptPart } from "../protocol/prompt";
import { type Asked, charsTypedOf } from "./clientLinger";

const special = (token: string): PromptPart => ({ kind: "special", token });
const text = (value: string): PromptPart => ({ kind: "text", text: value });
const asked = (prompt: readonly PromptPart[], limits: Partial<Asked> = {}): Asked => ({
  prompt,
  maxTokens: 64,
  stop: ["\n"],
  ...limits,
});
const suffixFirst = (prefix: string, suffix = "}\n"): Asked =>
  asked([special("<|fim_suffix|>"), text(suffix), special("<|fim_prefix|>"), text(prefix), special("<|fim_middle|>")]);
const prefixFirst = (prefix: string, suffix = "}\n"): Asked =>
  asked([special("<|fim_prefix|>"), text(prefix), special("<|fim_suffix|>"), text(suffix), special("<|fim_middle|>")]);
const continuation = (prefix: string): Asked => asked([special("<|file_sep|>"), text("a.ts\n"), text(prefix)]);

describe("charsTypedOf", () => {
  for (const [name, layout] of Object.entries({ suffixFirst, prefixFirst, continuation })) {
    it(`${name}: takes over what was typed of the generated text`, () => {
      assert.equal(charsTypedOf("turn x;", layout("  re"), layout("  ret")), 1);
      assert.equal(charsTypedOf("turn x;", layout("  re"), layout("  return")), 4);
      assert.equal(charsTypedOf("turn x;", layout("  re"), layout("  return x;")), 7);
    });

    it(`${name}: takes over the same prompt, with or without text`, () => {
      assert.equal(charsTypedOf("turn x;", layout("  re"), layout("  re")), 0);
      assert.equal(charsTypedOf("", layout("  re"), layout("  re")), 0);
    });

    it(`${name}: refuses other text, text that has not come yet, and less text`, () => {
      assert.equal(charsTypedOf("turn x;", layout("  re"), layout("  rea")), undefined);
      assert.equal(charsTypedOf("tu", layout("  re"), layout("  retur")), undefined);
      assert.equal(charsTypedOf("", layout("  re"), layout("  ret")), undefined);
      assert.equal(charsTypedOf("turn x;", layout("  re"), layout("  r")), undefined);
    });
  }

  it("refuses a suffix that grew by just the generated text", () => {
    assert.equal(charsTypedOf("x", prefixFirst("a", "s"), prefixFirst("a", "sx")), undefined);
    assert.equal(charsTypedOf("x", suffixFirst("a", "s"), suffixFirst("a", "sx")), undefined);
  });

  it("refuses another header, another layout and other limits", () => {
    const other = asked([special("<|file_sep|>"), text("b.ts\n"), text("re")]);
    assert.equal(charsTypedOf("t", continuation("re"), other), undefined);
    assert.equal(charsTypedOf("t", prefixFirst("re"), suffixFirst("re")), undefined);
    const { prompt } = continuation("re");
    for (const limits of [{ maxTokens: 65 }, { stop: [] }, { oneLine: true }] satisfies Partial<Asked>[]) {
      assert.equal(charsTypedOf("t", asked(prompt), asked(prompt, limits)), undefined);
    }
  });

  it("never mistakes text for a control token", () => {
    const spelledOut = asked([text("<|fim_prefix|>"), text("re")]);
    assert.equal(charsTypedOf("t", asked([special("<|fim_prefix|>"), text("re")]), spelledOut), undefined);
  });
});
