import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as vscode from "vscode";
import { answerFiles, requestOf } from "../golden/answers";
import { type GoldenCase, read } from "../golden/goldenFiles";
import { endScriptedEngine, sayInCompletions, startScriptedEngine } from "./scriptedProcess";
import { accept, closeAll, requestAfter, show, trigger, until } from "./window";

/**
 * Golden answers, accepted in the editor: it draws a suggestion only where what that replaces comes again in it, and what it
 * then inserts is what counts. This file is bundled to dist-test/host/.
 */

const CASES_PER_FILE = 5;
/** `HEARTH_ANSWERS=2/8`: all of them in eight runs, of which this is the second. */
const [part, parts] = (process.env["HEARTH_ANSWERS"] ?? "").split("/").map(Number);
/** For a grammar to be loaded, which is begun when its language is first asked about. */
const GRAMMAR_MS = 1000;
const files = answerFiles(join(__dirname, "..", "..", "test", "golden"));

interface Accepted {
  readonly title: string;
  readonly languageId: string;
  readonly text: string;
  readonly offset: number;
  readonly said: string;
  readonly expected: string;
}

/** One line each, as by hand a line is asked for first; a few of each kind, spread over its file. */
function chosen(cases: readonly GoldenCase[], file: string): Accepted[] {
  const fit = cases.filter(
    ({ header, said, expected }) =>
      header.split(", ").length === 2 && !said.includes("\n") && expected.startsWith("becomes\n"),
  );
  const step = parts ?? Math.max(1, Math.ceil(fit.length / CASES_PER_FILE));
  const first = parts === undefined || part === undefined ? 0 : part % step;
  return fit
    .filter((_, i) => i % step === first)
    .map((each) => {
      const { languageId, text, offset } = requestOf(each);
      const expected = read(each.expected.replace("becomes\n", ""));
      return { title: `${file}: ${each.name}`, languageId, text, offset, said: read(each.said), expected };
    });
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

  const asked = new Set<string>();
  const loadGrammar = async (language: string): Promise<void> => {
    if (!asked.has(language)) {
      asked.add(language);
      await show(await vscode.workspace.openTextDocument({ content: "a ", language }), 2);
      await trigger();
      await sleep(GRAMMAR_MS);
      await closeAll();
    }
  };

  const bytesAfter = async ({ languageId, said }: Accepted, text: string, offset: number): Promise<Buffer> => {
    await loadGrammar(languageId);
    const path = join(folder, `${String(Date.now())}.txt`);
    writeFileSync(path, text);
    sayInCompletions(said);
    const opened = await vscode.workspace.openTextDocument(path);
    const document = await vscode.languages.setTextDocumentLanguage(opened, languageId);
    await show(document, offset);
    const version = document.version;
    await requestAfter(trigger, ({ outcome }) => outcome === "text");
    await until("the suggestion is accepted", async () => {
      await accept();
      await sleep(20);
      return document.version !== version;
    });
    await document.save();
    return readFileSync(path);
  };

  for (const each of files.flatMap(({ name, cases }) => chosen(cases, name))) {
    it(each.title, async function () {
      if (!known.includes(each.languageId)) {
        // Another window may know it; this one has only what VS Code brings.
        this.skip();
      }
      const bytes = await bytesAfter(each, each.text, each.offset);
      assert.equal(bytes.toString("utf8"), each.expected);
    });
  }

  it("keeps line ends and a byte order mark", async () => {
    const before = 'const a = 1;\r\nlog("';
    const text = `${before}");\r\n`;
    const answer = { title: "", languageId: "javascript", text, offset: 0, said: 'a", f(b)', expected: "" };
    const bytes = await bytesAfter(answer, `\uFEFF${text}`, before.length);
    assert.equal(bytes.toString("utf8"), '\uFEFFconst a = 1;\r\nlog("a", f(b));\r\n');
  });
});
