import { hasCode } from "../protocol/errors";
import { ModelsError } from "../protocol/models";
import { type ByteRange, pieces } from "./byteRanges";
import type { HttpPort, HttpResponse } from "../network/http";
import { connectionProblem, redirectOf, USER_AGENT } from "./hub";
import type { DownloadLimits } from "./limits";
import type { PartFile } from "./partFile";
import { ask, Failures, requestedWaitMs, stopped, wait } from "./patience";

export interface TransferOptions {
  readonly http: HttpPort;
  readonly limits: DownloadLimits;
  readonly part: PartFile;
  /** For messages. */
  readonly name: string;
  /** Where the bytes are now; asked again when an address does not serve any more. Errors: ModelsError, which ends the transfer. */
  readonly locate: (signal: AbortSignal) => Promise<URL>;
  /** After each write. */
  readonly onBytes?: (bytes: number) => void;
  readonly onWait?: (note: string) => void;
  /** In order of `bytes`. */
  readonly checks?: readonly HeadCheck[];
  readonly nowMs?: () => number;
}

/** Looks at what has come, once all of [0, `bytes`) has, or all there is. What it throws ends the transfer. */
export interface HeadCheck {
  readonly bytes: number;
  readonly run: () => Promise<void>;
}

/** An answer that cannot be used, maybe only this time. */
class BadAnswer extends Error {
  /** A new address may help. */
  readonly stale: boolean;
  readonly waitMs: number | undefined;

  constructor(message: string, stale = true, waitMs?: number) {
    super(message);
    this.name = "BadAnswer";
    this.stale = stale;
    this.waitMs = waitMs;
  }
}

/** The server sends everything, whatever is asked for. */
class NoRanges extends Error {}

/**
 * Gets what is missing of a file, by several requests for ranges at once. Whatever breaks is asked for again from where it broke, at a
 * new address; a transfer gives up after too many failures without progress between them, and has then lost nothing.
 */
export class Transfer {
  readonly #options: TransferOptions;
  readonly #failures: Failures;
  readonly #queue: ByteRange[];
  #location: URL | undefined;
  #locating: Promise<URL> | undefined;
  #lastSaveMs = 0;
  #checksBegun = 0;
  #checked: Promise<void> = Promise.resolve();
  #noRanges = false;

  constructor(options: TransferOptions) {
    this.#options = options;
    this.#failures = new Failures(options.limits);
    this.#queue = options.part.missing.flatMap((gap) => pieces(gap, options.limits.pieceBytes));
  }

