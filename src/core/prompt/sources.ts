import { anchoredPrefix } from "./anchoredPrefix";
import { definitions } from "./definitions";
import { fileHeader } from "./fileHeader";
import { frozenSuffix } from "./frozenSuffix";
import { otherFiles } from "./otherFiles";
import type { PromptSource } from "./source";

/** All that prompts are made of. */
export const PROMPT_SOURCES = {
  others: otherFiles,
  definitions,
  header: fileHeader,
  suffix: frozenSuffix,
  prefix: anchoredPrefix,
} as const satisfies Readonly<Record<string, PromptSource>>;

export type SourceName = keyof typeof PROMPT_SOURCES;

export const SOURCE_NAMES = Object.keys(PROMPT_SOURCES) as readonly SourceName[];

/** A value for each source. */
export function perSource<T>(valueOf: (source: PromptSource, name: SourceName) => T): Readonly<Record<SourceName, T>> {
  return Object.fromEntries(SOURCE_NAMES.map((name) => [name, valueOf(PROMPT_SOURCES[name], name)])) as Record<
    SourceName,
    T
  >;
}
