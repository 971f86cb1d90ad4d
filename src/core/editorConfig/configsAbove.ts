import { type Indentation, isIndented } from "../indentation";
import { type ConfigAbove, configuredIndentation, parseEditorConfig } from "./editorConfig";

/**
 * The files of a document's folder and of those around it, the nearest first, up to a root. `path`: absolute, with forward
 * slashes. `read` gives the text of the file in a folder, undefined where there is none; it must not reject.
 */
export async function configsAbove(
  path: string,
  read: (folder: string) => Promise<string | undefined>,
): Promise<ConfigAbove[]> {
  const found: ConfigAbove[] = [];
  for (let end = path.lastIndexOf("/"); end >= 0; end = end === 0 ? -1 : path.lastIndexOf("/", end - 1)) {
    const text = await read(end === 0 ? "/" : path.slice(0, end));
    if (text !== undefined) {
      const config = parseEditorConfig(text);
      found.push({ config, path: path.slice(end + 1) });
      if (config.isRoot) {
        break;
      }
    }
  }
  return found;
}

/** How a document is indented that may have no indented line yet: as its lines say, else its `.editorconfig`, else `otherwise`. */
export async function indentationFrom(
  text: string,
  path: string,
  read: (folder: string) => Promise<string | undefined>,
  otherwise: Indentation,
): Promise<Indentation> {
  return isIndented(text) ? otherwise : (configuredIndentation(await configsAbove(path, read), otherwise) ?? otherwise);
}
