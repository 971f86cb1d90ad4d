import assert from "node:assert/strict";
import { looksLikeSecret } from "./secretStrings";

describe("looksLikeSecret", () => {
  for (const text of [
    'const key = "q8Zr3xV7tLw2Kp9sYd4B";',
    "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE",
    "token: ghp_abcdefghijklmnopqrstuvwxyzABCDEFGHIJ",
    "-----BEGIN RSA PRIVATE KEY-----",
    "sha256: 3f786850e387550fdab836ed7e6dc881de23001b",
  ]) {
    it(`finds one in ${text}`, () => {
      assert.ok(looksLikeSecret(text));
    });
  }
  for (const text of [
    "export class ResponseContentEncodingNegotiator {}",
    "const utf8ToUtf16OffsetConverterForLongLines = 1;",
    "https://example.com/docs/reference/configuration/options",
    "SOME_VERY_LONG_CONSTANT_NAME_WITH_NUMBER_42 = 1",
    "====================================================",
    "x = 1",
  ]) {
    it(`finds none in ${text}`, () => {
      assert.ok(!looksLikeSecret(text));
    });
  }
});
