/** Checks of values from outside: a page that shows hostile text, or a file that may be damaged. */
export type Check<T> = (value: unknown) => value is T;

export function isText(charsMax: number): Check<string> {
  return (value): value is string => typeof value === "string" && value.length <= charsMax;
}

export const isCount: Check<number> = (value): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

export const isNumber: Check<number> = (value): value is number => typeof value === "number" && Number.isFinite(value);

export const isFlag: Check<boolean> = (value): value is boolean => typeof value === "boolean";

export function isOneOf<const T extends string>(...names: readonly T[]): Check<T> {
  return (value): value is T => names.some((name) => name === value);
}

export function isList<T>(item: Check<T>, lengthMax: number): Check<readonly T[]> {
  return (value): value is readonly T[] => Array.isArray(value) && value.length <= lengthMax && value.every(item);
}

/** The checks of a type's fields; the compiler sees to it that none is forgotten. */
export type FieldChecks<T> = { readonly [K in keyof T]-?: Check<NonNullable<T[K]>> };
type OptionalKey<T> = { [K in keyof T]-?: undefined extends T[K] ? K : never }[keyof T];

/** An object with these fields; others may be there. */
export function isRecord<T extends object>(
  fields: FieldChecks<T>,
  optional: readonly (OptionalKey<T> & string)[] = [],
): Check<T> {
  return (value): value is T => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      return false;
    }
    const given = value as Readonly<Record<string, unknown>>;
    return Object.entries<Check<unknown>>(fields).every(([name, check]) => {
      const field = Object.hasOwn(given, name) ? given[name] : undefined;
      return field === undefined ? (optional as readonly string[]).includes(name) : check(field);
    });
  };
}

/** One of several, told apart by `kind`. */
export function isUnion<T extends { readonly kind: string }>(
  members: Readonly<Record<T["kind"], Check<unknown>>>,
): Check<T> {
  return (value): value is T => {
    const kind: unknown = typeof value === "object" && value !== null && "kind" in value ? value.kind : undefined;
    return typeof kind === "string" && Object.hasOwn(members, kind) && members[kind as T["kind"]](value);
  };
}
