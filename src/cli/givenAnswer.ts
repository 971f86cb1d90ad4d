import { Completer } from "../core/completion";
import type { CompletionRequest } from "../core/completionRequest";
import type { TextEngine } from "../core/ports";
import type { SkipReason } from "../core/skipReasons";
import type { SyntaxCache } from "../core/syntax/cursorSyntax";
import { StopStrings } from "../engine/local/stopStrings";
import { emptyReport } from "../protocol/generation";
import { syntaxOf } from "./syntax";
import { VirtualClock } from "./virtualClock";

/** What comes of a model's answer. */
export type GivenOutcome =
  /** `document` has the text accepted. */
  | { readonly shown: true; readonly text: string; readonly document: string }
  | { readonly shown: false; readonly text: ""; readonly reason: SkipReason; readonly document: string };

/** A model that fills in: also an empty document has a prompt. */
const TRAITS = { fimLayouts: ["suffix-first"], fileHeader: false } as const;

/**
 * What an editor would insert if a model gave this answer, by the logic of a window. By hand it is asked for twice, as
 * who wants to see all of an answer does. Errors: what that logic threw. `known`: what has been read of documents already.
 */
export async function completeWith(
  request: CompletionRequest,
  answer: string,
  known?: SyntaxCache,
): Promise<GivenOutcome> {
  const clock = new VirtualClock();
  const syntax = known ?? (await syntaxOf([request.languageId], clock));
  const completer = new Completer({ engine: saying(answer), clock, syntax }, TRAITS);
  const first = await clock.until(completer.complete(request));
  const again = request.trigger === "manual" ? await clock.until(completer.complete(request)) : first;
  const outcome = again.kind === "text" ? again : first;
  completer.stop();
  const { text: document, offset } = request;
  if (outcome.kind === "cancelled") {
    throw new Error("nobody can cancel this");
  }
  if (outcome.kind === "none") {
    if (outcome.error !== undefined) {
      throw outcome.error instanceof Error ? outcome.error : new Error("completion failed", { cause: outcome.error });
    }
    return { shown: false, text: "", reason: outcome.reason, document };
  }
  const { text, replaceBefore, replaceAfter } = outcome;
  const accepted = document.slice(0, offset - replaceBefore) + text + document.slice(offset + replaceAfter);
  return { shown: true, text, document: accepted };
}

/** Always the same answer, up to what ends an answer. */
function saying(answer: string): TextEngine {
  return {
    async *generate(_documentId, _prompt, { priority, stop }) {
      await Promise.resolve();
      if (priority === "prefill") {
        return emptyReport("limit");
      }
      const stops = new StopStrings(stop ?? []);
      const text = stops.push(answer);
      const rest = stops.found ? "" : stops.flush();
      if (text + rest !== "") {
        yield { text: text + rest };
      }
      return emptyReport(stops.found ? "stop" : "end");
    },
  };
}
