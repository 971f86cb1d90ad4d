import { type ListedFile, ModelsError } from "../protocol/models";
import { HubFile, type HubOptions } from "./hub";
import { stopped } from "./patience";
import { isFileOfRepository } from "./reference";

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
  try {
    // A renamed repository redirects within the hub; its list is nowhere else.
    const response = await new HubFile(options, repository).read(url, signal);
    const decoder = new TextDecoder();
    let text = "";
    for await (const bytes of response.body) {
      text += decoder.decode(bytes, { stream: true });
      if (text.length > LIST_BYTES_MAX) {
        response.discard();
        break;
      }
    }
    return filesIn(repository, JSON.parse(text));
  } catch (error) {
    if (signal.aborted) {
      throw stopped();
    }
    const isKnown = error instanceof ModelsError && error.code !== "notFound";
    if (isKnown) {
      throw error;
    }
    throw error instanceof ModelsError
      ? new ModelsError("notFound", `${url.host} has no list of '${repository}'; check the name, or ${NAME_IT}`)
      : new ModelsError("content", `${url.host} sends no list of '${repository}' that can be read; ${NAME_IT}`, {
          cause: error,
        });
  }
}

const NAME_IT = "name the file too: org/repo/file.gguf";

/** What has another name than files of repositories have could not be asked for, and may be meant for a terminal. */
function filesIn(repository: string, value: unknown): ListedFile[] {
  if (!Array.isArray(value)) {
    throw new SyntaxError("not a list");
  }
  return value.flatMap((each: { path?: unknown; size?: unknown; lfs?: { size?: unknown } } | null) => {
    const bytes = each?.lfs?.size ?? each?.size;
    return typeof each?.path === "string" && isFileOfRepository(each.path) && typeof bytes === "number"
      ? [{ reference: `${repository}/${each.path}`, bytes }]
      : [];
  });
}
