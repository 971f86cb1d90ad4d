import { FALLBACK_CONFIGURATION, type LanguageConfiguration, readConfiguration } from "./configuration";
import languages from "./languages.json";
import { PlainReader, PROSE_LANGUAGES } from "./plainReader";
import type { SyntaxReader, SyntaxSource } from "./reader";

/**
 * What ships of a language: its configuration, and which grammar it has. Most lines of `languages.json` are from VS Code's own
 * extensions (MIT, Copyright (c) Microsoft Corporation); those of languages that VS Code does not know state what the
 * languages' manuals say.
 */
export interface BundledLanguage {
  readonly id: string;
  /** With their dots. */
  readonly extensions: readonly string[];
  readonly filenames: readonly string[];
  /** As in `language-configuration.json`. */
  readonly configuration: unknown;
  /** As in `contributes.grammars`. */
  readonly grammar?: {
    readonly scope: string;
    readonly embeddedLanguages?: Readonly<Record<string, string>>;
    readonly tokenTypes?: Readonly<Record<string, string>>;
    readonly balancedBracketScopes?: readonly string[];
    readonly unbalancedBracketScopes?: readonly string[];
  };
}

const BUNDLED: readonly BundledLanguage[] = languages;
const LANGUAGES: ReadonlyMap<string, BundledLanguage> = new Map(BUNDLED.map((language) => [language.id, language]));
const CONFIGURATIONS = new Map<string, LanguageConfiguration>();

export function bundledLanguage(languageId: string): BundledLanguage | undefined {
  return LANGUAGES.get(languageId);
}

/** Undefined for languages of which nothing ships. */
export function bundledConfiguration(languageId: string): LanguageConfiguration | undefined {
  const language = LANGUAGES.get(languageId);
  const known = CONFIGURATIONS.get(languageId);
  if (language === undefined || known !== undefined) {
    return known;
  }
  const configuration = readConfiguration(language.configuration);
  CONFIGURATIONS.set(languageId, configuration);
  return configuration;
}

/** Of files that have that very name: `Makefile`. */
export function languageIdOfFileName(name: string): string | undefined {
  const wanted = name.toLowerCase();
  return BUNDLED.find(({ filenames }) => filenames.some((each) => each.toLowerCase() === wanted))?.id;
}

/** Where several languages have the same extension, the first of the list has it. */
export function languageIdOfExtension(name: string): string | undefined {
  const extension = /\.[^.]+$/.exec(name)?.[0].toLowerCase();
  return extension === undefined ? undefined : BUNDLED.find(({ extensions }) => extensions.includes(extension))?.id;
}

/** Where there are no grammars: every language is read by its configuration alone. */
export class PlainSource implements SyntaxSource {
  readonly #readers = new Map<string, SyntaxReader>();

  readerNow(languageId: string): { readonly reader: SyntaxReader; readonly isFinal: boolean } {
    const known = this.#readers.get(languageId);
    const configuration = bundledConfiguration(languageId) ?? FALLBACK_CONFIGURATION;
    const reader = known ?? new PlainReader(languageId, configuration, PROSE_LANGUAGES.has(languageId));
    this.#readers.set(languageId, reader);
    return { reader, isFinal: true };
  }

  load(languageId: string): Promise<SyntaxReader> {
    return Promise.resolve(this.readerNow(languageId).reader);
  }
}

/** Readers have no state of their own, so all may share them. */
export const PLAIN_SOURCE: SyntaxSource = new PlainSource();
