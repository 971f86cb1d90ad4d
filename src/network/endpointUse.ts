import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { changeSharedFile } from "../sharedFile";

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
 * Notes that an editor uses an endpoint, or none any more, for `hearth doctor` and the other windows. Errors: none; where the folder cannot be written, the editor itself still tells.
 */
export async function noteEndpointUse(
  folder: string,
  editor: string,
  use: Pick<EndpointUse, "origin" | "model"> | undefined,
  nowMs = Date.now(),
): Promise<void> {
  const path = join(folder, FILE);
  const changed = (all: readonly EndpointUse[]): readonly EndpointUse[] => {
    const before = all.find((each) => each.editor === editor);
    const isSame = before?.origin === use?.origin && before?.model === use?.model;
    const since = before?.origin === use?.origin ? before?.since : undefined;
    const now = use === undefined ? [] : [{ editor, ...use, since: since ?? new Date(nowMs).toISOString() }];
    return isSame ? all : [...all.filter((each) => each.editor !== editor), ...now];
  };
  try {
    // Windows say it at each change of a setting: most often there is nothing to write, and no folder to make.
    const known = await endpointsInUse(folder);
    if (changed(known) === known) {
      return;
    }
    await changeSharedFile(path, (text, same) => {
      const all = parse(text ?? "[]");
      const next = changed(all);
      return next === all ? same : next.length === 0 ? undefined : `${JSON.stringify(next, null, 2)}\n`;
    });
  } catch {
    // The editor itself still tells.
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
