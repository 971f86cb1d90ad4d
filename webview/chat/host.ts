import type { HostMessage, ViewMessage } from "../../src/protocol/chat";

const KINDS: ReadonlySet<unknown> = new Set<HostMessage["kind"]>(["state", "text", "mentions", "focus"]);

/** What the view remembers by itself, from one of its lives to the next. */
export interface Remembered {
  readonly conversation: string;
  /** Where it was scrolled to; undefined at the end. */
  readonly top?: number;
}

/** The other side of the page. */
export interface Host {
  tell(message: ViewMessage): void;
  onMessage(listener: (message: HostMessage) => void): void;
  remember(what: Remembered): void;
  remembered(): Remembered | undefined;
}

interface VsCodeApi {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
}

declare function acquireVsCodeApi(): VsCodeApi;

export function vsCodeHost(): Host {
  const api = acquireVsCodeApi();
  return {
    tell: (message) => {
      api.postMessage(message);
    },
    onMessage: (listener) => {
      window.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
        if (isHostMessage(data)) {
          listener(data);
        }
      });
    },
    remember: (what) => {
      api.setState(what);
    },
    remembered: () => rememberedIn(api.getState()),
  };
}

/** The host sends nothing else; but other things are sent around in a page, too. */
function isHostMessage(data: unknown): data is HostMessage {
  return typeof data === "object" && data !== null && "kind" in data && KINDS.has(data.kind);
}

/** What an older version of the view wrote may be anything. */
function rememberedIn(state: unknown): Remembered | undefined {
  if (typeof state !== "object" || state === null || !("conversation" in state)) {
    return undefined;
  }
  const { conversation } = state;
  const top = "top" in state ? state.top : undefined;
  if (typeof conversation !== "string") {
    return undefined;
  }
  return typeof top === "number" ? { conversation, top } : { conversation };
}
