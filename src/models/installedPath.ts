import { readFileSync, statSync } from "node:fs";
import { isAbsolute } from "node:path";
import { adoptedListPath, parseAdopted } from "./adoptedFiles";
import { namesOf } from "./installedModels";
import { modelFilePath } from "./modelFolder";
import { parseReference } from "./reference";

/**
 * The path of an installed model for a program that takes one: a file that exists is taken as it is given; else `org/repo/file`, an id
 * of the catalogue, or the reference of an adopted file. Undefined where there is none.
 */
export function installedPath(given: string, folder: string): string | undefined {
  if (isAbsolute(given) || isFileSync(given)) {
    return given;
  }
  let names: string[];
  try {
    names = namesOf(parseReference(given), given);
  } catch {
    names = [given];
  }
  const own = names.map((name) => modelFilePath(folder, name)).find(isFileSync);
  return own ?? adoptedPath(folder, names);
}

function adoptedPath(folder: string, names: readonly string[]): string | undefined {
  let text: string;
  try {
    text = readFileSync(adoptedListPath(folder), "utf8");
  } catch {
    return undefined;
  }
  return parseAdopted(text).find(({ reference }) => names.includes(reference))?.path;
}

function isFileSync(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
