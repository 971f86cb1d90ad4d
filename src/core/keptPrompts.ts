import { NOTE_CHARS_MAX } from "../protocol/generation";
import type { TextEngine } from "./ports";
import type { PromptWindows } from "./promptWindow";

/** The engine, told with each request whether it may keep the prompt on disk for the workspace's next window, and what that must know. */
export function keepingEngine(
  engine: TextEngine,
  keepFor: () => string | undefined,
  windows: PromptWindows,
): TextEngine {
  return {
    generate: (documentId, prompt, request, cancel) => {
      const workspace = keepFor();
      const note = workspace === undefined ? undefined : windows.noteOf(documentId);
      const isKept = workspace !== undefined && note !== undefined && note.length <= NOTE_CHARS_MAX;
      return engine.generate(documentId, prompt, isKept ? { ...request, keep: { workspace, note } } : request, cancel);
    },
  };
}
