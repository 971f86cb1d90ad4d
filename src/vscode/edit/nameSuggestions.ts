import * as vscode from "vscode";
import { namesPrompt } from "../../core/edit/editPrompt";
import { namesIn } from "../../core/edit/nameList";
import { CancelSource } from "../../core/cancellation";
import { tellFailure } from "../failures";
import { selectedCode } from "./codeRange";
import { spotOf } from "./editSpot";
import type { ModelAccess } from "./modelAccess";
import type { EditPorts } from "./rewriteCommands";
import { planFor } from "./rewriting";

const ANSWER_TOKENS = 120;

/** Offers names for the symbol at the cursor as the model generates them, and renames it everywhere. */
export async function suggestNames({ access, readable }: EditPorts, argument: unknown): Promise<void> {
  const spot = await spotOf(argument, readable);
  if (spot === undefined) {
    return;
  }
  const { document, range } = spot;
  const word = document.getWordRangeAtPosition(range.start);
  if (word === undefined) {
    void vscode.window.showInformationMessage(vscode.l10n.t("Hearth: put the cursor on the name you want to change."));
    return;
  }
  const model = await access.ready("edit");
  const code = await selectedCode(document, new vscode.Range(word.start, word.start));
  const plan = model === undefined ? undefined : await planFor(access, model, code, 0);
  if (plan === undefined) {
    return;
  }
  const current = document.getText(word);
  const name = await pickName(access, namesPrompt(plan.excerpt, current), current, document.languageId);
  if (name !== undefined) {
    await rename(document, word.start, current, name);
  }
}

/** The list fills while the model writes; closing it stops generation. */
function pickName(
  access: ModelAccess,
  messages: ReturnType<typeof namesPrompt>,
  current: string,
  languageId: string,
): Promise<string | undefined> {
  const source = new CancelSource();
  const pick = vscode.window.createQuickPick();
  pick.title = vscode.l10n.t("Hearth: Rename '{0}'", current);
  pick.placeholder = vscode.l10n.t("Thinking of names…");
  pick.busy = true;
  let answer = "";
  const offer = (isComplete: boolean): void => {
    const whole = isComplete ? answer : answer.slice(0, answer.lastIndexOf("\n") + 1);
    const names = namesIn(whole, current, languageId);
    // One that is typed is as good.
    const typed = pick.value.trim();
    const all = typed === "" || names.includes(typed) ? names : [typed, ...names];
    pick.items = all.map((label) => ({ label, alwaysShow: true }));
    if (isComplete) {
      pick.busy = false;
      pick.placeholder =
        names.length === 0
          ? vscode.l10n.t("The model found no better name. Type one.")
          : vscode.l10n.t("Choose a name, or type one");
    }
  };
  let isComplete = false;
  pick.onDidChangeValue(() => {
    offer(isComplete);
  });
  const question = { id: access.nextId(), messages, maxTokens: ANSWER_TOKENS, temperature: 0.2, cancel: source.token };
  access
    .ask(question, (text) => {
      answer += text;
      if (text.includes("\n")) {
        offer(false);
      }
      return undefined;
    })
    .then(
      (finish) => {
        if (finish !== "cancelled") {
          isComplete = true;
          offer(true);
        }
      },
      (error: unknown) => {
        pick.hide();
        void tellFailure(error);
      },
    );
  return new Promise((resolve) => {
    pick.onDidAccept(() => {
      const [chosen] = pick.activeItems;
      // Enter comes before there is a name.
      if (chosen !== undefined) {
        resolve(chosen.label);
        pick.hide();
      }
    });
    pick.onDidHide(() => {
      source.cancel();
      resolve(undefined);
      pick.dispose();
    });
    pick.show();
  });
}

/** By the language's rename provider: one edit of all files that contain the name. */
async function rename(
  document: vscode.TextDocument,
  position: vscode.Position,
  current: string,
  name: string,
): Promise<void> {
  const command = "vscode.executeDocumentRenameProvider";
  try {
    const edit = await vscode.commands.executeCommand<vscode.WorkspaceEdit | undefined>(
      command,
      document.uri,
      position,
      name,
    );
    if (edit !== undefined && edit.size > 0 && (await vscode.workspace.applyEdit(edit))) {
      return;
    }
    void vscode.window.showWarningMessage(
      vscode.l10n.t("Hearth: '{0}' was not renamed: no language support can rename it here.", current),
    );
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    void vscode.window.showWarningMessage(
      vscode.l10n.t("Hearth: '{0}' was not renamed to '{1}': {2}", current, name, why),
    );
  }
}
