import { open, stat } from "node:fs/promises";
import { relative, resolve, sep } from "node:path";
import { DEFAULT_EXCLUDE, excludeRule } from "../core/reading/exclude";
import { isBelow, ReadRules } from "../core/reading/readRules";
import { isBinary, secretContentRule } from "../core/reading/secretContent";
import { IGNORES_CASE, LOCAL_FILES } from "../localFiles";

/** A key stands near the beginning of a file; what is longer is data. */
const CONTENT_BYTES_MAX = 2 ** 24;

/** `rule` as a person understands it. */
export type ReadVerdict = { readonly read: true } | { readonly read: false; readonly rule: string };

/**
 * Whether Hearth would read a file for completion, chat or context. It need not exist. Of the setting `hearth.exclude` the
 * default counts: what an editor has set is not known here.
 * @param workspace as a folder that is open in an editor; default: the current one, for files in it
 */
export async function readVerdict(path: string, workspace: string | undefined): Promise<ReadVerdict> {
  const folder = slashed(resolve(workspace ?? "."));
  const file = await fileMeant(path, workspace === undefined ? undefined : folder);
  const found = await stat(file).catch(() => undefined);
  const isFolder = found?.isDirectory() === true || /[\\/]$/.test(path);
  const rule =
    (await new ReadRules(LOCAL_FILES, IGNORES_CASE).ruleAt(slashed(file), folder, { isFolder })) ??
    excludeRule(slashed(relative(folder, file)), DEFAULT_EXCLUDE) ??
    (isFolder ? "it is a folder" : found?.isFile() === false ? "it is no regular file" : await contentRule(file));
  return rule === undefined ? { read: true } : { read: false, rule };
}

/** A relative path is one from here if it leads into the workspace, or else one in the workspace. */
async function fileMeant(path: string, workspace: string | undefined): Promise<string> {
  const fromHere = resolve(path);
  if (workspace === undefined || isBelow(slashed(fromHere), workspace)) {
    return fromHere;
  }
  const inWorkspace = resolve(workspace, path);
  const isThere = (file: string): Promise<boolean> => LOCAL_FILES.exists(file);
  return (await isThere(inWorkspace)) || !(await isThere(fromHere)) ? inWorkspace : fromHere;
}

async function contentRule(file: string): Promise<string | undefined> {
  const handle = await open(file).catch(() => undefined);
  if (handle === undefined) {
    return undefined;
  }
  try {
    const bytes = Buffer.alloc(Math.min(CONTENT_BYTES_MAX, (await handle.stat()).size));
    await handle.read(bytes, 0, bytes.length, 0);
    return isBinary(bytes) ? "it is no text: it has a zero byte" : secretContentRule(decoded(bytes));
  } finally {
    await handle.close();
  }
}

/** As editors read it: UTF-16 by its mark, else UTF-8. */
function decoded(bytes: Uint8Array): string {
  const [first, second] = bytes;
  const encoding =
    first === 0xff && second === 0xfe ? "utf-16le" : first === 0xfe && second === 0xff ? "utf-16be" : "utf-8";
  return new TextDecoder(encoding).decode(bytes);
}

function slashed(path: string): string {
  return path.split(sep).join("/");
}
