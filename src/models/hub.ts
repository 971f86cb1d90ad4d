import { codeOf } from "../protocol/errors";
import { type HashSource, ModelsError } from "../protocol/models";
import type { HttpPort, HttpResponse } from "../network/http";
import type { DownloadLimits } from "./limits";
import { ask, Failures, requestedWaitMs, stopped, wait } from "./patience";
import { formatDuration } from "./size";

/**
 * The download protocol of Hugging Face's hub, of its mirrors and of plain servers, up to the place where the bytes are.
 * From huggingface_hub's file_download.py: the answer of `resolve` says commit, size and hash in headers of its own (`X-Repo-Commit`,
 * `X-Linked-Size`, `X-Linked-Etag`) beside a redirect to a content server, which says none of them.
 */

export const HUB = new URL("https://huggingface.co");

export interface HubOptions {
  readonly http: HttpPort;
  readonly limits: DownloadLimits;
  /** Where `org/repo` is asked for: the hub or a mirror of it, maybe below a path. */
  readonly endpoint: URL;
  /** Goes to the endpoint's own origin and nowhere else. */
  readonly token?: string;
  /** Origin whose word on a hash is the hub's. Tests have a hub of their own. */
  readonly hub?: URL;
  /** Says what is waited for. */
  readonly onWait?: (note: string) => void;
  readonly nowMs?: () => number;
}

/** A file as the hub announces it. */
export interface AnnouncedFile {
  /** Asks for the same content whenever it is asked: pinned to the commit, where the server told one. */
  readonly url: URL;
  readonly bytes: number;
  readonly sha256?: string;
  /** Who told the hash; `none` where nobody did. */
  readonly hashSource: HashSource;
  readonly commit?: string;
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;
const SHA256 = /^[0-9a-f]{64}$/i;
const COMMIT = /^[0-9a-f]{40}$/;
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];
const TOO_MANY = 429;
/** Beyond any model; sizes stay exact numbers. */
const FILE_BYTES_MAX = 2 ** 44;

interface Hop {
  readonly url: URL;
  readonly response: HttpResponse;
  readonly location?: URL;
}

/** One file of a hub or a server. */
export class HubFile {
  readonly #options: HubOptions;
  /** For messages. */
  readonly #name: string;

  constructor(options: HubOptions, name: string) {
    this.#options = options;
    this.#name = name;
  }

  /** The address of a repository's file at the endpoint. */
  static resolveUrl(endpoint: URL, repository: string, revision: string, file: string): URL {
    const url = new URL(endpoint);
    const path = [...repository.split("/"), "resolve", revision, ...file.split("/")].map(encodeURIComponent).join("/");
    url.pathname = `${url.pathname.replace(/\/+$/, "")}/${path}`;
    return url;
  }

  /**
   * Asks what the file at `url` is, without reading it. Follows redirects while they stay with the hub; the first that leaves it is
   * where the bytes are.
   * Errors: ModelsError.
   */
  async announce(url: URL, signal: AbortSignal): Promise<AnnouncedFile> {
    let answers = await this.#hops("HEAD", url, signal);
    if ([405, 501].includes(answers.at(-1)?.response.status ?? 0)) {
      answers = await this.#hops("GET", url, signal);
    }
    const last = answers.at(-1);
    if (last === undefined || (last.location === undefined && Math.floor(last.response.status / 100) !== 2)) {
      throw this.#refusal(last);
    }
    const type = last.response.header("content-type") ?? "";
    if (last.location === undefined && /\bhtml\b/i.test(type)) {
      throw new ModelsError(
        "content",
        `cannot download '${this.#name}': ${last.url.host} sends a web page instead of the file; ` +
          `open ${last.url.origin} in a browser to see what it wants, or choose another mirror`,
      );
    }
    return this.#announced(url, answers, last);
  }

