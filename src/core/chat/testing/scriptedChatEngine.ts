import type { ChatMessage } from "../../../protocol/engine";
import { emptyReport, type GenerateReport, type GenerateRequest } from "../../../protocol/generation";
import type { CancelToken, ChatEngine, TextStream } from "../../ports";

export interface ChatCall {
  readonly conversation: string;
  readonly messages: readonly ChatMessage[];
  readonly request: GenerateRequest;
  readonly cancel: CancelToken | undefined;
}

/** Gives scripted answers on demand, counts a token a word, and records its requests. */
export class ScriptedChatEngine implements ChatEngine {
  readonly calls: ChatCall[] = [];
  /** Pieces of the next answers, in order; the last one is said from then on. */
  answers: (readonly string[])[] = [["Yes."]];
  finish: GenerateReport["finish"] = "end";
  error: Error | undefined;
  #holds = false;
  #waiting: (() => void)[] = [];
  /** Texts that were counted. */
  counted = 0;

  /** From now on a piece comes only when `next` is called. */
  hold(): void {
    this.#holds = true;
  }

  /** Lets one piece, or the end, come of each answer that is under way. */
  async next(): Promise<void> {
    for (const release of this.#waiting.splice(0)) {
      release();
    }
    await settled();
  }

  count(texts: readonly string[]): Promise<readonly number[]> {
    this.counted += texts.length;
    return Promise.resolve(texts.map(wordsIn));
  }

  async *chat(
    conversation: string,
    messages: readonly ChatMessage[],
    request: GenerateRequest,
    cancel?: CancelToken,
  ): TextStream {
    this.calls.push({ conversation, messages, request, cancel });
    const pieces = (this.answers.length > 1 ? this.answers.shift() : this.answers[0]) ?? [];
    for (const piece of pieces) {
      await this.#wait();
      if (cancel?.isCancellationRequested === true) {
        return emptyReport("cancelled");
      }
      yield { text: piece };
    }
    await this.#wait();
    if (this.error !== undefined) {
      throw this.error;
    }
    const promptTokens = messages.reduce((sum, { content }) => sum + wordsIn(content), 0);
    const generatedTokens = pieces.length;
    return { finish: this.finish, promptTokens, reusedTokens: 1, generatedTokens, prefillMs: 1, decodeMs: 500 };
  }

  #wait(): Promise<void> {
    return this.#holds
      ? new Promise((resolve) => {
          this.#waiting.push(resolve);
        })
      : Promise.resolve();
  }
}

export function wordsIn(text: string): number {
  return text.split(/\s+/).filter((word) => word !== "").length;
}

/** All promises that can go on have gone on. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
