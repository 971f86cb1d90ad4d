import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { bundledConfiguration } from "../core/syntax/languages";
import { bundledCatalog, type BundledIndex } from "./bundledCatalog";
import type { SyntaxCatalog } from "./catalog";
import { type GrammarFailure, TextMateSource } from "./textMateSource";

/**
 * The grammars that `tools/syntaxData.mjs` has laid out in a folder, below those of other catalogs. Nothing is read before the
 * first language is loaded.
 */
export function bundledSource(
  folder: string,
  onGrammarFailure?: GrammarFailure,
  others: () => readonly SyntaxCatalog[] = () => [],
): TextMateSource {
  const read = (fileName: string): Promise<string> => readFile(join(folder, fileName), "utf8");
  return new TextMateSource(
    {
      catalogs: async () => {
        const index = JSON.parse(await read("index.json")) as BundledIndex;
        return [...others(), bundledCatalog(index, read)];
      },
      readWasm: () => readFile(join(folder, "onig.wasm")),
      configurationNow: bundledConfiguration,
    },
    onGrammarFailure,
  );
}
