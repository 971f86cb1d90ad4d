import assert from "node:assert/strict";
import type { Mention } from "../../src/protocol/chat";
import { stageForSuite } from "./page";
import { answer, CONVERSATION, EDITOR, EMPTY, PROBLEMS, SELECTION, user, withTurns } from "./states";

const CART: Mention = { name: "src/cart.ts", kind: "file", detail: "src" };
const CARD: Mention = { name: "src/card.ts", kind: "file", detail: "src" };

describe("Without a mouse", () => {
  const open = stageForSuite();

  it("a message is written, sent and stopped", async () => {
    const view = await open();
    await view.show(EMPTY);
    await view.tabTo("Message");
    await view.type("First line");
    await view.press("Shift+Enter");
    await view.type("second");
    assert.deepEqual(await view.told("send"), []);
    await view.press("Enter");
    assert.equal((await view.lastTold("send")).text, "First line\nsecond");
    assert.equal(await view.page.locator("textarea").inputValue(), "");
    await view.show(withTurns([user(1, "First line\nsecond"), answer(2, "", { kind: "waiting" })]));
    await view.type("Next");
    await view.press("Enter");
    assert.equal((await view.told("send")).length, 1);
    assert.equal(await view.page.locator("textarea").inputValue(), "Next");
    await view.press("Escape");
    assert.equal((await view.told("stop")).length, 1);
    await view.tabTo("Stop");
    await view.press("Enter");
    assert.equal((await view.told("stop")).length, 2);
    assert.equal(await view.focused(), "Message");
  });

  it("an input method gets its keys", async () => {
    const view = await open();
    await view.show(EMPTY);
    const input = view.page.locator("textarea");
    await input.fill("にほん");
    for (const key of ["Enter", "Escape"]) {
      await input.dispatchEvent("keydown", { key, isComposing: true, bubbles: true, cancelable: true });
    }
    await view.drawn();
    assert.deepEqual(await view.told("send"), []);
    await input.press("Enter");
    assert.equal((await view.lastTold("send")).text, "にほん");
  });

  it("a command is chosen from the list", async () => {
    const view = await open();
    await view.show(EMPTY);
    await view.tabTo("Message");
    await view.type("/");
    const input = view.page.locator("textarea");
    const active = async () => {
      const id = await input.getAttribute("aria-activedescendant");
      return id === null ? undefined : view.page.locator(`#${id} .suggestion-name`).innerText();
    };
    assert.equal(await view.page.getByRole("listbox").getByRole("option").count(), 5);
    assert.equal(await active(), "/explain");
    await view.press("ArrowDown");
    assert.equal(await active(), "/fix");
    await view.press("ArrowUp", "ArrowUp");
    assert.equal(await active(), "/refactor");
    await view.press("Tab");
    assert.equal(await input.inputValue(), "/refactor ");
    assert.equal(await view.focused(), "Message");
    assert.equal(await view.page.getByRole("listbox").count(), 0);
    await view.type("it");
    await view.press("Enter");
    assert.equal((await view.lastTold("send")).text, "/refactor it");
  });

  it("the line of the model is one line in a narrow view, and counts what is attached", async () => {
    const model = { kind: "ready", title: "SmallThinker-21B-A3B-Instruct", decodeTps: 1234.5 } as const;
    const context = { usedTokens: 700, limitTokens: 2048 };
    for (const width of [600, 290, 180]) {
      const view = await open({ width });
      await view.show({ ...EMPTY, model, context });
      const line = view.page.locator(".engine-line");
      const meter = view.page.locator(".meter");
      assert.equal(await meter.locator(".meter-numbers").innerText(), "700 / 2k");
      await view.show({ ...EMPTY, model, context, attachments: [SELECTION, PROBLEMS] });
      assert.equal(await meter.locator(".meter-numbers").innerText(), "2.6k / 2k");
      assert.match(
        (await meter.getAttribute("aria-valuetext")) ?? "",
        /^2,588 of 2,048 .* That includes what is attached: 1\.9k/,
      );
      const { height } = (await line.boundingBox())!;
      assert.ok(height <= 28, `${String(width)}: ${String(height)}`);
      assert.deepEqual(await view.tooWide(), []);
    }
  });

  it("a list that was closed stays closed", async () => {
    const view = await open();
    await view.show(EMPTY);
    await view.tabTo("Message");
    await view.type("/e");
    await view.press("Escape");
    await view.type("x");
    assert.equal(await view.page.getByRole("listbox").count(), 0);
    await view.press("Backspace", "Backspace", "Backspace");
    await view.type("/");
    assert.equal(await view.page.getByRole("listbox").count(), 1);
    assert.deepEqual(await view.told("stop"), []);
  });

  it("a command that is written in full is sent at once", async () => {
    const view = await open();
    await view.show(EMPTY);
    await view.tabTo("Message");
    await view.type("/fix");
    await view.press("Enter");
    assert.equal((await view.lastTold("send")).text, "/fix");
  });

  it("a file is mentioned and goes along", async () => {
    const view = await open();
    await view.show(EMPTY);
    await view.tabTo("Message");
    await view.type("What does @car");
    assert.equal((await view.lastTold("mentions")).query, "car");
    await view.send({ kind: "mentions", query: "car", mentions: [CARD, CART] });
    await view.drawn();
    await view.press("ArrowDown", "Enter");
    assert.deepEqual((await view.lastTold("attach")).mention, CART);
    assert.equal(await view.page.locator("textarea").inputValue(), "What does @src/cart.ts ");
    await view.type("do?");
    await view.show({ ...EMPTY, attachments: [EDITOR] });
    await view.press("Enter");
    assert.equal((await view.lastTold("send")).text, "What does @src/cart.ts do?");
    await view.tabTo("Remove: src/cart.ts", "Shift+Tab");
    await view.press("Enter");
    assert.equal((await view.lastTold("detach")).attachment, "editor");
  });

  it("nothing is mentioned that the host did not find", async () => {
    const view = await open();
    await view.show(EMPTY);
    await view.tabTo("Message");
    await view.type("@ca");
    await view.send({ kind: "mentions", query: "ca", mentions: [CART] });
    await view.drawn();
    await view.type("t");
    assert.equal(await view.page.getByRole("option").count(), 1);
    await view.send({ kind: "mentions", query: "cat", mentions: [] });
    await view.page.getByText("Nothing has that name.").waitFor();
    await view.press("Enter");
    assert.equal((await view.lastTold("send")).text, "@cat");
    await view.type("@x");
    assert.equal(await view.page.getByRole("option").count(), 0);
  });

  it("a button begins a mention", async () => {
    const view = await open();
    await view.show(EMPTY);
    await view.tabTo("Add Context…");
    await view.press("Enter");
    assert.equal(await view.page.locator("textarea").inputValue(), "@");
    assert.equal((await view.lastTold("mentions")).query, "");
    assert.equal(await view.focused(), "Message");
  });

  it("code is copied, inserted and applied", async () => {
    const view = await open();
    await view.show(CONVERSATION);
    await view.tabTo("Copy: TypeScript code");
    await view.press("Enter");
    const { code } = await view.lastTold("copyCode");
    assert.match(code, /^\/\*\* In cents[^]*\n}$/);
    await view.tabTo("Insert at Cursor: TypeScript code");
    await view.press("Enter");
    assert.equal((await view.lastTold("insertCode")).code, code);
    await view.tabTo("Apply as Diff…: TypeScript code");
    await view.press("Space");
    assert.deepEqual(await view.lastTold("applyCode"), { kind: "applyCode", code, language: "ts" });
    await view.tabTo("Code, TypeScript");
    await view.tabTo("the note on numbers");
    await view.press("Enter");
    assert.equal((await view.lastTold("openLink")).href, "https://developer.mozilla.org/docs/Web/JavaScript/Guide");
  });

  it("the copy button keeps the focus while it says that it is done", async () => {
    const view = await open();
    await view.show(CONVERSATION);
    await view.tabTo("Copy: TypeScript code");
    await view.press("Enter");
    assert.equal(await view.focused(), "Copied: TypeScript code");
    await view.until("it can be copied again", async () => (await view.focused()) === "Copy: TypeScript code");
  });

  it("a question is asked otherwise", async () => {
    const view = await open();
    await view.show(CONVERSATION);
    await view.tabTo("Edit and Send Again");
    await view.press("Enter");
    assert.equal(await view.focused(), "Edit your message");
    await view.press("Escape");
    assert.equal(await view.focused(), "Edit and Send Again");
    await view.press("Enter", "Control+End");
    await view.type(" And why");
    await view.press("Shift+Enter");
    await view.type("so?");
    await view.press("Enter");
    assert.deepEqual(await view.lastTold("resend"), {
      kind: "resend",
      turn: 1,
      text: "Why is the total of the cart off by a cent? And why\nso?",
    });
    assert.equal(await view.focused(), "Message");
  });

  it("an answer is asked for again", async () => {
    const view = await open();
    await view.show(CONVERSATION);
    await view.tabTo("Regenerate and Remove What Follows");
    await view.press("Enter");
    assert.equal((await view.lastTold("regenerate")).turn, 2);
  });

  it("conversations are renamed, deleted after a question, and opened", async () => {
    const view = await open();
    await view.show(CONVERSATION);
    await view.tabTo("Conversations");
    await view.press("Enter");
    assert.match(await view.focused(), /^Why is the total/);
    await view.tabTo("Rename: Write tests for the parser of dates");
    await view.press("Enter");
    assert.equal(await view.focused(), "New title");
    await view.press("Escape");
    assert.match(await view.focused(), /^Write tests/);
    await view.tabTo("Delete: Write tests for the parser of dates");
    await view.press("Enter");
    assert.equal(await view.focused(), "Delete");
    await view.press("Escape");
    assert.match(await view.focused(), /^Write tests/);
    assert.deepEqual(await view.told("deleteConversation"), []);
    await view.tabTo("Delete: Write tests for the parser of dates");
    await view.press("Enter", "Enter");
    assert.equal((await view.lastTold("deleteConversation")).conversation, "c2");
    assert.match(await view.focused(), /^Explain useDeferredValue/);
    await view.press("Escape");
    assert.equal(await view.focused(), "Conversations");
    assert.equal(await view.page.locator("hearth-conversations").count(), 0);
  });

  it("what is written stays where Escape closes something else", async () => {
    const view = await open();
    await view.show(withTurns([user(1, "a"), answer(2, "b", { kind: "running" })]));
    await view.tabTo("Conversations");
    await view.press("Enter", "Escape");
    assert.deepEqual(await view.told("stop"), []);
    await view.press("Escape");
    assert.equal((await view.told("stop")).length, 1);
  });
});
