import type { LanguageConfiguration } from "../core/syntax/configuration";
import type { GrammarScopes } from "./scopes";

/** A grammar as somebody has contributed it: VS Code's `contributes.grammars`. */
export interface GrammarContribution extends GrammarScopes {
  /** Whose it is, for messages. */
  readonly origin: string;
  /** Ends with `.json`, or it is a property list. */
  readonly fileName: string;
  /** Rejects where it cannot be read. */
  read(): Promise<string>;
}

/** What languages and grammars there are. */
export interface SyntaxCatalog {
  grammarOf(languageId: string): GrammarContribution | undefined;
  grammarByScope(scopeName: string): GrammarContribution | undefined;
  /** Scopes of the grammars that are to be tried inside another: `injectTo`. */
  injectionsInto(scopeName: string): readonly string[];
  /** Undefined where the language is unknown. Never rejects. */
  configuration(languageId: string): Promise<LanguageConfiguration | undefined>;
}

/** The first that has something wins; injections come from all. */
export function layered(catalogs: readonly SyntaxCatalog[]): SyntaxCatalog {
  const first = <T>(find: (catalog: SyntaxCatalog) => T | undefined): T | undefined => {
    for (const catalog of catalogs) {
      const found = find(catalog);
      if (found !== undefined) {
        return found;
      }
    }
    return undefined;
  };
  return {
    grammarOf: (languageId) => first((each) => each.grammarOf(languageId)),
    grammarByScope: (scopeName) => first((each) => each.grammarByScope(scopeName)),
    injectionsInto: (scopeName) => [...new Set(catalogs.flatMap((each) => each.injectionsInto(scopeName)))],
    configuration: async (languageId) => {
      for (const catalog of catalogs) {
        const found = await catalog.configuration(languageId);
        if (found !== undefined) {
          return found;
        }
      }
      return undefined;
    },
  };
}
