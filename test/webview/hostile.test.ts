import assert from "node:assert/strict";
import { type ChatPage, stageForSuite } from "./page";
import { answer, EMPTY, user, withTurns } from "./states";

/** Text that would do harm if any of it were taken for HTML, for an address, or for what it looks like. */
const ATTACKS: readonly string[] = [
  "<script>window.harmed = 1</script>",
  "<img src=x onerror='window.harmed = 1'>",
  "<svg onload=window.harmed=1><a href=javascript:window.harmed=1>x</a></svg>",
  "<style>body { display: none }</style><link rel=stylesheet href=//evil.example/x.css>",
  '<iframe srcdoc="<script>parent.harmed = 1</script>"></iframe>',
  "<form action=https://evil.example><button>x</button></form><base href=https://evil.example>",
  "<meta http-equiv=refresh content='0;url=https://evil.example'>",
  "![x](https://evil.example/pixel.png) ![](data:image/svg+xml,<svg/onload=alert(1)>)",
  "[click](javascript:window.harmed=1) [click](data:text/html,<script>1</script>) [c](vscode://x) [c](command:x)",
  "[click](<javascript:window.harmed=1>) <javascript:window.harmed=1> [x]: javascript:window.harmed=1",
  '[a](https://a.example "onmouseover=window.harmed=1")',
  "`<img src=x onerror=window.harmed=1>`",
  "```html\n<img src=x onerror=window.harmed=1>\n<script>window.harmed = 1</script>\n```",
  '```"><img src=x onerror=window.harmed=1>\ncode\n```',
  "| <img src=x onerror=window.harmed=1> |\n|---|\n| <script>window.harmed=1</script> |",
  "# <img src=x onerror=window.harmed=1>",
  "> <img src=x onerror=window.harmed=1>",
  "&lt;img src=x onerror=window.harmed=1&gt; &#60;script&#62;",
  "<!-- ${1} --> <?lit$123$?> <!--?lit$1$--> {{constructor.constructor('window.harmed=1')()}}",
];

