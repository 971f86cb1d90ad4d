import assert from "node:assert/strict";
import { join } from "node:path";
import { openGgufFile } from "../../model/ggufFile";
import { Tokenizer } from "../../model/tokenizer";
import { GeneratedText } from "./generatedText";

const STARTER = join(__dirname, "..", "..", "..", "models", "hearth-starter.gguf");
const NOTHING = new Uint8Array(0);

describe("GeneratedText", () => {
  let tokenizer: Tokenizer;
  before(async () => {
    tokenizer = new Tokenizer((await openGgufFile(STARTER)).vocab);
  });

  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  const tokensOf = (text: string) => tokenizer.encodeText(text).map((id) => ({ id, forcedLeft: 0 }));

  it("gives whole characters, and at the end what is left", () => {
    const text = new GeneratedText(tokenizer, NOTHING, ["\n"]);
    const pieces = tokensOf("a😀b").map((token) => text.push(token)?.text);
    assert.equal(pieces.filter((piece) => piece !== undefined).join(""), "a😀b");
    assert.ok(pieces.every((piece) => piece !== "" && piece?.includes("\uFFFD") !== true));
    assert.equal(text.end(), undefined);
  });

  it("leaves out the beginning of a character where it is cut off", () => {
    for (const isCut of [false, true]) {
      const text = new GeneratedText(tokenizer, NOTHING, ["zz"]);
      const ids = tokensOf("a😀");
      const said = ids.slice(0, -1).map((token) => text.push(token)?.text ?? "");
      const rest = text.end(isCut)?.text ?? "";
      assert.match(said.join("") + rest, isCut ? /^a$/ : /^a\uFFFD+$/);
    }
  });

  it("hides what the user has typed, however the tokens divide it", () => {
    const said = (typed: string, ids: readonly number[]): string => {
      const text = new GeneratedText(tokenizer, bytes(typed), []);
      return ids.map((id) => text.push({ id, forcedLeft: 0 })?.text ?? "").join("");
    };
    const idOfByte = (byte: number): number =>
      tokenizer.idsAlong(Uint8Array.of(byte)).find((id) => tokenizer.tokenBytes(id).length === 1) ?? -1;
    for (const typed of ["ret", " r", "ä", "return x"]) {
      const single = Array.from(bytes(typed), idOfByte);
      assert.equal(said(typed, [...single, ...tokenizer.encodeText(" + 1")]), " + 1");
      assert.equal(said(typed, tokenizer.encodeText(`${typed}!`)), "!");
    }
  });

  it("ends before a stop string, which offsets count along", () => {
    const text = new GeneratedText(tokenizer, NOTHING, ["b c"]);
    const told = tokensOf("a b c d").map((token) => text.push({ ...token, logprob: -1 }));
    assert.equal(told.map((piece) => piece?.text ?? "").join(""), "a ");
    assert.ok(text.isStopped);
    const tokens = told.flatMap((piece) => piece?.tokens ?? []);
    assert.deepEqual(
      tokens.map(({ id }) => id),
      tokenizer.encodeText("a b c d"),
    );
    const starts = tokens.map((_, i) => tokenizer.decode(tokens.slice(0, i).map(({ id }) => id)).length);
    assert.deepEqual(
      tokens.map(({ offset }) => offset),
      starts,
    );
    assert.equal(text.end(), undefined);
  });

  it("tells the end of the text as a token without text", () => {
    const text = new GeneratedText(tokenizer, NOTHING, []);
    const [end] = [...Array(tokenizer.nVocab).keys()].filter((id) => tokenizer.isEndOfGeneration(id));
    assert.equal(text.push({ id: end!, forcedLeft: 0 }), undefined);
    assert.deepEqual(text.push({ id: end!, forcedLeft: 0, logprob: -2, watched: [-3] }), {
      text: "",
      tokens: [{ id: end, offset: 0, logprob: -2, watched: [-3] }],
    });
  });
});
