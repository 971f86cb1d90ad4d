import { execFile } from "node:child_process";
import { readdir, readFile, stat } from "node:fs/promises";
import { join, relative, resolve, sep } from "node:path";
import { promisify } from "node:util";
import { languageIdOfPath } from "../../core/language";
import { DEFAULT_EXCLUDE, excludeRule } from "../../core/reading/exclude";
import { ReadRules } from "../../core/reading/readRules";
import { secretContentRule } from "../../core/reading/secretContent";
import { IGNORES_CASE, LOCAL_FILES } from "../../localFiles";

const FILE_BYTES_MAX = 120_000;
const FILES_MAX = 5_000;
/** Where there is no .gitignore to say so. */
const SKIPPED_FOLDERS = new Set([
  "node_modules",
  "dist",
  "build",
  "out",
  "target",
  "vendor",
  "coverage",
  "__pycache__",
]);

/**
 * The source files of a folder, but those that are typed, by rising path. What git ignores is left out, or where the folder is
 * not in git hidden files and what builds leave. Nor is there what an editor would not read: core/reading.
 */
export async function workspaceFiles(
  folder: string,
  typed: readonly string[],
): Promise<readonly { readonly path: string; readonly text: string }[]> {
  const left = new Set(typed.map((file) => resolve(file)));
  const docs: { readonly path: string; readonly text: string }[] = [];
  const rules = new ReadRules(LOCAL_FILES, IGNORES_CASE);
  const root = resolve(folder).split(sep).join("/");
  for (const path of (await filesIn(folder)).toSorted()) {
    const file = resolve(folder, path);
    if (docs.length === FILES_MAX || left.has(file) || languageIdOfPath(path) === "plaintext") {
      continue;
    }
    const found = await stat(file).catch(() => undefined);
    const rule = excludeRule(path, DEFAULT_EXCLUDE) ?? (await rules.ruleAt(`${root}/${path}`, root));
    if (rule !== undefined || found?.isFile() !== true || found.size > FILE_BYTES_MAX) {
      continue;
    }
    const text = (await readFile(file, "utf8")).replaceAll("\r\n", "\n");
    if (secretContentRule(text) === undefined) {
      docs.push({ path, text });
    }
  }
  return docs;
}

async function filesIn(folder: string): Promise<readonly string[]> {
  try {
    const args = ["-C", folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    const { stdout } = await promisify(execFile)("git", args, { maxBuffer: 2 ** 26 });
    return stdout.split("\0").filter((path) => path !== "");
  } catch {
    return walked(folder, folder);
  }
}

async function walked(folder: string, root: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.name.startsWith(".") || (entry.isDirectory() && SKIPPED_FOLDERS.has(entry.name))) {
      continue;
    }
    if (entry.isDirectory()) {
      found.push(...(await walked(path, root)));
    } else if (entry.isFile()) {
      found.push(relative(root, path).split(sep).join("/"));
    }
  }
  return found;
}
