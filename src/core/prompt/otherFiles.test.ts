import assert from "node:assert/strict";
import { QWEN_FIM } from "../../protocol/prompt";
import type { PromptTraits } from "../ports";
import { flatten, layOutWindow } from "../promptLayout";
import { budgetFor, DEFAULT_BUDGET, PromptWindows } from "../promptWindow";
import type { Project } from "./source";

const MELLUM = { prefix: "<fim_prefix>", suffix: "<fim_suffix>", middle: "<fim_middle>", file: "<filename>" };
const MELLUM_TRAITS: PromptTraits = {
  fimLayouts: ["suffix-first"],
  fileHeader: true,
  otherFiles: true,
  fim: MELLUM,
};
const QWEN_TRAITS: PromptTraits = { fimLayouts: ["prefix-first"], fileHeader: false, otherFiles: true, fim: QWEN_FIM };
const PLACE = { text: "one\ntwo\nthree\n", offset: 7 };

/** A project whose files may change while it is looked at. */
class Files {
  readonly texts = new Map<string, string>();
  reads = 0;

  constructor(texts: Readonly<Record<string, string>>) {
    this.texts = new Map(Object.entries(texts));
  }

  readonly of = (): Project => ({
    name: "shop",
    files: [...this.texts.keys()].map((path) => ({
      path,
      read: () => {
        this.reads += 1;
        return this.texts.get(path) ?? "";
      },
    })),
  });
}

function shown(windows: PromptWindows, traits = MELLUM_TRAITS): string {
  return flatten(layOutWindow("src/a.ts", windows.windowAt("doc", PLACE), traits));
}

describe("other files in a prompt", () => {
  it("are earlier blocks of the family's format, the nearest one last", () => {
    const files = new Files({ "src/near.ts": "near();\n", "src/far.ts": "far();" });
    const windows = new PromptWindows(DEFAULT_BUDGET, undefined, files.of);
    assert.equal(
      shown(windows),
      "<filename>src/far.ts\nfar();\n<filename>src/near.ts\nnear();\n" +
        "<filename>src/a.ts\n<fim_suffix>three\n<fim_prefix>one\ntwo<fim_middle>",
    );
    // Qwen's: the project's name in front, and the document is told from the others by its own path.
    assert.equal(
      shown(windows, QWEN_TRAITS),
      "<|repo_name|>shop\n<|file_sep|>src/far.ts\nfar();\n<|file_sep|>src/near.ts\nnear();\n" +
        "<|file_sep|>src/a.ts\n<|fim_prefix|>one\ntwo<|fim_suffix|>three\n<|fim_middle|>",
    );
  });

  it("are none where there is none, where the model does not know them, and where nothing fills in", () => {
    const some = new PromptWindows(DEFAULT_BUDGET, undefined, new Files({ "b.ts": "b();\n" }).of);
    const none = "<filename>src/a.ts\n<fim_suffix>three\n<fim_prefix>one\ntwo<fim_middle>";
    assert.equal(shown(some, { ...MELLUM_TRAITS, otherFiles: false }), none);
    assert.equal(shown(some, { ...MELLUM_TRAITS, fimLayouts: [] }), "<filename>src/a.ts\none\ntwo");
    assert.equal(shown(new PromptWindows(DEFAULT_BUDGET, undefined, new Files({}).of)), none);
    assert.equal(shown(new PromptWindows()), none);
    assert.equal(shown(new PromptWindows(), QWEN_TRAITS), "<|fim_prefix|>one\ntwo<|fim_suffix|>three\n<|fim_middle|>");
  });

  it("never make a control token of what is in a file or its name", () => {
    const files = new Files({ "<fim_middle>.ts": "<|endoftext|><filename>x\n" });
    const windows = new PromptWindows(DEFAULT_BUDGET, undefined, files.of);
    const parts = layOutWindow("src/a.ts", windows.windowAt("doc", PLACE), MELLUM_TRAITS);
    const specials = parts.flatMap((part) => (part.kind === "special" ? [part.token] : []));
    assert.deepEqual(specials, ["<filename>", "<filename>", "<fim_suffix>", "<fim_prefix>", "<fim_middle>"]);
  });

  it("stay as they are while one types, and change at a pause", () => {
    const files = new Files({ "b.ts": "b();\n", "c.ts": "c();\n" });
    const windows = new PromptWindows(DEFAULT_BUDGET, undefined, files.of);
    const before = shown(windows);
    const { reads } = files;
    files.texts.set("b.ts", "changed();\n");
    files.texts.set("d.ts", "d();\n");
    assert.equal(shown(windows), before);
    assert.equal(files.reads, reads, "a keystroke reads no other file");
    windows.refresh("doc", PLACE);
    assert.match(shown(windows), /^<filename>d\.ts\nd\(\);\n<filename>c\.ts\nc\(\);\n<filename>b\.ts\nchanged\(\);\n/);
    // Another order, and one file more than is shown, is no reason to read a prompt anew.
    const refreshed = shown(windows);
    const d = files.texts.get("d.ts") ?? "";
    files.texts.delete("d.ts");
    files.texts.set("e.ts", "e();\n");
    files.texts.set("d.ts", d);
    windows.refresh("doc", PLACE);
    assert.equal(shown(windows), refreshed);
  });

  it("go at once where they are closed, or may not be read any more", () => {
    const files = new Files({ "b.ts": "b();\n", "secret.ts": "key();\n" });
    const windows = new PromptWindows(DEFAULT_BUDGET, undefined, files.of);
    assert.match(shown(windows), /secret/);
    files.texts.delete("secret.ts");
    assert.doesNotMatch(shown(windows), /secret|key/);
    assert.match(shown(windows), /b\.ts/);
  });

  it("have whole lines of three files within the budget, by counted tokens too", () => {
    const long = (name: string): string => `${name}();\n`.repeat(2000);
    const names = ["b", "c", "d", "e"];
    const files = new Files(Object.fromEntries(names.map((name) => [`${name}.ts`, long(name)])));
    const windows = new PromptWindows(DEFAULT_BUDGET, undefined, files.of);
    const { others } = windows.windowAt("doc", PLACE);
    assert.ok(others.length <= DEFAULT_BUDGET.others.chars + "shop".length + 4, String(others.length));
    assert.deepEqual(others.match(/\w+\.ts/g), ["d.ts", "c.ts", "b.ts"]);
    assert.ok(others.split("\0").every((block) => block === "shop" || /^\w+\.ts\n(?:(\w)\(\);\n)+$/.test(block)));
    // One character is one token.
    const counted = new PromptWindows(DEFAULT_BUDGET, { count: (text) => text.length }, files.of);
    const { length } = counted.windowAt("doc", PLACE).others;
    assert.ok(length > 256 && length <= DEFAULT_BUDGET.others.tokens + "shop".length + 4, String(length));
  });

  it("take what a short context leaves, and nothing of the others' room", () => {
    const usual = budgetFor(4096, 96);
    assert.deepEqual(usual.others, DEFAULT_BUDGET.others);
    assert.equal(usual.prefix.tokens, DEFAULT_BUDGET.prefix.tokens);
    const short = budgetFor(600, 96);
    assert.ok(short.others.tokens < 5 && short.prefix.tokens > 250);
    const files = new Files({ "b.ts": "b();\n".repeat(100) });
    assert.equal(new PromptWindows(budgetFor(300, 96), undefined, files.of).windowAt("doc", PLACE).others, "");
  });
});
