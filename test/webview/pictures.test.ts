import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { type ChatPage, type PageOptions, PICTURES, stageForSuite } from "./page";
import {
  answer,
  CODE_ANSWER,
  CONVERSATION,
  EDITOR,
  EMPTY,
  EXPLANATION,
  PROBLEMS,
  SELECTION,
  user,
  withTurns,
} from "./states";

/** Pictures for people to look at, of what must at least fit: nothing is wider than the page. */

interface Scene extends PageOptions {
  readonly name: string;
  readonly set: (view: ChatPage) => Promise<void>;
}

const conversation = (view: ChatPage) => view.show(CONVERSATION);
const beginning = async (view: ChatPage) => {
  await view.show(CONVERSATION);
  await view.scrollTo(0);
};
const openList = async (view: ChatPage) => {
  await view.show(CONVERSATION);
  await view.page.locator("[data-name=conversations]").click();
  await view.page.locator(".conversation").nth(1).hover();
  await view.drawn();
};

const SCENES: readonly Scene[] = [
  { name: "conversation-dark", set: conversation },
  { name: "conversation-light", theme: "light", set: conversation },
  { name: "conversation-high-contrast", theme: "high-contrast", set: conversation },
  { name: "conversation-high-contrast-light", theme: "high-contrast-light", set: conversation },
  { name: "code-dark", theme: "dark-modern", set: beginning },
  { name: "code-light", theme: "light-modern", set: beginning },
  { name: "narrow-240", width: 240, set: beginning },
  { name: "narrow-180", width: 180, set: beginning },
  { name: "wide", width: 1100, set: beginning },
  { name: "zoomed-200", width: 210, height: 380, set: conversation },
  {
    name: "explanation",
    theme: "light",
    set: async (view) => {
      await view.show(withTurns([user(1, "/explain", [EDITOR]), answer(2, EXPLANATION)]));
      await view.scrollTo(0);
    },
  },
  {
    name: "first-run-loading",
    set: (view) => view.show({ ...EMPTY, model: { kind: "loading", part: 0.42 }, attachments: [EDITOR] }),
  },
  { name: "first-run-asleep-light", theme: "light", set: (view) => view.show({ ...EMPTY, model: { kind: "asleep" } }) },
  {
    name: "cannot-chat",
    set: (view) => view.show({ ...EMPTY, model: { kind: "cannotChat", title: "Hearth starter", tried: false } }),
  },
  {
    name: "cannot-chat-narrow-light",
    theme: "light",
    width: 240,
    set: (view) => view.show({ ...EMPTY, model: { kind: "cannotChat", title: "Hearth starter", tried: false } }),
  },
  {
    name: "experiment",
    set: (view) =>
      view.show(
        withTurns([user(1, "Hello?"), answer(2, "function Hello() {}", { kind: "stopped", by: "limit" })], {
          model: { kind: "cannotChat", title: "Hearth starter", tried: true },
        }),
      ),
  },
  {
    name: "engine-failed",
    set: (view) =>
      view.show({
        ...EMPTY,
        model: { kind: "failed", code: "memory", message: "The model needs 2.7 GiB, and the budget is 2 GiB." },
      }),
  },
  {
    name: "answer-failed-light",
    theme: "light",
    set: (view) =>
      view.show(
        withTurns(
          [
            user(1, "Why is the total of the cart off by a cent?", [EDITOR, SELECTION, PROBLEMS]),
            answer(2, "`total` adds up every line, but", {
              kind: "failed",
              code: "disconnected",
              message: "The engine ended while it answered.",
            }),
          ],
          { model: { kind: "failed", code: "disconnected", message: "The engine does not run." } },
        ),
      ),
  },
  {
    name: "waiting",
    set: (view) => view.show(withTurns([user(1, "/fix", [EDITOR]), answer(2, "", { kind: "waiting" })])),
  },
  {
    name: "streaming",
    set: (view) =>
      view.show(withTurns([user(1, "/fix", [EDITOR]), answer(2, CODE_ANSWER.slice(0, 420), { kind: "running" })])),
  },
  {
    name: "forgotten",
    set: (view) =>
      view.show({
        ...CONVERSATION,
        conversation: {
          ...CONVERSATION.conversation,
          turns: [
            user(1, "What is a heap?"),
            answer(2, "A tree in an array.", { kind: "stopped", by: "user" }),
            user(3, "And a treap?"),
            answer(4, "A heap that is also a search tree."),
          ],
          forgottenTurns: 2,
        },
        context: { usedTokens: 7900, limitTokens: 8192 },
      }),
  },
  { name: "conversations", set: openList },
  { name: "conversations-high-contrast", theme: "high-contrast", set: openList },
  {
    name: "conversations-delete-light",
    theme: "light",
    set: async (view) => {
      await openList(view);
      await view.page.locator(".conversation").nth(1).locator("[data-name=delete]").click();
      await view.drawn();
    },
  },
  {
    name: "commands",
    set: async (view) => {
      await view.show(CONVERSATION);
      await view.page.locator("textarea").click();
      await view.type("/");
    },
  },
  {
    name: "mentions-light",
    theme: "light",
    set: async (view) => {
      await view.show(CONVERSATION);
      await view.page.locator("textarea").click();
      await view.type("What does @ca");
      await view.send({
        kind: "mentions",
        query: "ca",
        mentions: [
          { name: "cart.ts", kind: "file", detail: "src" },
          { name: "selection", kind: "selection", detail: "12 lines of src/cart.ts" },
          { name: "problems", kind: "problems", detail: "2 in src/cart.ts" },
        ],
      });
      await view.drawn();
    },
  },
  {
    name: "context",
    set: async (view) => {
      await view.show(CONVERSATION);
      await view.page.locator(".meter").hover();
      await view.drawn();
      await view.page.waitForTimeout(500);
    },
  },
  {
    name: "edit",
    set: async (view) => {
      await view.show(CONVERSATION);
      await view.page.locator("[data-name=edit]").last().click();
      await view.drawn();
    },
  },
];

describe("The chat view fits", () => {
  const open = stageForSuite();
  before(() => mkdirSync(PICTURES, { recursive: true }));

  for (const { name, set, ...options } of SCENES) {
    it(name, async () => {
      const view = await open(options);
      await set(view);
      await view.picture(name);
      assert.deepEqual(await view.tooWide(), []);
    });
  }
});
