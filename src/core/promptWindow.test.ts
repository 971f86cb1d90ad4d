import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { commonPrefixLength, flatten, layOutWindow } from "./promptLayout";
import { DEFAULT_BUDGET, PromptWindows } from "./promptWindow";

const TRAITS = { fimLayouts: ["suffix-first"], fileHeader: true } as const;
const SMALL = {
  ...DEFAULT_BUDGET,
  prefix: { ...DEFAULT_BUDGET.prefix, chars: 400 },
  suffix: { ...DEFAULT_BUDGET.suffix, chars: 60 },
};

/** Real text, of a kind that people type. */
const TEXT = readFileSync(join(import.meta.dirname, "..", "..", "bench", "text.txt"), "utf8");

function quantile(values: readonly number[], q: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor(q * (values.length - 1))] ?? 0;
}

const lines = (count: number): string => Array.from({ length: count }, (_, i) => `line ${String(i)} of it\n`).join("");

describe("PromptWindows while somebody types", () => {
  it("keeps all but the last characters of the prompt the same", () => {
    const windows = new PromptWindows();
    const below = "\n\nexport const later = 1;\n".repeat(40);
    const fresh: number[] = [];
    const anchors = new Set<number>();
    let last = "";
    for (let typed = 1; typed <= 12_000; ++typed) {
      const place = { text: TEXT.slice(0, typed) + below, offset: typed };
      const window = windows.windowAt("doc", place);
      const prompt = flatten(layOutWindow("src/a.ts", window, TRAITS));
      fresh.push(prompt.length - commonPrefixLength(last, prompt));
      last = prompt;
      anchors.add(window.anchor);
      assert.ok(window.prefix.length <= DEFAULT_BUDGET.prefix.chars);
      assert.ok(place.text.slice(0, typed).endsWith(window.prefix));
      assert.ok(window.anchor === 0 || place.text[window.anchor - 1] === "\n");
    }
    // One character and the token that ends the prompt.
    const middle = "<|fim_middle|>".length;
    assert.equal(quantile(fresh, 0.5), 1 + middle);
    assert.equal(quantile(fresh, 0.99), 1 + middle);
    assert.ok(anchors.size <= 12, `${String(anchors.size)} anchors`);
    const atBlankLines = [...anchors].filter((anchor) => TEXT.slice(0, anchor).endsWith("\n\n"));
    // Of all lines one in nine follows a blank one; there is not always one to choose.
    assert.ok(atBlankLines.length > anchors.size / 3, `${String(atBlankLines.length)} of ${String(anchors.size)}`);
  });

  it("drops a quarter to a third at once, and keeps at least two thirds", () => {
    const windows = new PromptWindows(SMALL);
    const text = lines(300);
    let last = 0;
    const drops: number[] = [];
    for (let offset = 1; offset <= text.length; ++offset) {
      const { anchor, prefix } = windows.windowAt("doc", { text: text.slice(0, offset), offset });
      if (anchor !== last) {
        drops.push(anchor - last);
        assert.ok(prefix.length >= 0.6 * SMALL.prefix.chars, String(prefix.length));
      }
      last = anchor;
    }
    assert.ok(drops.length > 5);
    assert.ok(drops.every((drop) => drop >= 0.25 * SMALL.prefix.chars && drop <= 0.36 * SMALL.prefix.chars));
  });

  it("finds the anchor again after edits above it", () => {
    const windows = new PromptWindows(SMALL);
    const text = lines(100);
    const before = windows.windowAt("doc", { text, offset: text.length });
    const edited = `import a from "a";\n${text}`;
    const after = windows.windowAt("doc", { text: edited, offset: edited.length });
    assert.equal(after.prefix, before.prefix);
    assert.equal(after.anchor, before.anchor + 19);
    const shorter = text.slice(text.indexOf("line 3 "));
    assert.equal(windows.windowAt("doc", { text: shorter, offset: shorter.length }).prefix, before.prefix);
    const typed = `${shorter}more`;
    assert.equal(windows.windowAt("doc", { text: typed, offset: typed.length }).prefix, `${before.prefix}more`);
  });

  it("stays where it is when its own first lines are edited", () => {
    const windows = new PromptWindows(SMALL);
    const text = lines(100);
    const { anchor } = windows.windowAt("doc", { text, offset: text.length });
    const edited = `${text.slice(0, anchor + 6)}XX${text.slice(anchor + 6)}`;
    assert.equal(windows.windowAt("doc", { text: edited, offset: anchor + 200 }).anchor, anchor);
  });

  it("begins anew where the cursor goes up or far down", () => {
    const windows = new PromptWindows(SMALL);
    const text = lines(200);
    windows.windowAt("doc", { text, offset: 2000 });
    assert.equal(windows.windowAt("doc", { text, offset: 300 }).anchor, 0);
    const far = windows.windowAt("doc", { text, offset: 2500 });
    assert.ok(far.prefix.length > 200 && far.prefix.length <= SMALL.prefix.chars);
  });

  it("shows more of what is above where the cursor has come up close to its beginning", () => {
    const windows = new PromptWindows(SMALL);
    const text = lines(200);
    const { anchor } = windows.windowAt("doc", { text, offset: 2000 });
    const up = windows.windowAt("doc", { text, offset: anchor + 40 });
    assert.ok(up.prefix.length > 200, String(up.prefix.length));
    // And keeps that while the user types there.
    const typed = `${text.slice(0, anchor + 40)}x${text.slice(anchor + 40)}`;
    assert.equal(windows.windowAt("doc", { text: typed, offset: anchor + 41 }).anchor, up.anchor);
    assert.equal(windows.windowAt("top", { text, offset: 40 }).anchor, 0);
  });

  it("shows the same again where the cursor jumps back to one of the last four places", () => {
    const windows = new PromptWindows(SMALL);
    const text = lines(400);
    const shownAt = (offset: number, of = text): string =>
      flatten(layOutWindow("src/a.ts", windows.windowAt("doc", { text: of, offset }), TRAITS));
    // Each a line end; where the window begins depends on where the cursor came from.
    const places = [5000, 900, 3100, 1900].map((near) => text.indexOf("\n", near));
    let typed = text;
    for (let key = 0; key < 150; ++key) {
      typed = `${text.slice(0, 5000)}${"some words of it\n".repeat(12).slice(0, key)}${text.slice(5000)}`;
      shownAt(5000 + key, typed);
    }
    const first = places.map((offset) => shownAt(offset));
    for (const i of [0, 3, 1, 2, 2, 0, 3]) {
      assert.equal(shownAt(places[i]!), first[i], `place ${String(i)}`);
      // A key at the place changes the end alone.
      const offset = places[i]!;
      const next = shownAt(offset + 1, `${text.slice(0, offset)}x${text.slice(offset)}`);
      assert.ok(next.startsWith(first[i]!.slice(0, -"<|fim_middle|>".length)), `place ${String(i)}`);
    }
  });

  it("survives random edits anywhere", () => {
    const windows = new PromptWindows(SMALL);
    let text = lines(60);
    let state = 7;
    const random = (below: number): number => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return (state >>> 8) % below;
    };
    for (let i = 0; i < 3000; ++i) {
      const at = random(text.length + 1);
      text =
        random(2) === 0 ? text.slice(0, at) + text.slice(at + random(40)) : `${text.slice(0, at)}x\n${text.slice(at)}`;
      text = text.length < 200 ? lines(60) : text;
      const offset = random(text.length + 1);
      const { prefix, anchor } = windows.windowAt("doc", { text, offset });
      assert.equal(text.slice(anchor, offset), prefix);
      assert.ok(prefix.length <= SMALL.prefix.chars);
    }
  });
});

