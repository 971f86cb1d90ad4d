import * as vscode from "vscode";
import { type LanguageConfiguration, readConfiguration } from "../core/syntax/configuration";
import { parseJsonc } from "../core/syntax/jsonc";
import type { GrammarContribution, SyntaxCatalog } from "../syntax/catalog";

/** Larger files are no grammars. */
const FILE_BYTES_MAX = 8 * 1024 * 1024;

type Json = Readonly<Record<string, unknown>>;

/**
 * The grammars and language configurations of the extensions that this host knows: in a remote window these are the ones on the
 * user's side. Built-in ones give way to those that the user has installed. All of it is input: what is not as it should be is
 * left out.
 */
export function installedCatalog(extensions: readonly vscode.Extension<unknown>[]): SyntaxCatalog {
  const grammars = new Map<string, GrammarContribution>();
  const scopes = new Map<string, string>();
  const injections = new Map<string, string[]>();
  const configurations = new Map<string, vscode.Uri>();
  for (const extension of builtInFirst(extensions)) {
    const contributes = asObject(asObject(extension.packageJSON)["contributes"]);
    for (const language of asArray(contributes["languages"]).map(asObject)) {
      const { id, configuration } = language;
      const uri = fileOf(extension, configuration);
      if (typeof id === "string" && uri !== undefined) {
        configurations.set(id, uri);
      }
    }
    for (const entry of asArray(contributes["grammars"]).map(asObject)) {
      const grammar = grammarOf(extension, entry);
      if (grammar === undefined) {
        continue;
      }
      grammars.set(grammar.scopeName, grammar);
      if (typeof entry["language"] === "string") {
        scopes.set(entry["language"], grammar.scopeName);
      }
      for (const target of texts(entry["injectTo"])) {
        injections.set(target, [...(injections.get(target) ?? []), grammar.scopeName]);
      }
    }
  }
  return {
    grammarOf: (languageId) => grammars.get(scopes.get(languageId) ?? ""),
    grammarByScope: (scopeName) => grammars.get(scopeName),
    injectionsInto: (scopeName) => injections.get(scopeName) ?? [],
    configuration: (languageId) => readConfigurationFile(configurations.get(languageId)),
  };
}

function builtInFirst(extensions: readonly vscode.Extension<unknown>[]): readonly vscode.Extension<unknown>[] {
  const isBuiltIn = ({ packageJSON }: vscode.Extension<unknown>): boolean =>
    asObject(packageJSON)["isBuiltin"] === true;
  return [...extensions.filter(isBuiltIn), ...extensions.filter((each) => !isBuiltIn(each))];
}

function grammarOf(extension: vscode.Extension<unknown>, entry: Json): GrammarContribution | undefined {
  const { scopeName } = entry;
  const uri = fileOf(extension, entry["path"]);
  if (typeof scopeName !== "string" || uri === undefined) {
    return undefined;
  }
  return {
    scopeName,
    origin: extension.id,
    fileName: uri.path,
    read: () => readFile(uri),
    embeddedLanguages: textsByName(entry["embeddedLanguages"]),
    tokenTypes: textsByName(entry["tokenTypes"]),
    balancedBracketScopes: texts(entry["balancedBracketScopes"]),
    unbalancedBracketScopes: texts(entry["unbalancedBracketScopes"]),
  };
}

/** A file of the extension; nothing outside of it. */
function fileOf({ extensionUri }: vscode.Extension<unknown>, path: unknown): vscode.Uri | undefined {
  if (typeof path !== "string") {
    return undefined;
  }
  const uri = vscode.Uri.joinPath(extensionUri, path);
  return uri.path.startsWith(`${extensionUri.path.replace(/\/$/, "")}/`) ? uri : undefined;
}

async function readFile(uri: vscode.Uri): Promise<string> {
  const { size } = await vscode.workspace.fs.stat(uri);
  if (size > FILE_BYTES_MAX) {
    throw new Error(`'${uri.path}' has ${String(size)} bytes`);
  }
  return new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
}

async function readConfigurationFile(uri: vscode.Uri | undefined): Promise<LanguageConfiguration | undefined> {
  try {
    return uri === undefined ? undefined : readConfiguration(parseJsonc(await readFile(uri)));
  } catch {
    // The next catalog has one.
    return undefined;
  }
}

function asObject(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function texts(value: unknown): readonly string[] {
  return asArray(value).filter((each): each is string => typeof each === "string");
}

function textsByName(value: unknown): Readonly<Record<string, string>> {
  const entries = Object.entries(asObject(value));
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === "string"));
}
