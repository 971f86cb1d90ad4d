import type { PromptPart } from "../protocol/prompt";
import { type CompletionPosition, normalise } from "./completionRequest";
import type { JointMin } from "./gate";
import { type AskedCompletion, type PendingCompletion, pendingCompletionAt } from "./pendingCompletion";
import type { PromptTraits } from "./ports";
import { type PromptSection, promptSections } from "./promptLayout";
import type { PromptWindows } from "./promptWindow";
import type { SyntaxCache } from "./syntax/cursorSyntax";

/** What is known of the place where a completion is asked for: what a prompt shows of it, and what the grammar of its document says. */
export class PlaceReader {
  constructor(
    private readonly windows: PromptWindows,
    private readonly syntax: SyntaxCache,
    private readonly traits: PromptTraits,
    private readonly jointMin: JointMin,
  ) {}

  pendingAt(asked: AskedCompletion): PendingCompletion {
    const { documentId } = asked.request;
    const { cursor } = asked.normal;
    const window = this.windows.windowAt(documentId, cursor);
    return pendingCompletionAt(asked, this.syntax.at({ documentId, ...cursor }), window, this.traits, this.jointMin);
  }

  /** Begins to read a document that has not been read, before the first request waits for it. */
  readSyntax(request: CompletionPosition): void {
    const normal = normalise(request);
    if (normal !== undefined) {
      this.syntax.at({ documentId: request.documentId, ...normal.cursor });
    }
  }

  /** Nobody types: what the prompt shows of the text below the cursor may be brought up to date. */
  refresh(request: CompletionPosition): void {
    const normal = normalise(request);
    if (normal !== undefined) {
      this.windows.refresh(request.documentId, normal.cursor);
    }
  }

  /** The prompt by its sources. */
  sectionsFor(request: CompletionPosition): readonly PromptSection[] {
    const normal = normalise(request);
    return normal === undefined
      ? []
      : promptSections(request.path, this.windows.windowAt(request.documentId, normal.cursor), this.traits);
  }

  promptFor(request: CompletionPosition): readonly PromptPart[] {
    return this.sectionsFor(request).flatMap(({ parts }) => parts);
  }

  forget(documentId: string): void {
    this.windows.forget(documentId);
    this.syntax.forget(documentId);
  }
}
