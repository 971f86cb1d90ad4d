import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../core/ports";
import { SyntaxCache } from "../core/syntax/cursorSyntax";
import { bundledSource } from "../syntax/nodeSource";

/** Beside the bundle; or the one that the build has laid out, where the sources themselves run. */
const FOLDERS = [join(__dirname, "syntax"), join(__dirname, "..", "..", "dist", "syntax")];

let source: ReturnType<typeof bundledSource> | undefined;

/**
 * The syntax of documents by the grammars that ship with Hearth, with those of the given languages loaded: what is asked then
 * depends on no time. Rejects where the grammars are not where the build puts them.
 */
export async function syntaxOf(languageIds: Iterable<string>, clock: Clock): Promise<SyntaxCache> {
  source ??= bundledSource(FOLDERS.find((folder) => existsSync(folder)) ?? "syntax");
  const loaded = await source;
  await Promise.all([...new Set(languageIds)].map((languageId) => loaded.load(languageId)));
  return new SyntaxCache(loaded, clock);
}
