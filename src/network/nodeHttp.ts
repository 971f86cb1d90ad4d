// Not `node:http` and `node:https`: VS Code puts its proxy and certificate settings into these modules where an extension asks for them
// by the names without a prefix (ExtHostProxyService).
import { type ClientRequest, type IncomingMessage, request as requestHttp } from "http";
import { request as requestHttps } from "https";
import type { HttpPort, HttpRequest, HttpResponse } from "./http";

/** A connection of Hearth's to another machine. */
export interface OpenConnection {
  /** Origin and path of the request that it was opened for. */
  readonly url: string;
  /** Missing: a download. */
  readonly purpose?: HttpRequest["purpose"];
  /** Undefined until the system has connected it. */
  readonly localPort: number | undefined;
}

type Asked = Omit<OpenConnection, "localPort">;

/** By request, until it has a socket. */
const connecting = new Map<ClientRequest, Asked>();
/** By socket, which may live longer than its request and serve another. */
const connected = new Map<NonNullable<ClientRequest["socket"]>, Asked>();

/** All that this process has open through Hearth's only way to other machines. */
export function openConnections(): readonly OpenConnection[] {
  return [
    ...[...connecting.values()].map((asked) => ({ ...asked, localPort: undefined })),
    ...[...connected].map(([{ localPort }, asked]) => ({ ...asked, localPort })),
  ];
}

/** Known from before the request is sent until its socket is closed. */
function watch(request: ClientRequest, { url: { origin, pathname }, purpose }: HttpRequest): void {
  const asked: Asked = { url: origin + pathname, ...(purpose === undefined ? {} : { purpose }) };
  connecting.set(request, asked);
  request.once("socket", (socket) => {
    connecting.delete(request);
    if (!connected.has(socket)) {
      socket.once("close", () => connected.delete(socket));
    }
    connected.set(socket, asked);
  });
  request.once("close", () => connecting.delete(request));
}

/** One request by Node's own client, which follows no redirect. The only place in Hearth that talks to another machine. */
export const nodeHttp: HttpPort = (asked) =>
  new Promise((resolve, reject) => {
    const { method, url, headers, body, signal } = asked;
    if (signal.aborted) {
      reject(reasonOf(signal));
      return;
    }
    const start = url.protocol === "https:" ? requestHttps : requestHttp;
    const request = start(url, { method, headers });
    watch(request, asked);
    const abort = (): void => {
      request.destroy(reasonOf(signal));
    };
    signal.addEventListener("abort", abort, { once: true });
    request.once("close", () => {
      signal.removeEventListener("abort", abort);
    });
    request.once("error", (error) => {
      reject(signal.aborted ? reasonOf(signal) : error);
    });
    request.once("response", (response) => {
      resolve(asResponse(response, signal, () => request.destroy()));
    });
    request.end(body);
  });

function asResponse(response: IncomingMessage, signal: AbortSignal, destroy: () => void): HttpResponse {
  // An error after the body was dropped interests nobody.
  response.on("error", () => undefined);
  return {
    status: response.statusCode ?? 0,
    header: (name) => {
      const value = response.headers[name.toLowerCase()];
      return Array.isArray(value) ? value[0] : value;
    },
    body: bodyOf(response, signal),
    discard: destroy,
  };
}

async function* bodyOf(response: IncomingMessage, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    for await (const bytes of response) {
      yield bytes as Uint8Array;
    }
  } catch (error) {
    throw signal.aborted ? reasonOf(signal) : error;
  }
  // Node ends the body of a broken connection like any other.
  if (!response.complete) {
    throw new Error("the connection ended before the answer did");
  }
}

function reasonOf(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error("the request was ended");
}
