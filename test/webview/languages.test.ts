import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ChatTurn, ChatViewState } from "../../src/protocol/chat";
import messages from "../../webview/chat/messages.json" with { type: "json" };
import type { Translation } from "../../webview/chat/page";
import { type ChatPage, PICTURES, stageForSuite } from "./page";
import { answer, CONVERSATION, EDITOR, EMPTY, SELECTION, user, withTurns } from "./states";

function translationTo(language: string): Translation {
  const file = join(import.meta.dirname, "..", "..", "l10n", `bundle.l10n.${language}.json`);
  return { language, texts: JSON.parse(readFileSync(file, "utf8")) as Translation["texts"] };
}

/** A language in which every message is itself, in brackets: what is not in brackets is not translated. */
const BRACKETS: Translation = {
  language: "de",
  texts: Object.fromEntries(messages.map((message) => [message, `⟦${message}⟧`])),
};

interface Scene {
  readonly state: ChatViewState;
  readonly act?: (view: ChatPage) => Promise<void>;
}

const click = (name: string) => async (view: ChatPage) => {
  await view.page.locator(`[data-name=${name}]`).first().dispatchEvent("click");
  await view.drawn();
};
const typed = (text: string) => async (view: ChatPage) => {
  await view.page.locator("textarea").last().focus();
  await view.type(text);
};
const after =
  (...acts: readonly ((view: ChatPage) => Promise<void>)[]) =>
  async (view: ChatPage) => {
    for (const act of acts) {
      await act(view);
    }
  };

/** All that the view may say, about a conversation whose own texts have no Latin letters. */
function scenesOf(conversation: ChatViewState): Readonly<Record<string, Scene>> {
  const failed = { kind: "failed", code: "memory", message: "Δ" } as const;
  const turns = (last: ChatTurn, model = conversation.model): ChatViewState => ({
    ...withTurns([user(1, "α", [{ ...SELECTION, label: "β" }]), last]),
    model,
  });
  const empty = (over: Partial<ChatViewState>): Scene => ({ state: { ...EMPTY, model: conversation.model, ...over } });
  const tried = { kind: "cannotChat", title: "μ", tried: true } as const;
  return {
    empty: empty({}),
    loading: empty({ model: { kind: "loading", part: 0.4 } }),
    asleep: empty({ model: { kind: "asleep" } }),
    "sent elsewhere": empty({ sentTo: "λ" }),
    "cannot chat": { ...empty({ model: { ...tried, tried: false } }), act: typed("α\n") },
    tried: { state: turns(answer(2, "γ"), tried) },
    "failed model": empty({ model: failed }),
    conversation: { state: conversation },
    waiting: { state: turns(answer(2, "", { kind: "waiting" })) },
    reading: { state: turns(answer(2, "", { kind: "waiting", read: 0.5 })) },
    running: { state: turns(answer(2, "<think>γ", { kind: "running" })), act: typed("α\n") },
    "stopped by the user": { state: turns(answer(2, "<think>γ</think>γ", { kind: "stopped", by: "user" })) },
    "stopped by the context": { state: turns(answer(2, "γ", { kind: "stopped", by: "context" })) },
    "stopped at the limit": { state: turns(answer(2, "γ", { kind: "stopped", by: "limit" })) },
    "stopped in a loop": { state: turns(answer(2, "γ", { kind: "stopped", by: "loop" })) },
    "failed answer": { state: turns(answer(2, "γ", failed)) },
    copied: { state: conversation, act: after(click("copy-answer"), click("copy")) },
    edit: { state: conversation, act: click("edit") },
    conversations: { state: conversation, act: click("conversations") },
    rename: { state: conversation, act: after(click("conversations"), click("rename")) },
    delete: { state: conversation, act: after(click("conversations"), click("delete")) },
    commands: { state: conversation, act: typed("/") },
    "too long": { state: { ...conversation, draft: "α".repeat(200_001) } },
    "nothing found": {
      state: conversation,
      act: after(
        typed("@"),
        (view) => view.send({ kind: "mentions", query: "", mentions: [] }),
        (view) => view.drawn(),
      ),
    },
  };
}

