import type { ChatMessage } from "../../protocol/engine";
import { EngineError } from "../../protocol/errors";
import type { CountTokens } from "./attachments";
import { type Conversation, type ConversationTurn, type Question, runningAnswer } from "./conversation";
import { instructionOf } from "./slashCommands";

/** Fixed, so that what was evaluated for one conversation serves the next. */
const SYSTEM_PROMPT =
  "You are Hearth, a programming assistant inside a code editor. Answer shortly and in Markdown. " +
  "Put code into fenced blocks that name their language.";

/** Control tokens, role and line ends around a message: 5 in ChatML, and some to spare for other templates. */
const FRAME_TOKENS = 8;
const ANSWER_TOKENS_MAX = 2048;
/** An answer gets at least one part of the context of so many. */
const ANSWER_SHARE = 4;
/** When the context is full, turns are dropped down to this share of it, so that the next prompts share a prefix for long. */
const KEPT_SHARE = 0.6;

/** The engine's default; for estimates before there is an engine. */
export const USUAL_CONTEXT_TOKENS = 4096;

export interface PromptPlan {
  readonly messages: readonly ChatMessage[];
  readonly promptTokens: number;
  /** What the answer may take. */
  readonly answerTokens: number;
  /** What ends an answer that uses all of them: the end of the context, or the limit for any answer. */
  readonly limitedBy: "context" | "limit";
  readonly forgottenTurns: number;
}

/** Tokens of the context that are reserved for the answer. */
export function answerRoomTokens(contextTokens: number): number {
  return Math.min(ANSWER_TOKENS_MAX, Math.floor(contextTokens / ANSWER_SHARE));
}

/** Tokens for the attachments of one message: half of what is not reserved for the answer. */
export function attachmentRoomTokens(contextTokens: number): number {
  return Math.floor((contextTokens - answerRoomTokens(contextTokens)) / 2);
}

/**
 * The prompt for the question at the end. When the context is full, whole turns are dropped, the oldest first.
 * Errors: EngineError `bad_request` if the question alone does not fit.
 */
export async function planPrompt(
  conversation: Conversation,
  contextTokens: number,
  count: CountTokens,
): Promise<PromptPlan> {
  const roomTokens = contextTokens - answerRoomTokens(contextTokens);
  const end = runningAnswer(conversation) === undefined ? undefined : -1;
  let { forgottenTurns } = conversation;
  for (;;) {
    const pieces = piecesOf(conversation.turns.slice(forgottenTurns, end));
    const counts = await count(pieces.map(({ content }) => content));
    const tokens = counts.map((n) => n + FRAME_TOKENS);
    const promptTokens = sum(tokens);
    if (promptTokens <= roomTokens) {
      const answerTokens = Math.min(ANSWER_TOKENS_MAX, contextTokens - promptTokens);
      const limitedBy = answerTokens < ANSWER_TOKENS_MAX ? "context" : "limit";
      return { messages: messagesOf(pieces), promptTokens, answerTokens, limitedBy, forgottenTurns };
    }
    const dropped = droppedTurns(tokens, roomTokens * KEPT_SHARE);
    if (dropped === 0) {
      throw new EngineError(
        "bad_request",
        `cannot ask this: it takes ${String(promptTokens)} tokens, and the model has room for ${String(roomTokens)}; ` +
          `shorten the message or attach less`,
      );
    }
    forgottenTurns += dropped;
  }
}

/** The system prompt and then one for each turn; an answer without text is empty. */
function piecesOf(turns: readonly ConversationTurn[]): ChatMessage[] {
  const seen = new Set<string>();
  return [
    { role: "system", content: SYSTEM_PROMPT },
    ...turns.map((turn): ChatMessage => {
      if (turn.kind === "answer") {
        // A line end at its start would be one token with the template's own, and the next prompt begin otherwise.
        return { role: "assistant", content: turn.text.trimStart() };
      }
      const content = questionText(turn, seen);
      for (const { text } of turn.attachments) {
        seen.add(text);
      }
      return { role: "user", content };
    }),
  ];
}

/** An attachment that an earlier message in the context already contains is only named. */
function questionText({ text, attachments }: Question, seen: ReadonlySet<string>): string {
  const blocks = attachments.map((attachment) => {
    if (attachment.text === "") {
      return `\`${attachment.label}\` is too long to be shown.`;
    }
    return seen.has(attachment.text) ? `\`${attachment.label}\` is as it was shown above.` : attachment.text;
  });
  return [...blocks, instructionOf(text)].filter((part) => part !== "").join("\n\n");
}

/** Templates require alternating roles: a question without an answer is merged with the next one. */
function messagesOf(pieces: readonly ChatMessage[]): ChatMessage[] {
  const messages: ChatMessage[] = [];
  for (const piece of pieces.filter(({ content }) => content !== "")) {
    const last = messages.at(-1);
    if (last?.role === piece.role) {
      messages[messages.length - 1] = { ...last, content: `${last.content}\n\n${piece.content}` };
    } else {
      messages.push(piece);
    }
  }
  return messages;
}

/** How many turns to drop: questions with their answers, but never the last question. `tokens` begins with the system prompt. */
function droppedTurns(tokens: readonly number[], targetTokens: number): number {
  const turns = tokens.slice(1);
  let left = sum(tokens);
  let dropped = 0;
  while (left > targetTokens && dropped + 2 < turns.length) {
    left -= (turns[dropped] ?? 0) + (turns[dropped + 1] ?? 0);
    dropped += 2;
  }
  return dropped;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
