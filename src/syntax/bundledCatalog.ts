import type { LanguageConfiguration } from "../core/syntax/configuration";
import { bundledConfiguration, bundledLanguage, type BundledLanguage } from "../core/syntax/languages";
import type { GrammarContribution, SyntaxCatalog } from "./catalog";

/** What `tools/syntaxData.mjs` puts into the folder of the bundled grammars. */
export interface BundledIndex {
  /** By scope: the file, and the scopes of the grammars inside which it is to be tried. */
  readonly grammars: Readonly<Record<string, { readonly file: string; readonly injectTo?: readonly string[] }>>;
}

/** Reads a file of the bundled grammars by its name. */
export type ReadBundled = (fileName: string) => Promise<string>;

/** The grammars that ship with Hearth. */
export function bundledCatalog(index: BundledIndex, read: ReadBundled): SyntaxCatalog {
  const byScope = (scopeName: string, { grammar }: Partial<BundledLanguage> = {}): GrammarContribution | undefined => {
    const entry = index.grammars[scopeName];
    return entry === undefined
      ? undefined
      : {
          scopeName,
          origin: "hearth",
          fileName: entry.file,
          read: () => read(entry.file),
          embeddedLanguages: grammar?.embeddedLanguages ?? {},
          tokenTypes: grammar?.tokenTypes ?? {},
          balancedBracketScopes: grammar?.balancedBracketScopes ?? [],
          unbalancedBracketScopes: grammar?.unbalancedBracketScopes ?? [],
        };
  };
  return {
    grammarOf: (languageId) => {
      const language = bundledLanguage(languageId);
      return language?.grammar === undefined ? undefined : byScope(language.grammar.scope, language);
    },
    grammarByScope: (scopeName) => byScope(scopeName),
    injectionsInto: (scopeName) =>
      Object.entries(index.grammars).flatMap(([scope, { injectTo = [] }]) =>
        injectTo.includes(scopeName) ? [scope] : [],
      ),
    configuration: (languageId): Promise<LanguageConfiguration | undefined> =>
      Promise.resolve(bundledConfiguration(languageId)),
  };
}
