import * as vscode from "vscode";

/** The valid part of an extension's manifest. */
interface Manifest {
  readonly contributes?: { readonly languages?: unknown };
}

interface Language {
  readonly id?: unknown;
  readonly aliases?: unknown;
}

/** The status line asks after each request, and an editor has a hundred extensions. */
const known = new Map<string, string>();

/** As the editor shows it: `TypeScript` for `typescript`. The identifier itself where no extension names the language. */
export function languageName(languageId: string): string {
  const name = known.get(languageId) ?? contributedName(languageId);
  if (name !== undefined) {
    known.set(languageId, name);
  }
  return name ?? `'${languageId}'`;
}

function contributedName(languageId: string): string | undefined {
  const names = vscode.extensions.all
    .flatMap(({ packageJSON }) => listOf((packageJSON as Manifest).contributes?.languages))
    .filter((language): language is Language => (language as Language | null)?.id === languageId)
    .flatMap(({ aliases }) => listOf(aliases).slice(0, 1));
  return names.find((name) => typeof name === "string");
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
