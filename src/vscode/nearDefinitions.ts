import * as vscode from "vscode";
import { nearIdentifiers } from "../core/prompt/nearIdentifiers";
import type { Definition, Project } from "../core/prompt/source";
import { secretContentRule } from "../core/reading/secretContent";
import { documentIdOf, promptPath } from "./documents";
import type { ReadableFiles } from "./readableFiles";
import type { Settings } from "./settings";

/** For all identifiers together. What has not come by then is not waited for. */
const LIMIT_MS = 300;
const FILE_BYTES_MAX = 500_000;
/** Of a definition: the head of a class says more than all its bodies. */
const LINES_MAX = 24;
/** Where nobody says how far a definition goes. */
const LINES_WITHOUT_END = 8;

type Near = Definition & { readonly uri: vscode.Uri };

/** What was found for one document. */
interface Found {
  readonly definitions: readonly Definition[];
  /** Files of these and of earlier ones, by path: a prompt may go on showing them. */
  readonly files: ReadonlyMap<string, vscode.Uri>;
}

const NOTHING: Found = { definitions: [], files: new Map() };
/** Of one document; the oldest is forgotten. */
const FILES_MAX = 64;

/**
 * Definitions, in other files, of identifiers near the cursor of the active editor, found while nobody types: only by providers that are
 * registered already, and only in files that may be read. A file that is not open is read, not opened: no other extension learns of it.
 */
export class NearDefinitions implements vscode.Disposable {
  readonly #settings: Settings;
  readonly #readable: ReadableFiles;
  readonly #limitMs: number;
  readonly #found = new Map<string, Found>();
  readonly #listeners: vscode.Disposable;
  #running: vscode.CancellationTokenSource | undefined;

