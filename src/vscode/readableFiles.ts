import * as vscode from "vscode";
import { excludedBy } from "../core/reading/exclude";
import { type FileFacts, IGNORE_FILE_NAMES, isBelow, ReadRules } from "../core/reading/readRules";
import { secretContentRule } from "../core/reading/secretContent";
import { secretNameRule } from "../core/reading/secretNames";
import { documentIdOf } from "./documents";
import type { Settings } from "./settings";

/** What the machine knows of files and the editor does not tell. */
export interface MachineFiles {
  /** Without symbolic links; undefined where there is no such file. Takes and gives paths of this system. */
  readonly realPath: (fsPath: string) => Promise<string | undefined>;
  /** File names are told apart regardless of case. */
  readonly ignoresCase: boolean;
}

const IGNORE_BYTES_MAX = 2 ** 20;
/** Verdicts of documents that were closed long ago are found again. */
const VERDICTS_MAX = 500;

/** Why a document is not read; `rule` is undefined where it may be. */
interface Verdict {
  readonly rule: string | undefined;
}

/**
 * Which documents and files Hearth reads in this window; see core/reading. Ignore files come by the editor's file systems, so
 * a document's verdict is known a moment after it was opened. Until then nothing of it is read.
 */
export class ReadableFiles implements vscode.Disposable {
  readonly #settings: Settings;
  readonly #machine: MachineFiles;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #rulesChanged = new vscode.EventEmitter<void>();
  readonly #listeners: vscode.Disposable;
  /** By scheme and authority. */
  readonly #rules = new Map<string, ReadRules>();
  /** Of places; the least recently found first. */
  #verdicts = new Map<string, Verdict>();
  readonly #finding = new Map<string, Promise<Verdict>>();
  readonly #contents = new WeakMap<vscode.TextDocument, { readonly version: number } & Verdict>();

  /** What was known of documents may have changed, or has become known. */
  readonly onDidChange = this.#changed.event;
  /** Another file than before may be read. */
  readonly onDidChangeRules = this.#rulesChanged.event;

