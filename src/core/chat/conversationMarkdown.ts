import type { AnswerTurn } from "../../protocol/chat";
import type { Conversation, ConversationTurn } from "./conversation";
import { withClosedFence } from "./fence";

/** A conversation to be read elsewhere. What was attached is named, not quoted. */
export function conversationMarkdown({ title, turns }: Conversation): string {
  return `${[`# ${title}`, ...turns.flatMap(sectionsOf)].join("\n\n")}\n`;
}

function sectionsOf(turn: ConversationTurn): string[] {
  if (turn.kind === "user") {
    const attached = turn.attachments.map(({ label }) => `- ${inCode(label)}`).join("\n");
    return ["## You", ...[withClosedFence(turn.text.trim()), attached].filter((part) => part !== "")];
  }
  return ["## Hearth", ...[withClosedFence(turn.text.trim()), endNote(turn)].filter((part) => part !== "")];
}

const STOPPED_BY = {
  user: "_(stopped)_",
  context: "_(cut off: the model's context was full)_",
  limit: "_(cut off: the answer was as long as answers may get)_",
  loop: "_(cut off: the model only repeated itself)_",
} as const;

function endNote({ state }: AnswerTurn): string {
  switch (state.kind) {
    case "waiting":
    case "running":
      return "_(not finished)_";
    case "stopped":
      return STOPPED_BY[state.by];
    case "failed":
      return `_(failed: ${state.message.replaceAll("_", "\\_")})_`;
    case "done":
      return "";
  }
}

/** Backticks cannot be escaped within code, only outnumbered. */
function inCode(text: string): string {
  return text.includes("`") ? `\`\` ${text} \`\`` : `\`${text}\``;
}
