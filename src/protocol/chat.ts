import type { EngineErrorCode } from "./errors";

/**
 * What crosses between the extension host and the chat view, as types: plain objects by postMessage. The conversation
 * lives in the host; the view is a projection of ChatViewState, and may be destroyed and made again at any time. All
 * text of a model is hostile input to the view.
 */

/** Everything that the view shows. Sent whole after every change except new text of a running answer. */
export interface ChatViewState {
  readonly model: ModelLine;
  /** Host of the endpoint that what is asked is sent to; missing: the model runs on this machine. */
  readonly sentTo?: string;
  readonly conversation: ConversationView;
  /** All of this workspace's, the most recently used first, with the one that is shown. */
  readonly conversations: readonly ConversationSummary[];
  /** What is written and not sent; kept over reloads. */
  readonly draft: string;
  /** Attachments of the next message, in order. */
  readonly attachments: readonly Attachment[];
  readonly context: ContextUse;
}

export type ModelLine =
  /** The engine has not been needed yet; the first message loads the model. */
  | { readonly kind: "asleep" }
  /** `part` from 0 to 1. */
  | { readonly kind: "loading"; readonly part: number }
  | { readonly kind: "ready"; readonly title: string; readonly decodeTps?: number }
  /** The model was not made for chat. `tried`: the user wants to see what it says anyway. */
  | { readonly kind: "cannotChat"; readonly title: string; readonly tried: boolean }
  | { readonly kind: "failed"; readonly code: EngineErrorCode; readonly message: string };

/** The title of a conversation that has none yet. It is kept with it, so it is the same in all languages; the view translates it. */
export const NEW_TITLE = "New conversation";

export interface ConversationSummary {
  readonly id: string;
  readonly title: string;
  /** Milliseconds since 1970. */
  readonly updatedMs: number;
  readonly turns: number;
}

export interface ConversationView {
  readonly id: string;
  readonly title: string;
  readonly turns: readonly ChatTurn[];
  /** Turns at the beginning that the model no longer sees, because the context is full. */
  readonly forgottenTurns: number;
}

/** One message. Ids are unique in their conversation and never used again. */
export type ChatTurn = UserTurn | AnswerTurn;

export interface UserTurn {
  readonly kind: "user";
  readonly id: number;
  readonly text: string;
  readonly attachments: readonly Attachment[];
}

export interface AnswerTurn {
  readonly kind: "answer";
  readonly id: number;
  /** Markdown, as the model wrote it so far. */
  readonly text: string;
  readonly state:
    /** `read`: the part of the prompt that has been read, from 0 to 1. */
    | { readonly kind: "waiting"; readonly read?: number }
    | { readonly kind: "running" }
    | { readonly kind: "done" }
    /** By the user; by the end of the model's context; because it was as long as answers may get; or only repeated itself. */
    | { readonly kind: "stopped"; readonly by: "user" | "context" | "limit" | "loop" }
    | { readonly kind: "failed"; readonly code: EngineErrorCode; readonly message: string };
  readonly statistics?: AnswerStatistics;
  /** Answers that this one was asked for in place of, the oldest first. */
  readonly earlier?: readonly string[];
}

/** What an answer cost. */
export interface AnswerStatistics {
  readonly promptTokens: number;
  /** Prompt tokens that the engine still knew from the turns before. */
  readonly reusedTokens: number;
  readonly generatedTokens: number;
  readonly decodeTps?: number;
}

/** A piece of the workspace that goes into the prompt. */
export interface Attachment {
  readonly id: string;
  readonly kind: "editor" | "file" | "selection" | "problems";
  /** E.g. `src/a.ts`, or `src/a.ts:10-24`. */
  readonly label: string;
  readonly tokens: number;
  /** Tokens that did not fit and were left out; where lines are, the label says which ones are there. */
  readonly leftOutTokens: number;
}

/** How full the model's context is, in tokens. */
export interface ContextUse {
  readonly usedTokens: number;
  readonly limitTokens: number;
}

/** What an `@` in the draft may refer to. */
export interface Mention {
  /** What is inserted behind the `@`, and what `attach` names. */
  readonly name: string;
  readonly kind: Attachment["kind"];
  readonly detail: string;
}

export interface SlashCommand {
  /** With the slash. */
  readonly name: string;
  readonly detail: string;
}

/** In the order in which they are offered. */
export const SLASH_COMMANDS: readonly SlashCommand[] = [
  { name: "/explain", detail: "Explain how the code works" },
  { name: "/fix", detail: "Find and fix what is wrong" },
  { name: "/doc", detail: "Write documentation" },
  { name: "/tests", detail: "Write tests" },
  { name: "/refactor", detail: "Improve the code without changing what it does" },
];

/** Host to view. */
export type HostMessage =
  | { readonly kind: "state"; readonly state: ChatViewState }
  /** More text of the running answer, in order with the states. */
  | { readonly kind: "text"; readonly turn: number; readonly text: string }
  /** The answer to `mentions`. */
  | { readonly kind: "mentions"; readonly query: string; readonly mentions: readonly Mention[] }
  /** Put the cursor into the input, with this text where one is given. */
  | { readonly kind: "focus"; readonly draft?: string };

/** Characters of a message at most. A longer one stays in the input. */
export const MESSAGE_CHARS_MAX = 200_000;

/** View to host. */
export type ViewMessage =
  /** The view has been made, or made again, and wants the state. */
  | { readonly kind: "ready" }
  | { readonly kind: "send"; readonly text: string }
  | { readonly kind: "stop" }
  /** Asks again for an answer; what comes after it is dropped. */
  | { readonly kind: "regenerate"; readonly turn: number }
  /** Sends another text in place of a user's turn; what comes after it is dropped. */
  | { readonly kind: "resend"; readonly turn: number; readonly text: string }
  | { readonly kind: "draft"; readonly text: string }
  | { readonly kind: "mentions"; readonly query: string }
  | { readonly kind: "attach"; readonly mention: Mention }
  | { readonly kind: "detach"; readonly attachment: string }
  | { readonly kind: "newConversation" }
  | { readonly kind: "openConversation"; readonly conversation: string }
  | { readonly kind: "renameConversation"; readonly conversation: string; readonly title: string }
  | { readonly kind: "deleteConversation"; readonly conversation: string }
  | { readonly kind: "exportConversation"; readonly conversation: string }
  /** A code block of an answer: to the clipboard, at the cursor, or as a proposed change. */
  | { readonly kind: "copyCode" | "insertCode"; readonly code: string }
  | { readonly kind: "applyCode"; readonly code: string; readonly language: string }
  | { readonly kind: "openAttachment"; readonly attachment: string; readonly turn?: number }
  /** A link of an answer, which only the host may open, after asking. */
  | { readonly kind: "openLink"; readonly href: string }
  | { readonly kind: "tryAnyway" }
  /** What may help against a failure; core/remedies.ts says which command that is. */
  | { readonly kind: "openMemoryBudget" | "chooseModel" | "useBuiltInModel" | "restartEngine" | "showLog" }
  | { readonly kind: "openEndpoint" | "setEndpointKey" | "computeHere" };