  constructor(settings: Settings, machine: MachineFiles) {
    this.#settings = settings;
    this.#machine = machine;
    const forget = (): void => {
      this.#forget();
    };
    const watcher = vscode.workspace.createFileSystemWatcher(`**/{${IGNORE_FILE_NAMES.join(",")}}`);
    this.#listeners = vscode.Disposable.from(
      watcher,
      watcher.onDidCreate(forget),
      watcher.onDidChange(forget),
      watcher.onDidDelete(forget),
      // Also those that no watcher sees: outside of the workspace.
      vscode.workspace.onDidSaveTextDocument(({ uri }) => {
        if (IGNORE_FILE_NAMES.some((name) => uri.path.endsWith(`/${name}`))) {
          this.#forget();
        }
      }),
      vscode.workspace.onDidChangeWorkspaceFolders(forget),
      settings.onDidChange((event) => {
        if (["hearth.exclude", "hearth.completion.exclude"].some((key) => event.affectsConfiguration(key))) {
          this.#rulesChanged.fire();
          this.#changed.fire();
        }
      }),
    );
  }

  dispose(): void {
    this.#listeners.dispose();
    this.#changed.dispose();
    this.#rulesChanged.dispose();
  }

  /** Nothing of it may be read; also while that is not known yet. */
  isExcluded(document: vscode.TextDocument): boolean {
    const verdict = this.#known(document);
    return verdict === undefined || verdict.rule !== undefined;
  }

  /** For what is shown to users: the rule by which it is not read, as far as it is known. */
  knownRule(document: vscode.TextDocument): string | undefined {
    return this.#known(document)?.rule;
  }

  /** It will be known soon, and `onDidChange` fires then. */
  isPending(document: vscode.TextDocument): boolean {
    return this.#known(document) === undefined;
  }

  /** Why nothing of a document may be read; undefined where it may be. */
  async ruleOf(document: vscode.TextDocument): Promise<string | undefined> {
    return this.#quickRule(document) ?? (await this.#verdictOf(document.uri)).rule;
  }

  /** The same of a file, as far as its place tells. `links`: not where many are listed; each is asked for when it is read. */
  async ruleOfFile(uri: vscode.Uri, { links = true } = {}): Promise<string | undefined> {
    return this.#excludedBySetting(asDocument(uri)) ?? (await this.#placeRule(uri, links));
  }

  #known(document: vscode.TextDocument): Verdict | undefined {
    const rule = this.#quickRule(document);
    if (rule !== undefined) {
      return { rule };
    }
    const known = this.#verdicts.get(documentIdOf(document));
    if (known === undefined) {
      void this.#verdictOf(document.uri);
    }
    return known;
  }

  #quickRule(document: vscode.TextDocument): string | undefined {
    return secretNameRule(document.uri.path) ?? this.#excludedBySetting(document) ?? this.#contentRule(document);
  }

  #excludedBySetting(document: vscode.TextDocument): string | undefined {
    const pattern = this.#settings.exclude.find((each) => vscode.languages.match({ pattern: each }, document) > 0);
    return pattern === undefined ? undefined : excludedBy(pattern);
  }

  #contentRule(document: vscode.TextDocument): string | undefined {
    const known = this.#contents.get(document);
    if (known?.version === document.version) {
      return known.rule;
    }
    const rule = secretContentRule(document.getText());
    this.#contents.set(document, { version: document.version, rule });
    return rule;
  }

  async #verdictOf(uri: vscode.Uri): Promise<Verdict> {
    const id = uri.toString();
    const known = this.#verdicts.get(id);
    if (known !== undefined) {
      return known;
    }
    const finding = this.#finding.get(id) ?? this.#find(uri, id);
    this.#finding.set(id, finding);
    return finding;
  }

  async #find(uri: vscode.Uri, id: string): Promise<Verdict> {
    const verdicts = this.#verdicts;
    try {
      const verdict = { rule: await this.#placeRule(uri, true) };
      verdicts.set(id, verdict);
      const oldest = verdicts.keys().next().value;
      if (verdicts.size > VERDICTS_MAX && oldest !== undefined) {
        verdicts.delete(oldest);
      }
      return verdict;
    } finally {
      this.#finding.delete(id);
      this.#changed.fire();
    }
  }

  #forget(): void {
    for (const rules of this.#rules.values()) {
      rules.forget();
    }
    // One that is being found is kept in the map that nobody looks into any more.
    this.#verdicts = new Map();
    this.#finding.clear();
    this.#rulesChanged.fire();
    this.#changed.fire();
  }

  async #placeRule(uri: vscode.Uri, links: boolean): Promise<string | undefined> {
    const { uri: file, workspace } = placeOf(uri);
    return this.#rulesFor(file).ruleAt(file.path, workspace?.path, { links });
  }

  #rulesFor(uri: vscode.Uri): ReadRules {
    const key = `${uri.scheme}://${uri.authority}`;
    const known = this.#rules.get(key);
    const rules = known ?? new ReadRules(this.#factsFor(uri), this.#machine.ignoresCase);
    this.#rules.set(key, rules);
    return rules;
  }

  #factsFor(root: vscode.Uri): FileFacts {
    const { fs } = vscode.workspace;
    const at = (path: string): vscode.Uri => root.with({ path, query: "", fragment: "" });
    return {
      async text(path) {
        try {
          const bytes = await fs.readFile(at(path));
          return bytes.length > IGNORE_BYTES_MAX ? undefined : new TextDecoder().decode(bytes);
        } catch {
          return undefined;
        }
      },
      async exists(path) {
        try {
          await fs.stat(at(path));
          return true;
        } catch {
          return false;
        }
      },
      realPath: async (path) => {
        const real = root.scheme === "file" ? await this.#machine.realPath(at(path).fsPath) : undefined;
        return real === undefined ? undefined : at(vscode.Uri.file(real).path).path;
      },
    };
  }
}

/** Where a document's file is: cells and proposed changes have schemes of their own. */
function placeOf(uri: vscode.Uri): { readonly uri: vscode.Uri; readonly workspace: vscode.Uri | undefined } {
  const { workspace } = vscode;
  const notebook = workspace.notebookDocuments.find((each) => each.uri.path === uri.path);
  const own = uri.scheme === "vscode-notebook-cell" && notebook !== undefined ? notebook.uri : uri;
  const folder = workspace.getWorkspaceFolder(own)?.uri;
  if (folder !== undefined) {
    return { uri: own, workspace: folder };
  }
  const like = (workspace.workspaceFolders ?? []).find((each) => isBelow(own.path, each.uri.path))?.uri;
  return { uri: like === undefined ? own : like.with({ path: own.path }), workspace: like };
}

/** The editor matches patterns with documents only; of one it looks at no more than this. */
function asDocument(uri: vscode.Uri): vscode.TextDocument {
  return { uri, fileName: uri.fsPath, languageId: "plaintext" } as vscode.TextDocument;
}
