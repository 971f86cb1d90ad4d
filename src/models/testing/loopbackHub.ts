import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A request as the servers below have seen it. */
export interface SeenRequest {
  readonly server: "hub" | "content";
  readonly method: string;
  readonly url: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export const COMMIT = "0123456789abcdef0123456789abcdef01234567";
export const REPOSITORY = "Tiiny/Model-GGUF";
export const FILE = "model.gguf";

/**
 * A hub on loopback as Hugging Face's is: `resolve` answers with the file's facts and a redirect to a content server at another origin,
 * which knows ranges and nothing else. Either misbehaves as a test wants: its answer then replaces the proper one.
 */
export class LoopbackHub {
  readonly content: Buffer;
  readonly seen: SeenRequest[] = [];
  /** Bytes of bodies that the content server has sent. */
  sentBytes = 0;
  /** Returns false to have the proper answer given. */
  onHub: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  onContent: ((request: IncomingMessage, response: ServerResponse, count: number) => boolean) | undefined;
  /** Signatures that the content server honours; a new one is made at each question. */
  readonly signatures = new Set<string>();
  #contentCount = 0;
  readonly #hub: Server;
  readonly #contentServer: Server;

  private constructor(content: Buffer, hub: Server, contentServer: Server) {
    this.content = content;
    this.#hub = hub;
    this.#contentServer = contentServer;
  }

  static async start(content: Buffer): Promise<LoopbackHub> {
    let onHub: Answer = () => undefined;
    let onContent: Answer = () => undefined;
    const hub = createServer((request, response) => {
      onHub(request, response);
    });
    const contentServer = createServer((request, response) => {
      onContent(request, response);
    });
    await Promise.all(
      [hub, contentServer].map((server) => new Promise<void>((done) => server.listen(0, "127.0.0.1", done))),
    );
    const result = new LoopbackHub(content, hub, contentServer);
    onHub = (request, response) => {
      result.#note("hub", request);
      if (result.onHub?.(request, response) !== true) {
        result.answerHub(request, response);
      }
    };
    onContent = (request, response) => {
      result.#note("content", request);
      result.#contentCount += 1;
      if (result.onContent?.(request, response, result.#contentCount) !== true) {
        result.answerContent(request, response);
      }
    };
    return result;
  }

  async stop(): Promise<void> {
    for (const server of [this.#hub, this.#contentServer]) {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    }
  }

  get endpoint(): URL {
    return new URL(originOf(this.#hub));
  }

  get contentOrigin(): string {
    return originOf(this.#contentServer);
  }

  get sha256(): string {
    return createHash("sha256").update(this.content).digest("hex");
  }

  facts(): Record<string, string> {
    return {
      "x-repo-commit": COMMIT,
      "x-linked-size": String(this.content.length),
      "x-linked-etag": `"${this.sha256}"`,
      "accept-ranges": "bytes",
    };
  }

  answerHub(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? "", this.endpoint).pathname;
    if (url.startsWith(`/api/models/${REPOSITORY}/tree/main`)) {
      const size = this.content.length;
      response.setHeader("content-type", "application/json");
      response.end(
        JSON.stringify([
          { type: "file", path: FILE, size: 130, lfs: { oid: this.sha256, size } },
          { path: "README.md", size: 1 },
        ]),
      );
      return;
    }
    if (!url.startsWith(`/${REPOSITORY}/resolve/`) || !url.endsWith(`/${FILE}`)) {
      response.writeHead(404, { "x-error-code": "EntryNotFound" }).end("Entry not found");
      return;
    }
    const signature = String(this.signatures.size + 1);
    this.signatures.add(signature);
    response.writeHead(302, { ...this.facts(), location: `${this.contentOrigin}/blob?sig=${signature}&exp=1` });
    response.end("Found. Redirecting");
  }

  answerContent(request: IncomingMessage, response: ServerResponse): void {
    const signature = new URL(request.url ?? "", this.contentOrigin).searchParams.get("sig") ?? "";
    if (!this.signatures.has(signature)) {
      response.writeHead(403, { "content-type": "application/xml" }).end("<Error>expired</Error>");
      return;
    }
    const [start, end] = this.rangeOf(request);
    const body = this.content.subarray(start, end);
    this.sentBytes += body.length;
    response.writeHead(request.headers.range === undefined ? 200 : 206, this.rangeHeaders(start, end, request));
    response.end(body);
  }

  rangeHeaders(start: number, end: number, request: IncomingMessage): Record<string, string> {
    const range = `bytes ${String(start)}-${String(end - 1)}/${String(this.content.length)}`;
    return {
      "content-length": String(end - start),
      ...(request.headers.range === undefined ? {} : { "content-range": range }),
    };
  }

  /** [start, end) of what is asked for. */
  rangeOf(request: IncomingMessage): [number, number] {
    const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
    return match === null
      ? [0, this.content.length]
      : [Number(match[1]), Math.min(this.content.length, Number(match[2]) + 1)];
  }

  /** Sends so many bytes of what is asked for, with proper headers, and then does something to the connection. */
  cutAfter(request: IncomingMessage, response: ServerResponse, bytes: number, then: "destroy" | "hang"): void {
    const [start, end] = this.rangeOf(request);
    response.writeHead(206, this.rangeHeaders(start, end, request));
    const part = this.content.subarray(start, Math.min(end, start + bytes));
    this.sentBytes += part.length;
    const after = (): void => {
      if (then === "destroy") {
        response.socket?.end();
      }
    };
    if (part.length === 0) {
      response.flushHeaders();
      setTimeout(after, 5);
    } else {
      response.write(part, () => setTimeout(after, 5));
    }
  }

  requests(server: SeenRequest["server"], method?: string): SeenRequest[] {
    return this.seen.filter((each) => each.server === server && (method === undefined || each.method === method));
  }

  #note(server: SeenRequest["server"], { method = "", url = "", headers }: IncomingMessage): void {
    this.seen.push({ server, method, url, range: headers.range, authorization: headers.authorization });
  }
}

function originOf(server: Server): string {
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}
