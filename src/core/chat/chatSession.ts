import type { AnswerStatistics } from "../../protocol/chat";
import { EngineError } from "../../protocol/errors";
import type { GenerateReport, SamplerOptions } from "../../protocol/generation";
import { CancelSource } from "../cancellation";
import type { ChatEngine } from "../ports";
import { estimateTokens } from "../tokenEstimate";
import { type AttachmentSource, type CountTokens, fitAttachments } from "./attachments";
import { attachmentRoomTokens, planPrompt, type PromptPlan, USUAL_CONTEXT_TOKENS } from "./chatPrompt";
import {
  type AnswerEnd,
  appendText,
  ask,
  beginAnswer,
  type Conversation,
  finishAnswer,
  renamed,
  runningAnswer,
  withAttachments,
  withRead,
  withoutAnswer,
  withoutQuestion,
} from "./conversation";

export interface ChatPorts {
  readonly engine: ChatEngine;
  /** Loads the model, if need be. Rejects with an EngineError, also where it must not be asked. */
  readonly contextTokens: () => Promise<number>;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
  readonly onChange: (conversation: Conversation) => void;
  /** More text of an answer whose first piece has been told by `onChange`. */
  readonly onText: (answerId: number, text: string) => void;
}

/** Options of one request. */
interface Wish {
  /** Missing: as the model's authors recommend. */
  readonly sampler?: SamplerOptions;
  /** Attachments of the last question, still to be cut to fit; missing where they have been. */
  readonly sources?: readonly AttachmentSource[];
}

/** One answer on its way. */
interface Run {
  readonly cancel: CancelSource;
}

/** A higher temperature than the models' authors recommend (0.6), so that a regenerated answer differs. */
const AGAIN_SAMPLER = { temperature: 0.8, topK: 20, topP: 0.95, minP: 0 };
/** Far beyond what the token limit lets through, whatever a vocabulary's tokens are. */
const ANSWER_CHARS_MAX = 100_000;

/** One conversation with the model: one answer at a time, and every end of it is a state of the conversation. */
export class ChatSession {
  readonly #ports: ChatPorts;
  #conversation: Conversation;
  #run: Run | undefined;

  constructor(ports: ChatPorts, conversation: Conversation) {
    this.#ports = ports;
    this.#conversation = conversation;
  }

  get conversation(): Conversation {
    return this.#conversation;
  }

  get isBusy(): boolean {
    return this.#run !== undefined;
  }

  /** Sends a message; resolves when the answer has ended, however. Does nothing while another answer runs. */
  async send(text: string, sources: readonly AttachmentSource[] = []): Promise<void> {
    const isEmpty = text.trim() === "" && sources.length === 0;
    if (this.isBusy || isEmpty) {
      return;
    }
    const run = this.#begin();
    // Shown at once; the model may take a while to be there and count.
    const roomTokens = attachmentRoomTokens(USUAL_CONTEXT_TOKENS);
    const attachments = await fitAttachments(sources, roomTokens, estimate);
    if (this.#run === run) {
      this.#set(ask(this.#conversation, text, attachments, this.#ports.nowMs()));
      await this.#answer(run, { sources });
    }
  }

