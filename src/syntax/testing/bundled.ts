import { join } from "node:path";
import { bundledSource } from "../nodeSource";
import type { TextMateSource } from "../textMateSource";

let source: TextMateSource | undefined;

/** The bundled grammars as the build has laid them out; loaded once for all tests. A grammar that fails fails the test run. */
export function bundledForTests(): TextMateSource {
  source ??= bundledSource(join(__dirname, "../../../dist/syntax"), (origin, scopeName, error) => {
    throw new Error(`the grammar '${scopeName}' of ${origin} has failed`, { cause: error });
  });
  return source;
}
