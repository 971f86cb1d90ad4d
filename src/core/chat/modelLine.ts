import type { ModelLine } from "../../protocol/chat";
import type { EngineCondition, ModelInfo } from "../../protocol/engine";
import { inEnglish, type Translate } from "../../protocol/translate";
import { END_SENTENCES } from "../endSentences";
import { shownTitle } from "../modelTitle";

/** What a window knows of its engine, as far as a chat cares. */
export interface ChatFacts {
  readonly engine: EngineCondition<Pick<ModelInfo, "title" | "capabilities">>;
  /** The user wants to try a model that was not made for chat. */
  readonly tried: boolean;
  /** Of the last answer. */
  readonly decodeTps: number | undefined;
}

export function modelLine({ engine, tried, decodeTps }: ChatFacts, t: Translate = inEnglish): ModelLine {
  switch (engine.kind) {
    case "asleep":
      return { kind: "asleep" };
    case "starting":
    case "restarting":
      return { kind: "loading", part: 0 };
    case "loading":
      return { kind: "loading", part: engine.part };
    case "ended":
      return { kind: "failed", code: "disconnected", message: t(END_SENTENCES[engine.reason]) };
    case "failed":
      return { kind: "failed", code: engine.error.code, message: engine.error.message };
    case "ready": {
      const title = shownTitle(engine.model.title, t);
      return canChat(engine.model)
        ? { kind: "ready", title, ...(decodeTps === undefined ? {} : { decodeTps }) }
        : { kind: "cannotChat", title, tried };
    }
  }
}

export function canChat({ capabilities }: Pick<ModelInfo, "capabilities">): boolean {
  return capabilities.includes("chat");
}
