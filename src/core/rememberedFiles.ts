import { languageIdOfPath } from "./language";

/** Which files of a workspace are worth remembering for completions, by path and text alone. */

export const FILE_BYTES_MAX = 120_000;
/** About as many as two million tokens have. */
export const ALL_CHARS_MAX = 6_000_000;

/** Written by tools, or data. */
const GENERATED_NAME =
  /(?:^|\/)(?:package-lock\.json|npm-shrinkwrap\.json|pnpm-lock\.yaml|go\.sum|[^/]*\.lock|[^/]*[.-]min\.[a-z]+|[^/]*\.(?:map|svg|snap|pb\.go|g\.dart|csv|tsv|log|ipynb)|[^/]*_pb2\.py)$/i;
const GENERATED_FOLDER = /(?:^|\/)(?:node_modules|dist|out|build|target|vendor|coverage|__pycache__|\.[^/]+)\//;
const GENERATED_TEXT = /@generated|do not edit|auto-?generated/i;
const HEAD_CHARS = 1000;
/** On the average. */
const LINE_CHARS_MAX = 200;

export function isSourcePath(path: string): boolean {
  return languageIdOfPath(path) !== "plaintext" && !GENERATED_NAME.test(path) && !GENERATED_FOLDER.test(path);
}

/** Neither generated, minified nor binary. */
export function isSourceText(text: string): boolean {
  const lines = text.split("\n").length;
  return (
    !text.includes("\0") && text.length <= LINE_CHARS_MAX * lines && !GENERATED_TEXT.test(text.slice(0, HEAD_CHARS))
  );
}

/** The paths that are nearest to those that the user works in come first: the same folder, then the same language. */
export function nearestFirst(paths: readonly string[], worked: readonly string[]): string[] {
  const folders = worked.map((path) => path.slice(0, path.lastIndexOf("/") + 1));
  const languages = new Set(worked.map(languageIdOfPath));
  const distance = (path: string): number => {
    const shared = folders.map((folder) =>
      path.startsWith(folder) && !path.slice(folder.length).includes("/") ? 0 : 2,
    );
    return Math.min(2, ...shared) + (languages.has(languageIdOfPath(path)) ? 0 : 1);
  };
  const byDistance = new Map(paths.map((path) => [path, distance(path)]));
  const order = (path: string): number => byDistance.get(path) ?? 0;
  return paths.toSorted((a, b) => order(a) - order(b) || (a < b ? -1 : 1));
}
