import * as vscode from "vscode";
import { type Problem, rewritePrompt, type RewriteTask } from "../../core/edit/editPrompt";
import type { AnyModel } from "../../protocol/engine";
import type { EditorConfigs } from "../editorConfigs";
import type { ReadableFiles } from "../readableFiles";
import type { Settings } from "../settings";
import { boxFirst } from "./boxFirst";
import { type CodeRange, codeToFix, selectedCode } from "./codeRange";
import { type EditSpot, spotOf } from "./editSpot";
import type { InlineReview } from "./inlineReview";
import type { Instructions } from "./instructions";
import type { ModelAccess } from "./modelAccess";
import { nameOf } from "./original";
import type { Proposals } from "./proposals";
import { planFor, type Rewrite, rewrite } from "./rewriting";

export interface EditPorts {
  readonly access: ModelAccess;
  readonly proposals: Proposals;
  readonly readable: ReadableFiles;
  readonly review: InlineReview;
  readonly settings: Settings;
  readonly configs: EditorConfigs;
  readonly instructions: Instructions;
}

/** `given`: the instruction, for a keybinding with arguments. */
export async function refactor(ports: EditPorts, argument: unknown, given?: unknown): Promise<void> {
  const { access, instructions, readable } = ports;
  const spotted = spotOf(argument, readable);
  if (typeof given !== "string" && access.refuses("edit") && (await access.ready("edit")) === undefined) {
    return;
  }
  // A model that is not loaded is, while the user writes.
  const asked = await boxFirst<[EditSpot, AnyModel]>(
    (closing) => (typeof given === "string" ? Promise.resolve(given) : instructions.pick(closing)),
    spotted,
    spotted.then((spot) => (spot === undefined ? undefined : access.ready("edit"))),
  );
  const instruction = asked?.answer.trim() ?? "";
  if (asked === undefined || instruction === "") {
    return;
  }
  const [spot] = asked.needed;
  await instructions.remember(instruction);
  const code = await selectedCode(spot.document, spot.range);
  await propose(ports, code, { kind: "refactor", instruction });
}

export async function addDocumentation(ports: EditPorts, argument: unknown): Promise<void> {
  const spot = await spotOf(argument, ports.readable);
  if (spot !== undefined) {
    const code = await selectedCode(spot.document, spot.range);
    await propose(ports, code, { kind: "document" });
  }
}

export async function fix(ports: EditPorts, argument: unknown): Promise<void> {
  const spot = await spotOf(argument, ports.readable);
  if (spot === undefined) {
    return;
  }
  const near = spot.diagnostics ?? problemsAt(spot.document, spot.range);
  const diagnostics = near.length > 0 ? near : await pickProblem(spot.document);
  const [first, ...others] = diagnostics;
  if (first === undefined) {
    return;
  }
  const problems = others.reduce((all, { range }) => all.union(range), first.range);
  const code = await codeToFix(spot.document, spot.range.isEmpty ? problems : problems.union(spot.range));
  await propose(ports, code, { kind: "fix", problems: diagnostics.map(problemOf) });
}

export function problemOf({ range, message, source }: vscode.Diagnostic): Problem {
  return { line: range.start.line, message, ...(source === undefined ? {} : { source }) };
}

async function propose(ports: EditPorts, code: CodeRange, task: RewriteTask): Promise<void> {
  const { access } = ports;
  const model = await access.ready("edit");
  const plan = model === undefined ? undefined : await planFor(access, model, code, GROWTH[task.kind]);
  if (plan !== undefined) {
    const messages = rewritePrompt(plan.excerpt, task, code.range.start);
    const words = wordsOf(task.kind, nameOf(code.original.uri));
    await rewrite(ports, { code, kind: task.kind, ...words, messages, maxTokens: plan.maxTokens });
  }
}

function wordsOf(kind: RewriteTask["kind"], name: string): Pick<Rewrite, "title" | "doing"> {
  switch (kind) {
    case "refactor":
      return { title: vscode.l10n.t("Refactor"), doing: vscode.l10n.t("Hearth: refactoring '{0}'", name) };
    case "document":
      return { title: vscode.l10n.t("Documentation"), doing: vscode.l10n.t("Hearth: documenting '{0}'", name) };
    case "fix":
      return { title: vscode.l10n.t("Fix"), doing: vscode.l10n.t("Hearth: fixing '{0}'", name) };
  }
}

/** How many times as long as the code an answer may get. */
const GROWTH: Record<RewriteTask["kind"], number> = { refactor: 2.5, document: 3, fix: 2 };

/** On the lines of a range. */
function problemsAt({ uri }: vscode.TextDocument, { start, end }: vscode.Range): vscode.Diagnostic[] {
  return vscode.languages
    .getDiagnostics(uri)
    .filter(({ range }) => range.start.line <= end.line && range.end.line >= start.line);
}

/** Where the cursor is at none: the document's, to choose from. */
async function pickProblem({ uri }: vscode.TextDocument): Promise<readonly vscode.Diagnostic[]> {
  const problems = vscode.languages.getDiagnostics(uri);
  if (problems.length === 0) {
    void vscode.window.showInformationMessage(vscode.l10n.t("Hearth: no problems are reported in '{0}'.", nameOf(uri)));
    return [];
  }
  const items = problems
    .toSorted((a, b) => a.severity - b.severity || a.range.start.compareTo(b.range.start))
    .map((problem) => ({
      label: problem.message.split("\n")[0] ?? "",
      description: vscode.l10n.t("line {0}", String(problem.range.start.line + 1)),
      problem,
    }));
  const chosen = await vscode.window.showQuickPick(items, {
    title: vscode.l10n.t("Hearth: Fix"),
    placeHolder: vscode.l10n.t("Which problem?"),
  });
  return chosen === undefined ? [] : [chosen.problem];
}
