import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as vscode from "vscode";
import { type Indentation, isIndented } from "../../src/core/indentation";
import { answerFiles, requestOf } from "../golden/answers";
import { type GoldenCase, read } from "../golden/goldenFiles";
import { endScriptedEngine, sayInCompletions, startScriptedEngine } from "./scriptedProcess";
import { accept, closeAll, hearth, hide, requestAfter, show, trigger, until } from "./window";

/**
 * Golden answers, accepted in the editor: it draws a suggestion only where what that replaces comes again in it, and what it
 * then inserts is what counts. This file is bundled to dist-test/host/.
 */

/** Of each file, spread over it: answers of one line, and of several. */
const CASES_PER_FILE = { line: 2, lines: 1 };
/** `HEARTH_ANSWERS=2/8`: all of them in eight runs, of which this is the second. */
const [part, parts] = (process.env["HEARTH_ANSWERS"] ?? "").split("/").map(Number);
/** What editors do by themselves behind what was inserted, and Hearth with the first: golden answers are what goes in. */
const DONE_BEHIND = [
  ["editor.autoClosingBrackets", "never"],
  ["html.autoClosingTags", false],
  ["javascript.autoClosingTags", false],
  ["typescript.autoClosingTags", false],
] as const;
/** For an editor to do it. */
const SETTLED_MS = 1500;
/** Read by a grammar of tools/vscode/grammars there, which is not that of the language. */
const OTHER_GRAMMARS = ["zig"];
const files = answerFiles(join(__dirname, "..", "..", "test", "golden"));

interface Answer {
  readonly languageId: string;
  readonly text: string;
  readonly offset: number;
  /** Where the editor cannot find it in the text. */
  readonly indentation?: Indentation;
  readonly said: string;
  /** By hand an answer of several lines is asked for twice where first comes the rest of the line. */
  readonly isAskedTwice?: boolean;
}

interface Accepted extends Answer {
  readonly title: string;
  readonly expected: string;
}

function accepted(each: GoldenCase, file: string): Accepted {
  const { languageId, text, offset, indentation, trigger: asked } = requestOf(each);
  return {
    title: `${file}: ${each.name}`,
    languageId,
    text,
    offset,
    ...(each.header.split(", ").length > 2 || !isIndented(text) ? { indentation } : {}),
    said: read(each.said),
    isAskedTwice: asked === "manual" && /[^\n]\n/.test(each.said),
    expected: read(each.expected.replace("becomes\n", "")),
  };
}

/** All of a run's part; or so many, spread over all. */
function some<T>(all: readonly T[], count: number): readonly T[] {
  const step = parts ?? Math.max(1, Math.ceil(all.length / count));
  const first = parts === undefined || part === undefined ? 0 : part % step;
  return all.filter((_, i) => i % step === first);
}

function chosen(cases: readonly GoldenCase[], file: string): Accepted[] {
  const shown = cases.filter(({ expected }) => expected.startsWith("becomes\n"));
  const hasLines = ({ said }: GoldenCase): boolean => said.includes("\n");
  const oneLine = shown.filter((each) => !hasLines(each));
  return [...some(oneLine, CASES_PER_FILE.line), ...some(shown.filter(hasLines), CASES_PER_FILE.lines)].map((each) =>
    accepted(each, file),
  );
}

async function letNothingBeDoneBehind(isOff: boolean): Promise<void> {
  const configuration = vscode.workspace.getConfiguration();
  for (const [key, off] of DONE_BEHIND) {
    await configuration.update(key, isOff ? off : undefined, vscode.ConfigurationTarget.Global);
  }
}

describe("golden answers in the editor", () => {
  let folder = "";
  let known: readonly string[] = [];

  before(async () => {
    await startScriptedEngine();
    known = await vscode.languages.getLanguages();
    folder = mkdtempSync(join(tmpdir(), "hearth-answers-"));
  });

  after(async () => {
    sayInCompletions(undefined);
    await closeAll();
    rmSync(folder, { recursive: true, force: true });
    await endScriptedEngine();
  });

  afterEach(closeAll);

  const bytesAfter = async (answer: Answer, settledMs = 0): Promise<Buffer> => {
    const { languageId, text, offset, indentation, said, isAskedTwice = false } = answer;
    // Until then an answer may be cut short.
    await (await hearth()).syntax?.load(languageId);
    const path = join(folder, `${String(Date.now())}.txt`);
    writeFileSync(path, text);
    sayInCompletions(said);
    const opened = await vscode.workspace.openTextDocument(path);
    const document = await vscode.languages.setTextDocumentLanguage(opened, languageId);
    const editor = await show(document, offset);
    if (indentation !== undefined) {
      editor.options = { tabSize: indentation.size, insertSpaces: indentation.style === "spaces" };
    }
    const version = document.version;
    if (isAskedTwice) {
      await requestAfter(trigger);
      // What has come could be accepted until the other one comes.
      await hide();
    }
    await requestAfter(trigger, ({ outcome }) => outcome === "text");
    await until("the suggestion is accepted", async () => {
      await accept();
      await sleep(20);
      return document.version !== version;
    });
    await sleep(settledMs);
    await document.save();
    return readFileSync(path);
  };

  describe("go in as they are", () => {
    before(() => letNothingBeDoneBehind(true));
    after(() => letNothingBeDoneBehind(false));

    for (const each of files.flatMap(({ name, cases }) => chosen(cases, name))) {
      it(each.title, async function () {
        if (!known.includes(each.languageId) || OTHER_GRAMMARS.includes(each.languageId)) {
          // Another window may know it; this one has only what VS Code brings.
          this.skip();
        }
        const bytes = await bytesAfter(each);
        assert.equal(bytes.toString("utf8"), each.expected);
      });
    }
  });

  it("leaves the end tag to the editor, which writes it once", async () => {
    const answer = { languageId: "html", text: "<p>\n<\n</p>\n", offset: 5 };
    // It is the editor's extension for HTML that does, once it runs.
    await vscode.extensions.getExtension("vscode.html-language-features")?.activate();
    const opened = await bytesAfter({ ...answer, said: 'div class="a">' }, SETTLED_MS);
    assert.equal(opened.toString("utf8"), '<p>\n<div class="a"></div>\n</p>\n');
    const closed = await bytesAfter({ ...answer, said: "b>c</b>" }, SETTLED_MS);
    assert.equal(closed.toString("utf8"), "<p>\n<b>c</b>\n</p>\n");
  });

  it("keeps line ends and a byte order mark", async () => {
    const before = 'const a = 1;\r\nlog("';
    const answer = { languageId: "javascript", offset: before.length, said: 'a", f(b)' };
    const bytes = await bytesAfter({ ...answer, text: `\uFEFF${before}");\r\n` });
    assert.equal(bytes.toString("utf8"), '\uFEFFconst a = 1;\r\nlog("a", f(b));\r\n');
  });
});
