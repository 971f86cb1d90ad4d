export const LICENCES: readonly string[];
export const OWN_GRAMMARS: Readonly<Record<string, string>>;
export function loadGrammarList(): Promise<void>;
export function bundledGrammars(): readonly {
  readonly scope: string;
  readonly file: string;
  readonly json: unknown;
  readonly info?: { readonly name: string; readonly license?: string };
}[];
export function syntaxFiles(): readonly string[];
export function grammarNotices(): readonly string[];
export function layOutSyntax(folder: string): void;
