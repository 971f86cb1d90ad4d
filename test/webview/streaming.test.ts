import assert from "node:assert/strict";
import { stageForSuite } from "./page";
import { answer, CODE_ANSWER, CONVERSATION, user, withTurns } from "./states";

/** About 4000 tokens with everything in it that an answer may have. */
const LONG = Array.from({ length: 22 }, (_, at) => `## Part ${at}\n\n${CODE_ANSWER}`).join("\n");
const PIECES = LONG.match(/[^]{1,5}/g) ?? [];

const running = (text: string) =>
  withTurns([user(1, "Why?"), answer(2, CODE_ANSWER), user(3, "And?"), answer(4, text, { kind: "running" })]);
const done = (text: string) => withTurns([user(1, "Why?"), answer(2, CODE_ANSWER), user(3, "And?"), answer(4, text)]);

/** Runs in the page: sends the pieces, some of them in each task, as they come from a host. */
const STREAM = (pieces: readonly string[], inTask: number) => `(async () => {
  const pieces = ${JSON.stringify(pieces)};
  for (let at = 0; at < pieces.length; at += ${inTask}) {
    for (const text of pieces.slice(at, at + ${inTask})) {
      window.postMessage({ kind: "text", turn: 4, text }, "*");
    }
    await new Promise((resolve) => setTimeout(resolve, 4));
  }
})()`;

/** Runs in the page: from now on, counts what changes, and how long the page is busy at a time. */
const WATCH = `
  let before = 0;
  window.seen = { frames: 0, draws: 0, turns: new Set(), longest: 0, closedChanges: 0 };
  const answer = [...document.querySelectorAll("hearth-answer")].at(-1);
  new MutationObserver((changes) => {
    window.seen.draws += 1;
    const blocks = [...answer.querySelectorAll(".markdown > *")];
    for (const { target } of changes) {
      const turn = (target.nodeType === 1 ? target : target.parentElement)?.closest("hearth-answer, hearth-question");
      if (turn) window.seen.turns.add([...document.querySelectorAll("hearth-answer, hearth-question")].indexOf(turn));
      const block = blocks.findIndex((each) => each.contains(target));
      // The last one that was there, and lines behind it that were not whole, were open.
      if (block >= 0 && block < before - 4) window.seen.closedChanges += 1;
    }
  }).observe(document.querySelector(".turns"), { childList: true, subtree: true, characterData: true });
  const tick = () => {
    window.seen.frames += 1;
    before = answer.querySelectorAll(".markdown > *").length;
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) window.seen.longest = Math.max(window.seen.longest, duration);
  }).observe({ type: "longtask" });`;

interface Seen {
  readonly frames: number;
  readonly draws: number;
  readonly turns: readonly number[];
  readonly longest: number;
  readonly closedChanges: number;
}

