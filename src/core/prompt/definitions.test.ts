import assert from "node:assert/strict";
import type { PromptTraits } from "../ports";
import { flatten, layOutWindow } from "../promptLayout";
import { budgetFor, DEFAULT_BUDGET, PromptWindows } from "../promptWindow";
import { IDENTIFIERS_MAX, nearIdentifiers } from "./nearIdentifiers";
import type { Definition, Project } from "./source";

const TRAITS: PromptTraits = {
  fimLayouts: ["suffix-first"],
  fileHeader: true,
  otherFiles: true,
  fim: { prefix: "<P>", suffix: "<S>", middle: "<M>", file: "<F>" },
};
const PLACE = { path: "a.ts", text: "let lamp = new Lamp(\n", offset: 20 };

class Found {
  found: Definition[] = [];
  readonly excluded = new Set<string>();

  readonly of = (): Project => ({
    name: "shop",
    files: [],
    definitions: { found: this.found, readable: (path) => !this.excluded.has(path) },
  });
}

const of = (name: string, text = `${name}();\n`): Definition => ({ name, path: `${name}.ts`, text });

describe("definitions in a prompt", () => {
  let found: Found;
  let windows: PromptWindows;
  beforeEach(() => {
    found = new Found();
    windows = new PromptWindows(DEFAULT_BUDGET, undefined, found.of);
  });
  const shown = (traits = TRAITS): string => flatten(layOutWindow(PLACE.path, windows.windowAt("doc", PLACE), traits));
  const pause = (): void => {
    windows.refresh("doc", PLACE);
  };
  const DOCUMENT = "<F>a.ts\n<S><P>let lamp = new Lamp(<M>";

  it("are earlier blocks, the nearest to the cursor last, for models that know other files", () => {
    shown();
    found.found = [of("Lamp"), of("Oil", "oil();")];
    pause();
    assert.equal(shown(), `<F>Oil.ts\noil();\n<F>Lamp.ts\nLamp();\n${DOCUMENT}`);
    assert.equal(shown({ ...TRAITS, otherFiles: false }), DOCUMENT);
    assert.equal(shown({ ...TRAITS, fimLayouts: [] }), "<F>a.ts\nlet lamp = new Lamp(");
  });

  it("come only while nobody types, and stay while half of what is wanted is there", () => {
    shown();
    found.found = [of("Lamp"), of("Oil")];
    assert.equal(shown(), DOCUMENT);
    pause();
    const first = shown();
    found.found = [of("Oil"), of("Wick")];
    pause();
    assert.equal(shown(), first);
    found.found = [];
    pause();
    assert.equal(shown(), first);
    found.found = [of("Wick"), of("Glass"), of("Oil")];
    pause();
    assert.equal(shown(), `<F>Oil.ts\nOil();\n<F>Glass.ts\nGlass();\n<F>Wick.ts\nWick();\n${DOCUMENT}`);
    // Of the same name and file, but another text.
    found.found = [of("Wick", "Wick(1);\n"), of("Glass", "Glass(1);\n"), of("Oil", "Oil(1);\n")];
    pause();
    assert.match(shown(), /Wick\(1\)/);
  });

  it("go at once where a file may not be read any more, and come back only at a pause", () => {
    shown();
    found.found = [of("Lamp"), of("Oil")];
    pause();
    found.excluded.add("Lamp.ts");
    assert.equal(shown(), `<F>Oil.ts\nOil();\n${DOCUMENT}`);
    found.excluded.clear();
    assert.equal(shown(), `<F>Oil.ts\nOil();\n${DOCUMENT}`);
  });

  it("are whole, as many as the budget has room for, by counted tokens too", () => {
    const long = of("Long", "x".repeat(2000) + "\n");
    shown();
    found.found = [long, of("Lamp")];
    pause();
    assert.equal(shown(), `<F>Lamp.ts\nLamp();\n${DOCUMENT}`);
    // One character is one token.
    windows = new PromptWindows(DEFAULT_BUDGET, { count: (text) => text.length }, found.of);
    shown();
    found.found = [of("A", `${"a".repeat(200)}\n`), of("B", `${"b".repeat(200)}\n`)];
    pause();
    assert.match(shown(), /^<F>A\.ts\na{200}\n<F>a\.ts/);
  });

  it("leave other sources their room in a short context", () => {
    for (const tokens of [200, 600, 1500, 4096]) {
      const budget = budgetFor(tokens, 96);
      const all = Object.values(budget).reduce((sum, each) => sum + each.tokens, 0);
      assert.ok(all <= tokens - 96 / 2, `${tokens}: ${all}`);
    }
    assert.deepEqual(budgetFor(4096, 96), DEFAULT_BUDGET);
  });

  it("never make a control token of what a file or its name says", () => {
    shown();
    found.found = [
      { name: "x", path: "<M>.ts", text: "<P><S>\0\n" },
      { name: "y", path: "<M>.ts", text: "<P><S>\n" },
    ];
    pause();
    const parts = layOutWindow(PLACE.path, windows.windowAt("doc", PLACE), TRAITS);
    const specials = parts.flatMap((part) => (part.kind === "special" ? [part.token] : []));
    assert.deepEqual(specials, ["<F>", "<F>", "<S>", "<P>", "<M>"]);
    assert.ok(!flatten(parts).includes("\0"));
  });
});

describe("nearIdentifiers", () => {
  const namesAt = (marked: string): string[] =>
    nearIdentifiers(marked.replace("|", ""), marked.indexOf("|")).map(({ name }) => name);

  it("are the nearest names before the cursor, each once, where they stand", () => {
    assert.deepEqual(namesAt("open(door);\nconst lamp = light(door, |"), ["door", "light", "lamp", "open"]);
    const text = "aaa bbb aaa ";
    assert.deepEqual(nearIdentifiers(text, text.length), [
      { name: "aaa", offset: 8 },
      { name: "bbb", offset: 4 },
    ]);
    assert.equal(nearIdentifiers("one1 two2 three3 four4 five5 six6 ", 34).length, IDENTIFIERS_MAX);
  });

  it("are whole, longer than two letters, and no words of the language", () => {
    assert.deepEqual(namesAt("if (x) return readLine(ab, Straße, hal|"), ["Straße", "readLine"]);
  });

  it("are of a few lines", () => {
    assert.deepEqual(namesAt(`faraway();\n${"\n".repeat(20)}nearby(|`), ["nearby"]);
    assert.deepEqual(namesAt("|after"), []);
  });
});
