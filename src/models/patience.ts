import { setTimeout as sleep } from "node:timers/promises";
import { ModelsError } from "../protocol/models";
import type { HttpPort, HttpRequest, HttpResponse } from "../network/http";
import type { DownloadLimits } from "./limits";

/** A body that sends nothing, or next to nothing, and does not end. */
export class Stalled extends Error {
  constructor(ms: number) {
    super(`nothing came for ${String(Math.round(ms / 1000))} s`);
    this.name = "Stalled";
  }
}

/** The user, or the program's end, stopped a download. */
export function stopped(): ModelsError {
  return new ModelsError(
    "stopped",
    "the download was stopped; what was downloaded is kept, and the next download resumes from there",
  );
}

/** Rejects with `stopped` when `signal` is aborted. */
export async function wait(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch {
    throw stopped();
  }
}

/** One request with its limits: an answer's head within `answerMs`, and a body that does not stall. */
export async function ask(
  http: HttpPort,
  request: Omit<HttpRequest, "signal">,
  limits: DownloadLimits,
  signal: AbortSignal,
): Promise<HttpResponse> {
  const patience = new AbortController();
  const either = AbortSignal.any([signal, patience.signal]);
  const timer = setTimeout(() => {
    patience.abort(new Error(`no answer for ${String(Math.round(limits.answerMs / 1000))} s`));
  }, limits.answerMs);
  try {
    const response = await http({ ...request, signal: either });
    return {
      status: response.status,
      header: (name) => response.header(name),
      body: watched(response.body, patience, limits),
      discard: () => {
        response.discard();
      },
    };
  } catch (error) {
    if (signal.aborted) {
      throw stopped();
    }
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function* watched(
  body: AsyncIterable<Uint8Array>,
  patience: AbortController,
  { stallMs, stallBytes }: DownloadLimits,
): AsyncGenerator<Uint8Array> {
  const stall = (): void => {
    patience.abort(new Stalled(stallMs));
  };
  let timer = setTimeout(stall, stallMs);
  let bytes = 0;
  try {
    for await (const chunk of body) {
      bytes += chunk.length;
      if (bytes >= stallBytes) {
        bytes = 0;
        clearTimeout(timer);
        timer = setTimeout(stall, stallMs);
      }
      yield chunk;
    }
  } finally {
    clearTimeout(timer);
  }
}

/** What a server asks to wait, in milliseconds: `Retry-After` (seconds or a date) or the `t` of `RateLimit`; undefined: it does not say. */
export function requestedWaitMs(response: HttpResponse, nowMs: number): number | undefined {
  const after = response.header("retry-after");
  if (after !== undefined) {
    const ms = /^\s*\d+\s*$/.test(after) ? Number(after) * 1000 : Date.parse(after) - nowMs;
    if (Number.isFinite(ms)) {
      return Math.max(0, ms);
    }
  }
  // e.g. `"resolver";r=0;t=123`, or `limit=3000, remaining=0, reset=123`.
  const seconds = /(?:^|[;,\s])(?:t|reset)\s*=\s*(\d+)/i.exec(response.header("ratelimit") ?? "")?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}

/** Counts failures that follow each other without progress between them, and says how long to wait before the next try. */
export class Failures {
  readonly #limits: DownloadLimits;
  #count = 0;
  #progress = 0;

  constructor(limits: DownloadLimits) {
    this.#limits = limits;
  }

  /** So many bytes have come. */
  progressed(bytes: number): void {
    this.#progress += bytes;
    if (this.#progress >= this.#limits.progressBytes) {
      this.#count = 0;
    }
  }

  /** Milliseconds before another try; undefined: there have been too many. */
  next(): number | undefined {
    this.#count += 1;
    this.#progress = 0;
    const { failuresMax, backOffMs, backOffMaxMs } = this.#limits;
    if (this.#count > failuresMax) {
      return undefined;
    }
    const ms = Math.min(backOffMaxMs, backOffMs * 2 ** (this.#count - 1));
    // Requests that broke together do not come back together.
    return ms * (0.75 + 0.5 * Math.random());
  }

  get count(): number {
    return this.#count;
  }
}
