import {
  type AnswerTurn,
  type ChatTurn,
  type ChatViewState,
  type HostMessage,
  type Mention,
  MESSAGE_CHARS_MAX,
} from "../../src/protocol/chat";
import { type Draft, NO_DRAFT, replaced, seen } from "./draft";
import { shared } from "./share";

/** All that is drawn, but what a component has for itself alone. */
export interface View {
  /** Undefined until the host has sent it. */
  readonly chat: ChatViewState | undefined;
  readonly draft: Draft;
  /** The last answer to what was asked behind an `@`. */
  readonly mentions: { readonly query: string; readonly mentions: readonly Mention[] } | undefined;
  /** How often the host wanted the cursor to be in the input. */
  readonly focusAsked: number;
}

export const EMPTY_VIEW: View = { chat: undefined, draft: NO_DRAFT, mentions: undefined, focusAsked: 0 };

/** The view after a message of the host. What has not changed stays identical. */
export function reduce(view: View, message: HostMessage): View {
  switch (message.kind) {
    case "state":
      return withState(view, message.state);
    case "text":
      return withText(view, message.turn, message.text);
    case "mentions":
      return { ...view, mentions: { query: message.query, mentions: message.mentions } };
    case "focus":
      return {
        ...view,
        focusAsked: view.focusAsked + 1,
        draft: message.draft === undefined ? view.draft : replaced(message.draft),
      };
  }
}

function withState(view: View, next: ChatViewState): View {
  const chat = shared(view.chat, next);
  const isOther = view.chat?.conversation.id !== next.conversation.id;
  return { ...view, chat, draft: isOther ? replaced(next.draft) : seen(view.draft, next.draft) };
}

/** Text of a turn that is not there is of a conversation that is no longer shown. */
function withText(view: View, id: number, text: string): View {
  const turn = view.chat?.conversation.turns.find((each) => each.id === id);
  if (view.chat === undefined || turn?.kind !== "answer") {
    return view;
  }
  const longer: AnswerTurn = {
    ...turn,
    text: turn.text + text,
    state: turn.state.kind === "waiting" ? { kind: "running" } : turn.state,
  };
  const { conversation } = view.chat;
  const turns = conversation.turns.map((each): ChatTurn => (each === turn ? longer : each));
  return { ...view, chat: { ...view.chat, conversation: { ...conversation, turns } } };
}

/** The running answer. */
export function runningAnswer(chat: ChatViewState | undefined): AnswerTurn | undefined {
  const last = chat?.conversation.turns.at(-1);
  return last?.kind === "answer" && isRunning(last) ? last : undefined;
}

export function isRunning({ state }: AnswerTurn): boolean {
  return state.kind === "waiting" || state.kind === "running";
}

export type SendObstacle = "notReady" | "cannotChat" | "running" | "empty" | "tooLong";

/** Why what is written cannot be sent now; undefined if it can. */
export function sendObstacle({ chat, draft }: View): SendObstacle | undefined {
  if (chat === undefined) {
    return "notReady";
  }
  if (chat.model.kind === "cannotChat" && !chat.model.tried) {
    return "cannotChat";
  }
  if (runningAnswer(chat) !== undefined) {
    return "running";
  }
  const { length } = draft.text.trim();
  return length === 0 ? "empty" : length > MESSAGE_CHARS_MAX ? "tooLong" : undefined;
}
