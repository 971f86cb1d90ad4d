import assert from "node:assert/strict";
import { join } from "node:path";
import type { CompletionRequest } from "../../src/core/completionRequest";
import { detectIndentation } from "../../src/core/indentation";
import { type GoldenCase, type GoldenFile, goldenFiles, read, unmarked } from "./goldenFiles";

/** Answers, and what documents become by them: the cases of answers/. */

/** @param golden the folder test/golden. */
export function answerFiles(golden: string): GoldenFile[] {
  return goldenFiles(join(golden, "answers"), "answer");
}

/** `rust, manual` or `python, automatic, 4 tabs`; without an indentation it is that of the document's lines. */
export function requestOf({ name, header, document }: GoldenCase): CompletionRequest {
  const [languageId = "", trigger = "", indent] = header.split(", ");
  assert.ok(trigger === "automatic" || trigger === "manual", `${name}: ${header}`);
  const { text, offset } = unmarked(read(document));
  const [, size, style] = /^(\d+) (spaces|tabs)$/.exec(indent ?? "") ?? [];
  const indentation =
    size === undefined
      ? detectIndentation(text, true)
      : { style: style === "tabs" ? ("tabs" as const) : ("spaces" as const), size: Number(size) };
  return { documentId: name, path: "a", languageId, text, offset, indentation, trigger };
}
