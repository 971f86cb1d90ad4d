import type { ChatMessage } from "../model/chatTemplate";
import { ChatTemplate } from "../model/chatTemplate";
import { planEdit } from "../core/edit/editPrompt";
import type { LineRange } from "../core/edit/lineDiff";
import type { Excerpt } from "../core/edit/editPrompt";
import { EngineError } from "../protocol/errors";
import { type Arguments, flagOption, samplerOptions } from "./options";
import { modelPath, openEngine } from "./session";

/** What is asked, and of what. */
export interface ModelQuestion {
  readonly document: { readonly path: string; readonly languageId: string; readonly lines: readonly string[] };
  readonly range: LineRange;
  /** How many times as long as the code an answer may get. */
  readonly growth: number;
  messages(excerpt: Excerpt): ChatMessage[];
}

export interface ModelAnswer {
  readonly text: string;
  /** The model stopped by itself. */
  readonly hasEnded: boolean;
}

const TEMPERATURE = 0;
const ANSWER_TOKENS_MIN = 250;

/** Asks the model as the editor does. Errors: EngineError. */
export async function askModel(args: Arguments, question: ModelQuestion): Promise<ModelAnswer> {
  const engine = await openEngine(args, modelPath(args));
  try {
    if (!engine.model.capabilities.includes("edit") && !flagOption(args, "try-anyway")) {
      throw new EngineError(
        "bad_request",
        `cannot edit with '${engine.model.name}': it was not trained for that; choose another with --model, or add --try-anyway`,
      );
    }
    const { document, range, growth } = question;
    const code = document.lines.slice(range.start, range.end).join("\n");
    const { contextTokens } = engine.info.plan;
    const codeTokens = engine.tokenizer.encodeText(code).length;
    const plan = planEdit(document, range, { contextTokens, codeTokens, growth });
    if (plan.kind === "tooLong") {
      const told = `${String(plan.tokens)} tokens, and there is room for about ${String(plan.roomTokens)}`;
      throw new EngineError("bad_request", `cannot edit these lines: they are too long for the model: ${told}`);
    }
    const template = new ChatTemplate(engine.model.chatTemplate, engine.tokenizer, { fileName: engine.model.name });
    const prompt = await template.render(question.messages(plan.excerpt));
    const sampler = samplerOptions(args, { temperature: TEMPERATURE, topK: 20, topP: 0.95 });
    const maxTokens = Math.max(plan.maxTokens, ANSWER_TOKENS_MIN);
    const pieces = engine.newSession().generate(prompt, { priority: "chat", maxTokens, sampler });
    let text = "";
    let step = await pieces.next();
    while (step.done !== true) {
      text += step.value.text;
      step = await pieces.next();
    }
    return { text, hasEnded: step.value.finish === "end" };
  } finally {
    engine.close();
  }
}
