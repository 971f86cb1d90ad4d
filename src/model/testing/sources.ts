import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(__dirname, "../../..");

export type Source = readonly [language: string, path: string, chars: number];

/** Real files of a clean checkout, by language, and how many characters of each are enough. */
export const SOURCES: readonly Source[] = [
  ["JavaScript", "node_modules/typescript/lib/typescript.js", 500_000],
  ["TypeScript", "node_modules/typescript/lib/lib.dom.d.ts", 300_000],
  ["C", "node_modules/node-api-headers/include/node_api.h", 100_000],
  ["C++", "node_modules/node-addon-api/napi-inl.h", 200_000],
  ["Markdown", "node_modules/eslint/README.md", 100_000],
  ["JSON", "package-lock.json", 100_000],
  ["Japanese", "node_modules/typescript/lib/ja/diagnosticMessages.generated.json", 100_000],
  ["Russian", "node_modules/typescript/lib/ru/diagnosticMessages.generated.json", 100_000],
  ...readdirSync(join(ROOT, "test/fixtures/tokenizer/snippets")).map(
    (name) => [name, `test/fixtures/tokenizer/snippets/${name}`, 100_000] as const,
  ),
];

export function sourceText([, path, chars]: Source): string {
  return readFileSync(join(ROOT, path), "utf8").slice(0, chars);
}
