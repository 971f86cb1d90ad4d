import * as vscode from "vscode";
import { decimal } from "../../protocol/decimal";
import { visibleText } from "../../core/visibleText";
import { explainPrompt, explainQuestion, explainText } from "../../core/edit/editPrompt";
import { selectedCode } from "./codeRange";
import { spotOf } from "./editSpot";
import type { ModelAccess } from "./modelAccess";
import { type EditPorts, problemOf } from "./rewriteCommands";
import { planFor } from "./rewriting";

const CHAT_COMMAND = "hearth.chat.ask";
const ANSWER_TOKENS = 700;

/** In the chat, where it can be talked about; in a document of its own where there is no chat. */
export async function explain({ access, readable }: EditPorts, argument: unknown): Promise<void> {
  const spot = await spotOf(argument, readable);
  if (spot === undefined) {
    return;
  }
  const code = await selectedCode(spot.document, spot.range);
  const problems = (spot.diagnostics ?? []).map(problemOf);
  const { start, end } = code.range;
  const { languageId, uri } = spot.document;
  // It says itself what its model cannot do, and what is too long for it.
  if ((await vscode.commands.getCommands(true)).includes(CHAT_COMMAND)) {
    const attached = { uri, range: new vscode.Range(start, 0, end, 0) };
    await vscode.commands.executeCommand(CHAT_COMMAND, { text: explainQuestion(problems), attached });
    return;
  }
  const lines = code.lines.slice(start, end);
  const text = explainText({ path: code.path, languageId, lines }, problems, start);
  const model = await access.ready("chat");
  if (model !== undefined && (await planFor(access, model, code, 0)) !== undefined) {
    await explainInDocument(access, text);
  }
}

/** As text: what a model writes may hold pictures and links, which a preview would fetch. */
async function explainInDocument(access: ModelAccess, text: string): Promise<void> {
  const location = vscode.ProgressLocation.Notification;
  const progress = { location, title: vscode.l10n.t("Hearth: explaining"), cancellable: true };
  const answer = await vscode.window.withProgress(progress, async (shown, cancel) => {
    let said = "";
    const question = { id: access.nextId(), messages: explainPrompt(text), maxTokens: ANSWER_TOKENS, temperature: 0.2 };
    const finish = await access.ask({ ...question, cancel }, (piece) => {
      said += piece;
      shown.report({ message: vscode.l10n.t("{0} characters written", decimal(said.length)) });
      return undefined;
    });
    return finish === "cancelled" ? "" : said.trim();
  });
  if (answer !== "") {
    const document = await vscode.workspace.openTextDocument({
      content: `${visibleText(answer)}\n`,
      language: "markdown",
    });
    await vscode.window.showTextDocument(document, { viewColumn: vscode.ViewColumn.Beside, preview: true });
  }
}
