import type { CompletionOutcome, CompletionRequest } from "./completionRequest";
import type { InFlightRequest } from "./inFlightRequest";
import type { Clock } from "./ports";

/**
 * While a suggestion stands, the engine is asked what comes after it, so that one Tab after the other shows something at
 * once. Keeps when to ask that, and what was asked.
 */
export class Lookahead {
  readonly #clock: Clock;
  #accepted: { readonly request: CompletionRequest; readonly isOneKey: boolean } | undefined;
  #callOff: (() => void) | undefined;
  #inFlight: InFlightRequest | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A request ended with this suggestion: after so many milliseconds without another request `ask` is called. */
  stands(
    request: CompletionRequest,
    outcome: CompletionOutcome,
    afterMs: number,
    ask: (accepted: CompletionRequest) => void,
  ): void {
    this.callOff();
    this.#accepted = undefined;
    if (outcome.kind === "text") {
      const accepted = acceptedRequest(request, outcome);
      this.#accepted = { request: accepted, isOneKey: accepted.offset - request.offset <= 1 };
      this.#callOff = this.#clock.after(afterMs, () => {
        ask(accepted);
      });
    }
  }

  /** Another request has come, or the document was closed. */
  callOff(): void {
    this.#callOff?.();
    this.#callOff = undefined;
  }

  /** The document is as it is after all of the last suggestion was accepted, and not because its last character was typed. */
  isAccepted({ documentId, offset, text }: CompletionRequest): boolean {
    const request = this.#accepted?.request;
    return (
      request?.documentId === documentId &&
      request.offset === offset &&
      request.text === text &&
      this.#accepted?.isOneKey === false
    );
  }

  asked(inFlight: InFlightRequest): void {
    this.#inFlight = inFlight;
  }

  /** What was asked ahead is what somebody waits for now. */
  joined(inFlight: InFlightRequest): void {
    this.#inFlight = this.#inFlight === inFlight ? undefined : this.#inFlight;
  }

  /** Nobody has seen anything of it yet. */
  isAhead(inFlight: InFlightRequest): boolean {
    return this.#inFlight === inFlight;
  }
}

/** The request that an editor makes when a suggestion has been accepted whole. */
export function acceptedRequest(
  request: CompletionRequest,
  { text, replaceBefore, replaceAfter }: Extract<CompletionOutcome, { kind: "text" }>,
): CompletionRequest {
  const before = request.text.slice(0, request.offset - replaceBefore) + text;
  return {
    documentId: request.documentId,
    path: request.path,
    languageId: request.languageId,
    indentation: request.indentation,
    text: before + request.text.slice(request.offset + replaceAfter),
    offset: before.length,
    trigger: "automatic",
  };
}
