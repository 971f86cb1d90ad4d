import { EngineError } from "../protocol/errors";

/** Where an OpenAI-compatible server is, as a user writes it down: `https://host:port`, with or without a path that ends in `/v1`. */
export interface EndpointAddress {
  /** What `/completions` and the like are appended to. */
  readonly base: URL;
  /** The setting's text in one form: the identity of the endpoint, to which its key belongs. */
  readonly origin: string;
  /** Host and port, for people. */
  readonly host: string;
  /** Neither encrypted nor this machine: what is sent can be read on the way. */
  readonly isReadable: boolean;
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;
const EXAMPLE = "http://gpu-box:8000 or https://models.example.org/v1";

/** Errors: EngineError `endpoint` for what is no such address. */
export function parseEndpoint(given: string): EndpointAddress {
  const text = given.trim();
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.hostname === "") {
    throw problem(text, `it is not the address of a server; write one such as ${EXAMPLE}`);
  }
  if (url.username !== "" || url.password !== "") {
    throw problem(
      url.origin,
      'it has a name or a password in it; leave them out, and set a key with "Set Endpoint Key…"',
    );
  }
  if (url.search !== "" || url.hash !== "") {
    throw problem(url.origin + url.pathname, "it has a query behind its path; leave that out");
  }
  const path = url.pathname
    .replace(/\/+$/, "")
    // Copied from a server's documentation.
    .replace(/\/(chat\/)?completions$/, "");
  const base = new URL(url.origin);
  base.pathname = /\/v\d+$/.test(path) ? path : `${path}/v1`;
  return {
    base,
    origin: url.origin,
    host: url.host,
    isReadable: url.protocol === "http:" && !LOOPBACK.test(url.hostname),
  };
}

/** The same for a setting that may be wrong: undefined then, and nothing is sent anywhere. */
export function endpointAddress(given: string): EndpointAddress | undefined {
  try {
    return parseEndpoint(given);
  } catch {
    return undefined;
  }
}

/** e.g. `/completions`. */
export function endpointUrl({ base }: EndpointAddress, path: string): URL {
  const url = new URL(base);
  url.pathname += path;
  return url;
}

function problem(given: string, what: string): EngineError {
  return new EngineError("endpoint", `cannot use the endpoint '${given.slice(0, 120)}': ${what}`);
}
