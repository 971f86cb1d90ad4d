/**
 * `next`, with every part of it that equals the part of `before` in the same place replaced by that part: what is the
 * same is then identical, and is not drawn again. For plain data, as it comes by postMessage. Items of a list that have
 * an `id` are in the same place if they have the same one.
 */
export function shared<T>(before: unknown, next: T): T {
  return share(before, next) as T;
}

function share(before: unknown, next: unknown): unknown {
  if (before === next || !isObject(before) || !isObject(next) || Array.isArray(before) !== Array.isArray(next)) {
    return next;
  }
  return Array.isArray(next) ? shareList(before as unknown as unknown[], next) : shareObject(before, next);
}

function shareObject(before: Plain, next: Plain): Plain {
  const result: Record<string, unknown> = {};
  let same = Object.keys(before).length === Object.keys(next).length;
  for (const [key, value] of Object.entries(next)) {
    result[key] = share(before[key], value);
    same &&= key in before && result[key] === before[key];
  }
  return same ? before : result;
}

function shareList(before: readonly unknown[], next: readonly unknown[]): readonly unknown[] {
  const byId = new Map(before.map((item, at) => [idOf(item) ?? at, item]));
  const result = next.map((item, at) => share(byId.get(idOf(item) ?? at), item));
  return result.length === before.length && result.every((item, at) => item === before[at]) ? before : result;
}

type Plain = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Plain {
  return typeof value === "object" && value !== null;
}

/** As a string, so that an id is never mistaken for a place. */
function idOf(item: unknown): string | undefined {
  return isObject(item) && "id" in item ? `id ${String(item["id"])}` : undefined;
}
