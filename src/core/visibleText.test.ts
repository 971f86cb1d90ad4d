import assert from "node:assert/strict";
import { terminalText, visibleJson, visibleText } from "./visibleText";

const BIDI = [0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2066, 0x2067, 0x2068, 0x2069, 0x200e, 0x200f, 0x061c];
const OTHERS = [
  0, 7, 8, 0x0b, 0x0c, 0x1b, 0x7f, 0x85, 0x9b, 0x2028, 0x2029, 0xfeff, 0xfffd, 0xfffe, 0xfdd0, 0xe0041, 0x1ffff,
];

describe("text that people see", () => {
  for (const code of [...BIDI, ...OTHERS, 0xd800, 0xdfff]) {
    const char = String.fromCodePoint(code);
    it(`has no U+${code.toString(16).toUpperCase().padStart(4, "0")}`, () => {
      assert.equal(visibleText(`a${char}b`), "ab");
      assert.equal(terminalText(`${char}ab${char}${char}`), "ab");
      const json = visibleJson({ [`k${char}`]: [`a${char}b`] });
      assert.equal(visibleText(json), json);
      assert.deepEqual(JSON.parse(json), { [`k${char}`]: [`a${char}b`] });
    });
  }

  it("keeps everything else", () => {
    const kept = "tab\t line\n crlf\r\n é ß 日本語 עברית فارسی می‌خواهم 👩‍👩‍👧 🏳️‍🌈 ­ \u00a0 \u200b \ue0b0";
    assert.equal(visibleText(kept), kept);
    assert.equal(terminalText(kept), kept);
    assert.deepEqual(JSON.parse(visibleJson(kept)), kept);
  });

  it("overwrites no line of a terminal", () => {
    assert.equal(terminalText("good\rbad\r\nend\r"), "goodbad\r\nend");
    assert.equal(visibleText("a\rb"), "a\rb");
  });
});
