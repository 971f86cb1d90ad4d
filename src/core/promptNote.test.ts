import assert from "node:assert/strict";
import { Completer } from "./completion";
import type { TextEngine } from "./ports";
import type { OtherFile, Project } from "./prompt/source";
import { commonPrefixLength, flatten, layOutWindow } from "./promptLayout";
import { DEFAULT_BUDGET, PromptWindows } from "./promptWindow";
import { emptyReport, type GeneratedPiece, type GenerateReport, type GenerateRequest } from "../protocol/generation";

const TRAITS = { fimLayouts: ["suffix-first"], fileHeader: true, otherFiles: true } as const;
const lines = (count: number, what: string): string =>
  Array.from({ length: count }, (_, i) => `${what} ${String(i)}\n`).join("");

class Files {
  readonly texts = new Map([
    ["src/b.ts", lines(20, "const b")],
    ["src/c.ts", lines(20, "const c")],
  ]);

  readonly project = (): Project => ({
    name: "p",
    files: [...this.texts].map(([path, text]): OtherFile => ({ path, read: () => text })),
  });
}

describe("a window that goes on as an earlier one", () => {
  const text = lines(900, "statement();");
  const place = { text, offset: text.indexOf("\n", 9000) };

  /** Somebody has typed for a while: anchor, suffix and other files stand where they were when that began. */
  function typedIn(files: Files): { prompt: string; note: string; now: typeof place } {
    const windows = new PromptWindows(DEFAULT_BUDGET, undefined, files.project);
    let now = place;
    let prompt = "";
    for (let i = 0; i < 90; ++i) {
      const more = `\nmore ${String(i)}`;
      now = {
        text: now.text.slice(0, now.offset) + more + now.text.slice(now.offset),
        offset: now.offset + more.length,
      };
      prompt = flatten(layOutWindow("src/a.ts", windows.windowAt("doc", now), TRAITS));
    }
    return { prompt, note: windows.noteOf("doc") ?? "", now };
  }

  const promptAt = (windows: PromptWindows, at: typeof place): string =>
    flatten(layOutWindow("src/a.ts", windows.windowAt("doc", at), TRAITS));

  it("shows what that one showed; without the note it would not", () => {
    const files = new Files();
    const { prompt, note, now } = typedIn(files);
    files.texts.set("src/new.ts", lines(20, "nearer"));
    // The nearest first, as a window offers them that is opened with another tab in front.
    const reversed = (): Project => ({ name: "p", files: [...files.project().files].reverse() });
    const cold = new PromptWindows(DEFAULT_BUDGET, undefined, reversed);
    assert.ok(commonPrefixLength(promptAt(cold, now), prompt) < 200);
    const warm = new PromptWindows(DEFAULT_BUDGET, undefined, reversed);
    assert.equal(warm.noteOf("doc"), undefined);
    warm.adopt("doc", note);
    assert.equal(promptAt(warm, now), prompt);
    // And goes on like that.
    const typed = { text: now.text.slice(0, now.offset) + "x" + now.text.slice(now.offset), offset: now.offset + 1 };
    assert.equal(promptAt(warm, typed), prompt.replace(/<\|fim_middle\|>$/, "x<|fim_middle|>"));
    assert.equal(warm.noteOf("other"), undefined);
  });

  it("shows nothing that is not there any more, or may not be read", () => {
    const { note, now } = typedIn(new Files());
    const changes: readonly ((files: Files) => void)[] = [
      (files) => files.texts.delete("src/b.ts"),
      (files) => files.texts.set("src/b.ts", lines(20, "changed")),
      (files) => {
        files.texts.clear();
      },
    ];
    for (const change of changes) {
      const files = new Files();
      change(files);
      const warm = new PromptWindows(DEFAULT_BUDGET, undefined, files.project);
      warm.adopt("doc", note);
      assert.ok(!promptAt(warm, now).includes("const b"));
    }
    // The document itself is another one.
    const other = { text: lines(900, "other();"), offset: 5000 };
    const warm = new PromptWindows(DEFAULT_BUDGET, undefined, new Files().project);
    warm.adopt("doc", note);
    const prompt = promptAt(warm, other);
    assert.ok(!prompt.includes("statement") && !prompt.includes("more "));
    assert.ok(prompt.includes("other();"));
  });

  it("ignores what is no note, and what comes too late", () => {
    const { note, now } = typedIn(new Files());
    const cold = promptAt(new PromptWindows(), now);
    const odd = [
      "",
      "null",
      "[]",
      "7",
      '{"prefix":{"anchor":-1}}',
      '{"prefix":{"anchor":1e9,"above":"","head":"","documentLength":1,"prefixChars":99999999}}',
      '{"suffix":{"a":1},"others":[{"path":1}],"prefix":"x","__proto__":{}}',
    ];
    for (const each of odd) {
      const windows = new PromptWindows();
      windows.adopt("doc", each);
      assert.equal(promptAt(windows, now), cold, each);
    }
    const late = new PromptWindows();
    promptAt(late, now);
    late.adopt("doc", note);
    assert.equal(promptAt(late, now), cold);
    const closed = new PromptWindows();
    closed.adopt("doc", note);
    closed.forget("doc");
    assert.equal(promptAt(closed, now), cold);
  });
});

describe("a completer", () => {
  it("lets the engine keep prompts where the user has asked for that, and nowhere else", async () => {
    for (const workspace of ["file:///w", undefined]) {
      const requests: GenerateRequest[] = [];
      const engine: TextEngine = {
        // eslint-disable-next-line @typescript-eslint/require-await -- An engine's answers come asynchronously.
        async *generate(_document, _prompt, request): AsyncGenerator<GeneratedPiece, GenerateReport, undefined> {
          requests.push(request);
          yield { text: "x;\n" };
          return emptyReport("end");
        },
      };
      const clock = { nowMs: () => performance.now(), after: () => () => undefined };
      const completer = new Completer({ engine, clock }, TRAITS, { keepFor: () => workspace, jointMin: () => 0 });
      const request = { documentId: "doc", path: "a.ts", languageId: "typescript", indentation: { unit: "  " } };
      const text = `let y = 1;\n`.repeat(60);
      const asked = { ...request, text: `${text}let z = `, offset: text.length + 8, trigger: "manual" } as never;
      await completer.warm(asked);
      await completer.complete(asked);
      assert.ok(requests.length >= 2);
      for (const { keep } of requests) {
        assert.equal(keep?.workspace, workspace);
        assert.equal(keep === undefined, workspace === undefined);
        assert.ok(keep === undefined || (JSON.parse(keep.note) as { prefix?: unknown }).prefix !== undefined);
      }
    }
  });
});