const GREEK: ChatViewState = {
  ...withTurns(
    [
      user(1, "α", [{ ...SELECTION, label: "β" }]),
      { ...answer(2, "γ\u202eγ\n\n```\n1\n```\n\n| δ |\n|---|\n| 1 |\n"), earlier: ["γ", "γ"] },
      user(3, "α"),
      { ...answer(4, "γ"), earlier: ["γ"] },
    ],
    { model: { kind: "ready", title: "μ", decodeTps: 14.2 } },
  ),
  conversations: [
    { id: "c1", title: "α", updatedMs: Date.now(), turns: 4 },
    ...[61_000, 3_700_000, 90_000_000].map((ms, at) => ({
      id: `d${String(at)}`,
      title: "",
      updatedMs: Date.now() - ms,
      turns: 1,
    })),
  ],
  attachments: [
    { ...EDITOR, label: "β" },
    { ...SELECTION, label: "β", tokens: 1, leftOutTokens: 1 },
  ],
};
const FORGETFUL = { ...GREEK, conversation: { ...GREEK.conversation, forgottenTurns: 2 } };

/** Faster than another view. */
async function reload(view: ChatPage): Promise<void> {
  await view.page.reload();
  await view.lastTold("ready");
}

/** What is seen, shown in tips, or spoken. */
function saidIn(view: ChatPage): Promise<readonly string[]> {
  return view.page.evaluate(`(() => {
    const said = [];
    const texts = document.createTreeWalker(document.querySelector("hearth-chat"), NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) said.push(texts.currentNode.data);
    for (const element of document.querySelectorAll("hearth-chat, hearth-chat *")) {
      for (const name of ["title", "placeholder", "alt", "aria-label", "aria-valuetext", "aria-description"]) {
        said.push(element.getAttribute(name) ?? "");
      }
    }
    return said.map((text) => text.trim().replace(/\\s+/g, " ")).filter((text) => text !== "");
  })()`);
}

/** Without what is in brackets, which may hold others. */
function outsideBrackets(text: string): string {
  const rest = text.replaceAll(/⟦[^⟦⟧]*⟧/g, "");
  return rest === text ? text : outsideBrackets(rest);
}

describe("The chat view in another language", () => {
  const open = stageForSuite();
  before(() => mkdirSync(PICTURES, { recursive: true }));

  it("says nothing that has not been translated", async function () {
    this.timeout(180_000);
    const bare: string[] = [];
    const said = new Set<string>();
    const view = await open({ translation: BRACKETS });
    for (const [name, { state, act }] of Object.entries(scenesOf(FORGETFUL))) {
      await reload(view);
      await view.show(state);
      await act?.(view);
      if (["running", "copied", "cannot chat"].includes(name)) {
        await view.page.locator(".announcer p").first().waitFor({ state: "attached" });
      }
      for (const text of await saidIn(view)) {
        said.add(text);
        const rest = outsideBrackets(text).replaceAll(/^Hearth$|^\/[a-z]+$|U\+202E/g, "");
        if (/[a-z]{2}/i.test(rest)) {
          bare.push(`${name}: ${text}`);
        }
      }
    }
    assert.deepEqual(bare, []);
    assert.ok(said.size > 100, String(said.size));
  });

  it("is in German, with its numbers and its tag", async () => {
    const view = await open({ translation: translationTo("de"), trustedTypes: true });
    await view.show({ ...CONVERSATION, conversations: [] });
    assert.equal(await view.page.locator("html").getAttribute("lang"), "de");
    assert.equal(await view.page.locator("textarea").getAttribute("placeholder"), "Fragen zu Ihrem Code");
    assert.equal(await view.page.locator(".meter-numbers").innerText(), "3,8k / 8,2k");
    const meter = view.page.getByRole("meter", { name: "Kontext", exact: true });
    assert.match((await meter.getAttribute("aria-valuetext")) ?? "", /^3\.758 von 8\.192 Token /);
    await view.page.getByRole("button", { name: "Entfernen: src/cart.ts" }).click();
    assert.equal((await view.lastTold("detach")).attachment, "editor");
  });

  for (const language of ["de", "zh-cn"]) {
    it(`fits in ${language}, however narrow`, async function () {
      this.timeout(240_000);
      const wide: string[] = [];
      for (const width of [180, 300]) {
        const view = await open({ translation: translationTo(language), width, height: 700 });
        for (const [name, { state, act }] of Object.entries(scenesOf({ ...CONVERSATION, draft: "" }))) {
          await reload(view);
          await view.show(state);
          await act?.(view);
          if (width > 180) {
            await view.picture(`${language}-${name.replaceAll(" ", "-")}`);
          }
          wide.push(...(await view.tooWide()).map((element) => `${name} at ${String(width)}: ${element}`));
        }
      }
      assert.deepEqual(wide, []);
    });
  }
});
