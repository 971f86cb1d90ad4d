import * as vscode from "vscode";
import type { ReadableFiles } from "../readableFiles";
import { isProposable } from "./codeRange";
import type { SpotArgument } from "./editSpot";
import type { ModelAccess } from "./modelAccess";

const { QuickFix, RefactorRewrite, Empty } = vscode.CodeActionKind;
const EXPLAIN_KIND = Empty.append("hearth.explain");
const EXPLAIN = vscode.l10n.t("Explain with Hearth");

/** Hearth in the lightbulb: where the model was made for edits, and never as the only reason for one to be shown. */
export class HearthCodeActions implements vscode.CodeActionProvider {
  static readonly kinds: readonly vscode.CodeActionKind[] = [QuickFix, RefactorRewrite, EXPLAIN_KIND];

  readonly #access: ModelAccess;
  readonly #readable: ReadableFiles;

  constructor(access: ModelAccess, readable: ReadableFiles) {
    this.#access = access;
    this.#readable = readable;
  }

  async provideCodeActions(
    document: vscode.TextDocument,
    range: vscode.Range,
    { diagnostics, triggerKind }: vscode.CodeActionContext,
  ): Promise<vscode.CodeAction[]> {
    const isWanted = this.#access.canEdit && isProposable(document);
    if (!isWanted || (await this.#readable.ruleOf(document)) !== undefined) {
      return [];
    }
    const spot: SpotArgument = { uri: document.uri, range };
    const isAsked = triggerKind === vscode.CodeActionTriggerKind.Invoke;
    const code = range.isEmpty && !isAsked ? [] : codeActions({ ...spot, diagnostics: [] });
    if (diagnostics.length > 0) {
      return [...problemActions({ ...spot, diagnostics }, diagnostics), ...code];
    }
    return code.length === 0 ? [] : [...code, action(EXPLAIN, EXPLAIN_KIND, "hearth.explain", spot)];
  }
}

/** One entry: what is explained is the problem where there is one, and the code around it. */
function problemActions(spot: SpotArgument, diagnostics: readonly vscode.Diagnostic[]): vscode.CodeAction[] {
  const actions = [
    action(vscode.l10n.t("Fix with Hearth"), QuickFix, "hearth.fix", spot),
    action(EXPLAIN, QuickFix, "hearth.explain", spot),
  ];
  for (const each of actions) {
    each.diagnostics = [...diagnostics];
  }
  return actions;
}

/** Without a selection they are about the code around the cursor. */
function codeActions(spot: SpotArgument): vscode.CodeAction[] {
  return [
    action(vscode.l10n.t("Refactor with Hearth…"), RefactorRewrite, "hearth.refactor", spot),
    action(vscode.l10n.t("Add Documentation with Hearth"), RefactorRewrite, "hearth.addDocumentation", spot),
    action(vscode.l10n.t("Write Tests with Hearth"), RefactorRewrite, "hearth.writeTests", spot),
  ];
}

function action(title: string, kind: vscode.CodeActionKind, command: string, spot: SpotArgument): vscode.CodeAction {
  const made = new vscode.CodeAction(title, kind);
  made.command = { command, title, arguments: [spot] };
  return made;
}
