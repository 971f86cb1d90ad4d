import type { Attachment, ConversationSummary, ConversationView, ChatTurn } from "../../protocol/chat";
import type { Conversation, Question, SentAttachment } from "./conversation";

/** What the chat view shows of a conversation. */
export function viewOf({ id, title, turns, forgottenTurns }: Conversation): ConversationView {
  const seen = new Set<string>();
  const shown = turns.map((turn, i): ChatTurn => {
    if (turn.kind === "answer") {
      return turn;
    }
    const attachments = attachmentsOf(turn, seen);
    if (i >= forgottenTurns) {
      for (const { text } of turn.attachments) {
        seen.add(text);
      }
    }
    return { ...turn, attachments };
  });
  return { id, title, turns: shown, forgottenTurns };
}

/** What the model has seen before costs nothing again. */
function attachmentsOf({ attachments }: Question, seen: ReadonlySet<string>): Attachment[] {
  return attachments.map((attachment) => {
    const { tokens, ...rest } = chipOf(attachment);
    return { ...rest, tokens: seen.has(attachment.text) ? 0 : tokens };
  });
}

/** Without the text. */
export function chipOf({ id, kind, label, tokens, leftOutTokens }: SentAttachment): Attachment {
  return { id, kind, label, tokens, leftOutTokens };
}

export function summaryOf({ id, title, updatedMs, turns }: Conversation): ConversationSummary {
  return { id, title, updatedMs, turns: turns.length };
}

/** Tokens that the model has in its context after the last answer that tells; 0 where none does. */
export function usedTokens({ turns, forgottenTurns }: Conversation): number {
  const last = turns.slice(forgottenTurns).findLast((turn) => turn.kind === "answer" && turn.statistics !== undefined);
  return last?.kind === "answer" && last.statistics !== undefined
    ? last.statistics.promptTokens + last.statistics.generatedTokens
    : 0;
}