describe("PromptWindows below the cursor", () => {
  const suffixAfter = (first: string, second: string): string => {
    const windows = new PromptWindows();
    windows.windowAt("doc", { text: `a\n${first}`, offset: 1 });
    return windows.windowAt("doc", { text: `a\n${second}`, offset: 1 }).suffix;
  };
  const text = lines(10);

  it("keeps its snapshot through small changes", () => {
    const changed = text.replace("line 4", "LINE 4");
    assert.equal(suffixAfter(text, changed), text);
  });

  it("takes it again when much or the first line has changed", () => {
    const first = text.replace("line 0", "line X");
    assert.equal(suffixAfter(text, first), first);
    const much = text.replace("line 4 of it", "something that is quite different");
    assert.equal(suffixAfter(text, much), much);
    assert.equal(suffixAfter(text, ""), "");
  });

  it("keeps it when an editor closes the block that was opened above it, and when the block is left", () => {
    const windows = new PromptWindows();
    const next = "\nfunction next() {\n}\n";
    const at = (marked: string): string => {
      const offset = marked.indexOf("|");
      const place = { text: marked.replace("|", ""), offset };
      windows.refresh("doc", place);
      return windows.windowAt("doc", place).suffix;
    };
    assert.equal(at(`function f() {|\n${next}`), next);
    assert.equal(at(`function f() {\n  |\n}\n${next}`), next);
    assert.equal(at(`function f() {\n  if (a) {\n    |\n  }\n}\n${next}`), next);
    assert.equal(at(`function f() {\n  if (a) {\n  }\n}|\n${next}`), next);
    assert.equal(at("function f() {|"), "");
    assert.equal(at("function f() {\n  |\n}"), "");
    // A line of code in front is another thing.
    const changed = `  b();\n}\n${next}`;
    assert.equal(at(`function f() {\n  |\n${changed}`), changed);
    assert.equal(at(`function f() {\n  b();|\n}\n${next}`), `}\n${next}`);
  });

  it("takes it again when nobody types", () => {
    const windows = new PromptWindows();
    windows.windowAt("doc", { text: `a\n${text}`, offset: 1 });
    const changed = { text: `a\n${text.replace("line 4", "LINE 4")}`, offset: 1 };
    windows.refresh("doc", changed);
    assert.ok(windows.windowAt("doc", changed).suffix.includes("LINE 4"));
  });
});

describe("PromptWindows and tokens", () => {
  it("shrinks its budget where the text has more tokens than usual", () => {
    let counts = 0;
    const counter = {
      count: (text: string) => {
        counts += 1;
        return text.length;
      },
    };
    const windows = new PromptWindows(
      { ...DEFAULT_BUDGET, prefix: { chars: 4096, tokens: 500 }, suffix: { chars: 450, tokens: 50 } },
      counter,
    );
    const text = lines(400);
    const { prefix, suffix } = windows.windowAt("doc", { text, offset: 3050 });
    assert.ok(prefix.length <= 500 && suffix.length <= 50 && prefix.length > 300);
    const before = counts;
    windows.windowAt("doc", { text, offset: 3051 });
    assert.ok(counts - before <= 1, "a keystroke must not count the prefix");
  });

  it("forgets documents that have not been used for long", () => {
    const windows = new PromptWindows(SMALL);
    const text = lines(100);
    const { anchor } = windows.windowAt("first", { text, offset: 1500 });
    for (let i = 0; i < 40; ++i) {
      windows.windowAt(`doc ${String(i)}`, { text, offset: 1500 });
    }
    const again = windows.windowAt("first", { text, offset: anchor + SMALL.prefix.chars - 5 });
    assert.notEqual(again.anchor, anchor);
    windows.forget("first");
  });
});
