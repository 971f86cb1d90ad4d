import {
  type AnswerStatistics,
  type Attachment,
  type ContextUse,
  MESSAGE_CHARS_MAX,
  type ModelLine,
} from "../../src/protocol/chat";

/** Numbers, times and errors as the view says them. */

/** 950, 1.2k, 33k. */
export function shortCount(count: number): string {
  if (count < 1000) {
    return String(Math.round(count));
  }
  const thousands = count / 1000;
  return `${thousands < 9.95 ? thousands.toFixed(1).replace(/\.0$/, "") : String(Math.round(thousands))}k`;
}

const GROUPED = new Intl.NumberFormat("en");

export function tokens(count: number): string {
  return count === 1 ? "1 token" : `${GROUPED.format(count)} tokens`;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** How long ago something was, in a few characters. */
export function age(ms: number): string {
  if (ms < MINUTE_MS) {
    return "now";
  }
  if (ms < HOUR_MS) {
    return `${String(Math.floor(ms / MINUTE_MS))} min`;
  }
  return ms < DAY_MS ? `${String(Math.floor(ms / HOUR_MS))} h` : `${String(Math.floor(ms / DAY_MS))} d`;
}

export function turnCount(count: number): string {
  return count === 1 ? "1 message" : `${String(count)} messages`;
}

/** Small numbers are worth a decimal: 0.8 tokens a second is not 1. */
export function perSecond(tps: number): string {
  return tps < 10 ? tps.toFixed(1) : String(Math.round(tps));
}

export function statisticsLine({ generatedTokens, decodeTps }: AnswerStatistics): string {
  const speed = decodeTps === undefined ? "" : `, ${perSecond(decodeTps)}/s`;
  return `${tokens(generatedTokens)}${speed}`;
}

export function statisticsSentences({
  promptTokens,
  reusedTokens,
  generatedTokens,
  decodeTps,
}: AnswerStatistics): string {
  const speed = decodeTps === undefined ? "" : ` at ${perSecond(decodeTps)} a second`;
  const known = reusedTokens === 0 ? "" : ` It still knew ${GROUPED.format(reusedTokens)} of them.`;
  return `The model read ${tokens(promptTokens)} and wrote ${tokens(generatedTokens)}${speed}.${known}`;
}

export function tooLongSentence(chars: number): string {
  return (
    `This message is too long to be sent: ${GROUPED.format(chars)} characters, and ` +
    `${GROUPED.format(MESSAGE_CHARS_MAX)} are possible.`
  );
}

export function contextSentence({ usedTokens, limitTokens }: ContextUse): string {
  return `${GROUPED.format(usedTokens)} of ${tokens(limitTokens)} of the model's context are used.`;
}

/** Why an answer ends where it does. */
export function stopSentence(by: "user" | "context" | "limit" | "loop", contextTokens: number): string {
  switch (by) {
    case "user":
      return "You stopped this answer.";
    case "context":
      return `The model's context (${tokens(contextTokens)}) is full. Start a new conversation.`;
    case "limit":
      return "The answer has reached the greatest length of an answer. Ask the model to continue.";
    case "loop":
      return "The model only repeated itself. Regenerate the answer, or ask in other words.";
  }
}

export function attachmentSentence({ label, tokens: count, leftOutTokens }: Attachment): string {
  const leftOut = leftOutTokens === 0 ? "" : ` Its last ${tokens(leftOutTokens)} do not fit and are left out.`;
  return `${label}: ${tokens(count)}.${leftOut}`;
}

export function loadingSentence(model: ModelLine): string | undefined {
  return model.kind === "loading" ? `Loading the model… ${String(Math.round(model.part * 100))}%` : undefined;
}

export const CANNOT_CHAT = "This model only completes code";

/** Errors come as parts of sentences: `cannot read 'a.gguf'`. */
export function asSentence(message: string): string {
  const text = message.trim();
  const end = /[.!?…:]$/.test(text) || text === "" ? "" : ".";
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${end}`;
}
