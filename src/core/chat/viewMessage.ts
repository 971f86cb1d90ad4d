import { type Mention, MESSAGE_CHARS_MAX, type ViewMessage } from "../../protocol/chat";
import { type Check, type FieldChecks, isCount, isOneOf, isRecord, isText, isUnion } from "./checks";

type Kind = ViewMessage["kind"];
/** What a message of a kind carries. */
type Payload<K extends Kind, M = ViewMessage> = M extends { readonly kind: infer N }
  ? K extends N
    ? Omit<M, "kind">
    : never
  : never;

const NAME_CHARS_MAX = 4096;

const text = isText(MESSAGE_CHARS_MAX);
const name = isText(NAME_CHARS_MAX);

const mention: FieldChecks<Mention> = {
  name,
  kind: isOneOf("editor", "file", "selection", "problems"),
  detail: name,
};

const nothing: Check<object> = isRecord({});
const code: Check<object> = isRecord<Payload<"copyCode">>({ code: text });
const conversation: Check<object> = isRecord<Payload<"openConversation">>({ conversation: name });

const MEMBERS: Readonly<Record<Kind, Check<unknown>>> = {
  ready: nothing,
  send: isRecord<Payload<"send">>({ text }),
  stop: nothing,
  regenerate: isRecord<Payload<"regenerate">>({ turn: isCount }),
  resend: isRecord<Payload<"resend">>({ turn: isCount, text }),
  draft: isRecord<Payload<"draft">>({ text }),
  mentions: isRecord<Payload<"mentions">>({ query: name }),
  attach: isRecord<Payload<"attach">>({ mention: isRecord(mention) }),
  detach: isRecord<Payload<"detach">>({ attachment: name }),
  newConversation: nothing,
  openConversation: conversation,
  renameConversation: isRecord<Payload<"renameConversation">>({ conversation: name, title: text }),
  deleteConversation: conversation,
  exportConversation: conversation,
  copyCode: code,
  insertCode: code,
  applyCode: isRecord<Payload<"applyCode">>({ code: text, language: name }),
  openAttachment: isRecord<Payload<"openAttachment">>({ attachment: name, turn: isCount }, ["turn"]),
  openLink: isRecord<Payload<"openLink">>({ href: name }),
  tryAnyway: nothing,
  openMemoryBudget: nothing,
  chooseModel: nothing,
  restartEngine: nothing,
  showLog: nothing,
  useBuiltInModel: nothing,
  openEndpoint: nothing,
  setEndpointKey: nothing,
  computeHere: nothing,
};

/** Whether the page's message is valid; the page shows untrusted model output. */
export const isViewMessage: Check<ViewMessage> = isUnion<ViewMessage>(MEMBERS);
