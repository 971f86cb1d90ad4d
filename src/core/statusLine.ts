import type {
  EndpointModel,
  EngineCondition,
  GenerationStatistics,
  ModelInfo,
  ReadStatistics,
} from "../protocol/engine";
import type { RemedyName } from "./remedies";
import { FAILURES, SKIP_REASONS, type SkipReason, type UnwantedReason } from "./skipReasons";

type ShownModel = Pick<ModelInfo, "title" | "capabilities"> & Partial<Pick<EndpointModel, "host" | "warnings">>;

/** The state of a window, as far as its status line shows it. */
export interface WindowFacts {
  readonly engine: EngineCondition<ShownModel>;
  /** A request has been waiting for long. */
  readonly thinking: boolean;
  /** Why no completion is wanted in the active document; `noDocument`: there is none. */
  readonly unwanted: UnwantedReason | "noDocument" | undefined;
  /** The rule by which the active document is never read. */
  readonly excludedBy?: string | undefined;
  /** Name of the active document's language, as the editor shows it. */
  readonly language?: string | undefined;
  /** Milliseconds since 1970. */
  readonly snoozedUntilMs: number | undefined;
  /** Why power is saved; undefined where none is. */
  readonly powerReason?: string | undefined;
  /** Why the last request showed nothing; undefined where it showed something. */
  readonly lastSkipReason: SkipReason | undefined;
  readonly statistics: GenerationStatistics | undefined;
  /** What was suggested last was not judged by the gate, as the endpoint tells no probabilities. */
  readonly isUnjudged?: boolean;
}

export interface StatusLine {
  readonly state: "off" | "asleep" | "loading" | "ready" | "thinking" | "paused" | "error";
  /** Name of an icon of the editor. */
  readonly icon: string;
  /** Short: the state where it is not the usual one, else the model and the language. */
  readonly text: string;
  /** One fact a line, the most important first. */
  readonly details: readonly string[];
  /** What may help against a failure, the most promising first. */
  readonly remedies: readonly RemedyName[];
}

/** The status line of a window. */
export function statusLine(facts: WindowFacts): StatusLine {
  const { engine, unwanted } = facts;
  if (unwanted === "off") {
    return line("off", "circle-slash", ["Completion is off."], "off");
  }
  switch (engine.kind) {
    case "failed": {
      const { code, message } = engine.error;
      return { ...line("error", "error", [sentence(message)], "failed"), remedies: FAILURES[code].remedies };
    }
    case "ended": {
      const details = [`The engine was stopped (${engine.reason}).`];
      return { ...line("error", "debug-disconnect", details, "stopped"), remedies: ["restartEngine"] };
    }
    case "starting":
      return line("loading", SPINNER, ["The engine is starting."], "starting");
    case "restarting":
      return line("loading", SPINNER, ["The engine crashed and is restarting."], "restarting");
    case "loading": {
      const percent = `${String(Math.floor(engine.part * 100))} %`;
      return line("loading", SPINNER, [`The model is loading: ${percent}.`], `loading ${percent}`);
    }
    case "asleep":
      return (
        pausedLine(facts) ?? line("asleep", "flame", ["The engine starts with the first document you work in."], "idle")
      );
    case "ready":
      return readyLine(facts, engine.model);
  }
}

const SPINNER = "loading~spin";

function line(state: StatusLine["state"], icon: string, details: readonly string[], word: string): StatusLine {
  return { state, icon, text: `Hearth: ${word}`, details, remedies: [] };
}

function readyLine(facts: WindowFacts, model: ShownModel): StatusLine {
  const about = aboutLines(model, facts);
  if (!model.capabilities.includes("complete")) {
    return line("paused", "info", [SKIP_REASONS.cannotComplete.sentence, ...about], "chat only");
  }
  const paused = pausedLine(facts);
  if (paused !== undefined) {
    return { ...paused, details: [...paused.details, ...about] };
  }
  const { thinking, lastSkipReason } = facts;
  const last = lastSkipReason === undefined ? [] : [`Last: ${SKIP_REASONS[lastSkipReason].sentence}`];
  const text = readyText(model.title, facts.language);
  return thinking
    ? { state: "thinking", icon: SPINNER, text, details: about, remedies: [] }
    : { state: "ready", icon: "flame", text: marked(text, facts), details: [...about, ...last], remedies: [] };
}

