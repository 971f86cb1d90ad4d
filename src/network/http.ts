/** The network as a port. `nodeHttp.ts` is the one implementation that reaches it. */

export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "POST";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent as UTF-8. */
  readonly body?: string;
  /** Why it is made, for the ledger and for those who ask what is open; missing: a download that the user has started. */
  readonly purpose?: "endpoint";
  /** Ends the request, also while its body is read; what waits then rejects with the signal's reason. */
  readonly signal: AbortSignal;
}

/** An answer of which the head has arrived. */
export interface HttpResponse {
  readonly status: number;
  /** Of several values of a header the first. */
  header(name: string): string | undefined;
  /** Read at most once; breaks with an error where the connection ends before the announced length. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Drops what has not been read. */
  discard(): void;
}

/** Makes one request and follows no redirect. Rejects with the system's error where there is no answer. */
export type HttpPort = (request: HttpRequest) => Promise<HttpResponse>;
