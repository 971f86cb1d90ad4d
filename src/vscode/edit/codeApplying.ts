import * as vscode from "vscode";
import { fenceInfo } from "../../core/edit/answer/fenceInfo";
import { visibleText } from "../../core/visibleText";
import { placeCode } from "../../core/edit/codePlace";
import { hunksBetween, linesOf } from "../../core/edit/lineDiff";
import type { Sentence } from "../../core/edit/sentence";
import { readDocument } from "../documents";
import type { EditorConfigs } from "../editorConfigs";
import { inWords } from "../translated";
import { isProposable, wholeLines } from "./codeRange";
import { nameOf, originalOf } from "./original";
import type { Proposals } from "./proposals";

/** Code from the chat, proposed as a change of the file that it names or else of the active document. */
export async function applyCode(
  { proposals, configs }: { readonly proposals: Proposals; readonly configs: EditorConfigs },
  argument: unknown,
): Promise<void> {
  const { code, language } = argumentOf(argument);
  const lines = linesOf(visibleText(code).replace(/\r?\n$/, ""));
  const document = (await namedDocument(fenceInfo(language).path)) ?? targetEditor()?.document;
  if (document === undefined) {
    await openNew(lines, fenceInfo(language).language);
    return;
  }
  const selection = targetEditor()?.document === document ? targetEditor()?.selection : undefined;
  const { text, languageId, indentation: editors } = readDocument(document);
  const indentation = await configs.indentationOf(document, text, editors);
  const old = linesOf(text);
  const placement = placeCode(
    { lines, info: language },
    {
      lines: old,
      languageId,
      indentation,
      cursorLine: selection?.active.line ?? 0,
      selection: selection === undefined || selection.isEmpty ? undefined : wholeLines(selection),
    },
  );
  switch (placement.kind) {
    case "placed":
      await propose(proposals, document, old, placement);
      break;
    case "unchanged":
      void vscode.window.showInformationMessage(
        vscode.l10n.t("Hearth: '{0}' already contains this change.", nameOf(document.uri)),
      );
      break;
    case "newDocument":
      await offerNew(placement.reason, lines, placement.languageId);
      break;
    case "nowhere":
      await offerNew(placement.reason, lines, languageId);
      break;
  }
}

async function propose(
  proposals: Proposals,
  document: vscode.TextDocument,
  old: readonly string[],
  { lines, warnings }: { readonly lines: readonly string[]; readonly warnings: readonly Sentence[] },
): Promise<void> {
  const hunks = hunksBetween(old, lines);
  const range = { start: hunks[0]?.start ?? 0, end: hunks.at(-1)?.end ?? 0 };
  const proposal = await proposals.open({
    original: originalOf(document),
    lines: old,
    range,
    title: vscode.l10n.t("Apply"),
  });
  proposal.write(lines.slice(range.start, lines.length - (old.length - range.end)));
  proposals.finish(proposal, warnings);
}

/** Nothing of it belongs into the document: it is said, and it can still be had as one of its own. */
async function offerNew(reason: Sentence, lines: readonly string[], languageId: string): Promise<void> {
  const open = vscode.l10n.t("Open as New Document");
  const told = vscode.l10n.t("Hearth: nothing was changed. {0}", inWords(reason));
  if ((await vscode.window.showInformationMessage(told, open)) === open) {
    await openNew(lines, languageId);
  }
}

async function openNew(lines: readonly string[], language: string): Promise<void> {
  const content = `${lines.join("\n")}\n`;
  const isKnown = language !== "" && (await vscode.languages.getLanguages()).includes(language);
  const options = isKnown ? { content, language } : { content };
  await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(options));
}

/** A file of the workspace that a block names: `ts src/a.ts`. Others are only names. */
async function namedDocument(path: string | undefined): Promise<vscode.TextDocument | undefined> {
  if (path === undefined || path.split(/[/\\]/).includes("..")) {
    return undefined;
  }
  const relative = path.replaceAll("\\", "/").replace(/^\.?\//, "");
  const open = vscode.workspace.textDocuments.find(
    ({ uri }) => uri.path.endsWith(`/${relative}`) && !uri.scheme.startsWith("hearth"),
  );
  if (open !== undefined && isProposable(open)) {
    return open;
  }
  for (const { uri } of vscode.workspace.workspaceFolders ?? []) {
    const file = vscode.Uri.joinPath(uri, relative);
    try {
      await vscode.workspace.fs.stat(file);
      const document = await vscode.workspace.openTextDocument(file);
      return isProposable(document) ? document : undefined;
    } catch {
      // Another folder may have it.
    }
  }
  return undefined;
}

/** The view has the focus where it is called from. */
function targetEditor(): vscode.TextEditor | undefined {
  const { activeTextEditor, visibleTextEditors } = vscode.window;
  return [activeTextEditor, ...visibleTextEditors].find(
    (editor) => editor !== undefined && isProposable(editor.document),
  );
}

function argumentOf(argument: unknown): { code: string; language: string } {
  const { code, language } = (typeof argument === "object" ? (argument ?? {}) : {}) as Record<string, unknown>;
  return { code: typeof code === "string" ? code : "", language: typeof language === "string" ? language : "" };
}