  #announced(asked: URL, answers: readonly Hop[], last: Hop): AnnouncedFile {
    const told = (name: string): { value: string; from: URL } | undefined => {
      const hop = answers.findLast(({ response }) => response.header(name) !== undefined);
      return hop === undefined ? undefined : { value: hop.response.header(name) ?? "", from: hop.url };
    };
    const bytes = sizeOf(told("x-linked-size")?.value, last);
    if (bytes === undefined) {
      throw new ModelsError(
        "content",
        `cannot download '${this.#name}': ${last.url.host} does not say how long the file is; choose another mirror`,
      );
    }
    const commit = told("x-repo-commit")?.value;
    const etag = told("x-linked-etag") ?? (last.location === undefined ? told("etag") : undefined);
    const sha256 = etag === undefined ? undefined : hashIn(etag.value);
    // A renamed repository has redirected; its new name is asked from now on.
    const own = answers.findLast(({ url }) => url.pathname.includes("/resolve/"))?.url ?? asked;
    return {
      url: commit !== undefined && COMMIT.test(commit) ? pinned(own, commit) : own,
      bytes,
      ...(commit !== undefined && COMMIT.test(commit) ? { commit } : {}),
      ...(sha256 === undefined
        ? { hashSource: "none" }
        : { sha256, hashSource: etag?.from.origin === (this.#options.hub ?? HUB).origin ? "hub" : "mirror" }),
    };
  }

  /** Where the bytes are now: a content server's address, signed for a while, or `url` itself. Errors: ModelsError. */
  async locate(url: URL, signal: AbortSignal): Promise<URL> {
    const last = (await this.#hops("GET", url, signal)).at(-1);
    if (last?.location !== undefined) {
      return last.location;
    }
    if (last === undefined || Math.floor(last.response.status / 100) !== 2) {
      throw this.#refusal(last);
    }
    return last.url;
  }

  /** The whole of what is at `url`, within the hub: a list, and not a file. Errors: ModelsError. */
  async read(url: URL, signal: AbortSignal): Promise<HttpResponse> {
    const last = (await this.#hops("GET", url, signal, true)).at(-1);
    if (last === undefined || last.location !== undefined || last.response.status !== 200) {
      last?.response.discard();
      throw this.#refusal(last);
    }
    return last.response;
  }

  /**
   * Answers along the redirects within the hub; the last has a location only where that is another's.
   * @param isWhole the body of the last is wanted, and not just its head.
   */
  async #hops(method: "HEAD" | "GET", start: URL, signal: AbortSignal, isWhole = false): Promise<Hop[]> {
    const hops: Hop[] = [];
    let url = start;
    for (let hop = 0; hop < this.#options.limits.hopsMax; ++hop) {
      const response = await this.#patiently(method, url, signal, isWhole);
      const location = redirectOf(response, url);
      if (!isWhole || location !== undefined) {
        response.discard();
      }
      if (location === undefined) {
        return [...hops, { url, response }];
      }
      this.#checkRedirect(url, location);
      if (!this.#isHub(location)) {
        return [...hops, { url, response, location }];
      }
      hops.push({ url, response });
      url = location;
    }
    throw new ModelsError(
      "redirect",
      `cannot download '${this.#name}': ${start.host} redirects in circles; choose another mirror, or try again later`,
    );
  }

  #isHub({ origin }: URL): boolean {
    const { endpoint, hub = HUB } = this.#options;
    return origin === endpoint.origin || origin === hub.origin;
  }

  #checkRedirect(from: URL, to: URL): void {
    const why =
      to.protocol !== "https:" && to.protocol !== "http:"
        ? "to an address that is none of the web"
        : from.protocol === "https:" && to.protocol === "http:"
          ? "to a connection that is not encrypted"
          : undefined;
    if (why !== undefined) {
      throw new ModelsError(
        "redirect",
        `cannot download '${this.#name}': ${from.host} redirects ${why}; choose another mirror`,
      );
    }
  }

  /** Tries again where the server is busy or cannot be reached. */
  async #patiently(method: "HEAD" | "GET", url: URL, signal: AbortSignal, isWhole: boolean): Promise<HttpResponse> {
    const { http, limits, onWait } = this.#options;
    // Asking costs the server little, and an address that does not exist shall be told soon.
    const failures = new Failures({ ...limits, failuresMax: Math.min(limits.failuresMax, 4) });
    for (;;) {
      let problem: string;
      let waitMs: number | undefined;
      let status: number | undefined;
      try {
        const headers = this.#headers(method === "GET" && !isWhole, url);
        const response = await ask(http, { method, url, headers }, limits, signal);
        if (response.status !== TOO_MANY && response.status < 500) {
          return response;
        }
        response.discard();
        ({ status } = response);
        problem = `${url.host} answers ${String(status)}`;
        waitMs = requestedWaitMs(response, (this.#options.nowMs ?? Date.now)());
        if (response.status === 501) {
          return response;
        }
      } catch (error) {
        if (signal.aborted) {
          throw stopped();
        }
        problem = connectionProblem(error);
      }
      const backOff = failures.next();
      if (backOff === undefined || (waitMs ?? 0) > limits.waitMaxMs) {
        throw status === undefined
          ? unreachable(this.#name, url, problem)
          : overloaded(this.#name, url, status, waitMs);
      }
      onWait?.(`${problem}; trying again`);
      await wait(waitMs ?? backOff, signal);
    }
  }

  #headers(isProbe: boolean, url: URL): Record<string, string> {
    const { token } = this.#options;
    return {
      "user-agent": USER_AGENT,
      "accept-encoding": "identity",
      // A server that has the file itself shall not send all of it.
      ...(isProbe ? { range: "bytes=0-0" } : {}),
      ...(token !== undefined && this.#mayHaveToken(url) ? { authorization: `Bearer ${token}` } : {}),
    };
  }

  /** The endpoint itself, where nobody reads along: what is not encrypted stays on this machine. */
  #mayHaveToken({ origin, protocol, hostname }: URL): boolean {
    return origin === this.#options.endpoint.origin && (protocol === "https:" || LOOPBACK.test(hostname));
  }

  #refusal(hop: Hop | undefined): ModelsError {
    const status = hop?.response.status ?? 0;
    const host = hop?.url.host ?? "";
    // The hub says 401 for a repository that does not exist, to keep private ones unknown.
    const code = hop?.response.header("x-error-code") ?? "";
    if (status === 404 || status === 410 || /^(Repo|Entry|Revision)NotFound$/.test(code)) {
      return new ModelsError(
        "notFound",
        `cannot download '${this.#name}': ${host} has no such file; check the name, or choose another mirror`,
      );
    }
    if (status === 401 || status === 403) {
      const sent = this.#options.token !== undefined && hop !== undefined && this.#mayHaveToken(hop.url);
      const what = sent ? "refuses the token for this file" : "wants to know who asks";
      const set = this.#options.token !== undefined && !sent ? "give the mirror an https address, and set" : "set";
      const terms = code === "GatedRepo" ? `accept its terms on its page, and ${set}` : set;
      return new ModelsError(
        "login",
        `cannot download '${this.#name}': ${host} ${what} (${String(status)}); ` +
          `${terms} ${sent ? "another" : "a"} token in the environment variable HF_TOKEN, or with "Hearth: Set Download Token…" in the editor`,
      );
    }
    return new ModelsError(
      "refused",
      `cannot download '${this.#name}': ${host} answers ${String(status)}; try again later, or choose another mirror`,
    );
  }
}

export const USER_AGENT = "hearth";

function pinned(url: URL, commit: string): URL {
  const result = new URL(url);
  result.pathname = url.pathname.replace(/\/resolve\/[^/]+\//, `/resolve/${commit}/`);
  return result;
}

export function redirectOf(response: HttpResponse, from: URL): URL | undefined {
  const location = REDIRECTS.includes(response.status) ? response.header("location") : undefined;
  if (location === undefined) {
    return undefined;
  }
  try {
    // Relative ones, too (renamed repositories); the query belongs to the address.
    return new URL(location, from);
  } catch {
    return undefined;
  }
}

function sizeOf(linked: string | undefined, { response, location }: Hop): number | undefined {
  const total = /^bytes \d+-\d+\/(\d+)$/.exec(response.header("content-range") ?? "")?.[1];
  // The length of a redirect is that of its own few words.
  const own = location === undefined ? (total ?? response.header("content-length")) : undefined;
  const text = linked ?? own;
  const bytes = text !== undefined && /^\d+$/.test(text) ? Number(text) : 0;
  return bytes > 0 && bytes <= FILE_BYTES_MAX ? bytes : undefined;
}

/** Of a large file the hub's tag is its SHA-256; of a small one, or at other servers, it is something else. */
function hashIn(etag: string): string | undefined {
  const bare = etag.replace(/^W\//, "").replaceAll('"', "");
  return SHA256.test(bare) ? bare.toLowerCase() : undefined;
}

/** A failure of the system or of TLS, in a clause. */
export function connectionProblem(error: unknown): string {
  const known: Readonly<Record<string, string>> = {
    ENOTFOUND: "its name is not known",
    EAI_AGAIN: "its name cannot be looked up: there is no network",
    ECONNREFUSED: "it refuses connections",
    ECONNRESET: "it ended the connection",
    ETIMEDOUT: "it does not answer",
    ENETUNREACH: "there is no network",
    EHOSTUNREACH: "there is no way to it",
    CERT_HAS_EXPIRED: "its certificate has expired",
    DEPTH_ZERO_SELF_SIGNED_CERT: "nobody vouches for its certificate",
    SELF_SIGNED_CERT_IN_CHAIN: "nobody vouches for its certificate",
    UNABLE_TO_VERIFY_LEAF_SIGNATURE: "nobody vouches for its certificate",
    UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "nobody vouches for its certificate",
    ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is another host's",
  };
  return known[codeOf(error)] ?? (error instanceof Error ? error.message : String(error));
}

/** It answers, and will not now. */
function overloaded(name: string, { host }: URL, status: number, waitMs: number | undefined): ModelsError {
  const what = status === TOO_MANY ? "has had too many requests from here" : "fails or is overloaded";
  const when = waitMs === undefined ? "later" : `in ${formatDuration(waitMs / 1000)}`;
  return new ModelsError(
    "refused",
    `cannot download '${name}': ${host} ${what} (${String(status)}); try again ${when}, or choose another mirror`,
  );
}

export function unreachable(name: string, { host }: URL, problem: string): ModelsError {
  return new ModelsError(
    "network",
    `cannot download '${name}': no good answer from ${host} (${problem}); check the network and the proxy settings, ` +
      `set a mirror, or import a file that you have`,
  );
}
