import { emptyReport, type GeneratedPiece, type GenerateReport, type GenerateRequest } from "../../protocol/generation";
import type { PromptPart } from "../../protocol/prompt";
import { NEVER_CANCELLED } from "../cancellation";
import type { CancelToken, Clock, TextEngine, TextStream } from "../ports";
import { flatten } from "../promptLayout";

export interface Script {
  readonly pieces: readonly string[];
  /** Of the pieces, each a token. Missing: none is told. */
  readonly probabilities?: readonly number[];
  /** It knows none, and says so. */
  readonly isUnjudged?: true;
  readonly finish?: GenerateReport["finish"];
  readonly prefillMs?: number;
  readonly msPerPiece?: number;
  readonly error?: Error;
}

export interface Call {
  readonly documentId: string;
  readonly prompt: string;
  readonly request: GenerateRequest;
  /** Handed out before the end or the cancel. */
  piecesGiven: number;
  state: "running" | "ended" | "cancelled";
}

/** Gives scripted answers at a scripted speed, obeys stop strings and cancellation, and records its requests. */
export class ScriptedEngine implements TextEngine {
  readonly calls: Call[] = [];
  readonly #clock: Clock;
  readonly #scriptFor: (prompt: string) => Script;

  constructor(clock: Clock, scriptFor: (prompt: string) => Script) {
    this.#clock = clock;
    this.#scriptFor = scriptFor;
  }

  async *generate(
    documentId: string,
    prompt: readonly PromptPart[],
    request: GenerateRequest,
    cancel: CancelToken = NEVER_CANCELLED,
  ): TextStream {
    const call: Call = { documentId, prompt: flatten(prompt), request, piecesGiven: 0, state: "running" };
    this.calls.push(call);
    const script = this.#scriptFor(call.prompt);
    const startedMs = this.#clock.nowMs();
    await this.#sleep(script.prefillMs ?? 0, cancel);
    const prefilledMs = this.#clock.nowMs();
    if (script.error !== undefined) {
      call.state = "ended";
      throw script.error;
    }
    const reportOf = (finish: GenerateReport["finish"]): GenerateReport => ({
      ...emptyReport(finish),
      prefillMs: prefilledMs - startedMs,
      decodeMs: this.#clock.nowMs() - prefilledMs,
    });
    try {
      if (request.priority === "prefill") {
        call.state = cancel.isCancellationRequested ? "cancelled" : "ended";
        return reportOf(cancel.isCancellationRequested ? "cancelled" : "limit");
      }
      const finish = yield* this.#say(call, script, cancel);
      return reportOf(finish);
    } finally {
      if (call.state === "running") {
        call.state = "cancelled";
      }
    }
  }

  async *#say(
    call: Call,
    script: Script,
    cancel: CancelToken,
  ): AsyncGenerator<GeneratedPiece, GenerateReport["finish"], undefined> {
    let said = "";
    for (const [i, piece] of script.pieces.entries()) {
      await this.#sleep(script.msPerPiece ?? 0, cancel);
      if (cancel.isCancellationRequested) {
        return "cancelled";
      }
      const stop = call.request.stop?.map((each) => (said + piece).indexOf(each)).find((at) => at !== -1);
      const logprob = Math.log(script.probabilities?.[i] ?? 1);
      const tokens = {
        tokens: [{ id: i, offset: said.length, logprob, watched: [piece.startsWith("\n") ? logprob : -9] }],
      };
      const judged = script.probabilities === undefined || call.request.logprobs !== true ? {} : tokens;
      if (stop !== undefined) {
        call.state = "ended";
        yield { text: (said + piece).slice(said.length, Math.max(stop, said.length)), ...judged };
        return "stop";
      }
      said += piece;
      call.piecesGiven += 1;
      yield { text: piece, ...judged, ...(script.isUnjudged === undefined ? {} : { isUnjudged: true }) };
    }
    call.state = "ended";
    return script.finish ?? "end";
  }

  #sleep(ms: number, cancel: CancelToken): Promise<void> {
    return new Promise((resolve) => {
      if (ms === 0 || cancel.isCancellationRequested) {
        resolve();
        return;
      }
      const callOff = this.#clock.after(ms, resolve);
      cancel.onCancellationRequested(() => {
        callOff();
        resolve();
      });
    });
  }
}
