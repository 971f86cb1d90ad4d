import { type LanguageConfiguration, readConfiguration } from "../core/syntax/configuration";
import languages from "./bundled/languages.json";
import type { GrammarContribution, SyntaxCatalog } from "./catalog";

/** What `tools/syntaxData.mjs` puts into the folder of the bundled grammars. */
export interface BundledIndex {
  /** By scope: the file and the scopes of the grammars that are to be tried inside. */
  readonly grammars: Readonly<Record<string, { readonly file: string; readonly injectTo?: readonly string[] }>>;
}

interface BundledLanguage {
  readonly id: string;
  readonly configuration: unknown;
  readonly grammar?: { readonly scope: string } & Partial<Omit<GrammarContribution, "scopeName">>;
}

const LANGUAGES: ReadonlyMap<string, BundledLanguage> = new Map(
  (languages as readonly BundledLanguage[]).map((language) => [language.id, language]),
);

/** Reads a file of the bundled grammars by its name. */
export type ReadBundled = (fileName: string) => Promise<string>;

/** The configuration that ships with Hearth. */
export function bundledConfiguration(languageId: string): LanguageConfiguration | undefined {
  const language = LANGUAGES.get(languageId);
  return language === undefined ? undefined : readConfiguration(language.configuration);
}

/** The grammars that ship with Hearth. */
export function bundledCatalog(index: BundledIndex, read: ReadBundled): SyntaxCatalog {
  const configurations = new Map<string, LanguageConfiguration | undefined>();
  const byScope = (scopeName: string, scopes?: BundledLanguage["grammar"]): GrammarContribution | undefined => {
    const entry = index.grammars[scopeName];
    return entry === undefined
      ? undefined
      : {
          scopeName,
          origin: "hearth",
          fileName: entry.file,
          read: () => read(entry.file),
          embeddedLanguages: scopes?.embeddedLanguages ?? {},
          tokenTypes: scopes?.tokenTypes ?? {},
          balancedBracketScopes: scopes?.balancedBracketScopes ?? [],
          unbalancedBracketScopes: scopes?.unbalancedBracketScopes ?? [],
        };
  };
  return {
    grammarOf: (languageId) => {
      const scopes = LANGUAGES.get(languageId)?.grammar;
      return scopes === undefined ? undefined : byScope(scopes.scope, scopes);
    },
    grammarByScope: (scopeName) => byScope(scopeName),
    injectionsInto: (scopeName) =>
      Object.entries(index.grammars).flatMap(([scope, { injectTo = [] }]) =>
        injectTo.some((each) => each === scopeName) ? [scope] : [],
      ),
    configuration: (languageId) => {
      if (!configurations.has(languageId)) {
        configurations.set(languageId, bundledConfiguration(languageId));
      }
      return Promise.resolve(configurations.get(languageId));
    },
  };
}
