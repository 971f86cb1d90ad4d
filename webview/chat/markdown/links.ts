const ALLOWED = new Set(["http:", "https:", "mailto:"]);

/**
 * The address as the host gets to see it if an answer may link to it; undefined otherwise. `command:`, `vscode:`,
 * `file:`, `data:` and `javascript:` do things; a relative one has nothing that it is relative to.
 */
export function allowedHref(href: string): string | undefined {
  if (!URL.canParse(href)) {
    return undefined;
  }
  const url = new URL(href);
  return ALLOWED.has(url.protocol) ? url.href : undefined;
}
