import assert from "node:assert/strict";
import { chatPage } from "./page";

const OPTIONS = { nonce: "n0nce", cspSource: "https://host.example", script: "s.js", style: "x.css" };

/** What the data block of a page holds. */
function textsIn(page: string): unknown {
  const [, json] = /<script type="application\/json" id="texts">(.*)<\/script>/.exec(page) ?? [];
  return json === undefined ? undefined : JSON.parse(json);
}

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

  it("is in English where there is no translation", () => {
    const page = chatPage(OPTIONS);
    assert.ok(page.includes('<html lang="en">'));
    assert.ok(page.includes("<title>Hearth Chat</title>"));
    assert.equal(textsIn(page), undefined);
  });

  it("holds the translations of what it shows, as data", () => {
    const texts = { Cancel: "Abbrechen", "Hearth Chat": "Hearth-Chat", "Restart Engine": "Engine neu starten" };
    const page = chatPage({ ...OPTIONS, translation: { language: "de", texts: { ...texts, "Not of the view": "x" } } });
    assert.ok(page.includes('<html lang="de">'));
    assert.ok(page.includes("<title>Hearth-Chat</title>"));
    assert.deepEqual(textsIn(page), texts);
    assert.equal(/script-src [^;]*;/.exec(page)?.[0], "script-src 'nonce-n0nce';");
    assert.equal(page.split("nonce=").length, 2);
  });

  it("has translations that cannot end their block", () => {
    const texts = { Cancel: '</script><script nonce="n0nce">alert(1)</script>', Send: "<!--<script>" };
    const page = chatPage({ ...OPTIONS, translation: { language: '"><b>', texts } });
    assert.deepEqual(textsIn(page), texts);
    assert.equal(page.match(/<\/script/g)?.length, 2);
    assert.ok(!page.includes("<!--"));
    assert.ok(page.includes('<html lang="&quot;&gt;&lt;b&gt;">'));
  });
});