  /** Errors: ModelsError; errors of the file system. What has come is saved in any case. */
  async run(signal: AbortSignal): Promise<void> {
    const ending = new AbortController();
    const either = AbortSignal.any([signal, ending.signal]);
    try {
      // One alone first: it shows whether the server has ranges at all, and whether this is a model.
      await this.#work(either, 1);
      const workers = Array.from({ length: this.#options.limits.parallel }, () => this.#work(either));
      const ends = workers.map((worker) =>
        worker.catch((error: unknown) => {
          ending.abort();
          throw error;
        }),
      );
      await settled(ends);
      if (this.#noRanges) {
        await this.#whole(either);
      }
      await this.#lookAtHead(true);
    } finally {
      await this.#options.part.save();
    }
  }

  async #work(signal: AbortSignal, piecesMax = Infinity): Promise<void> {
    for (let count = 0; count < piecesMax && !this.#noRanges; ++count) {
      const piece = this.#queue.shift();
      if (piece === undefined) {
        return;
      }
      try {
        await this.#piece(piece, signal);
      } catch (error) {
        if (!(error instanceof NoRanges)) {
          throw error;
        }
        this.#noRanges = true;
      }
    }
  }

  async #piece(piece: ByteRange, signal: AbortSignal): Promise<void> {
    const { part } = this.#options;
    for (;;) {
      const [gap] = part.done.gaps(piece);
      if (gap === undefined) {
        return;
      }
      await this.#attempt(signal, async (location) => {
        const { response, from } = await this.#ask(location, { range: rangeHeader(gap) }, signal);
        if (response.status === 200) {
          response.discard();
          throw new NoRanges();
        }
        this.#expect(response, from, 206);
        const got = response.header("content-range");
        const want = `bytes ${String(gap.start)}-${String(gap.end - 1)}/${String(part.identity.bytes)}`;
        if (got !== want) {
          response.discard();
          throw new BadAnswer(`${from.host} sends '${(got ?? "no range").slice(0, 60)}' instead of '${want}'`);
        }
        await this.#store(response, gap, from, signal);
      });
    }
  }

  /** All of it in one answer, from a server without ranges. What is there already is skipped. */
  async #whole(signal: AbortSignal): Promise<void> {
    const { part } = this.#options;
    const all = { start: 0, end: part.identity.bytes };
    while (part.missing.length > 0) {
      await this.#attempt(signal, async (location) => {
        const { response, from } = await this.#ask(location, {}, signal);
        this.#expect(response, from, 200);
        const length = response.header("content-length");
        if (length !== undefined && Number(length) !== all.end) {
          response.discard();
          throw new BadAnswer(`${from.host} sends ${length} bytes instead of ${String(all.end)}`);
        }
        await this.#store(response, all, from, signal);
      });
    }
  }

  async #store(response: HttpResponse, range: ByteRange, from: URL, signal: AbortSignal): Promise<void> {
    const { part, onBytes } = this.#options;
    let at = range.start;
    for await (const bytes of response.body) {
      if (at + bytes.length > range.end) {
        response.discard();
        throw new BadAnswer(`${from.host} sends more than was asked for`);
      }
      const gained = await part.write(bytes, at);
      at += bytes.length;
      this.#failures.progressed(gained);
      onBytes?.(gained);
      await this.#saveNowAndThen();
      await this.#lookAtHead(false);
      if (signal.aborted) {
        response.discard();
        throw stopped();
      }
    }
    if (at < range.end) {
      throw new BadAnswer(`${from.host} sends less than was asked for`);
    }
  }

  /** One request; what may work another time is waited for and returns, anything else is thrown. */
  async #attempt(signal: AbortSignal, work: (location: URL) => Promise<void>): Promise<void> {
    const location = await this.#locate(signal);
    try {
      await work(location);
    } catch (error) {
      if (signal.aborted) {
        throw stopped();
      }
      if (error instanceof NoRanges || error instanceof ModelsError || isOfDisk(error)) {
        throw error;
      }
      const problem = connectionProblem(error);
      if (!(error instanceof BadAnswer) || error.stale) {
        this.#forget(location);
      }
      const asked = error instanceof BadAnswer ? error.waitMs : undefined;
      const backOff = this.#failures.next();
      const { limits, onWait } = this.#options;
      if (backOff === undefined || (asked ?? 0) > limits.waitMaxMs) {
        throw this.#givenUp(error, problem, location);
      }
      onWait?.(`${problem}; trying again`);
      await wait(asked ?? backOff, signal);
    }
  }

  /** Content servers may redirect among themselves; no token ever goes there. */
  async #ask(
    location: URL,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<{ response: HttpResponse; from: URL }> {
    const { http, limits, name } = this.#options;
    let url = location;
    for (let hop = 0; hop < limits.hopsMax; ++hop) {
      const all = { "user-agent": USER_AGENT, "accept-encoding": "identity", ...headers };
      const response = await ask(http, { method: "GET", url, headers: all }, limits, signal);
      const next = redirectOf(response, url);
      if (next === undefined) {
        return { response, from: url };
      }
      response.discard();
      if (url.protocol === "https:" ? next.protocol !== "https:" : !/^https?:$/.test(next.protocol)) {
        throw new ModelsError(
          "redirect",
          `cannot download '${name}': ${url.host} redirects to a connection that is not encrypted; choose another mirror`,
        );
      }
      url = next;
    }
    throw new ModelsError(
      "redirect",
      `cannot download '${name}': ${location.host} redirects in circles; choose another mirror, or try again later`,
    );
  }

  #expect(response: HttpResponse, { host }: URL, status: number): void {
    const { nowMs = Date.now } = this.#options;
    const encoding = response.header("content-encoding") ?? "identity";
    if (response.status !== status || encoding !== "identity") {
      const waitMs =
        response.status === 429 || response.status === 503 ? requestedWaitMs(response, nowMs()) : undefined;
      response.discard();
      throw response.status === status
        ? new BadAnswer(`${host} sends the file encoded as '${encoding.slice(0, 20)}'`)
        : new BadAnswer(`${host} answers ${String(response.status)}`, response.status !== 429, waitMs);
    }
    if (/\bhtml\b/i.test(response.header("content-type") ?? "")) {
      response.discard();
      throw new BadAnswer(`${host} sends a web page instead of the file`);
    }
  }

  /** One question for all requests that lack an address. */
  async #locate(signal: AbortSignal): Promise<URL> {
    if (this.#location !== undefined) {
      return this.#location;
    }
    this.#locating ??= this.#options.locate(signal).finally(() => {
      this.#locating = undefined;
    });
    this.#location = await this.#locating;
    return this.#location;
  }

  /** Unless another request has found a new address already. */
  #forget(location: URL): void {
    if (this.#location === location) {
      this.#location = undefined;
    }
  }

  #givenUp(error: unknown, problem: string, { host }: URL): ModelsError {
    const { name } = this.#options;
    const what = `cannot download '${name}': ${problem}, ${String(this.#failures.count)} times in a row`;
    return error instanceof BadAnswer && error.waitMs === undefined
      ? new ModelsError("content", `${what}; what was downloaded is kept, choose another mirror or try again later`)
      : new ModelsError("network", `${what} (${host}); what was downloaded is kept, check the network and start again`);
  }

  async #saveNowAndThen(): Promise<void> {
    const now = performance.now();
    if (now - this.#lastSaveMs >= this.#options.limits.saveMs) {
      this.#lastSaveMs = now;
      await this.#options.part.save();
    }
  }

  /** As soon as it is there: nobody wants to find out after gigabytes that this is no model. */
  async #lookAtHead(isEnd: boolean): Promise<void> {
    const { part, checks = [] } = this.#options;
    for (let next = checks[this.#checksBegun]; next !== undefined; next = checks[this.#checksBegun]) {
      if (!part.done.contains({ start: 0, end: Math.min(next.bytes, part.identity.bytes) })) {
        break;
      }
      const { run } = next;
      this.#checksBegun += 1;
      this.#checked = this.#checked.then(run);
    }
    await this.#checked;
    if (isEnd && part.missing.length > 0) {
      throw new Error("a transfer ended before its file was there");
    }
  }
}

function rangeHeader({ start, end }: ByteRange): string {
  return `bytes=${String(start)}-${String(end - 1)}`;
}

/** Waits for all, and rejects with the first failure that is not just the others' end. */
async function settled(all: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(all);
  const reasons = results.flatMap((result) => (result.status === "rejected" ? [result.reason as unknown] : []));
  const first = reasons.find((reason) => !(reason instanceof ModelsError && reason.code === "stopped")) ?? reasons[0];
  if (first !== undefined) {
    throw first instanceof Error ? first : new Error("a transfer failed", { cause: first });
  }
}

/** Trying again does not help against a full drive. */
function isOfDisk(error: unknown): boolean {
  return hasCode(error, "ENOSPC", "EDQUOT", "EIO", "EROFS", "EFBIG", "EBADF", "EACCES", "EPERM");
}
