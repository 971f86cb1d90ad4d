import type { AnswerStatistics, AnswerTurn } from "../../protocol/chat";
import type { EngineErrorCode } from "../../protocol/errors";
import { type Check, isCount, isFlag, isList, isNumber, isOneOf, isRecord, isText, isUnion } from "./checks";
import { type Conversation, EARLIER_MAX, finishAnswer, type Question, type SentAttachment } from "./conversation";

/** Of all texts of a conversation together, as it is stored. */
const CHARS_MAX = 400_000;
const TURNS_MAX = 2000;
/** Of a window without a folder: the editor writes all of its conversations at each change. */
const ALL_CHARS_MAX = 2_000_000;
const NAME_CHARS_MAX = 4096;
const ATTACHMENTS_MAX = 100;

const text = isText(CHARS_MAX);
const name = isText(NAME_CHARS_MAX);

const CODES: Readonly<Record<EngineErrorCode, true>> = {
  bad_model: true,
  bad_request: true,
  memory: true,
  io: true,
  numeric: true,
  native: true,
  disconnected: true,
  busy: true,
  unsafe: true,
  endpoint: true,
  internal: true,
};
const isErrorCode: Check<EngineErrorCode> = (value): value is EngineErrorCode =>
  typeof value === "string" && Object.hasOwn(CODES, value);

const isSentAttachment = isRecord<SentAttachment>({
  id: name,
  kind: isOneOf("editor", "file", "selection", "problems"),
  label: name,
  tokens: isCount,
  leftOutTokens: isCount,
  text,
  place: name,
});

const isQuestion = isRecord<Question>({
  kind: isOneOf("user"),
  id: isCount,
  text,
  attachments: isList(isSentAttachment, ATTACHMENTS_MAX),
});

const isAnswer = isRecord<AnswerTurn>(
  {
    kind: isOneOf("answer"),
    id: isCount,
    text,
    state: isUnion<AnswerTurn["state"]>({
      waiting: isRecord({}),
      running: isRecord({}),
      done: isRecord({}),
      stopped: isRecord<{ by: string }>({ by: isOneOf("user", "context", "limit", "loop") }),
      failed: isRecord<{ code: EngineErrorCode; message: string }>({ code: isErrorCode, message: text }),
    }),
    statistics: isRecord<AnswerStatistics>(
      { promptTokens: isCount, reusedTokens: isCount, generatedTokens: isCount, decodeTps: isNumber },
      ["decodeTps"],
    ),
    earlier: isList(text, EARLIER_MAX),
  },
  ["statistics", "earlier"],
);

const isConversation = isRecord<Conversation>({
  id: name,
  title: name,
  isNamed: isFlag,
  updatedMs: isNumber,
  turns: isList<Question | AnswerTurn>(
    isUnion<Question | AnswerTurn>({ user: isQuestion, answer: isAnswer }),
    TURNS_MAX,
  ),
  nextTurn: isCount,
  forgottenTurns: isCount,
});

/** A conversation as it was stored; undefined where that is damaged. An answer that was under way has been stopped. */
export function restored(stored: unknown): Conversation | undefined {
  const value = withStatistics(stored);
  if (!isConversation(value)) {
    return undefined;
  }
  const { turns, nextTurn, forgottenTurns } = value;
  const isInOrder = turns.every(
    ({ kind, id }, i) => kind === (i % 2 === 0 ? "user" : "answer") && id < nextTurn && id > (turns[i - 1]?.id ?? 0),
  );
  const isWhole = turns.length % 2 === 0 && forgottenTurns % 2 === 0 && forgottenTurns <= turns.length;
  return isInOrder && isWhole ? finishAnswer(value, { kind: "stopped", by: "user" }, value.updatedMs) : undefined;
}

/** Hearth 0.1 stored an answer's statistics as `figures`. */
function withStatistics(stored: unknown): unknown {
  if (!isObject(stored) || !Array.isArray(stored["turns"])) {
    return stored;
  }
  const turns = stored["turns"].map((turn: unknown) => {
    if (!isObject(turn) || !Object.hasOwn(turn, "figures")) {
      return turn;
    }
    const { figures, ...others } = turn;
    return { ...others, statistics: figures };
  });
  return { ...stored, turns };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

/**
 * The conversation as it is to be stored: of bounded size. What was attached to forgotten questions goes first, then
 * whole turns, the oldest first.
 */
export function storable(conversation: Conversation, charsMax = CHARS_MAX): Conversation {
  const { turns, forgottenTurns } = conversation;
  if (charsOf(turns) <= charsMax && turns.length <= TURNS_MAX) {
    return conversation;
  }
  let kept: Conversation["turns"] = turns.map((turn, i) =>
    turn.kind === "user" && i < forgottenTurns
      ? { ...turn, attachments: turn.attachments.map((attachment) => ({ ...attachment, text: "" })) }
      : turn,
  );
  while (kept.length > 2 && (charsOf(kept) > charsMax || kept.length > TURNS_MAX)) {
    kept = kept.slice(2);
  }
  const gone = turns.length - kept.length;
  return { ...conversation, turns: kept, forgottenTurns: Math.max(0, forgottenTurns - gone) };
}

/** Which conversations are kept: the most recently used ones, as many as there is room for. `leftOut`: the others that say something. */
export function keptConversations(
  conversations: readonly Conversation[],
  charsMax = ALL_CHARS_MAX,
): { readonly kept: readonly Conversation[]; readonly leftOut: readonly Conversation[] } {
  let chars = 0;
  let isFull = false;
  const kept: Conversation[] = [];
  const leftOut: Conversation[] = [];
  const spoken = conversations.filter(({ turns }) => turns.length > 0).sort((a, b) => b.updatedMs - a.updatedMs);
  for (const conversation of spoken) {
    chars += charsOf(conversation.turns);
    isFull ||= kept.length > 0 && chars > charsMax;
    (isFull ? leftOut : kept).push(conversation);
  }
  return { kept, leftOut };
}

function charsOf(turns: Conversation["turns"]): number {
  return turns.reduce((total, turn) => {
    const others = turn.kind === "user" ? turn.attachments.map(({ text: content }) => content) : (turn.earlier ?? []);
    return total + turn.text.length + others.reduce((sum, content) => sum + content.length, 0);
  }, 0);
}