describe("An answer that is on its way", () => {
  const open = stageForSuite();

  it("is drawn at most once a frame, alone, and its closed blocks never again", async function () {
    this.timeout(120_000);
    const view = await open();
    await view.show(running(""));
    await view.page.evaluate(WATCH);
    await view.page.evaluate(STREAM(PIECES, 4));
    await view.drawn();
    const seen = await view.page.evaluate<Seen>("({ ...window.seen, turns: [...window.seen.turns] })");
    assert.deepEqual(seen.turns, [3]);
    assert.equal(seen.closedChanges, 0);
    // The answer draws, and after it the code block in it.
    assert.ok(seen.draws <= 2 * seen.frames, `${seen.draws} times in ${seen.frames} frames`);
    assert.ok(seen.draws < PIECES.length / 4, `${seen.draws} times for ${PIECES.length} pieces`);
    assert.ok(seen.longest < 400, `the page was busy for ${seen.longest.toFixed(0)} ms at a time`);
    const streamed = await view.page.locator("hearth-answer").last().locator(".markdown").innerHTML();
    const whole = await open();
    await whole.show(running(LONG));
    assert.equal(withoutMarkers(streamed), withoutMarkers(await markdownOf(whole)));
  });

  const markdownOf = (view: Awaited<ReturnType<typeof open>>) =>
    view.page.locator("hearth-answer").last().locator(".markdown").innerHTML();

  it("looks the same in a view that was made again in mid-stream", async () => {
    const middle = LONG.slice(0, 3000);
    const first = await open();
    await first.show(running(""));
    await first.page.evaluate(STREAM(middle.match(/[^]{1,7}/g) ?? [], 9));
    await first.drawn();
    const again = await open();
    await again.show(running(middle));
    assert.equal(withoutMarkers(await markdownOf(again)), withoutMarkers(await markdownOf(first)));
    for (const view of [first, again]) {
      await view.send({ kind: "text", turn: 4, text: LONG.slice(3000, 4000) }, { kind: "state", state: done(LONG) });
      await view.drawn();
    }
    assert.equal(withoutMarkers(await markdownOf(again)), withoutMarkers(await markdownOf(first)));
    assert.equal(await first.page.locator("[data-name=stop]").count(), 0);
  });

  it("offers nothing of a code block that is not whole", async () => {
    const view = await open();
    await view.show(running("```ts\nconst a"));
    assert.equal(await view.page.locator("hearth-code").last().locator("button").count(), 0);
    await view.send({ kind: "text", turn: 4, text: " = 1;\n```\n" });
    await view.drawn();
    assert.equal(await view.page.locator("hearth-code").last().locator("button").count(), 3);
    await view.show(done("```ts\nconst a"));
    assert.equal(await view.page.locator("hearth-code").last().locator("button").count(), 3);
  });

  it("keeps the focus where it is", async () => {
    const view = await open();
    await view.show(running("```ts\nconst a = 1;\n```\n"));
    await view.page.locator("hearth-code").last().locator("[data-name=insert]").focus();
    await view.send({ kind: "text", turn: 4, text: "More text.\n\nAnd more.\n\n" });
    await view.drawn();
    assert.equal(await view.focused(), "Insert at Cursor: TypeScript code");
    await view.show(done("```ts\nconst a = 1;\n```\nMore text.\n\nAnd more.\n\n"));
    assert.equal(await view.focused(), "Insert at Cursor: TypeScript code");
  });

  it("keeps its end in view for who is there, and leaves others in peace", async () => {
    const view = await open();
    await view.show(running("First.\n\n"));
    assert.equal(await view.belowEnd(), 0);
    const more = async () => {
      await view.send({ kind: "text", turn: 4, text: `${"Words and more words. ".repeat(40)}\n\n` });
      await view.drawn();
    };
    await more();
    assert.equal(await view.belowEnd(), 0);
    assert.equal(await view.page.locator(".jump").count(), 0);
    await view.page.mouse.move(200, 300);
    await view.page.mouse.wheel(0, -120);
    await view.until("the button is there", async () => (await view.page.locator(".jump").count()) === 1);
    const before = await view.page.evaluate("document.querySelector('.scroller').scrollTop");
    await more();
    assert.equal(await view.page.evaluate("document.querySelector('.scroller').scrollTop"), before);
    await view.page.getByRole("button", { name: "Jump to Latest" }).click();
    await view.drawn();
    assert.equal(await view.belowEnd(), 0);
    assert.equal(await view.page.locator(".jump").count(), 0);
    await more();
    assert.equal(await view.belowEnd(), 0);
  });

  it("is where it was for who comes back", async () => {
    const view = await open();
    await view.show(CONVERSATION);
    await view.page.mouse.move(200, 300);
    await view.page.mouse.wheel(0, -150);
    const top = await view.until("it is remembered", async () => {
      const remembered = (await view.remembered()) as { top?: number } | undefined;
      return remembered?.top;
    });
    const again = await open({ remembered: { conversation: "c1", top } });
    await again.show(CONVERSATION);
    assert.equal(await again.page.evaluate("document.querySelector('.scroller').scrollTop"), top);
    const other = await open({ remembered: { conversation: "another", top } });
    await other.show(CONVERSATION);
    assert.equal(await other.belowEnd(), 0);
    for (const remembered of [5, null, "x", { conversation: 1 }, { top: "x", conversation: "c1" }]) {
      const old = await open({ remembered });
      await old.show(CONVERSATION);
    }
  });

  it("is read aloud in whole sentences, and its end is told", async () => {
    const view = await open();
    await view.show(running("Before the view was made. "));
    const log = view.page.getByRole("log");
    await view.send({ kind: "text", turn: 4, text: "The first sentence. The sec" });
    await log.getByText("The first sentence.").waitFor({ state: "attached" });
    await view.show(done("Before the view was made. The first sentence. The second."));
    await log.getByText("The second. End of the answer.").waitFor({ state: "attached" });
    assert.equal(await log.innerText(), "The first sentence.\n\nThe second. End of the answer.");
  });
});

/** What Lit leaves behind for itself says nothing. */
function withoutMarkers(html: string): string {
  return html.replaceAll(/<!--[^]*?-->/g, "");
}
