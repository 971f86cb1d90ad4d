import { loadWASM } from "vscode-oniguruma";
import { parseRawGrammar, Registry } from "vscode-textmate";
import { FALLBACK_CONFIGURATION, type LanguageConfiguration } from "../core/syntax/configuration";
import { PlainReader, PROSE_LANGUAGES } from "../core/syntax/plainReader";
import type { SyntaxReader, SyntaxSource } from "../core/syntax/reader";
import type { GrammarContribution, SyntaxCatalog } from "./catalog";
import { ScopeReader } from "./scopes";
import { TextMateReader } from "./textMateReader";
import { TimedOniguruma } from "./timedOniguruma";

export interface TextMateFiles {
  /**
   * Most wanted first: a grammar that cannot be loaded, or fails later, makes room for that of the next catalog. Asked for with
   * the first language, and after a reset.
   */
  readonly catalogs: () => Promise<readonly SyntaxCatalog[]>;
  /** The bytes of `onig.wasm`. Asked for once. */
  readonly readWasm: () => Promise<ArrayBuffer | ArrayBufferView>;
  /** What is known of a language at once; the bundled configuration. */
  readonly configurationNow: (languageId: string) => LanguageConfiguration | undefined;
}

/** A grammar could not be loaded or has failed on a line, and is not used any more. */
export type GrammarFailure = (origin: string, scopeName: string, error: unknown) => void;

/** Loads readers with a language's first use, and keeps them. */
export class TextMateSource implements SyntaxSource {
  readonly #files: TextMateFiles;
  readonly #onGrammarFailure: GrammarFailure;
  readonly #loading = new Map<string, Promise<SyntaxReader>>();
  readonly #loaded = new Map<string, SyntaxReader>();
  readonly #plain = new Map<string, PlainReader>();
  readonly #lineMsMax: number | undefined;
  #catalogs: Promise<readonly SyntaxCatalog[]> | undefined;

  /** @param lineMsMax see TextMateParts. */
  constructor(files: TextMateFiles, onGrammarFailure: GrammarFailure = () => undefined, lineMsMax?: number) {
    this.#files = files;
    this.#onGrammarFailure = onGrammarFailure;
    this.#lineMsMax = lineMsMax;
  }

  readerNow(languageId: string): { readonly reader: SyntaxReader; readonly isFinal: boolean } {
    const loaded = this.#loaded.get(languageId);
    if (loaded !== undefined) {
      return { reader: loaded, isFinal: true };
    }
    void this.load(languageId);
    const configuration = this.#files.configurationNow(languageId) ?? FALLBACK_CONFIGURATION;
    return { reader: this.#plainReader(languageId, configuration), isFinal: false };
  }

  load(languageId: string): Promise<SyntaxReader> {
    const loading = this.#loading.get(languageId) ?? this.#load(languageId, 0);
    this.#loading.set(languageId, loading);
    return loading;
  }

  /** There are other grammars now. */
  reset(): void {
    this.#catalogs = undefined;
    this.#loading.clear();
    this.#loaded.clear();
  }

  async #load(languageId: string, from: number): Promise<SyntaxReader> {
    const asked = (this.#catalogs ??= this.#files.catalogs());
    // Without catalogs there is still what is known of languages at once.
    const catalogs = await asked.catch((): readonly SyntaxCatalog[] => []);
    const reader =
      (await this.#loadGrammar(languageId, catalogs, from)) ?? (await this.#loadPlain(languageId, catalogs));
    if (this.#catalogs === asked) {
      this.#loaded.set(languageId, reader);
    }
    return reader;
  }

  async #loadPlain(languageId: string, catalogs: readonly SyntaxCatalog[]): Promise<SyntaxReader> {
    return this.#plainReader(languageId, await this.#configuration(languageId, catalogs));
  }

  #plainReader(languageId: string, configuration: LanguageConfiguration): PlainReader {
    const known = this.#plain.get(languageId);
    if (known?.configuration() === configuration) {
      return known;
    }
    const reader = new PlainReader(languageId, configuration, PROSE_LANGUAGES.has(languageId));
    this.#plain.set(languageId, reader);
    return reader;
  }

  async #configuration(languageId: string, catalogs: readonly SyntaxCatalog[]): Promise<LanguageConfiguration> {
    for (const catalog of catalogs) {
      const found = await catalog.configuration(languageId);
      if (found !== undefined) {
        return found;
      }
    }
    return this.#files.configurationNow(languageId) ?? FALLBACK_CONFIGURATION;
  }

  async #loadGrammar(
    languageId: string,
    catalogs: readonly SyntaxCatalog[],
    from: number,
  ): Promise<SyntaxReader | undefined> {
    for (let i = from; i < catalogs.length; ++i) {
      const contribution = catalogs[i]?.grammarOf(languageId);
      if (contribution === undefined) {
        continue;
      }
      try {
        return await this.#readerOf(languageId, contribution, catalogs, i);
      } catch (error) {
        this.#onGrammarFailure(contribution.origin, contribution.scopeName, error);
      }
    }
    return undefined;
  }

  /** `level`: how many catalogs are left out. What a grammar embeds comes from the others. */
  async #readerOf(
    languageId: string,
    contribution: GrammarContribution,
    all: readonly SyntaxCatalog[],
    level: number,
  ): Promise<SyntaxReader> {
    const catalogs = all.slice(level);
    await loadOniguruma(this.#files.readWasm);
    const oniguruma = new TimedOniguruma();
    const registry = new Registry({
      onigLib: Promise.resolve(oniguruma),
      loadGrammar: async (scopeName) => {
        const isOwn = scopeName === contribution.scopeName;
        const found = isOwn
          ? contribution
          : catalogs.map((each) => each.grammarByScope(scopeName)).find((each) => each);
        return found === undefined ? null : parseRawGrammar(await found.read(), found.fileName);
      },
      getInjections: (scopeName) => catalogs.flatMap((each) => each.injectionsInto(scopeName)),
    });
    const grammar = await registry.loadGrammar(contribution.scopeName);
    if (grammar === null) {
      throw new Error(`there is no grammar '${contribution.scopeName}'`);
    }
    const configurations = new Map<string, LanguageConfiguration>();
    for (const id of new Set([languageId, ...Object.values(contribution.embeddedLanguages)])) {
      configurations.set(id, await this.#configuration(id, all));
    }
    return new TextMateReader(languageId, {
      grammar,
      oniguruma,
      scopes: new ScopeReader(languageId, contribution),
      configurations,
      lineMsMax: this.#lineMsMax,
      onFailure: (error) => {
        this.#drop(languageId, contribution, level, error);
      },
    });
  }

  /** A grammar that has failed is not asked again. */
  #drop(languageId: string, { origin, scopeName }: GrammarContribution, level: number, error: unknown): void {
    this.#onGrammarFailure(origin, scopeName, error);
    this.#loaded.delete(languageId);
    this.#loading.set(languageId, this.#load(languageId, level + 1));
  }
}

/** Once in a process: the module is loaded into the library. */
let loadedOniguruma: Promise<void> | undefined;

function loadOniguruma(readWasm: TextMateFiles["readWasm"]): Promise<void> {
  loadedOniguruma ??= readWasm()
    .then((data) => loadWASM({ data }))
    .catch((error: unknown) => {
      loadedOniguruma = undefined;
      throw error;
    });
  return loadedOniguruma;
}
