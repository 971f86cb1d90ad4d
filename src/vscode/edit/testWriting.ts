import * as vscode from "vscode";
import { testsPrompt } from "../../core/edit/editPrompt";
import { isTestFile, testFilesFor } from "../../core/edit/testFile";
import type { ReadableFiles } from "../readableFiles";
import { codeOf, type CodeRange, selectedCode, wholeDocument } from "./codeRange";
import { spotOf } from "./editSpot";
import { nameOf, newOriginal, type Original } from "./original";
import type { EditPorts } from "./rewriteCommands";
import { planFor, rewrite } from "./rewriting";

/** Of other tests, to show how they are written here. */
const EXAMPLE_LINES = 30;
const GROWTH = 5;
const ANSWER_TOKENS_MIN = 600;
/** A document that is not longer is tested as a whole. */
const SHORT_LINES = 120;

/** At the end of the file's tests where it has any; else in a new document at the usual place. */
export async function writeTests(ports: EditPorts, argument: unknown): Promise<void> {
  const { access, readable } = ports;
  const spot = await spotOf(argument, readable);
  const model = spot === undefined ? undefined : await access.ready("edit");
  if (spot === undefined || model === undefined) {
    return;
  }
  const { document, range } = spot;
  const isWhole = range.isEmpty && document.lineCount <= SHORT_LINES;
  const code = isWhole ? wholeDocument(document) : await selectedCode(document, range);
  const plan = await planFor(access, model, code, GROWTH);
  if (plan === undefined) {
    return;
  }
  const tests = await testsOf(document, code);
  const { original, lines, path } = tests;
  const example = original.isNew
    ? await exampleFor(original, readable)
    : (await isReadable(original, readable))
      ? { path, text: lines.slice(0, EXAMPLE_LINES).join("\n") }
      : undefined;
  await rewrite(ports, {
    code: tests,
    kind: "tests",
    title: vscode.l10n.t("Tests"),
    doing: vscode.l10n.t("Hearth: writing tests for '{0}'", nameOf(document.uri)),
    messages: testsPrompt(plan.excerpt, { path, ...(example === undefined ? {} : { example }) }, original.isNew),
    maxTokens: Math.min(Math.max(plan.maxTokens, ANSWER_TOKENS_MIN), Math.floor(model.contextTokens / 2)),
    lead: (lines[tests.range.start - 1] ?? "") === "" ? [] : [""],
  });
}

/** Tests that Hearth must not read are added to, and not read. */
async function isReadable({ open }: Original, readable: ReadableFiles): Promise<boolean> {
  return (await readable.ruleOf(await open())) === undefined;
}

/** The place where tests are added. */
async function testsOf(source: vscode.TextDocument, { path, indentation }: CodeRange): Promise<CodeRange> {
  const { uri, languageId } = source;
  const isStored = uri.scheme !== "untitled" && uri.scheme !== "vscode-notebook-cell";
  if (isStored && isTestFile(uri.path)) {
    return endOf(codeOf(source));
  }
  const places = testFilesFor(uri.path, languageId);
  for (const place of isStored ? places : []) {
    const file = uri.with({ path: place });
    if (await exists(file)) {
      return endOf(codeOf(await vscode.workspace.openTextDocument(file)));
    }
  }
  const hasPlace = uri.scheme === "file" || uri.scheme === "vscode-remote";
  const original = newOriginal(places[0] ?? uri.path, languageId, hasPlace);
  const [testPath = path] = testFilesFor(path, languageId);
  return endOf({ original, path: testPath, indentation, lines: [""] });
}

/** Before the empty line that is the end of a document. */
function endOf(code: Omit<CodeRange, "range">): CodeRange {
  const { lines } = code;
  const end = lines.at(-1) === "" ? lines.length - 1 : lines.length;
  return { ...code, range: { start: end, end } };
}

async function exists(uri: vscode.Uri): Promise<boolean> {
  try {
    await vscode.workspace.fs.stat(uri);
    return true;
  } catch {
    return false;
  }
}

/** The beginning of some other test of the workspace. */
async function exampleFor(
  { uri, languageId }: Original,
  readable: ReadableFiles,
): Promise<{ path: string; text: string } | undefined> {
  const name = nameOf(uri);
  const extension = /\.[^.]+$/.exec(name)?.[0];
  if (extension === undefined) {
    return undefined;
  }
  const found = await vscode.workspace.findFiles(`**/*{test,spec,Test,Tests}*${extension}`, "**/node_modules/**", 20);
  const [other] = found.filter(({ path }) => isTestFile(path));
  if (other === undefined) {
    return undefined;
  }
  const document = await vscode.workspace.openTextDocument(other);
  if (document.languageId !== languageId || (await readable.ruleOf(document)) !== undefined) {
    return undefined;
  }
  const { path, lines } = codeOf(document);
  return { path, text: lines.slice(0, EXAMPLE_LINES).join("\n") };
}
