import type {
  EndpointModel,
  EngineCondition,
  GenerationStatistics,
  ModelInfo,
  ReadStatistics,
} from "../protocol/engine";
import type { EngineError } from "../protocol/errors";
import { decimal } from "../protocol/decimal";
import { inEnglish, type Translate } from "../protocol/translate";
import { END_SENTENCES } from "./endSentences";
import { shownTitle } from "./modelTitle";
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
  /** Why completions are not asked for for a while, though there is a model. */
  readonly unasked?: Pick<EngineError, "code" | "message"> | undefined;
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
export function statusLine(facts: WindowFacts, t: Translate = inEnglish): StatusLine {
  const { engine, unwanted } = facts;
  if (unwanted === "off") {
    return line("off", "circle-slash", [t("Completion is off.")], t("off"));
  }
  switch (engine.kind) {
    case "failed": {
      const { code, message } = engine.error;
      return { ...line("error", "error", [sentence(message)], t("failed")), remedies: FAILURES[code].remedies };
    }
    case "ended": {
      const details = [t(END_SENTENCES[engine.reason])];
      return { ...line("error", "debug-disconnect", details, t("stopped")), remedies: ["restartEngine"] };
    }
    case "starting":
      return line("loading", SPINNER, [t("The engine is starting.")], t("starting"));
    case "restarting":
      return line("loading", SPINNER, [t("The engine crashed and is restarting.")], t("restarting"));
    case "loading": {
      const percent = Math.floor(engine.part * 100);
      const details = [t("The model is loading: {0} %.", percent)];
      return line("loading", SPINNER, details, t("loading {0} %", percent));
    }
    case "asleep":
      return (
        pausedLine(facts, t) ??
        line("asleep", "flame", [t("The engine starts with the first document you work in.")], t("idle"))
      );
    case "ready":
      return readyLine(facts, engine.model, t);
  }
}

const SPINNER = "loading~spin";

function line(state: StatusLine["state"], icon: string, details: readonly string[], word: string): StatusLine {
  return { state, icon, text: `Hearth: ${word}`, details, remedies: [] };
}

function readyLine(facts: WindowFacts, model: ShownModel, t: Translate): StatusLine {
  const about = aboutLines(model, facts, t);
  if (!model.capabilities.includes("complete")) {
    return line("paused", "info", [t(SKIP_REASONS.cannotComplete.sentence), ...about], t("chat only"));
  }
  const paused = pausedLine(facts, t);
  if (paused !== undefined) {
    return { ...paused, details: [...paused.details, ...about] };
  }
  const { thinking, lastSkipReason, unasked } = facts;
  if (unasked !== undefined) {
    const details = [sentence(unasked.message), t(UNASKED), ...about];
    return { ...line("error", "error", details, t("failed")), remedies: FAILURES[unasked.code].remedies };
  }
  const last = lastSkipReason === undefined ? [] : [t("Last: {0}", t(SKIP_REASONS[lastSkipReason].sentence))];
  const text = readyText(model.title, facts.language, t);
  return thinking
    ? { state: "thinking", icon: SPINNER, text, details: about, remedies: [] }
    : { state: "ready", icon: "flame", text: marked(text, facts, t), details: [...about, ...last], remedies: [] };
}

function aboutLines(
  model: ShownModel,
  { statistics, isUnjudged = false, powerReason }: WindowFacts,
  t: Translate,
): string[] {
  const saving = powerReason === undefined ? [] : [t("Saving power: {0}.", t(powerReason))];
  if (model.host === undefined) {
    const where = t("{0} · runs on this machine, nothing is sent", shownTitle(model.title, t));
    return [where, ...saving, ...statisticsLines(statistics, t).map(capitalised)];
  }
  return [
    t("{0} · code around the cursor, chats and edits are sent to {1}", model.title, model.host),
    ...saving,
    ...(model.warnings ?? []).map(sentence),
    ...(isUnjudged ? [t(UNJUDGED)] : []),
  ];
}

/** How suggestions are marked that nothing but their form was checked of. */
const UNJUDGED =
  "Unfiltered: the endpoint returns no token probabilities, so Hearth cannot tell how sure a suggestion is; it shows one line at most.";

const UNASKED = "Hearth has paused suggestions for a while; press Alt+\\ to ask now.";

/** Status bars are short. */
const TITLE_CHARS_MAX = 24;

function readyText(title: string, language: string | undefined, t: Translate): string {
  const model = shownTitle(title, t);
  const cut = model.length > TITLE_CHARS_MAX ? `${model.slice(0, TITLE_CHARS_MAX - 1).trimEnd()}…` : model;
  return language === undefined ? cut : `${cut} · ${language}`;
}

function marked(text: string, { engine, isUnjudged = false }: WindowFacts, t: Translate): string {
  const isElsewhere = engine.kind === "ready" && engine.model.host !== undefined;
  return isElsewhere && isUnjudged ? t("{0} (unfiltered)", text) : text;
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

function pausedLine(
  { unwanted, snoozedUntilMs, excludedBy, language }: WindowFacts,
  t: Translate,
): StatusLine | undefined {
  if (unwanted === undefined || unwanted === "noDocument" || OF_THE_MOMENT.has(unwanted)) {
    return undefined;
  }
  const until =
    unwanted === "snoozed" && snoozedUntilMs !== undefined ? [t("Until {0}.", timeOfDay(snoozedUntilMs))] : [];
  const rule = unwanted === "excluded" && excludedBy !== undefined ? [`${capitalised(excludedBy)}.`] : [];
  const own = PAUSED_WORDS[unwanted];
  const off = language === undefined ? t("off here") : t("off for {0}", language);
  const what = [t(SKIP_REASONS[unwanted].sentence), ...until].join(" ");
  return line("paused", "debug-pause", [what, ...rule], own === undefined ? off : t(own));
}

/** Recent engine statistics, in the field's units. */
export function statisticsLines(statistics: GenerationStatistics | undefined, t: Translate = inEnglish): string[] {
  if (statistics === undefined) {
    return [];
  }
  const { prefillTps, decodeTps, expertHitRate, reading, memoryBytes } = statistics;
  const speeds = [
    ...(decodeTps === undefined ? [] : [t("writes {0}", decimal(decodeTps))]),
    ...(prefillTps === undefined ? [] : [t("reads {0}", decimal(prefillTps))]),
  ];
  return [
    ...(speeds.length === 0 ? [] : [t("{0} tokens/s", speeds.join(", "))]),
    ...(expertHitRate === undefined
      ? []
      : [t("{0} % of expert weights came from memory", decimal(expertHitRate * 100))]),
    ...(reading === undefined ? [] : readingLines(reading, t)),
    t("{0} MB of memory", decimal(memoryBytes / 1e6)),
  ];
}

function readingLines({ bytesPerToken, waitedMsPerToken, lateRate, slots }: ReadStatistics, t: Translate): string[] {
  return [
    t("{0} experts fit in memory, {1} % came late", slots, decimal(lateRate * 100)),
    t("{0} MB read and {1} ms waited per token", decimal(bytesPerToken / 1e6, 1, 1), decimal(waitedMsPerToken, 1, 1)),
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
