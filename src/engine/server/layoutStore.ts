import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { GgufModel } from "../../model/ggufFile";
import { headerHash } from "../../model/headerHash";
import { PLAIN_LAYOUTS, type PlainLayout } from "../../protocol/prompt";
import { LAYOUT_TEST_VERSION, type LayoutCost, type LayoutVerdict } from "../local/layoutTest";
import { cacheFolder } from "../wire/address";
import { writeCacheFile } from "./cacheFile";

const KIND = "layout-";

type Tested = Pick<GgufModel, "identity" | "headerBytes">;

/**
 * Which layout the self-test has chosen for a model, kept for the user by the file's size, time of its last write and header, wherever it
 * lies. A verdict that is lost, damaged or of another version of the test is found anew.
 */
export class LayoutStore {
  readonly #folder: string;

  constructor(folder: string = cacheFolder(process.env)) {
    this.#folder = folder;
  }

  /** Undefined where none is known. */
  async read(model: Tested): Promise<LayoutVerdict | undefined> {
    try {
      const path = join(this.#folder, `${KIND}${await keyOf(model)}.json`);
      return verdictOf(JSON.parse(readFileSync(path, "utf8")));
    } catch {
      return undefined;
    }
  }

  /** Never fails: where it cannot be written the next process tests again. */
  async write(model: Tested, verdict: LayoutVerdict): Promise<void> {
    let key: string;
    try {
      key = await keyOf(model);
    } catch {
      // The file is gone.
      return;
    }
    writeCacheFile(this.#folder, KIND, key, verdict);
  }
}

function keyOf(model: Tested): Promise<string> {
  return modelKey(model, LAYOUT_TEST_VERSION);
}

/** What tells a model's file from others, wherever it lies, and what is known of it from what an earlier version found out. */
export async function modelKey(model: Tested, version = 0): Promise<string> {
  const { size, mtimeMs } = model.identity;
  return createHash("sha256")
    .update(JSON.stringify([version, size, mtimeMs, await headerHash(model)]))
    .digest("hex")
    .slice(0, 24);
}

function verdictOf(found: unknown): LayoutVerdict | undefined {
  const { layout, costs } = (found ?? {}) as Partial<Record<"layout" | "costs", unknown>>;
  if (!isLayout(layout) || typeof costs !== "object" || costs === null) {
    return undefined;
  }
  const known = Object.entries(costs).filter((entry): entry is [PlainLayout, LayoutCost] => {
    const [name, cost] = entry as [string, Partial<LayoutCost> | null];
    return isLayout(name) && typeof cost?.bits === "number" && typeof cost.cases === "number";
  });
  return { layout, costs: Object.fromEntries(known) };
}

function isLayout(name: unknown): name is PlainLayout {
  return PLAIN_LAYOUTS.some((each) => each === name);
}
