import type { CompletionRequest } from "../completionRequest";
import type { CursorContext } from "../context";

/** `|` marks the cursor. */
export function cursorAt(marked: string, languageId = "typescript", path = "src/a.ts"): CursorContext {
  const offset = marked.indexOf("|");
  if (offset === -1) {
    throw new Error(`no cursor in ${JSON.stringify(marked)}`);
  }
  const text = marked.slice(0, offset) + marked.slice(offset + 1);
  return { path, languageId, text, offset, indentation: { style: "spaces", size: 2 } };
}

export function requestAt(marked: string, more: Partial<CompletionRequest> = {}): CompletionRequest {
  return { documentId: "doc", trigger: "automatic", ...cursorAt(marked), ...more };
}
