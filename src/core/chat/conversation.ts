import { type AnswerStatistics, type AnswerTurn, type Attachment, NEW_TITLE, type UserTurn } from "../../protocol/chat";
import { splitCommand } from "./slashCommands";

/** A conversation as a value: every change gives a new one. */
export interface Conversation {
  readonly id: string;
  readonly title: string;
  /** The user set its title. */
  readonly isNamed: boolean;
  /** Milliseconds since 1970. */
  readonly updatedMs: number;
  /** Questions and answers by turns, a question first. */
  readonly turns: readonly ConversationTurn[];
  /** Id of the next turn. */
  readonly nextTurn: number;
  /** Turns at the beginning that the model no longer sees. */
  readonly forgottenTurns: number;
}

export type ConversationTurn = Question | AnswerTurn;

export interface Question extends UserTurn {
  readonly attachments: readonly SentAttachment[];
}

/** A piece of the workspace as it was when its message was sent: an earlier message never changes. */
export interface SentAttachment extends Attachment {
  /** As the model sees it; empty where nothing of it fitted. */
  readonly text: string;
  /** Its source; interpreted by the code that opens it again. */
  readonly place: string;
}

export type AnswerState = AnswerTurn["state"];
export type AnswerEnd = Exclude<AnswerState, { readonly kind: "waiting" | "running" }>;

const TITLE_CHARS_MAX = 60;
/** Of one question. */
export const EARLIER_MAX = 10;

export function newConversation(id: string, nowMs: number): Conversation {
  return { id, title: NEW_TITLE, isNamed: false, updatedMs: nowMs, turns: [], nextTurn: 1, forgottenTurns: 0 };
}

/** Adds a question and a pending answer. */
export function ask(
  conversation: Conversation,
  text: string,
  attachments: readonly SentAttachment[],
  nowMs: number,
): Conversation {
  const question: Question = { kind: "user", id: conversation.nextTurn, text, attachments };
  const turns = [...conversation.turns, question];
  return beginAnswer(titled({ ...conversation, turns, nextTurn: question.id + 1, updatedMs: nowMs }));
}

/** Adds an answer to the question at the end. `earlier`: answers that it takes the place of. */
export function beginAnswer(conversation: Conversation, earlier: readonly string[] = []): Conversation {
  const answer: AnswerTurn = {
    kind: "answer",
    id: conversation.nextTurn,
    text: "",
    state: { kind: "waiting" },
    ...(earlier.length === 0 ? {} : { earlier: earlier.slice(-EARLIER_MAX) }),
  };
  return { ...conversation, turns: [...conversation.turns, answer], nextTurn: answer.id + 1 };
}

/** Replaces the attachments of the question that is being answered. */
export function withAttachments(conversation: Conversation, attachments: readonly SentAttachment[]): Conversation {
  const turns = conversation.turns.map((turn, i) =>
    turn.kind === "user" && i === conversation.turns.length - 2 ? { ...turn, attachments } : turn,
  );
  return { ...conversation, turns };
}

/** More text of the answer at the end; none where it has ended. */
export function appendText(conversation: Conversation, text: string): Conversation {
  const answer = runningAnswer(conversation);
  return answer === undefined
    ? conversation
    : withLast(conversation, { ...answer, text: answer.text + text, state: { kind: "running" } });
}

/** How much of its prompt has been read, for an answer that has no text yet. */
export function withRead(conversation: Conversation, read: number): Conversation {
  const answer = runningAnswer(conversation);
  return answer?.state.kind === "waiting"
    ? withLast(conversation, { ...answer, state: { kind: "waiting", read } })
    : conversation;
}

/** Ends the answer at the end, unless it has ended. */
export function finishAnswer(
  conversation: Conversation,
  state: AnswerEnd,
  nowMs: number,
  statistics?: AnswerStatistics,
): Conversation {
  const answer = runningAnswer(conversation);
  if (answer === undefined) {
    return conversation;
  }
  const ended = { ...answer, state, ...(statistics === undefined ? {} : { statistics }) };
  return { ...withLast(conversation, ended), updatedMs: nowMs };
}

/** The answer at the end, if it has not ended. */
export function runningAnswer({ turns }: Conversation): AnswerTurn | undefined {
  const last = turns.at(-1);
  return last?.kind === "answer" && (last.state.kind === "waiting" || last.state.kind === "running") ? last : undefined;
}

/** Removes an answer and all that follows it; undefined if there is no such answer. */
export function withoutAnswer(conversation: Conversation, answerId: number): Conversation | undefined {
  const at = conversation.turns.findIndex(({ kind, id }) => kind === "answer" && id === answerId);
  return at === -1 ? undefined : cutAt(conversation, at);
}

/** Removes a question and all that follows it, and returns the question; undefined if there is no such question. */
export function withoutQuestion(
  conversation: Conversation,
  questionId: number,
): { readonly conversation: Conversation; readonly question: Question } | undefined {
  const at = conversation.turns.findIndex(({ id }) => id === questionId);
  const question = conversation.turns[at];
  return question?.kind === "user" ? { conversation: cutAt(conversation, at), question } : undefined;
}

export function renamed(conversation: Conversation, title: string): Conversation {
  const name = oneLine(title);
  return name === "" ? titled({ ...conversation, isNamed: false }) : { ...conversation, title: name, isNamed: true };
}

/** Where none is left of the turns that the model sees, there is room for the first ones again. */
function cutAt(conversation: Conversation, at: number): Conversation {
  const turns = conversation.turns.slice(0, at);
  const isSeen = at > conversation.forgottenTurns;
  return titled({ ...conversation, turns, forgottenTurns: isSeen ? conversation.forgottenTurns : 0 });
}

function withLast(conversation: Conversation, answer: AnswerTurn): Conversation {
  return { ...conversation, turns: [...conversation.turns.slice(0, -1), answer] };
}

function titled(conversation: Conversation): Conversation {
  if (conversation.isNamed) {
    return conversation;
  }
  const first = conversation.turns.find((turn) => turn.kind === "user");
  return { ...conversation, title: first === undefined ? NEW_TITLE : titleOf(first) };
}

function titleOf({ text, attachments }: Question): string {
  const { command, rest } = splitCommand(text);
  const words = rest === "" ? (attachments[0]?.label ?? "") : rest;
  const title = oneLine([command?.slice(1), words].filter((part) => part !== undefined && part !== "").join(" "));
  return title === "" ? NEW_TITLE : title;
}

/** White space made single, and cut between two words. */
function oneLine(text: string): string {
  const line = text
    .slice(0, 10 * TITLE_CHARS_MAX)
    .replaceAll(/\s+/g, " ")
    .trim();
  if (line.length <= TITLE_CHARS_MAX) {
    return line;
  }
  const cut = line.slice(0, TITLE_CHARS_MAX);
  const space = cut.lastIndexOf(" ");
  return `${cut.slice(0, space > TITLE_CHARS_MAX / 2 ? space : wholeChars(cut))}…`;
}

/** Half of a pair of surrogates is no character. */
function wholeChars(text: string): number {
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd800 && last <= 0xdbff ? text.length - 1 : text.length;
}