  /** Asks for another answer in place of one, which need not be the last; what came after it goes. */
  async regenerate(answerId: number): Promise<void> {
    const old = this.#conversation.turns.find(({ id }) => id === answerId);
    const without = withoutAnswer(this.#conversation, answerId);
    if (without === undefined || old === undefined) {
      return;
    }
    this.stop();
    const before = old.kind === "answer" ? (old.earlier ?? []) : [];
    const again = beginAnswer(without, old.text.trim() === "" ? before : [...before, old.text]);
    this.#set(again);
    // After an empty answer the next one need not differ.
    await this.#answer(this.#begin(), old.text === "" ? {} : { sampler: { ...AGAIN_SAMPLER, seed: again.nextTurn } });
  }

  /** Asks something else in place of a question; what came after it goes. */
  async resend(questionId: number, text: string): Promise<void> {
    const cut = withoutQuestion(this.#conversation, questionId);
    if (cut === undefined) {
      return;
    }
    this.stop();
    this.#set(ask(cut.conversation, text, cut.question.attachments, this.#ports.nowMs()));
    await this.#answer(this.#begin(), {});
  }

  /** The answer that runs ends here; the engine is told. */
  stop(): void {
    this.#end({ kind: "stopped", by: "user" });
  }

  rename(title: string): void {
    this.#set(renamed(this.#conversation, title));
  }

  #begin(): Run {
    this.#run = { cancel: new CancelSource() };
    return this.#run;
  }

  async #answer(run: Run, { sources, sampler }: Wish): Promise<void> {
    const { engine, contextTokens } = this.#ports;
    const count: CountTokens = (texts) => engine.count(texts, run.cancel.token);
    try {
      const context = await contextTokens();
      const attachments = await fitAttachments(sources ?? [], attachmentRoomTokens(context), count);
      const whole = (): Conversation =>
        sources === undefined ? this.#conversation : withAttachments(this.#conversation, attachments);
      const plan = await planPrompt(whole(), context, count);
      if (this.#run === run) {
        // It may have got another title meanwhile.
        this.#set({ ...whole(), forgottenTurns: plan.forgottenTurns });
        await this.#stream(run, plan, sampler);
      }
    } catch (error) {
      if (this.#run === run) {
        this.#end(failureOf(error));
      }
    }
  }

  async #stream(run: Run, plan: PromptPlan, sampler: SamplerOptions | undefined): Promise<void> {
    const { messages, answerTokens, limitedBy } = plan;
    const request = {
      priority: "chat",
      maxTokens: answerTokens,
      ...(sampler === undefined ? {} : { sampler }),
    } as const;
    const pieces = this.#ports.engine.chat(this.#conversation.id, messages, request, run.cancel.token);
    let step = await pieces.next();
    while (this.#run === run && step.done !== true) {
      const { text, read } = step.value;
      if (read === undefined) {
        this.#add(text);
      } else {
        this.#set(withRead(this.#conversation, read));
      }
      step = await pieces.next();
    }
    if (this.#run === run && step.done === true) {
      this.#end(endOf(step.value, limitedBy), statisticsOf(step.value));
    }
  }

  #add(text: string): void {
    const before = runningAnswer(this.#conversation);
    const after = appendText(this.#conversation, text);
    if (before?.state.kind === "waiting") {
      this.#set(after);
    } else if (before !== undefined) {
      this.#conversation = after;
      this.#ports.onText(before.id, text);
    }
    if ((before?.text.length ?? 0) + text.length > ANSWER_CHARS_MAX) {
      this.#end({ kind: "stopped", by: "limit" });
    }
  }

  /** Code that still awaits the engine then finds that its run is over. */
  #end(state: AnswerEnd, statistics?: AnswerStatistics): void {
    const run = this.#run;
    if (run !== undefined) {
      this.#run = undefined;
      run.cancel.cancel();
      this.#set(finishAnswer(this.#conversation, state, this.#ports.nowMs(), statistics));
    }
  }

  #set(conversation: Conversation): void {
    this.#conversation = conversation;
    this.#ports.onChange(conversation);
  }
}

function endOf({ finish }: GenerateReport, limitedBy: PromptPlan["limitedBy"]): AnswerEnd {
  switch (finish) {
    case "end":
    case "stop":
      return { kind: "done" };
    case "limit":
      return { kind: "stopped", by: limitedBy };
    case "loop":
      return { kind: "stopped", by: "loop" };
    case "cancelled":
    case "superseded":
      // Not stopped from this side.
      return {
        kind: "failed",
        code: "busy",
        message: "the engine ended the answer before it was done, because its model or its window changed; ask again",
      };
  }
}

function statisticsOf({ promptTokens, reusedTokens, generatedTokens, decodeMs }: GenerateReport): AnswerStatistics {
  const isTimed = decodeMs > 0 && generatedTokens > 0;
  return {
    promptTokens,
    reusedTokens,
    generatedTokens,
    ...(isTimed ? { decodeTps: (generatedTokens / decodeMs) * 1000 } : {}),
  };
}

const estimate: CountTokens = (texts) => Promise.resolve(texts.map(estimateTokens));

function failureOf(error: unknown): AnswerEnd {
  const code = error instanceof EngineError ? error.code : "internal";
  const message = error instanceof Error ? error.message : String(error);
  return { kind: "failed", code, message };
}