  constructor(settings: Settings, readable: ReadableFiles, limitMs = LIMIT_MS) {
    this.#limitMs = limitMs;
    this.#settings = settings;
    this.#readable = readable;
    const forgetAll = (): void => {
      this.#stop();
      this.#found.clear();
    };
    this.#listeners = vscode.Disposable.from(
      vscode.workspace.onDidChangeTextDocument(({ document }) => {
        if (document === vscode.window.activeTextEditor?.document) {
          this.#stop();
        }
      }),
      vscode.workspace.onDidCloseTextDocument((document) => {
        this.#found.delete(documentIdOf(document));
      }),
      readable.onDidChangeRules(forgetAll),
      settings.onDidChange((event) => {
        if (event.affectsConfiguration("hearth.completion.definitions")) {
          forgetAll();
        }
      }),
    );
  }

  dispose(): void {
    this.#stop();
    this.#listeners.dispose();
  }

  /** What prompts for a document may show. Undefined: nobody looks. */
  of(documentId: string): Project["definitions"] {
    if (!this.#settings.definitions) {
      return undefined;
    }
    const { definitions, files } = this.#found.get(documentId) ?? NOTHING;
    const readable = (path: string): boolean => {
      const uri = files.get(path);
      return uri !== undefined && !this.#isExcluded(uri);
    };
    return { found: definitions.filter(({ path }) => readable(path)), readable };
  }

  /** Ends early at a key, and at most LIMIT_MS later. Never rejects. */
  async look(document: vscode.TextDocument, position: vscode.Position): Promise<void> {
    this.#stop();
    if (!this.#settings.definitions || this.#readable.isExcluded(document)) {
      return;
    }
    const source = new vscode.CancellationTokenSource();
    this.#running = source;
    const timer = setTimeout(() => {
      source.cancel();
    }, this.#limitMs);
    const stopped = new Promise<void>((resolve) => {
      source.token.onCancellationRequested(() => {
        resolve();
      });
    });
    const found: Near[] = [];
    await Promise.race([stopped, this.#find(document, position, source.token, found)]);
    clearTimeout(timer);
    if (this.#running === source) {
      this.#running = undefined;
      const id = documentIdOf(document);
      const known = [...(this.#found.get(id)?.files ?? []), ...found.map(({ path, uri }) => [path, uri] as const)];
      // The search goes on when the time is up; what it finds then is not wanted.
      this.#found.set(id, { definitions: [...found], files: new Map(known.slice(-FILES_MAX)) });
    }
  }

  #stop(): void {
    this.#running?.cancel();
    this.#running = undefined;
  }

  async #find(
    document: vscode.TextDocument,
    position: vscode.Position,
    token: vscode.CancellationToken,
    found: Near[],
  ): Promise<void> {
    const text = document.getText();
    for (const { name, offset } of nearIdentifiers(text, document.offsetAt(position))) {
      if (token.isCancellationRequested) {
        return;
      }
      try {
        const target = await this.#targetOf(document, document.positionAt(offset));
        const definition = target === undefined ? undefined : await this.#read(name, target);
        if (definition !== undefined) {
          found.push(definition);
        }
      } catch {
        // Another extension's provider has failed: that is for it to say.
      }
    }
  }

  async #targetOf(document: vscode.TextDocument, at: vscode.Position): Promise<vscode.LocationLink | undefined> {
    const targets = await vscode.commands.executeCommand<(vscode.Location | vscode.LocationLink)[] | undefined>(
      "vscode.executeDefinitionProvider",
      document.uri,
      at,
    );
    return (targets ?? [])
      .map((target) => ("targetUri" in target ? target : { targetUri: target.uri, targetRange: target.range }))
      .find(({ targetUri }) => targetUri.scheme === document.uri.scheme && targetUri.path !== document.uri.path);
  }

  async #read(
    name: string,
    { targetUri, targetRange, targetSelectionRange }: vscode.LocationLink,
  ): Promise<Near | undefined> {
    if (this.#isExcluded(targetUri) || (await this.#readable.ruleOfFile(targetUri)) !== undefined) {
      return undefined;
    }
    const open = openDocument(targetUri);
    const text = (open?.getText() ?? (await textOf(targetUri)))?.replaceAll("\r\n", "\n");
    if (text === undefined || secretContentRule(text) !== undefined) {
      return undefined;
    }
    const { start } = targetSelectionRange ?? targetRange;
    const isWhole = targetRange.end.line > targetRange.start.line;
    const range = isWhole ? targetRange : ((await symbolAround(open, start)) ?? targetRange);
    const lines = text.split("\n");
    const hasEnd = range.end.line > range.start.line;
    const count = Math.min(LINES_MAX, hasEnd ? range.end.line - range.start.line + 1 : LINES_WITHOUT_END);
    const shown = lines
      .slice(range.start.line, range.start.line + count)
      .join("\n")
      .trimEnd();
    return shown === "" ? undefined : { name, path: promptPath(targetUri), text: `${shown}\n`, uri: targetUri };
  }

  /** As far as it is known at once: an open document's content and the rules by name. */
  #isExcluded(uri: vscode.Uri): boolean {
    const open = openDocument(uri);
    return open !== undefined && this.#readable.isExcluded(open);
  }
}

function openDocument(uri: vscode.Uri): vscode.TextDocument | undefined {
  return vscode.workspace.textDocuments.find((each) => each.uri.toString() === uri.toString());
}

async function textOf(uri: vscode.Uri): Promise<string | undefined> {
  const { size } = await vscode.workspace.fs.stat(uri);
  return size > FILE_BYTES_MAX ? undefined : new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
}

/** Asked only of open documents: for others the editor would open them. */
async function symbolAround(
  document: vscode.TextDocument | undefined,
  at: vscode.Position,
): Promise<vscode.Range | undefined> {
  if (document === undefined) {
    return undefined;
  }
  const symbols = await vscode.commands.executeCommand<
    (vscode.DocumentSymbol | vscode.SymbolInformation)[] | undefined
  >("vscode.executeDocumentSymbolProvider", document.uri);
  const ranges = (symbols ?? []).flatMap(function all(symbol): vscode.Range[] {
    return "range" in symbol ? [symbol.range, ...symbol.children.flatMap(all)] : [symbol.location.range];
  });
  // The innermost is the definition's own.
  return ranges
    .filter((range) => range.contains(at) && range.start.line === at.line)
    .sort((a, b) => a.end.line - b.end.line)[0];
}
