import type { LocalEngine } from "../engine/local/localEngine";
import type { LocalSession } from "../engine/local/localSession";
import { type ChatMessage, ChatTemplate } from "../model/chatTemplate";
import { terminalText } from "../core/visibleText";
import { EngineError } from "../protocol/errors";
import type { PromptPart } from "../protocol/prompt";
import { linesOf } from "./inputLines";
import { type Arguments, flagOption, samplerOptions, textOption, usageError, wholeOption } from "./options";
import { headSentence, modelPath, openEngine, printJson, Progress } from "./session";

export const chatOptions = {
  prompt: { type: "string" },
  system: { type: "string" },
  "max-tokens": { type: "string" },
  "try-anyway": { type: "boolean" },
} as const;

/** `hearth chat [--prompt S]`: one answer, or a conversation line by line. */
export async function chat(args: Arguments): Promise<void> {
  if (args.positionals.length > 0) {
    throw usageError("chat takes its question with --prompt, or line by line");
  }
  if (flagOption(args, "json") && textOption(args, "prompt") === undefined) {
    throw usageError("chat --json answers one question: give it with --prompt");
  }
  const maxTokens = wholeOption(args, "max-tokens", 1, 2 ** 20) ?? 1024;
  const engine = await openEngine(args, modelPath(args));
  try {
    if (!engine.model.capabilities.includes("chat") && !flagOption(args, "try-anyway")) {
      throw new EngineError(
        "bad_request",
        `cannot chat with '${engine.model.name}': it was not trained for that; choose another with --model, or add --try-anyway`,
      );
    }
    const conversation = new Conversation(args, engine, maxTokens);
    const prompt = textOption(args, "prompt");
    if (prompt !== undefined) {
      await conversation.ask(prompt);
      return;
    }
    await converse(conversation);
  } finally {
    engine.close();
  }
}

async function converse(conversation: Conversation): Promise<void> {
  for await (const line of linesOf(process.stdin, process.stderr, "> ")) {
    if (line.trim() !== "") {
      await conversation.ask(line);
    }
  }
}

/** So much of the context is kept for an answer: one part of this many. */
const ANSWER_SHARE = 4;

class Conversation {
  readonly #args: Arguments;
  readonly #engine: LocalEngine;
  readonly #session: LocalSession;
  readonly #template: ChatTemplate;
  readonly #maxTokens: number;
  readonly #messages: ChatMessage[] = [];

  constructor(args: Arguments, engine: LocalEngine, maxTokens: number) {
    this.#args = args;
    this.#engine = engine;
    this.#session = engine.newSession();
    this.#maxTokens = maxTokens;
    this.#template = new ChatTemplate(engine.model.chatTemplate, engine.tokenizer, { fileName: engine.model.name });
    const system = textOption(args, "system");
    if (system !== undefined) {
      this.#messages.push({ role: "system", content: system });
    }
  }

  /** The oldest turns go, audibly, where the conversation has outgrown the context. */
  async #promptThatFits(): Promise<PromptPart[]> {
    const { contextTokens } = this.#engine.info.plan;
    const first = this.#messages.findIndex(({ role }) => role !== "system");
    for (;;) {
      const prompt = await this.#template.render(this.#messages);
      const room = contextTokens - this.#engine.tokenizer.encodePrompt(prompt).length;
      if (room >= contextTokens / ANSWER_SHARE || this.#messages.length - first <= 1) {
        return prompt;
      }
      this.#messages.splice(first, 2);
      process.stderr.write("hearth: the oldest question and answer no longer fit and are forgotten\n");
    }
  }

  /** Streams the answer to stdout, or prints {text, …} at its end with --json. */
  async ask(content: string): Promise<void> {
    if (await this.#engine.hasChanged()) {
      throw new EngineError(
        "bad_model",
        `model '${this.#engine.model.identity.path}' has changed since it was opened; start the conversation anew`,
      );
    }
    this.#messages.push({ role: "user", content });
    const prompt = await this.#promptThatFits();
    const pieces = this.#session.generate(prompt, {
      priority: "chat",
      maxTokens: this.#maxTokens,
      sampler: samplerOptions(this.#args, this.#engine.model.known.sampling),
    });
    const json = flagOption(this.#args, "json");
    let text = "";
    let step = await pieces.next();
    const progress = new Progress("reading");
    while (step.done !== true) {
      if (step.value.read === undefined) {
        progress.clear();
      } else {
        progress.show(step.value.read);
      }
      text += step.value.text;
      if (!json) {
        process.stdout.write(terminalText(step.value.text));
      }
      step = await pieces.next();
    }
    progress.clear();
    this.#messages.push({ role: "assistant", content: text });
    const { finish, promptTokens, reusedTokens, generatedTokens } = step.value;
    const head = this.#engine.approximateHead;
    if (json) {
      printJson({
        text,
        finish,
        prompt_tokens: promptTokens,
        reused_tokens: reusedTokens,
        generated_tokens: generatedTokens,
        ...(head === undefined ? {} : { approximate_head: head }),
      });
    } else {
      process.stdout.write("\n");
      if (head !== undefined) {
        process.stderr.write(`hearth: ${headSentence(head)}\n`);
      }
    }
  }
}
