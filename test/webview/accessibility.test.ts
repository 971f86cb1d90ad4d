import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import { type ChatPage, stageForSuite, THEMES } from "./page";
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

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** All that axe-core finds, best practices among it. */
async function problems(view: ChatPage, what: string): Promise<readonly string[]> {
  const { violations } = await view.page.evaluate<AxeResults>(`axe.run(document, { resultTypes: ["violations"] })`);
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${what}: ${id}: ${target.join(" ")}: ${failureSummary ?? ""}`),
  );
}

const SCENES: Readonly<Record<string, (view: ChatPage) => Promise<void>>> = {
  "before the state": () => Promise.resolve(),
  empty: (view) => view.show({ ...EMPTY, attachments: [EDITOR, SELECTION] }),
  loading: (view) => view.show({ ...EMPTY, model: { kind: "loading", part: 0.4 } }),
  asleep: (view) => view.show({ ...EMPTY, model: { kind: "asleep" } }),
  "cannot chat": (view) => view.show({ ...EMPTY, model: { kind: "cannotChat", title: "Starter", tried: false } }),
  tried: (view) =>
    view.show(withTurns([user(1, "a")], { model: { kind: "cannotChat", title: "Starter", tried: true } })),
  failed: (view) => view.show({ ...EMPTY, model: { kind: "failed", code: "memory", message: "Too large." } }),
  conversation: (view) => view.show({ ...CONVERSATION, draft: "What does it do?" }),
  explanation: (view) => view.show(withTurns([user(1, "a", [EDITOR, PROBLEMS]), answer(2, EXPLANATION)])),
  waiting: (view) => view.show(withTurns([user(1, "a"), answer(2, "", { kind: "waiting" })])),
  running: (view) => view.show(withTurns([user(1, "a"), answer(2, CODE_ANSWER, { kind: "running" })])),
  "answer failed": (view) =>
    view.show(withTurns([user(1, "a"), answer(2, "b", { kind: "failed", code: "internal", message: "A bug." })])),
  forgotten: (view) =>
    view.show({
      ...CONVERSATION,
      conversation: { ...CONVERSATION.conversation, forgottenTurns: 2 },
      context: { usedTokens: 8000, limitTokens: 8192 },
    }),
  "scrolled up": async (view) => {
    await view.show(CONVERSATION);
    await view.scrollTo(0);
  },
  actions: async (view) => {
    await view.show(CONVERSATION);
    await view.tabTo("Regenerate and Remove What Follows");
  },
  edit: async (view) => {
    await view.show(CONVERSATION);
    await view.tabTo("Edit and Send Again");
    await view.press("Enter");
  },
  conversations: async (view) => {
    await view.show(CONVERSATION);
    await view.tabTo("Conversations");
    await view.press("Enter");
  },
  rename: async (view) => {
    await view.show(CONVERSATION);
    await view.tabTo("Conversations");
    await view.press("Enter");
    await view.tabTo("Rename: Explain useDeferredValue");
    await view.press("Enter");
  },
  delete: async (view) => {
    await view.show(CONVERSATION);
    await view.tabTo("Conversations");
    await view.press("Enter");
    await view.tabTo("Delete: Explain useDeferredValue");
    await view.press("Enter");
  },
  commands: async (view) => {
    await view.show(CONVERSATION);
    await view.page.locator("textarea").focus();
    await view.type("/");
  },
  mentions: async (view) => {
    await view.show(EMPTY);
    await view.page.locator("textarea").focus();
    await view.type("@");
    await view.send({ kind: "mentions", query: "", mentions: [{ name: "a.ts", kind: "file", detail: "src" }] });
    await view.drawn();
  },
};

/** Scenes that have each colour once: enough for a theme that differs from another in nothing else. */
const COLOURFUL = ["empty", "conversation", "explanation", "answer failed"];

describe("axe-core finds nothing", () => {
  const open = stageForSuite();

  for (const theme of THEMES) {
    it(`in ${theme}`, async function () {
      this.timeout(120_000);
      const found: string[] = [];
      const scenes = Object.entries(SCENES).filter(([name]) => !theme.endsWith("modern") || COLOURFUL.includes(name));
      const view = await open({ theme, reducedMotion: true });
      await view.page.addInitScript(AXE);
      for (const [name, set] of scenes) {
        await view.again();
        await set(view);
        found.push(...(await problems(view, name)));
      }
      assert.deepEqual(found, []);
    });
  }

  it("in a narrow view", async function () {
    this.timeout(120_000);
    const found: string[] = [];
    const view = await open({ width: 180, height: 500 });
    await view.page.addInitScript(AXE);
    for (const [name, set] of Object.entries(SCENES)) {
      await view.again();
      await set(view);
      found.push(...(await problems(view, name)));
    }
    assert.deepEqual(found, []);
  });
});
