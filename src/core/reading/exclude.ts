import { IgnoreFiles } from "./ignoreFiles";

/** Default of the setting `hearth.exclude`, in package.json: code with such a name may be no secret, so it can be taken away. */
export const DEFAULT_EXCLUDE: readonly string[] = ["**/secrets.*"];

/** For a message. */
export function excludedBy(pattern: string): string {
  return `'${pattern}' in the setting hearth.exclude`;
}

/**
 * Outside of an editor, which matches globs itself: whether one of these names the path, below its workspace. Understands
 * what globs and ignore files have in common.
 */
export function excludeRule(path: string, patterns: readonly string[]): string | undefined {
  if (path === "" || path === ".." || path.startsWith("../") || /^(?:\/|[A-Za-z]:)/.test(path)) {
    const name = path.slice(path.lastIndexOf("/") + 1);
    return name === "" || name === ".." ? undefined : excludeRule(name, patterns);
  }
  const pattern = patterns.find(
    (each) => new IgnoreFiles([{ folder: "", name: "", text: each }], true).ruleFor(path) !== undefined,
  );
  return pattern === undefined ? undefined : excludedBy(pattern);
}
