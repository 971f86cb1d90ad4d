import * as vscode from "vscode";
import type { AttachmentSource } from "../../core/chat/attachments";
import { estimateTokens } from "../../core/tokenEstimate";
import { isEditable, promptPath } from "../documents";
import type { ReadableFiles } from "../readableFiles";

/** Pieces of the workspace as a chat may see them. Nothing of an excluded document gets into one. */

/** More than any context holds; counting longer ones would keep the engine from completing. */
const TEXT_CHARS_MAX = 64_000;
const PROBLEMS_MAX = 40;

export async function isShowable(document: vscode.TextDocument, readable: ReadableFiles): Promise<boolean> {
  return isEditable(document) && (await readable.ruleOf(document)) === undefined;
}

/** The whole document; of a very long one the part around `focus`. */
export function documentPiece(
  document: vscode.TextDocument,
  kind: "editor" | "file",
  focus?: vscode.Position,
): AttachmentSource {
  const text = document.getText();
  const base = { ...commonOf(document, kind), ...(focus === undefined ? {} : { focusLine: focus.line + 1 }) };
  if (text.length <= TEXT_CHARS_MAX) {
    return { ...base, text };
  }
  const middle = focus === undefined ? 0 : document.offsetAt(focus);
  const from = Math.max(0, Math.min(middle - TEXT_CHARS_MAX / 2, text.length - TEXT_CHARS_MAX));
  const first = document.positionAt(from);
  // Whole lines, but for a line that is longer than all that may be shown.
  const start = first.character === 0 ? from : document.offsetAt(new vscode.Position(first.line + 1, 0));
  const part = text.slice(start, start + TEXT_CHARS_MAX);
  const end = part.lastIndexOf("\n") + 1;
  const shown = end > 0 ? part.slice(0, end) : part;
  return {
    ...base,
    text: shown,
    firstLine: document.positionAt(start).line + 1,
    omittedTokens: Math.ceil((estimateTokens(shown) * (text.length - shown.length)) / shown.length),
  };
}

/** Whole lines: code that begins in the middle of one is hard to read. */
export function selectionPiece(document: vscode.TextDocument, selection: vscode.Range): AttachmentSource {
  const { start, end } = selection;
  const isAtLineStart = end.character === 0 && end.line > start.line;
  const lastLine = Math.min(isAtLineStart ? end.line - 1 : end.line, document.lineCount - 1);
  const range = new vscode.Range(start.line, 0, lastLine, document.lineAt(lastLine).range.end.character);
  const common = commonOf(document, "selection");
  return {
    ...common,
    id: `${common.id}:${String(start.line + 1)}-${String(lastLine + 1)}`,
    ...cutText(document.getText(range)),
    firstLine: start.line + 1,
    place: document.uri.with({ fragment: `L${String(start.line + 1)}-${String(lastLine + 1)}` }).toString(),
  };
}

/** In whole lines, and how much is left out. */
function cutText(text: string): Pick<AttachmentSource, "text" | "omittedTokens"> {
  if (text.length <= TEXT_CHARS_MAX) {
    return { text };
  }
  const part = text.slice(0, TEXT_CHARS_MAX);
  const end = part.lastIndexOf("\n") + 1;
  const shown = end > 0 ? part.slice(0, end) : part;
  return {
    text: shown,
    omittedTokens: Math.ceil((estimateTokens(shown) * (text.length - shown.length)) / shown.length),
  };
}

/** Undefined where the editor reports none. */
export function problemsPiece(document: vscode.TextDocument): AttachmentSource | undefined {
  const problems = problemsIn(document);
  const lines = problems.slice(0, PROBLEMS_MAX).map(({ range, severity, message, source, code }) => {
    const by = [source, codeText(code)].filter((part) => part !== undefined).join(" ");
    const what = vscode.DiagnosticSeverity[severity].toLowerCase();
    const place = `line ${String(range.start.line + 1)}`;
    return `- ${place}: ${what}${by === "" ? "" : ` (${by})`}: ${message.replaceAll(/\s+/g, " ").slice(0, 500)}`;
  });
  return problems.length === 0 ? undefined : { ...commonOf(document, "problems"), text: lines.join("\n") };
}

/** The worst first, then from the top. */
export function problemsIn({ uri }: vscode.TextDocument): readonly vscode.Diagnostic[] {
  return vscode.languages
    .getDiagnostics(uri)
    .toSorted((a, b) => a.severity - b.severity || a.range.start.compareTo(b.range.start));
}

function commonOf(
  document: vscode.TextDocument,
  kind: AttachmentSource["kind"],
): Pick<AttachmentSource, "id" | "kind" | "path" | "languageId" | "place"> {
  const place = document.uri.toString();
  return { id: `${kind}:${place}`, kind, path: promptPath(document.uri), languageId: document.languageId, place };
}

function codeText(code: vscode.Diagnostic["code"]): string | undefined {
  const value = typeof code === "object" ? code.value : code;
  return value === undefined ? undefined : String(value);
}
