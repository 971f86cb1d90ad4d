import type { EngineCondition, Figures, ModelInfo, ReadingFigures } from "../protocol/engine";
import { REASON_SENTENCES, type UnwantedReason } from "./reasons";

type ShownModel = Pick<ModelInfo, "title" | "capabilities">;

/** What a window knows about itself; everything that its status line shows. */
export interface WindowFacts {
  readonly engine: EngineCondition<ShownModel>;
  /** Somebody has waited for an answer for a while. */
  readonly thinking: boolean;
  /** Why no completion is wanted in the document that is worked in; `noDocument`: nothing is worked in. */
  readonly unwanted: UnwantedReason | "noDocument" | undefined;
  /** Milliseconds since 1970. */
  readonly snoozedUntilMs: number | undefined;
  /** Why the last request showed nothing; undefined where it showed something. */
  readonly lastSilence: string | undefined;
  readonly figures: Figures | undefined;
}

export interface StatusLine {
  readonly state: "off" | "asleep" | "loading" | "ready" | "thinking" | "paused" | "error";
  /** Name of an icon of the editor. */
  readonly icon: string;
  readonly text: string;
  /** One fact a line, the most important first. */
  readonly details: readonly string[];
}

/** The window in a few words. */
export function statusLine(facts: WindowFacts): StatusLine {
  const { engine, unwanted } = facts;
  if (unwanted === "off") {
    return { state: "off", icon: "circle-slash", text: "Hearth", details: ["Completion is off."] };
  }
  switch (engine.kind) {
    case "failed":
      return { state: "error", icon: "error", text: "Hearth", details: [sentence(engine.error.message)] };
    case "ended":
      return {
        state: "error",
        icon: "debug-disconnect",
        text: "Hearth",
        details: [`The engine was ended (${engine.reason}). Restart it from this menu.`],
      };
    case "starting":
      return { state: "loading", icon: "loading~spin", text: "Hearth", details: ["The engine is starting."] };
    case "restarting":
      return {
        state: "loading",
        icon: "loading~spin",
        text: "Hearth",
        details: ["The engine went away and is started again."],
      };
    case "loading": {
      const percent = Math.floor(engine.part * 100);
      const text = `Hearth ${String(percent)} %`;
      return {
        state: "loading",
        icon: "loading~spin",
        text,
        details: [`The model is being loaded: ${String(percent)} %.`],
      };
    }
    case "asleep":
      return (
        pausedLine(facts) ?? {
          state: "asleep",
          icon: "flame",
          text: "Hearth",
          details: ["The engine starts with the first document that you work in."],
        }
      );
    case "ready":
      return readyLine(facts, engine.model);
  }
}

function readyLine(facts: WindowFacts, model: ShownModel): StatusLine {
  const about = [`${model.title} · offline`, ...figureLines(facts.figures)];
  if (!model.capabilities.includes("complete")) {
    return { state: "paused", icon: "info", text: "Hearth", details: [REASON_SENTENCES.cannotComplete, ...about] };
  }
  const paused = pausedLine(facts);
  if (paused !== undefined) {
    return { ...paused, details: [...paused.details, ...about] };
  }
  const silence = facts.lastSilence === undefined ? [] : [`Last: ${facts.lastSilence}`];
  return facts.thinking
    ? { state: "thinking", icon: "loading~spin", text: "Hearth", details: about }
    : { state: "ready", icon: "flame", text: "Hearth", details: [...about, ...silence] };
}

function pausedLine({ unwanted, snoozedUntilMs }: WindowFacts): StatusLine | undefined {
  if (unwanted === undefined || unwanted === "noDocument" || unwanted === "severalCursors") {
    return undefined;
  }
  const until = unwanted === "snoozed" && snoozedUntilMs !== undefined ? ` Until ${timeOfDay(snoozedUntilMs)}.` : "";
  return { state: "paused", icon: "debug-pause", text: "Hearth", details: [REASON_SENTENCES[unwanted] + until] };
}

/** What the engine did lately, in the field's units. */
export function figureLines(figures: Figures | undefined): string[] {
  if (figures === undefined) {
    return [];
  }
  const { prefillTps, decodeTps, expertHitRate, reading, memoryBytes } = figures;
  const speeds = [
    ...(decodeTps === undefined ? [] : [`${decodeTps.toFixed(0)} tok/s written`]),
    ...(prefillTps === undefined ? [] : [`${prefillTps.toFixed(0)} tok/s read`]),
  ];
  return [
    ...(speeds.length === 0 ? [] : [speeds.join(", ")]),
    ...(expertHitRate === undefined ? [] : [`${(expertHitRate * 100).toFixed(0)} % of experts were in memory`]),
    ...(reading === undefined ? [] : readingLines(reading)),
    `${(memoryBytes / 1e6).toFixed(0)} MB of memory`,
  ];
}

function readingLines({ bytesPerToken, waitedMsPerToken, lateRate, slots }: ReadingFigures): string[] {
  return [
    `${String(slots)} experts fit, ${(lateRate * 100).toFixed(0)} % came late`,
    `${(bytesPerToken / 1e6).toFixed(1)} MB read and ${waitedMsPerToken.toFixed(1)} ms waited a token`,
  ];
}

/** `HH:MM`, on the user's clock. */
export function timeOfDay(ms: number): string {
  const date = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}`;
}

function sentence(message: string): string {
  const first = message.slice(0, 1).toUpperCase() + message.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}
