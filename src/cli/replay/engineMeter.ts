import type { CancelToken, TextEngine } from "../../core/ports";
import type { EngineClient } from "../../engine/client/client";
import type { ClientStream } from "../../engine/client/textStream";
import { type GenerateReport, type GenerateRequest, wasCancelled } from "../../protocol/generation";
import type { PromptPart } from "../../protocol/prompt";
import type { Generation, Keystroke } from "./keystroke";

/** A completion request wants at least a line. */
const READING_TOKENS_MAX = 1;

/** The engine process; records its reports, also of requests that are not read to their end. */
export class EngineMeter implements TextEngine {
  readonly #client: Pick<EngineClient, "complete">;
  readonly #asking: () => Keystroke | undefined;
  readonly #reports: Promise<void>[] = [];
  readonly #prefills: Generation[] = [];

  /** @param asking the key whose request is under way. */
  constructor(client: Pick<EngineClient, "complete">, asking: () => Keystroke | undefined) {
    this.#client = client;
    this.#asking = asking;
  }

  generate(
    documentId: string,
    prompt: readonly PromptPart[],
    request: GenerateRequest,
    cancel?: CancelToken,
  ): ClientStream {
    const stream = this.#client.complete(documentId, prompt, request, cancel);
    const isReading = request.priority === "prefill" || request.maxTokens <= READING_TOKENS_MAX;
    const keystroke = isReading ? undefined : this.#asking();
    if (keystroke !== undefined) {
      keystroke.engineCalls += 1;
    }
    const generations = keystroke?.generations ?? this.#prefills;
    this.#reports.push(
      stream.report.then((report) => {
        if (report !== undefined) {
          generations.push(generationOf(report, stream.leftMs));
        }
      }),
    );
    return stream;
  }

  /** Prefills ahead of any request. */
  get prefills(): readonly Generation[] {
    return this.#prefills;
  }

  /** All requests have been reported. */
  async settled(): Promise<void> {
    await Promise.all(this.#reports);
  }
}

function generationOf(report: GenerateReport, leftMs: number | undefined): Generation {
  const { finish, promptTokens, reusedTokens, generatedTokens, prefillMs, decodeMs } = report;
  const isCancelled = wasCancelled(report);
  // An engine that is stopped during prefill does not report its progress, nor what it has reused.
  const isUnknown = isCancelled && generatedTokens === 0 && reusedTokens === 0;
  return {
    finish,
    promptTokens,
    ...(isUnknown ? {} : { newTokens: promptTokens - reusedTokens }),
    generatedTokens,
    prefillMs,
    decodeMs,
    ...(isCancelled && leftMs !== undefined ? { cancelMs: performance.now() - leftMs } : {}),
  };
}
