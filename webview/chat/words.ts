import { decimal } from "../../src/protocol/decimal";
import {
  type AnswerStatistics,
  type Attachment,
  type ContextUse,
  MESSAGE_CHARS_MAX,
  type ModelLine,
  NEW_TITLE,
} from "../../src/protocol/chat";
import { t } from "./texts";

/** Numbers, times and errors as the view says them. */

/** 950, 1.2k, 33k. */
export function shortCount(count: number): string {
  if (count < 1000) {
    return decimal(Math.round(count));
  }
  const thousands = count / 1000;
  return t("{0}k", decimal(thousands, thousands < 9.95 ? 1 : 0));
}

export function tokens(count: number): string {
  return count === 1 ? t("1 token") : t("{0} tokens", decimal(count));
}

/** Where there is little room. */
export function shortTokens(count: number): string {
  return count === 1 ? t("1 token") : t("{0} tokens", shortCount(count));
}

/** One sentence after the other; empty ones are left out. */
export function sentences(...parts: readonly string[]): string {
  return parts
    .filter((part) => part !== "")
    .reduce((before, next) => (before === "" ? next : t("{0} {1}", before, next)), "");
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** How long ago something was, in a few characters. */
export function age(ms: number): string {
  if (ms < MINUTE_MS) {
    return t("now");
  }
  if (ms < HOUR_MS) {
    return t("{0} min", decimal(Math.floor(ms / MINUTE_MS)));
  }
  return ms < DAY_MS ? t("{0} h", decimal(Math.floor(ms / HOUR_MS))) : t("{0} d", decimal(Math.floor(ms / DAY_MS)));
}

export function turnCount(count: number): string {
  return count === 1 ? t("1 message") : t("{0} messages", decimal(count));
}

/** The title of a conversation. The host calls all of them the same until they have one. */
export function titleText(title: string): string {
  return title === "" || title === NEW_TITLE ? t("New conversation") : title;
}

/** Small numbers are worth a decimal: 0.8 tokens a second is not 1. */
export function perSecond(tps: number): string {
  return tps < 10 ? decimal(tps, 1, 1) : decimal(tps);
}

export function statisticsLine({ generatedTokens, decodeTps }: AnswerStatistics): string {
  if (decodeTps === undefined) {
    return tokens(generatedTokens);
  }
  return generatedTokens === 1
    ? t("1 token, {0}/s", perSecond(decodeTps))
    : t("{0} tokens, {1}/s", decimal(generatedTokens), perSecond(decodeTps));
}

export function statisticsSentences(statistics: AnswerStatistics): string {
  const { reusedTokens } = statistics;
  const known = reusedTokens === 0 ? "" : t("{0} of the tokens read were reused from memory.", decimal(reusedTokens));
  return sentences(costSentence(statistics), known);
}

/** A prompt has always more than one token: those of the template of the chat. */
function costSentence({ promptTokens, generatedTokens, decodeTps }: AnswerStatistics): string {
  const read = decimal(promptTokens);
  if (generatedTokens === 1) {
    return t("The model read {0} tokens and wrote 1 token.", read);
  }
  const written = decimal(generatedTokens);
  return decodeTps === undefined
    ? t("The model read {0} tokens and wrote {1} tokens.", read, written)
    : t("The model read {0} tokens and wrote {1} tokens at {2} a second.", read, written, perSecond(decodeTps));
}

export function tooLongSentence(chars: number): string {
  return t(
    "This message is too long: it has {0} characters, and at most {1} can be sent.",
    decimal(chars),
    decimal(MESSAGE_CHARS_MAX),
  );
}

export function contextSentence({ usedTokens, limitTokens }: ContextUse): string {
  return t("{0} of {1} tokens of the model's context are used.", decimal(usedTokens), decimal(limitTokens));
}

/** Why an answer ends where it does. */
export function stopSentence(by: "user" | "context" | "limit" | "loop", contextTokens: number): string {
  switch (by) {
    case "user":
      return t("You stopped this answer.");
    case "context":
      return t("The model's context ({0} tokens) is full. Start a new conversation.", decimal(contextTokens));
    case "limit":
      return t("The answer has reached the maximum length. Ask the model to continue.");
    case "loop":
      return t("The model only repeated itself. Regenerate the answer, or ask in other words.");
  }
}

export function attachmentSentence({ label, tokens: count, leftOutTokens }: Attachment): string {
  return sentences(t("{0}: {1}.", label, tokens(count)), leftOutSentence(leftOutTokens));
}

function leftOutSentence(count: number): string {
  switch (count) {
    case 0:
      return "";
    case 1:
      return t("Its last token does not fit and is left out.");
    default:
      return t("Its last {0} tokens do not fit and are left out.", decimal(count));
  }
}

export function loadingSentence(model: ModelLine): string | undefined {
  return model.kind === "loading" ? t("Loading the model… {0}%", decimal(Math.round(model.part * 100))) : undefined;
}

export function cannotChatText(): string {
  return t("This model only completes code");
}

/** Of a character that visibleText.ts shows by its name. */
export function hiddenCharacterText(): string {
  return t("A hidden character that changes the order of the text");
}

/** Errors come as parts of sentences: `cannot read 'a.gguf'`. */
export function asSentence(message: string): string {
  const text = message.trim();
  const end = /[.!?…:]$/.test(text) || text === "" ? "" : ".";
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${end}`;
}
