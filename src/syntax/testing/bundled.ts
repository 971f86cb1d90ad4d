import { join } from "node:path";
import { bundledSource } from "../nodeSource";
import type { TextMateSource } from "../textMateSource";

let source: Promise<TextMateSource> | undefined;

/** The bundled grammars as the build has laid them out; loaded once for all tests. */
export function bundledForTests(): Promise<TextMateSource> {
  source ??= bundledSource(join(__dirname, "../../../dist/syntax"));
  return source;
}
