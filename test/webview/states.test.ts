import assert from "node:assert/strict";
import type { EngineErrorCode } from "../../src/protocol/errors";
import { stageForSuite } from "./page";
import { answer, CONVERSATION, EDITOR, EMPTY, SELECTION, user, withTurns } from "./states";

const CODES: readonly EngineErrorCode[] = [
  "bad_model",
  "bad_request",
  "memory",
  "io",
  "numeric",
  "native",
  "disconnected",
  "busy",
  "unsafe",
  "internal",
];

describe("The chat view shows", () => {
  const open = stageForSuite();

  it("nothing of a conversation before the host has told", async () => {
    const view = await open();
    assert.equal(await view.page.locator("body[data-ready]").count(), 0);
    assert.equal(await view.page.locator(".turn, .welcome").count(), 0);
  });

  it("what loads, and how far it is", async () => {
    const view = await open();
    await view.show({ ...EMPTY, model: { kind: "loading", part: 0.423 } });
    await view.page.getByText("Loading the model… 42%").waitFor();
    const bar = view.page.getByRole("progressbar", { name: "Loading the model" });
    assert.equal(await bar.getAttribute("aria-valuenow"), "42");
    await view.show({ ...EMPTY, model: { kind: "ready", title: "Thinker" } });
    assert.equal(await bar.count(), 0);
    assert.equal(await view.page.locator(".model-button").innerText(), "Thinker");
  });

  it("that a message loads the model", async () => {
    const view = await open();
    await view.show({ ...EMPTY, model: { kind: "asleep" } });
    await view.page.getByText("The model is loaded with your first message.").waitFor();
  });

  it("what can be asked for, and begins to write it", async () => {
    const view = await open();
    await view.show(EMPTY);
    await view.page.getByRole("button", { name: "/fix Find and fix what is wrong" }).click();
    await view.drawn();
    assert.equal(await view.page.locator("textarea").inputValue(), "/fix ");
    assert.equal(await view.focused(), "Message");
    assert.deepEqual(await view.told("send"), []);
    assert.equal((await view.lastTold("draft")).text, "/fix ");
  });

  it("that a model cannot chat, what helps, and the experiment", async () => {
    const view = await open();
    await view.show({ ...EMPTY, model: { kind: "cannotChat", title: "Starter", tried: false } });
    await view.page.getByText("This model only completes code").waitFor();
    assert.equal(await view.page.locator(".command").count(), 0);
    await view.page.locator("textarea").fill("Hello?");
    await view.press("Enter");
    assert.deepEqual(await view.told("send"), []);
    assert.equal(await view.page.locator("textarea").inputValue(), "Hello?");
    assert.equal(await view.page.locator("vscode-button:focus").innerText(), "Choose Model…");
    await view.page.getByRole("button", { name: "Choose Model…", exact: true }).click();
    await view.lastTold("chooseModel");
    await view.page.getByRole("button", { name: "Try Anyway (Experimental)" }).click();
    await view.lastTold("tryAnyway");
    assert.equal(await view.focused(), "Message");
    await view.show({ ...EMPTY, model: { kind: "cannotChat", title: "Starter", tried: true } });
    await view.page.getByText("Experimental: this model was trained for completion only.").waitFor();
    await view.page.locator("textarea").press("Enter");
    assert.equal((await view.lastTold("send")).text, "Hello?");
  });

  it("every failure of the engine with something to do about it", async () => {
    const view = await open();
    for (const code of CODES) {
      await view.show({ ...EMPTY, model: { kind: "failed", code, message: `Because of <b>${code}</b>.` } });
      const problem = view.page.getByRole("alert");
      await problem.getByText(`Because of <b>${code}</b>.`).waitFor();
      assert.ok((await problem.getByRole("button").count()) >= 1, code);
    }
    await view.show({ ...EMPTY, model: { kind: "failed", code: "memory", message: "Too large." } });
    await view.page.getByRole("button", { name: "Open Setting" }).click();
    await view.lastTold("openMemoryBudget");
    await view.page.getByRole("button", { name: "Choose Model…", exact: true }).click();
    await view.lastTold("chooseModel");
    await view.page.getByRole("button", { name: "Restart Engine" }).click();
    await view.lastTold("restartEngine");
    await view.show({ ...EMPTY, model: { kind: "failed", code: "native", message: "No addon." } });
    await view.page.getByRole("button", { name: "Show Log" }).click();
    await view.lastTold("showLog");
  });

  it("code of the user's own message as code, and the rest of it as it was typed", async () => {
    const view = await open();
    const text = "What is *this*?\n\n```ts\nconst a = 1;\n```\n\nTell me.";
    await view.show(withTurns([user(1, text), answer(2, "A constant.")]));
    const question = view.page.locator("hearth-question");
    assert.equal(await question.locator("hearth-code code").innerText(), "const a = 1;");
    assert.equal(await question.locator("hearth-code .code-keyword").innerText(), "const");
    assert.deepEqual(await question.locator(".bubble p").allInnerTexts(), ["What is *this*?", "Tell me."]);
    assert.equal(await question.getByRole("button", { name: "Insert at Cursor" }).count(), 0);
  });

  it("every state of an answer", async () => {
    const view = await open();
    const last = view.page.locator("hearth-answer").last();
    await view.show(withTurns([user(1, "Why?"), answer(2, "", { kind: "waiting" })]));
    assert.match(await last.innerText(), /\nReading$/);
    assert.equal(await last.locator("article").getAttribute("aria-busy"), "true");
    await view.show(
      withTurns([user(1, "Why?"), answer(2, "", { kind: "waiting" })], { model: { kind: "loading", part: 0.1 } }),
    );
    assert.match(await last.innerText(), /\nLoading the model… 10%$/);
    await view.show(withTurns([user(1, "Why?"), answer(2, "Because", { kind: "running" })]));
    assert.equal(await last.innerText(), "Hearth\n\nBecause");
    await view.show(withTurns([user(1, "Why?"), answer(2, "Because", { kind: "stopped", by: "user" })]));
    await last.getByText("You stopped this answer.").waitFor();
    await view.show(withTurns([user(1, "Why?"), answer(2, "Because", { kind: "stopped", by: "limit" })]));
    await last.getByText("The answer has reached the maximum length.").waitFor();
    await view.show(withTurns([user(1, "Why?"), answer(2, "Because", { kind: "stopped", by: "context" })]));
    await last.getByText(/^The model's context \([\d,]+ tokens\) is full\. Start a new conversation\.$/).waitFor();
    await view.show(
      withTurns([user(1, "Why?"), answer(2, "Bec", { kind: "failed", code: "disconnected", message: "It ended." })]),
    );
    await last.getByText("It ended.").waitFor();
    await last.getByRole("button", { name: "Restart Engine" }).click();
    await view.lastTold("restartEngine");
    await last.getByRole("button", { name: "Regenerate" }).click();
    assert.equal((await view.lastTold("regenerate")).turn, 2);
  });

  it("no moving dots to who does not want motion", async () => {
    const waiting = withTurns([user(1, "Why?"), answer(2, "", { kind: "waiting" })]);
    const animation = `getComputedStyle(document.querySelector(".dots i"), "::before").animationName`;
    const moving = await open();
    await moving.show(waiting);
    assert.equal(await moving.page.evaluate(animation), "dot");
    const still = await open({ reducedMotion: true });
    await still.show(waiting);
    assert.equal(await still.page.evaluate(animation), "none");
  });

  it("what an answer cost, and asks again for it", async () => {
    const view = await open();
    await view.show(CONVERSATION);
    const last = view.page.locator("hearth-answer").last();
    assert.equal(
      await last.locator(".statistics").getAttribute("title"),
      "The model read 1,204 tokens and wrote 312 tokens at 14 a second. 980 of the tokens read were reused from memory.",
    );
    await last.getByRole("button", { name: "Copy Answer" }).click();
    assert.equal((await view.lastTold("copyCode")).code, "Here are three cases, the last of which fails today.");
    await last.getByRole("button", { name: "Regenerate" }).click();
    assert.equal((await view.lastTold("regenerate")).turn, 4);
  });

  it("what the model no longer sees", async () => {
    const view = await open();
    const turns = [user(1, "a"), answer(2, "b"), user(3, "c"), answer(4, "d")];
    await view.show({ ...EMPTY, conversation: { id: "c", title: "a", turns, forgottenTurns: 2 } });
    const text = await view.page.locator("main").innerText();
    assert.match(text, /b[^]*The model no longer sees the messages above[^]*c/);
    await view.show({ ...EMPTY, conversation: { id: "c", title: "a", turns, forgottenTurns: 0 } });
    assert.equal(await view.page.locator(".forgotten").count(), 0);
  });

  it("what goes along, what of it does not, and takes it away", async () => {
    const view = await open();
    await view.show({ ...EMPTY, attachments: [EDITOR, SELECTION] });
    const chips = view.page.locator(".chip");
    assert.equal(await chips.first().innerText(), "src/cart.ts\n412 tokens");
    assert.match(await chips.last().innerText(), /1\.8k tokens[^]*640 left out/);
    await view.page
      .getByTitle("src/checkout/discounts.ts:10-240: 1,830 tokens. Its last 640 tokens do not fit and are left out.")
      .click();
    assert.equal((await view.lastTold("openAttachment")).attachment, "s1");
    await view.page.getByRole("button", { name: "Remove: src/cart.ts" }).click();
    assert.equal((await view.lastTold("detach")).attachment, "editor");
  });

  it("which model it is, how fast, and how full its context is", async () => {
    const view = await open();
    await view.show(CONVERSATION);
    assert.equal(await view.page.locator(".speed").innerText(), "14 tokens/s");
    const meter = view.page.getByRole("meter", { name: "Context", exact: true });
    assert.equal(
      await meter.getAttribute("aria-valuetext"),
      "3,758 of 8,192 tokens of the model's context are used. That includes what is attached: 2.2k tokens. Of the last prompt, 980 of 1.2k were known already.",
    );
    assert.equal(await meter.getAttribute("aria-valuenow"), "3758");
    assert.equal(await meter.locator(".meter-numbers").innerText(), "3.8k / 8.2k");
    await view.tabTo("Context");
    await meter.getByText("3,758 of 8,192 tokens").waitFor({ state: "visible" });
    await view.page.locator(".model-button").click();
    await view.lastTold("chooseModel");
  });

  it("all conversations, and does with them what is asked", async () => {
    const view = await open();
    await view.show(CONVERSATION);
    const list = view.page.locator("hearth-conversations");
    const toggle = view.page.getByRole("button", { name: "Conversations", exact: true });
    await toggle.click();
    assert.deepEqual(await list.locator(".conversation-open .cut").allInnerTexts(), [
      "Why is the total of the cart off by a cent?",
      "Write tests for the parser of dates",
      "Explain useDeferredValue",
    ]);
    await list.locator(".conversation").nth(1).hover();
    await list.getByRole("button", { name: "Export: Write tests for the parser of dates" }).click();
    assert.equal((await view.lastTold("exportConversation")).conversation, "c2");
    await list.getByRole("button", { name: "Rename: Write tests" }).click();
    await list.getByLabel("New title").fill("Dates");
    await list.getByLabel("New title").press("Enter");
    assert.deepEqual(await view.lastTold("renameConversation"), {
      kind: "renameConversation",
      conversation: "c2",
      title: "Dates",
    });
    await list.locator(".conversation").nth(2).hover();
    await list.getByRole("button", { name: "Delete: Explain" }).click();
    assert.deepEqual(await view.told("deleteConversation"), []);
    await list.getByRole("button", { name: "Delete", exact: true }).click();
    assert.equal((await view.lastTold("deleteConversation")).conversation, "c3");
    await list.locator("[data-conversation=c2]").click();
    assert.equal((await view.lastTold("openConversation")).conversation, "c2");
    await view.show({ ...EMPTY, conversation: { ...EMPTY.conversation, id: "c2" } });
    assert.equal(await list.count(), 0);
    await view.page.getByRole("button", { name: "New Conversation" }).click();
    await view.lastTold("newConversation");
  });
});

describe("What is written in the chat view", () => {
  const open = stageForSuite();

  it("goes to the host after a pause, and comes back with a new view", async () => {
    const view = await open();
    await view.show(EMPTY);
    await view.page.locator("textarea").click();
    await view.type("Half a question");
    assert.equal((await view.lastTold("draft")).text, "Half a question");
    const again = await open();
    await again.show({ ...EMPTY, draft: "Half a question" });
    assert.equal(await again.page.locator("textarea").inputValue(), "Half a question");
  });

  it("is gone once it is sent, however fast", async () => {
    const view = await open();
    await view.show(EMPTY);
    await view.page.evaluate(`
      const input = document.querySelector("textarea");
      input.value = "Pasted and sent";
      input.dispatchEvent(new InputEvent("input", { bubbles: true }));
      input.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
    `);
    assert.equal((await view.lastTold("send")).text, "Pasted and sent");
    await view.drawn();
    assert.equal(await view.page.locator("textarea").inputValue(), "");
  });

  it("is not changed by older copies of it that come back", async () => {
    const view = await open();
    await view.show(EMPTY);
    await view.page.locator("textarea").click();
    await view.type("a");
    await view.lastTold("draft");
    await view.type("b");
    await view.show({ ...EMPTY, draft: "a" });
    assert.equal(await view.page.locator("textarea").inputValue(), "ab");
  });

  it("goes to the host before another conversation is opened", async () => {
    const view = await open();
    await view.show(CONVERSATION);
    await view.page.locator("textarea").fill("kept");
    await view.page.getByRole("button", { name: "New Conversation" }).click();
    const kinds = (await view.told()).map(({ kind }) => kind);
    assert.deepEqual(kinds.slice(-2), ["draft", "newConversation"]);
  });

  it("is what the host puts there, with the cursor behind it", async () => {
    const view = await open();
    await view.show(EMPTY);
    await view.send({ kind: "focus", draft: "/explain " });
    await view.drawn();
    await view.type("this");
    assert.equal(await view.page.locator("textarea").inputValue(), "/explain this");
  });

  it("grows its input, and not for ever", async () => {
    const view = await open();
    await view.show(EMPTY);
    const input = view.page.locator("textarea");
    const height = async () => (await input.boundingBox())?.height ?? 0;
    const one = await height();
    await input.fill("a\nb\nc\nd");
    assert.ok((await height()) > 2.5 * one);
    await input.fill("a\n".repeat(200));
    assert.ok((await height()) <= 0.41 * 760);
  });
});
