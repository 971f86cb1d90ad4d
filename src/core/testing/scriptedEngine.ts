import type { PromptPart } from "../../protocol/prompt";
import type { Clock, GenerateRequest, GenerateResult, TextEngine } from "../ports";
import { flatten } from "../promptLayout";

export interface Script {
  readonly pieces: readonly string[];
  readonly finish?: GenerateResult["finish"];
  readonly prefillMs?: number;
  readonly msPerPiece?: number;
  readonly error?: Error;
}

export interface Call {
  readonly prompt: string;
  readonly request: GenerateRequest;
  /** Handed out before the end or the cancel. */
  piecesGiven: number;
  state: "running" | "ended" | "cancelled";
}

/** Says what it is told, as fast as it is told, obeys stop strings and cancels, and remembers what it was asked. */
export class ScriptedEngine implements TextEngine {
  readonly calls: Call[] = [];
  readonly #clock: Clock;
  readonly #scriptFor: (prompt: string) => Script;

  constructor(clock: Clock, scriptFor: (prompt: string) => Script) {
    this.#clock = clock;
    this.#scriptFor = scriptFor;
  }

  async *generate(
    prompt: readonly PromptPart[],
    request: GenerateRequest,
  ): AsyncGenerator<string, GenerateResult, undefined> {
    const call: Call = { prompt: flatten(prompt), request, piecesGiven: 0, state: "running" };
    this.calls.push(call);
    const script = this.#scriptFor(call.prompt);
    await this.#sleep(script.prefillMs ?? 0, request);
    if (script.error !== undefined) {
      call.state = "ended";
      throw script.error;
    }
    let said = "";
    try {
      if (request.maxTokens === 0) {
        call.state = request.cancel.isCancellationRequested ? "cancelled" : "ended";
        return { finish: request.cancel.isCancellationRequested ? "cancelled" : "limit" };
      }
      for (const piece of script.pieces) {
        await this.#sleep(script.msPerPiece ?? 0, request);
        if (request.cancel.isCancellationRequested) {
          return { finish: "cancelled" };
        }
        const stop = request.stop.map((each) => (said + piece).indexOf(each)).find((at) => at !== -1);
        if (stop !== undefined) {
          call.state = "ended";
          yield (said + piece).slice(said.length, Math.max(stop, said.length));
          return { finish: "stop" };
        }
        said += piece;
        call.piecesGiven += 1;
        yield piece;
      }
      call.state = "ended";
      return { finish: script.finish ?? "end" };
    } finally {
      if (call.state === "running") {
        call.state = "cancelled";
      }
    }
  }

  #sleep(ms: number, { cancel }: GenerateRequest): Promise<void> {
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
