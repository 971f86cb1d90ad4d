/**
 * TextMate's scope selectors, as far as contributions of VS Code use them (`tokenTypes`, `balancedBracketScopes`):
 * `meta.tag string.quoted, comment - string.regexp`. A part matches scopes that are nested in its order, each the same or more
 * specific; `*` matches everything. https://macromates.com/manual/en/scope_selectors
 */
export type ScopeSelector = (path: readonly string[]) => boolean;

export function scopeSelector(text: string): ScopeSelector {
  const alternatives = text.split(",").map((each) => {
    const [wanted = "", ...unwanted] = each.split(/\s-\s*/);
    return { wanted: namesOf(wanted), unwanted: unwanted.map(namesOf) };
  });
  return (path) =>
    alternatives.some(({ wanted, unwanted }) => isIn(wanted, path) && !unwanted.some((names) => isIn(names, path)));
}

function namesOf(text: string): readonly string[] {
  return text
    .replace(/[LRB]:/g, "")
    .split(/[\s()|&>]+/)
    .filter((name) => name !== "");
}

function isIn(names: readonly string[], path: readonly string[]): boolean {
  let at = 0;
  for (const name of names) {
    while (at < path.length && !isScope(path[at] ?? "", name)) {
      at += 1;
    }
    if (at === path.length) {
      return false;
    }
    at += 1;
  }
  return names.length > 0;
}

/** `string.quoted.double.js` is a `string.quoted`. */
export function isScope(scope: string, name: string): boolean {
  return name === "*" || scope === name || scope.startsWith(`${name}.`);
}
