import { ChatTemplate } from "../../model/chatTemplate";
import { type GgufModel, promptTraitsOf } from "../../model/ggufFile";
import type { ModelInfo } from "../../protocol/engine";
import type { ChatFrame } from "../../protocol/prompt";
import { type BitsAfter, chooseLayout, type LayoutVerdict } from "../local/layoutTest";
import type { LocalEngine } from "../local/localEngine";
import type { LocalSession } from "../local/localSession";
import { surpriseOf } from "../local/surprise";
import { healPrompt } from "../local/tokenHealing";
import { LayoutStore } from "./layoutStore";

type Traits = ModelInfo["traits"];

/** The cases' prompts and what is to follow them. */
const CONTEXT_TOKENS_MIN = 160;

/** A self-test has something to say: the model is asked for code, and nothing is known of how it was trained to fill in. */
export function isLayoutOpen({ fim, capabilities }: Pick<GgufModel, "fim" | "capabilities">): boolean {
  return fim.layouts.length === 0 && capabilities.includes("complete");
}

/** The same, and its context has room for the test. */
export function canTestLayout({ model, info }: LocalEngine): boolean {
  return isLayoutOpen(model) && info.plan.contextTokens >= CONTEXT_TOKENS_MIN;
}

export function templateOf({ model, tokenizer }: LocalEngine): ChatTemplate {
  return new ChatTemplate(model.chatTemplate, tokenizer, { fileName: model.name });
}

/** Stands for the message's text while a frame is found out. No template has it. */
const MESSAGE = "what the user says, in one message";

/**
 * What the model's own template writes around a message of a user. Undefined where it has none, or where that fails: such a model
 * is not asked by chat.
 */
export async function chatFrameOf(engine: LocalEngine): Promise<ChatFrame | undefined> {
  if (engine.model.chatTemplate === undefined) {
    return undefined;
  }
  const parts = await templateOf(engine)
    .render([{ role: "user", content: MESSAGE }])
    .catch(() => []);
  const at = parts.findIndex((part) => part.kind === "text" && part.text.includes(MESSAGE));
  const around = parts[at]?.kind === "text" ? parts[at].text.split(MESSAGE) : [];
  const [before, behind, ...more] = around;
  if (before === undefined || behind === undefined || more.length > 0) {
    return undefined;
  }
  return {
    open: [...parts.slice(0, at), { kind: "text", text: before }],
    close: [{ kind: "text", text: behind }, ...parts.slice(at + 1)],
  };
}

/** What prompts look like after a verdict; without one as the file says. */
export async function traitsAfter(engine: LocalEngine, verdict: LayoutVerdict | undefined): Promise<Traits> {
  const traits = promptTraitsOf(engine.model);
  if (verdict === undefined || verdict.layout === "continuation") {
    return traits;
  }
  const chat = verdict.layout === "chat-fill" ? await chatFrameOf(engine) : undefined;
  return { ...traits, plain: verdict.layout, ...(chat === undefined ? {} : { chat }) };
}

/** Runs the self-test. Errors: those of `bitsAfter`. */
export async function testLayout(engine: LocalEngine, bitsAfter: BitsAfter): Promise<LayoutVerdict> {
  const chat = await chatFrameOf(engine);
  return chooseLayout({ ...promptTraitsOf(engine.model), ...(chat === undefined ? {} : { chat }) }, bitsAfter);
}

/** Asks a session, whatever else wants to be evaluated first. Rejects soon after `isStopped` is true. */
export function bitsIn(
  { tokenizer, info }: LocalEngine,
  session: LocalSession,
  isStopped: () => boolean = () => false,
): BitsAfter {
  const { contextTokens } = info.plan;
  const idle: Pick<LocalSession, "evaluate" | "logits"> = {
    evaluate: (tokens) => {
      if (isStopped()) {
        return Promise.reject(new Error("the self-test is interrupted"));
      }
      return session.evaluate(tokens, { priority: "prefill" });
    },
    logits: () => session.logits(),
  };
  return async (prompt, text) =>
    (await surpriseOf(idle, tokenizer, healPrompt(tokenizer, prompt), text, contextTokens)).bits;
}

/** As a window would be told without waiting: after the verdict that is stored, if there is one. */
export async function storedTraits(engine: LocalEngine, store = new LayoutStore()): Promise<Traits> {
  return traitsAfter(engine, canTestLayout(engine) ? await store.read(engine.model) : undefined);
}

/** For a caller with the engine for itself: the verdict that is stored, or one that is found now and stored. */
export async function layoutOf(engine: LocalEngine, store = new LayoutStore()): Promise<LayoutVerdict | undefined> {
  if (!canTestLayout(engine)) {
    return undefined;
  }
  const stored = await store.read(engine.model);
  if (stored !== undefined) {
    return stored;
  }
  const session = engine.newSession();
  try {
    const verdict = await testLayout(engine, bitsIn(engine, session));
    await store.write(engine.model, verdict);
    return verdict;
  } finally {
    session.close();
  }
}