function aboutLines(model: ShownModel, { statistics, isUnjudged = false, powerReason }: WindowFacts): string[] {
  const saving = powerReason === undefined ? [] : [`Saving power: ${powerReason}.`];
  if (model.host === undefined) {
    const where = `${shortTitle(model.title)} · runs on this machine, nothing is sent`;
    return [where, ...saving, ...statisticsLines(statistics)];
  }
  return [
    `${model.title} · code around the cursor, chats and edits are sent to ${model.host}`,
    ...saving,
    ...(model.warnings ?? []).map(sentence),
    ...(isUnjudged ? [UNJUDGED] : []),
  ];
}

/** How suggestions are marked that nothing but their form was checked of. */
const UNJUDGED =
  "Ungated: the endpoint tells no probabilities, so nobody knows how sure a suggestion is; one line at most is shown.";

/** Status bars are short. */
const TITLE_CHARS_MAX = 24;

function readyText(title: string, language: string | undefined): string {
  const model = shortTitle(title);
  const cut = model.length > TITLE_CHARS_MAX ? `${model.slice(0, TITLE_CHARS_MAX - 1).trimEnd()}…` : model;
  return language === undefined ? cut : `${cut} · ${language}`;
}

function marked(text: string, { engine, isUnjudged = false }: WindowFacts): string {
  const isElsewhere = engine.kind === "ready" && engine.model.host !== undefined;
  return isElsewhere && isUnjudged ? `${text} (ungated)` : text;
}

/** "Hearth starter model" below "Hearth" would say it twice. */
function shortTitle(title: string): string {
  return capitalised(title.replace(/^Hearth /, ""));
}

/** About the cursor, not about the document. */
const OF_THE_MOMENT: ReadonlySet<UnwantedReason> = new Set(["severalCursors", "textSelected", "notInserting"]);

/** For the status bar, after "Hearth: ". */
const PAUSED_WORDS: Partial<Record<UnwantedReason, string>> = {
  inlineSuggestOff: "off in this editor",
  excluded: "not in this file",
  notEditable: "read-only",
  snoozed: "snoozed",
  manualOnly: "when asked",
  savingPower: "saving power",
};

function pausedLine({ unwanted, snoozedUntilMs, excludedBy, language }: WindowFacts): StatusLine | undefined {
  if (unwanted === undefined || unwanted === "noDocument" || OF_THE_MOMENT.has(unwanted)) {
    return undefined;
  }
  const until = unwanted === "snoozed" && snoozedUntilMs !== undefined ? ` Until ${timeOfDay(snoozedUntilMs)}.` : "";
  const rule = unwanted === "excluded" && excludedBy !== undefined ? [`${capitalised(excludedBy)}.`] : [];
  const word = PAUSED_WORDS[unwanted] ?? (language === undefined ? "off here" : `off for ${language}`);
  return line("paused", "debug-pause", [SKIP_REASONS[unwanted].sentence + until, ...rule], word);
}

/** Recent engine statistics, in the field's units. */
export function statisticsLines(statistics: GenerationStatistics | undefined): string[] {
  if (statistics === undefined) {
    return [];
  }
  const { prefillTps, decodeTps, expertHitRate, reading, memoryBytes } = statistics;
  const speeds = [
    ...(decodeTps === undefined ? [] : [`writes ${decodeTps.toFixed(0)}`]),
    ...(prefillTps === undefined ? [] : [`reads ${prefillTps.toFixed(0)}`]),
  ];
  return [
    ...(speeds.length === 0 ? [] : [`${speeds.join(", ")} tokens/s`]),
    ...(expertHitRate === undefined
      ? []
      : [`${(expertHitRate * 100).toFixed(0)} % of expert weights came from memory`]),
    ...(reading === undefined ? [] : readingLines(reading)),
    `${(memoryBytes / 1e6).toFixed(0)} MB of memory`,
  ];
}

function readingLines({ bytesPerToken, waitedMsPerToken, lateRate, slots }: ReadStatistics): string[] {
  return [
    `${String(slots)} experts fit, ${(lateRate * 100).toFixed(0)} % came late`,
    `${(bytesPerToken / 1e6).toFixed(1)} MB read and ${waitedMsPerToken.toFixed(1)} ms waited per token`,
  ];
}

/** `HH:MM`, on the user's clock. */
export function timeOfDay(ms: number): string {
  const date = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}`;
}

function sentence(message: string): string {
  const first = capitalised(message);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}

function capitalised(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
