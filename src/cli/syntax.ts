import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../core/ports";
import { SyntaxCache } from "../core/syntax/cursorSyntax";
import type { SyntaxReader } from "../core/syntax/reader";
import { bundledSource } from "../syntax/nodeSource";

/** Beside the bundle; or the one that the build has laid out, where the sources themselves run. */
const FOLDERS = [join(__dirname, "syntax"), join(__dirname, "..", "..", "dist", "syntax")];

let source: ReturnType<typeof bundledSource> | undefined;

function grammars(): ReturnType<typeof bundledSource> {
  return (source ??= bundledSource(FOLDERS.find((folder) => existsSync(folder)) ?? "syntax"));
}

/** Reads documents of a language by the grammar that ships with Hearth, or plainly. */
export function readerOf(languageId: string): Promise<SyntaxReader> {
  return grammars().load(languageId);
}

/**
 * The syntax of documents by the grammars that ship with Hearth, with those of the given languages loaded: what is asked then
 * depends on no time.
 */
export async function syntaxOf(languageIds: Iterable<string>, clock: Clock): Promise<SyntaxCache> {
  await Promise.all([...new Set(languageIds)].map(readerOf));
  return new SyntaxCache(grammars(), clock);
}
