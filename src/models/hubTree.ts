import { ModelsError } from "../protocol/models";
import type { HttpResponse } from "../network/http";
import { connectionProblem, HUB, type HubOptions, redirectOf, unreachable, USER_AGENT } from "./hub";
import { ask, stopped } from "./patience";

/** A GGUF file of a repository, as the hub lists it. */
export interface ListedFile {
  readonly file: string;
  readonly bytes: number;
}

/** A list of some thousand files; no repository of models has more. */
const LIST_BYTES_MAX = 8 * 2 ** 20;

/** The GGUF files of a repository: `GET /api/models/{id}/tree/{revision}?recursive=1`. Errors: ModelsError. */
export async function listRepository(
  options: HubOptions,
  repository: string,
  signal: AbortSignal,
): Promise<ListedFile[]> {
  const url = new URL(options.endpoint);
  url.pathname = `${url.pathname.replace(/\/+$/, "")}/api/models/${repository}/tree/main`;
  url.search = "?recursive=1";
  let text = "";
  try {
    const response = await askForList(options, url, signal);
    if (response.status !== 200) {
      response.discard();
      throw new ModelsError(
        "notFound",
        `cannot list '${repository}': ${url.host} answers ${String(response.status)}; name the file too: org/repo/file.gguf`,
      );
    }
    const decoder = new TextDecoder();
    for await (const bytes of response.body) {
      text += decoder.decode(bytes, { stream: true });
      if (text.length > LIST_BYTES_MAX) {
        response.discard();
        break;
      }
    }
    return filesIn(JSON.parse(text));
  } catch (error) {
    if (signal.aborted) {
      throw stopped();
    }
    if (error instanceof ModelsError) {
      throw error;
    }
    throw unreachable(
      repository,
      url,
      error instanceof SyntaxError ? "its list is malformed" : connectionProblem(error),
    );
  }
}

/** A renamed repository redirects within the hub; its list is nowhere else. */
async function askForList(options: HubOptions, start: URL, signal: AbortSignal): Promise<HttpResponse> {
  const { token, http, limits, endpoint, hub = HUB } = options;
  let url = start;
  for (let hop = 0; ; ++hop) {
    const headers = {
      "user-agent": USER_AGENT,
      "accept-encoding": "identity",
      ...(token !== undefined && url.origin === endpoint.origin ? { authorization: `Bearer ${token}` } : {}),
    };
    const response = await ask(http, { method: "GET", url, headers }, limits, signal);
    const location = redirectOf(response, url);
    if (location === undefined || ![endpoint.origin, hub.origin].includes(location.origin) || hop >= limits.hopsMax) {
      return response;
    }
    response.discard();
    url = location;
  }
}

function filesIn(value: unknown): ListedFile[] {
  if (!Array.isArray(value)) {
    throw new SyntaxError("not a list");
  }
  return value.flatMap((each: { path?: unknown; size?: unknown; lfs?: { size?: unknown } } | null) => {
    const bytes = each?.lfs?.size ?? each?.size;
    return typeof each?.path === "string" && /\.gguf$/i.test(each.path) && typeof bytes === "number"
      ? [{ file: each.path, bytes }]
      : [];
  });
}
