import { REASON_SENTENCES, type SilenceReason } from "./reasons";

/** What became of one request. No text of the document: the log may be shown to others. */
export interface RequestRecord {
  readonly id: number;
  /** On the core's clock. */
  readonly startedMs: number;
  readonly path: string;
  readonly trigger: "automatic" | "manual";
  readonly outcome: "text" | "none" | "cancelled";
  readonly reason?: SilenceReason;
  /** Where the answer came from. */
  readonly source?: AnswerSource;
  readonly shownChars: number;
  /** Waited before the engine was asked. */
  readonly debounceMs: number;
  readonly totalMs: number;
  /** From asking the engine to its first text. */
  readonly firstTextMs?: number;
  readonly promptChars?: number;
  /** Characters of the prompt that the one before did not have in the same place. */
  readonly newPromptChars?: number;
}

export type AnswerSource = "typedAlong" | "forward" | "revisited" | "inFlight" | "engine";

const RECORDS_MAX = 100;

/** The last requests, for "why was nothing suggested" and for measurements. */
export class RequestLog {
  readonly #capacity: number;
  readonly #records: RequestRecord[] = [];

  constructor(capacity = RECORDS_MAX) {
    this.#capacity = capacity;
  }

  add(record: RequestRecord): void {
    this.#records.push(record);
    if (this.#records.length > this.#capacity) {
      this.#records.shift();
    }
  }

  /** Oldest first. */
  get records(): readonly RequestRecord[] {
    return this.#records;
  }

  get last(): RequestRecord | undefined {
    return this.#records.at(-1);
  }

  /** Why the last request that somebody waited for showed nothing; undefined where it showed something. */
  get lastSilence(): string | undefined {
    const last = this.#records.findLast(({ outcome, reason }) => outcome !== "cancelled" && reason !== "superseded");
    return last?.reason === undefined ? undefined : REASON_SENTENCES[last.reason];
  }
}
