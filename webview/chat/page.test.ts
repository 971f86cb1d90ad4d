import assert from "node:assert/strict";
import { chatPage } from "./page";

describe("The page of the chat view", () => {
  it("allows its own files and nothing else", () => {
    const page = chatPage({ nonce: "n0nce", cspSource: "https://host.example", script: "s.js?a=1&b", style: 'x".css' });
    assert.ok(
      page.includes(
        "default-src 'none'; style-src https://host.example; font-src https://host.example; " +
          "script-src 'nonce-n0nce'; base-uri 'none'; form-action 'none'",
      ),
    );
    assert.ok(page.includes('src="s.js?a=1&amp;b"'));
    assert.ok(page.includes('href="x&quot;.css"'));
    assert.ok(!page.includes("unsafe"));
  });
});
