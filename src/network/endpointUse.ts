import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** That an editor has an endpoint set: the setting itself lies where only that editor knows. */
export interface EndpointUse {
  /** e.g. "Visual Studio Code". */
  readonly editor: string;
  readonly origin: string;
  /** As the server calls it, or "" where it is not known yet. */
  readonly model: string;
  /** ISO date. */
  readonly since: string;
}

const FILE = "endpoints.json";

/** Of all editors of the user; none where nothing is noted. */
export async function endpointsInUse(folder: string): Promise<readonly EndpointUse[]> {
  return parse(await readFile(join(folder, FILE), "utf8").catch(() => "[]"));
}

/**
 * Notes that an editor uses an endpoint, or none any more, for `hearth doctor` and the other windows. Two windows that do so at once have
 * the same setting, and say the same. Errors: none; where the folder cannot be written, the editor itself still tells.
 */
export async function noteEndpointUse(
  folder: string,
  editor: string,
  use: Pick<EndpointUse, "origin" | "model"> | undefined,
  nowMs = Date.now(),
): Promise<void> {
  const all = await endpointsInUse(folder);
  const before = all.find((each) => each.editor === editor);
  if (before?.origin === use?.origin && before?.model === use?.model) {
    return;
  }
  const since = before?.origin === use?.origin ? before?.since : undefined;
  const now = use === undefined ? [] : [{ editor, ...use, since: since ?? new Date(nowMs).toISOString() }];
  const rest = [...all.filter((each) => each.editor !== editor), ...now];
  const path = join(folder, FILE);
  const draft = `${path}.${String(process.pid)}-${String(nowMs)}.new`;
  try {
    await mkdir(folder, { recursive: true });
    if (rest.length === 0) {
      await rm(path, { force: true });
      return;
    }
    await writeFile(draft, `${JSON.stringify(rest, null, 2)}\n`, { mode: 0o600 });
    await rename(draft, path);
  } catch {
    await rm(draft, { force: true }).catch(() => undefined);
  }
}

function parse(text: string): readonly EndpointUse[] {
  try {
    const value: unknown = JSON.parse(text);
    return (Array.isArray(value) ? value : []).flatMap((each: Partial<EndpointUse> | null) => {
      const { editor, origin, model = "", since = "" } = each ?? {};
      return typeof editor === "string" && typeof origin === "string" ? [{ editor, origin, model, since }] : [];
    });
  } catch {
    return [];
  }
}
