import assert from "node:assert/strict";
import { type Editor, editorForSuite } from "./editor";
import { ProposedChange } from "./proposedChange";

/** What the engine is to answer, where a comment of the file says it; see test/scriptedEngine/script.ts. */
function answering(code: string, script: object, text: string): string {
  return `// script: ${JSON.stringify({ say: `\`\`\`ts\n${code}\`\`\``, ...script })}\n\n${text}`;
}

const SUM = `  let sum = 0;
  for (const item of items) {
    sum += item.price;
  }
  return sum;`;
const REDUCE = "  return items.reduce((sum, item) => sum + item.price, 0);";
const PLUS = '  return item.name + ": " + item.price;';
const TEMPLATE = "  return `${item.name}: ${item.price}`;";
const IF = `  if (items.length === 0) {
    return true;
  }
  return false;`;
const LENGTH = "  return items.length === 0;";

function functions(total: string, label: string, isEmpty: string): string {
  return `export function total(items: Item[]): number {
${total}
}

export function label(item: Item): string {
${label}
}

export function isEmpty(items: Item[]): boolean {
${isEmpty}
}
`;
}

const ITEM = `interface Item {
  name: string;
  price: number;
}
`;
const LONG = functions(SUM, PLUS, IF);
const CART = answering(functions(REDUCE, TEMPLATE, LENGTH), {}, `${ITEM}\n${LONG}`);

const COUNT = `export function count(words: string[]): number {
  const found: number = words.join(" ");
  return found;
}
`;
const COUNTED = COUNT.replace('.join(" ")', ".length");
const FIX = answering(COUNTED, {}, COUNT);

const HALF = "const half = (all: number): number => all / 2;\n";
const CANCELLED = answering(`// Half of it.\n${HALF}`, { holdAfterTokens: 8 }, HALF);

const RENAMED = HALF.replace("half", "halved");
const REVIEWED = answering(RENAMED, {}, HALF);

describe("editing with the model", () => {
  const suite = editorForSuite({
    name: "edit",
    scripted: true,
    // The diff editor, which larger changes have, whatever the size.
    settings: { "hearth.edit.review": "diff" },
    files: { "cart.ts": CART, "cancel.ts": CANCELLED, "fix.ts": FIX },
  });
  let proposed: ProposedChange;
  const editor = (): Editor => suite.current;

  before(async () => {
    proposed = new ProposedChange(editor());
    await editor().openFile("cart.ts");
    await editor().ready();
  });

  /** Everything from a line to the end of the file. */
  async function refactorFrom(path: string, line: number, instruction: string): Promise<void> {
    await editor().openFile(path, line, 1);
    await editor().press("Control+Shift+End");
    await editor().until("it is selected", async () => (await editor().cursor()).includes("selected"));
    await editor().press("Alt+\\");
    const input = editor().page.getByPlaceholder("What should be done with this code?");
    await input.pressSequentially(instruction);
    // At once: a user does not wait for their own text to be offered.
    await input.press("Enter");
  }

  function dirtyTabs(): Promise<number> {
    return editor().page.locator(".tab.dirty").count();
  }

  /** As the status bar says it. */
  async function problems(): Promise<string> {
    return (await editor().page.locator('.statusbar-item[id="status.problems"] a').getAttribute("aria-label")) ?? "";
  }

  it("takes back one of three places, accepts the others, and undoes them in one step", async () => {
    await refactorFrom("cart.ts", lineOf(CART, LONG), "Make it shorter");
    await proposed.complete(3);
    await editor().screenshot("diff");
    assert.equal(await dirtyTabs(), 0);
    await proposed.revert(TEMPLATE);
    await proposed.line(PLUS).waitFor();
    await editor().screenshot("reverted");
    await proposed.accept();
    const accepted = await editor().saved("cart.ts", (text) => text !== CART);
    assert.equal(accepted, CART.replace(LONG, functions(REDUCE, PLUS, LENGTH)));
    await editor().press("Control+z");
    assert.equal(await editor().saved("cart.ts", (text) => text !== accepted), CART);
    assert.match(editor().asked().join("\n"), /^Task: Make it shorter$/m);
  });

  it("leaves a file as it was where the writing is cancelled", async () => {
    await refactorFrom("cancel.ts", 3, "Say what it does");
    await proposed.line("// Half of it.").waitFor();
    await proposed.button("Stop Writing").waitFor();
    assert.equal(await proposed.button("Accept All").count(), 0);
    await editor().screenshot("writing");
    await editor().page.locator(".notifications-toasts").getByRole("button", { name: "Cancel" }).click();
    await proposed.closed();
    await editor().until("the file is shown", async () => (await editor().lines()).join("\n") === CANCELLED);
    assert.equal(await dirtyTabs(), 0);
    assert.equal(editor().onDisk("cancel.ts"), CANCELLED);
    await editor().until("nothing is told any more", async () => (await editor().toasts().count()) === 0);
  });

  it("fixes what TypeScript complains about, from the keyboard", async () => {
    await editor().openFile("fix.ts", lineOf(FIX, COUNT) + 1, 9);
    await editor().until("TypeScript complains", async () => (await problems()) === "Errors: 1");
    await editor().press("Control+.");
    await editor().page.locator(".action-widget .monaco-list-row").first().waitFor();
    await editor().screenshot("fixes");
    const focused = editor().page.locator(".action-widget .monaco-list-row.focused");
    await editor().until("the fix is chosen", async () => {
      const isChosen = (await focused.allInnerTexts()).some((text) => text.includes("Fix with Hearth"));
      return isChosen || editor().press("ArrowDown");
    });
    await editor().press("Enter");
    // The engine edits one thing at a time: that it answers also shows that what was cancelled has ended.
    await proposed.complete(1);
    assert.match(
      editor().asked().at(-1) ?? "",
      /^- line 2: Type 'string' is not assignable to type 'number'\. \(ts\)$/m,
    );
    await proposed.accept();
    await editor().until("nothing is wrong any more", async () => (await problems()) === "No Problems");
    assert.equal(await editor().saved("fix.ts", (text) => text !== FIX), FIX.replace(COUNT, COUNTED));
  });
});

/** Runs in the page. */
const HAS_OUTLINE = `
  [...document.querySelectorAll(".view-overlays .cdr")]
    .some((line) => getComputedStyle(line).borderTopStyle === "dashed" && line.getBoundingClientRect().height > 0)`;

describe("a change that is reviewed in the editor", () => {
  const suite = editorForSuite({
    name: "review",
    scripted: true,
    // Where the background of what is new says nothing.
    settings: { "workbench.colorTheme": "Default High Contrast" },
    files: { "half.ts": REVIEWED },
  });

  it("is outlined in high contrast, and accepted above the file, which lies on another machine as far as the window knows", async () => {
    const { current } = suite;
    await current.openFile("half.ts", lineOf(REVIEWED, HALF));
    await current.ready();
    await current.press("Shift+End");
    await current.press("Alt+Backslash");
    await current.answer("What should be done with this code?", "Call it another name");
    const above = new ProposedChange(current);
    await above.button("Discard All").waitFor();
    await current.until("the new line is outlined", () => current.page.evaluate<boolean>(HAS_OUTLINE));
    await current.screenshot("high-contrast");
    await above.button("Accept All").click();
    await above.button("Accept All").waitFor({ state: "detached" });
    assert.equal(await current.saved("half.ts", (text) => text !== REVIEWED), REVIEWED.replace(HALF, RENAMED));
  });
});

/** From 1. */
function lineOf(text: string, part: string): number {
  return text.slice(0, text.indexOf(part)).split("\n").length;
}
