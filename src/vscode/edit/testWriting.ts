import * as vscode from "vscode";
import { testsPrompt } from "../../core/edit/editPrompt";
import { linesOf } from "../../core/edit/lineDiff";
import { isTestFile, testFilesFor } from "../../core/edit/testFile";
import { requestAt } from "../documents";
import type { Settings } from "../settings";
import { type CodeRange, selectedCode, wholeDocument } from "./codeRange";
import { isExcluded, spotOf } from "./editSpot";
import { nameOf } from "./proposals";
import type { EditPorts } from "./rewriteCommands";
import { planFor, rewrite } from "./rewriting";

/** Of other tests, to show how they are written here. */
const EXAMPLE_LINES = 30;
const GROWTH = 5;
const ANSWER_TOKENS_MIN = 600;

/** At the end of the file's tests where it has any; else in a new document at the usual place. */
export async function writeTests({ access, proposals, settings }: EditPorts, argument: unknown): Promise<void> {
  const spot = await spotOf(argument, settings);
  const model = spot === undefined ? undefined : await access.ready("edit");
  if (spot === undefined || model === undefined) {
    return;
  }
  const { document } = spot;
  const code =
    spot.range.isEmpty && isShort(document) ? wholeDocument(document) : await selectedCode(document, spot.range);
  const plan = await planFor(access, model, code, GROWTH);
  if (plan === undefined) {
    return;
  }
  const tests = await testDocumentOf(document);
  const { path, indentation, text } = requestAt(tests.document, new vscode.Position(0, 0), "manual");
  const lines = linesOf(text);
  const example = tests.isNew
    ? await exampleFor(tests.document, settings)
    : { path, text: lines.slice(0, EXAMPLE_LINES).join("\n") };
  // Before the empty line that is the end of a document.
  const end = lines.at(-1) === "" ? lines.length - 1 : lines.length;
  const place: CodeRange = { document: tests.document, path, indentation, lines, range: { start: end, end } };
  await rewrite(access, proposals, {
    code: place,
    title: "Tests",
    doing: `writing tests for '${nameOf(document.uri)}'`,
    messages: testsPrompt(plan.excerpt, { path, ...(example === undefined ? {} : { example }) }, tests.isNew),
    maxTokens: Math.min(Math.max(plan.maxTokens, ANSWER_TOKENS_MIN), model.contextTokens / 2),
    lead: end > 0 && lines[end - 1] !== "" ? [""] : [],
  });
}

const SHORT_LINES = 120;

function isShort({ lineCount }: vscode.TextDocument): boolean {
  return lineCount <= SHORT_LINES;
}

async function testDocumentOf(source: vscode.TextDocument): Promise<{ document: vscode.TextDocument; isNew: boolean }> {
  const { uri, languageId } = source;
  const isStored = uri.scheme !== "untitled" && uri.scheme !== "vscode-notebook-cell";
  if (isStored && isTestFile(uri.path)) {
    return { document: source, isNew: false };
  }
  const places = isStored ? testFilesFor(uri.path, languageId).map((path) => uri.with({ path })) : [];
  for (const place of places) {
    if (await exists(place)) {
      return { document: await vscode.workspace.openTextDocument(place), isNew: false };
    }
  }
  const [usual] = places;
  const isOfMachine = uri.scheme === "file" || uri.scheme === "vscode-remote";
  const document =
    usual === undefined || !isOfMachine
      ? await vscode.workspace.openTextDocument({ language: languageId })
      : await vscode.workspace.openTextDocument(vscode.Uri.from({ scheme: "untitled", path: usual.path }));
  return { document, isNew: true };
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
  { uri, languageId }: vscode.TextDocument,
  settings: Settings,
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
  if (document.languageId !== languageId || isExcluded(document, settings)) {
    return undefined;
  }
  const { path, text } = requestAt(document, new vscode.Position(0, 0), "manual");
  return { path, text: linesOf(text).slice(0, EXAMPLE_LINES).join("\n") };
}
