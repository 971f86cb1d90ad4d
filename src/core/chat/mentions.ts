/** Fuzzy matching of paths by a few typed letters. */

const LIMIT = 20;

/** The best first; `recent` ones win among equals, and come alone where nothing is typed. */
export function rankPaths(
  query: string,
  paths: readonly string[],
  recent: readonly string[],
  limit = LIMIT,
): readonly string[] {
  const wanted = query.toLowerCase();
  if (wanted === "") {
    return [...new Set([...recent, ...paths])].slice(0, limit);
  }
  const places = new Map(recent.map((path, i) => [path, recent.length - i]));
  const ranked = paths.flatMap((path) => {
    const score = scoreOf(wanted, path.toLowerCase());
    return score === 0 ? [] : [{ path, score, recency: places.get(path) ?? 0 }];
  });
  return ranked
    .sort(
      (a, b) => b.score - a.score || b.recency - a.recency || a.path.length - b.path.length || order(a.path, b.path),
    )
    .slice(0, limit)
    .map(({ path }) => path);
}

/** 0 where the letters are not in the path in this order. */
function scoreOf(wanted: string, path: string): number {
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (name === wanted || path === wanted) {
    return 6;
  }
  if (name.startsWith(wanted)) {
    return 5;
  }
  if (name.includes(wanted)) {
    return 4;
  }
  if (path.includes(wanted)) {
    return 3;
  }
  if (hasInOrder(name, wanted)) {
    return 2;
  }
  return hasInOrder(path, wanted) ? 1 : 0;
}

function hasInOrder(text: string, letters: string): boolean {
  let at = -1;
  for (const letter of letters) {
    at = text.indexOf(letter, at + 1);
    if (at === -1) {
      return false;
    }
  }
  return true;
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
