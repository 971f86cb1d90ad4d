import { readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { indentationFrom } from "../core/editorConfig/configsAbove";
import { EDITOR_CONFIG_NAME } from "../core/editorConfig/editorConfig";
import type { Indentation } from "../core/indentation";

const BYTES_MAX = 2 ** 20;

/** Of a file with that text; `otherwise` where neither its lines nor an `.editorconfig` say. */
export async function indentationOfFile(file: string, text: string, otherwise: Indentation): Promise<Indentation> {
  const path = resolve(file).replaceAll("\\", "/");
  return indentationFrom(text, path, (folder) => textIn(folder), otherwise);
}

async function textIn(folder: string): Promise<string | undefined> {
  try {
    const file = join(folder, EDITOR_CONFIG_NAME);
    const { size } = await stat(file);
    return size > BYTES_MAX ? undefined : await readFile(file, "utf8");
  } catch {
    // There is none, or it cannot be read: the same to who wants to know the indentation.
    return undefined;
  }
}
