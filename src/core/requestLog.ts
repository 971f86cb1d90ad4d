import { decimal } from "../protocol/decimal";
import { inEnglish, type Translate } from "../protocol/translate";
import { SKIP_REASONS, type SkipReason } from "./skipReasons";

/** What became of one request. No text of the document: the log may be shown to others. */
export interface RequestRecord {
  /** Counts up. */
  readonly id: number;
  /** On the core's clock. */
  readonly startedMs: number;
  readonly path: string;
  readonly trigger: "automatic" | "manual";
  readonly outcome: "text" | "none" | "cancelled";
  readonly reason?: SkipReason;
  /** Where the answer came from. */
  readonly source?: AnswerSource;
  readonly shownChars: number;
  /** Shown without the gate: the engine knows no probabilities. */
  readonly isUnjudged?: true;
  /** Waited before the engine was asked. */
  readonly debounceMs: number;
  readonly totalMs: number;
  /** From asking the engine to its first text. */
  readonly firstTextMs?: number;
  readonly promptChars?: number;
  /** Characters of the prompt that the one before did not have in the same place. */
  readonly newPromptChars?: number;
}

/** The last text that was shown was not judged. */
export function showedUnjudged({ records }: RequestLog): boolean {
  return records.findLast(({ outcome }) => outcome === "text")?.isUnjudged === true;
}

export type AnswerSource = "typedAlong" | "forward" | "revisited" | "inFlight" | "engine";

export type NewRecord = Omit<RequestRecord, "id">;

const RECORDS_MAX = 100;

/** The last requests, for "why was nothing suggested" and for measurements. */
export class RequestLog {
  readonly #capacity: number;
  readonly #records: RequestRecord[] = [];
  #added = 0;

  constructor(capacity = RECORDS_MAX) {
    this.#capacity = capacity;
  }

  add(record: NewRecord): void {
    this.#added += 1;
    this.#records.push({ id: this.#added, ...record });
    if (this.#records.length > this.#capacity) {
      this.#records.shift();
    }
  }

  /** A request that was skipped before any processing. */
  addSkipped({ path, trigger }: Pick<RequestRecord, "path" | "trigger">, reason: SkipReason, nowMs: number): void {
    this.add({ startedMs: nowMs, path, trigger, outcome: "none", reason, shownChars: 0, debounceMs: 0, totalMs: 0 });
  }

  /** Oldest first. */
  get records(): readonly RequestRecord[] {
    return this.#records;
  }

  /** The last request that was neither cancelled nor superseded. */
  get lastDone(): RequestRecord | undefined {
    return this.#records.findLast(({ outcome, reason }) => outcome !== "cancelled" && reason !== "superseded");
  }

  get last(): RequestRecord | undefined {
    return this.#records.at(-1);
  }

  /** Skip reason of the last request that was neither cancelled nor superseded; undefined if it showed something. */
  get lastSkipReason(): SkipReason | undefined {
    return this.lastDone?.reason;
  }
}

/** For the status menu: what became of the last request, and how long it took. */
export function lastLine({ lastDone }: RequestLog, t: Translate = inEnglish): string | undefined {
  if (lastDone === undefined) {
    return undefined;
  }
  const { reason, totalMs } = lastDone;
  const what = reason === undefined ? t("shown") : withinLine(SKIP_REASONS[reason].title, t);
  return t("last: {0}, {1} ms", what, decimal(totalMs));
}

/** Other languages have capitals of their own within a line. */
function withinLine(title: string, t: Translate): string {
  const said = t(title);
  return said === title ? title.toLowerCase() : said;
}
