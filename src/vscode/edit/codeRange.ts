import * as vscode from "vscode";
import { blockAround, withWhatBelongsAbove } from "../../core/edit/block";
import { type LineRange, linesOf } from "../../core/edit/lineDiff";
import type { Indentation } from "../../core/indentation";
import { isEditable, readDocument } from "../documents";
import { EDIT_SCHEME } from "./editedFiles";
import { type Original, originalOf } from "./original";

/** Lines of a document that a command is about. */
export interface CodeRange {
  readonly original: Original;
  /** As the model should see it. */
  readonly path: string;
  readonly indentation: Indentation;
  /** All of the document's. */
  readonly lines: readonly string[];
  readonly range: LineRange;
}

/** Language servers start slowly; after this limit indentation is used. */
const SYMBOLS_LIMIT_MS = 1500;
/** A function that is longer is not rewritten for one problem in it. */
const FIX_LINES_MAX = 80;
const FIX_LINES_AROUND = 8;

const BODIES = new Set([vscode.SymbolKind.Function, vscode.SymbolKind.Method, vscode.SymbolKind.Constructor]);
const TYPES = new Set([
  vscode.SymbolKind.Class,
  vscode.SymbolKind.Interface,
  vscode.SymbolKind.Enum,
  vscode.SymbolKind.Struct,
]);

export function isProposable(document: vscode.TextDocument): boolean {
  return isEditable(document) && document.uri.scheme !== EDIT_SCHEME;
}

/** What is selected, in whole lines; else the function, type or block around the cursor. */
export async function selectedCode(document: vscode.TextDocument, selection: vscode.Range): Promise<CodeRange> {
  const code = codeOf(document);
  return selection.isEmpty
    ? { ...code, range: await declarationAround(document, code, selection.start) }
    : { ...code, range: wholeLines(selection) };
}

/** What has to be rewritten so that problems in a range can be fixed: what is selected, or the function around. */
export async function codeToFix(document: vscode.TextDocument, problems: vscode.Range): Promise<CodeRange> {
  const code = codeOf(document);
  const own = wholeLines(problems);
  const around = await declarationAround(document, code, problems.start);
  const isFit = around.start <= own.start && around.end >= own.end && around.end - around.start <= FIX_LINES_MAX;
  const near = {
    start: Math.max(0, own.start - FIX_LINES_AROUND),
    end: Math.min(code.lines.length, own.end + FIX_LINES_AROUND),
  };
  return { ...code, range: isFit ? around : near };
}

export function wholeDocument(document: vscode.TextDocument): CodeRange {
  const code = codeOf(document);
  return { ...code, range: { start: 0, end: code.lines.length } };
}

/** The line behind a selection that ends at its beginning is not meant. */
export function wholeLines({ start, end }: vscode.Range): LineRange {
  const isBehind = end.character === 0 && end.line > start.line;
  return { start: start.line, end: isBehind ? end.line : end.line + 1 };
}

export function codeOf(document: vscode.TextDocument): Omit<CodeRange, "range"> {
  const { path, indentation, text } = readDocument(document);
  return { original: originalOf(document), path, indentation, lines: linesOf(text) };
}

async function declarationAround(
  document: vscode.TextDocument,
  { lines, indentation }: Omit<CodeRange, "range">,
  position: vscode.Position,
): Promise<LineRange> {
  const around = (await symbolsOf(document)).filter(({ range }) => range.contains(position));
  const innermost = (kinds: ReadonlySet<vscode.SymbolKind>): vscode.Range | undefined =>
    around.findLast(({ kind }) => kinds.has(kind))?.range;
  const range = innermost(BODIES) ?? innermost(TYPES);
  return range === undefined
    ? blockAround(lines, position.line, indentation.size)
    : withWhatBelongsAbove(lines, wholeLines(range), indentation.size);
}

interface PlacedSymbol {
  readonly kind: vscode.SymbolKind;
  readonly range: vscode.Range;
}

/** The outer ones before those inside them. */
async function symbolsOf(document: vscode.TextDocument): Promise<PlacedSymbol[]> {
  const asked = vscode.commands.executeCommand<(vscode.DocumentSymbol | vscode.SymbolInformation)[] | undefined>(
    "vscode.executeDocumentSymbolProvider",
    document.uri,
  );
  const late = new Promise<undefined>((resolve) => {
    setTimeout(resolve, SYMBOLS_LIMIT_MS, undefined);
  });
  try {
    return ((await Promise.race([asked, late])) ?? []).flatMap(flattened);
  } catch {
    // A language without symbols, or a server that failed: indentation is used.
    return [];
  }
}

function flattened(symbol: vscode.DocumentSymbol | vscode.SymbolInformation): PlacedSymbol[] {
  return "location" in symbol
    ? [{ kind: symbol.kind, range: symbol.location.range }]
    : [{ kind: symbol.kind, range: symbol.range }, ...symbol.children.flatMap(flattened)];
}