describe("Hostile text", () => {
  const open = stageForSuite();

  const harmless = async (view: ChatPage) => {
    assert.equal(await view.page.evaluate("window.harmed"), undefined);
    const strange = await view.page.evaluate(`[...document.querySelectorAll(
      "main :is(script, img, iframe, style, link, form, base, meta, object, embed, video, audio, [href], [src], [style])")]
      .map((element) => element.outerHTML)`);
    assert.deepEqual(strange, []);
    const handlers = await view.page.evaluate(`[...document.querySelectorAll("body *")]
      .flatMap((element) => [...element.attributes].filter(({ name }) => name.startsWith("on")).map(({ name }) => name))`);
    assert.deepEqual(handlers, []);
  };

  it("of a model is text", async () => {
    const view = await open({ trustedTypes: true });
    for (const attack of ATTACKS) {
      await view.show(withTurns([user(1, attack), answer(2, attack)]));
      await harmless(view);
    }
    await view.show(withTurns([user(1, "all"), answer(2, ATTACKS.join("\n\n"))]));
    await harmless(view);
  });

  it("is text as it comes, in pieces of any size", async () => {
    const view = await open({ trustedTypes: true });
    const all = ATTACKS.join("\n\n");
    await view.show(withTurns([user(1, "all"), answer(2, "", { kind: "running" })]));
    for (let at = 0; at < all.length; at += 13) {
      await view.send({ kind: "text", turn: 2, text: all.slice(at, at + 13) });
    }
    await view.drawn();
    await harmless(view);
  });

  it("is text wherever else it comes from", async () => {
    const view = await open({ trustedTypes: true });
    const attack = "<img src=x onerror=window.harmed=1>";
    const attachment = { id: attack, kind: "file", label: attack, tokens: 1, leftOutTokens: 1 } as const;
    await view.show({
      ...EMPTY,
      model: { kind: "ready", title: attack },
      conversation: { id: attack, title: attack, turns: [user(1, attack, [attachment])], forgottenTurns: 0 },
      conversations: [{ id: attack, title: attack, updatedMs: 0, turns: 1 }],
      draft: attack,
      attachments: [attachment],
    });
    await view.page.locator("[data-name=conversations]").click();
    await view.page.locator("[data-name=delete]").first().focus();
    await view.press("Enter");
    await view.show({ ...EMPTY, model: { kind: "failed", code: "io", message: attack } });
    await view.page.locator("textarea").fill("@x");
    await view.send({ kind: "mentions", query: "x", mentions: [{ name: attack, kind: "file", detail: attack }] });
    await view.drawn();
    await harmless(view);
  });

  it("does not need Trusted Types to be harmless", async () => {
    const view = await open();
    await view.show(withTurns([user(1, "all"), answer(2, ATTACKS.join("\n\n"))]));
    await harmless(view);
  });

  it("follows no link by itself, and shows where a link leads", async () => {
    const view = await open();
    await view.show(
      withTurns([user(1, "x"), answer(2, "[safe](https://a.example/b?c=d) and [x](mailto:e@f.example)")]),
    );
    const link = view.page.getByRole("link", { name: "safe" });
    assert.equal(await link.getAttribute("title"), "https://a.example/b?c=d");
    await link.click();
    await link.click({ button: "middle" });
    await link.click({ modifiers: ["Control"] });
    assert.deepEqual(
      (await view.told("openLink")).map(({ href }) => href),
      ["https://a.example/b?c=d", "https://a.example/b?c=d"],
    );
  });

  it("that reorders what follows it is shown by name", async () => {
    const view = await open();
    const trick = "if (a\u202E\u2066) {// check\u2069 \u2066";
    await view.show(withTurns([user(1, trick), answer(2, `${trick}\n\n\`${trick}\`\n\n\`\`\`ts\n${trick}\n\`\`\``)]));
    const marks = view.page.locator("main .hidden-character");
    assert.deepEqual([...new Set(await marks.allInnerTexts())].sort(), ["U+202E", "U+2066", "U+2069"]);
    assert.equal(await marks.count(), 4 * 4);
    assert.doesNotMatch(await view.page.locator("main").innerText(), /[\u202A-\u202E\u2066-\u2069]/);
    await view.page.getByRole("button", { name: "Copy: TypeScript code" }).click();
    assert.equal((await view.lastTold("copyCode")).code, trick);
  });

  it("that is very long stays inside, and does not stop the view", async function () {
    this.timeout(60_000);
    const view = await open();
    const row = `| ${Array.from({ length: 60 }, (_, at) => `cell ${at}`).join(" | ")} |\n`;
    const giants: Readonly<Record<string, string>> = {
      line: "a".repeat(100_000),
      words: "word ".repeat(20_000),
      "code line": `\`\`\`ts\nconst a = "${"x".repeat(100_000)}";\n\`\`\``,
      "inline code": `\`${"x".repeat(20_000)}\``,
      table: row + `|${"---|".repeat(60)}\n` + row.repeat(300),
      link: `[${"x".repeat(5000)}](https://a.example/${"y".repeat(5000)})`,
      // Their nodes came into an element with dir="auto", in a time that grew with the square of their number.
      "short lines": "1\n".repeat(16_000),
      "hidden characters": "1\u202E\n".repeat(6000),
      columns: `${"|a".repeat(12_000)}|\n${"|-".repeat(12_000)}|\n`,
      "filled cells": `${"|a".repeat(250)}|\n${"|-".repeat(250)}|\n${"|\n".repeat(250)}\n`.repeat(15),
      nested: "> ".repeat(200) + "deep",
      list: "- ".repeat(100) + "deep",
      heading: `# ${"x".repeat(5000)}`,
      "open fence": "````ts\n```\nstill code",
    };
    for (const [name, giant] of Object.entries(giants)) {
      const started = Date.now();
      await view.show(withTurns([user(1, giant), answer(2, giant)]));
      await view.drawn();
      const ms = Date.now() - started;
      assert.ok(ms < 8000, `${name} took ${ms} ms`);
      assert.equal(await view.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), true, name);
      assert.equal(
        await view.page.evaluate("document.querySelector('.scroller').scrollWidth <= innerWidth"),
        true,
        name,
      );
    }
  });
});
