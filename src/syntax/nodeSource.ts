import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { bundledConfiguration } from "../core/syntax/languages";
import { bundledCatalog, type BundledIndex } from "./bundledCatalog";
import { type GrammarFailure, TextMateSource } from "./textMateSource";

/** The bundled grammars, read from a folder as `tools/syntaxData.mjs` lays it out. For the command line and tests. */
export async function bundledSource(folder: string, onGrammarFailure?: GrammarFailure): Promise<TextMateSource> {
  const read = (fileName: string): Promise<string> => readFile(join(folder, fileName), "utf8");
  const index = JSON.parse(await read("index.json")) as BundledIndex;
  return new TextMateSource(
    {
      catalogs: [bundledCatalog(index, read)],
      readWasm: () => readFile(join(folder, "onig.wasm")),
      configurationNow: bundledConfiguration,
    },
    onGrammarFailure,
  );
}
