import type { CompletionOutcome, CompletionRequest } from "./completionRequest";

type Place = Pick<CompletionRequest, "documentId" | "text" | "offset">;

/** What an editor was given last, and goes on showing while its beginning is typed. */
export class StandingSuggestion {
  #given: { readonly documentId: string; readonly before: string; readonly text: string } | undefined;

  /** A request for this place has ended like this. */
  ended({ documentId, text, offset }: Place, outcome: CompletionOutcome): void {
    if (outcome.kind === "text") {
      const isPlain = outcome.replaceBefore === 0;
      this.#given = isPlain ? { documentId, before: text.slice(0, offset), text: outcome.text } : undefined;
    } else if (outcome.kind === "none" && outcome.reason !== "superseded") {
      this.#given = undefined;
    }
  }

  /** A document was closed. */
  forget(documentId: string): void {
    if (this.#given?.documentId === documentId) {
      this.#given = undefined;
    }
  }

  /** What is left of it at this place; "" for nothing. */
  restAt({ documentId, text, offset }: Place): string {
    const given = this.#given;
    const before = text.slice(0, offset);
    if (given?.documentId !== documentId || !before.startsWith(given.before)) {
      return "";
    }
    const typed = before.slice(given.before.length);
    return given.text.startsWith(typed) ? given.text.slice(typed.length) : "";
  }
}

/** Closing brackets and quotes come and go at the end as the editor closes them by itself. */
export function isSameSuggestion(a: string, b: string): boolean {
  const bare = (each: string): string => each.replace(/[\s)\]}>"'`]+$/, "");
  return b !== "" && bare(a) === bare(b);
}
