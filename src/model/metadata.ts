import type { MetaValue } from "./ggufHeader";
import { ModelFileProblem, quoted } from "./modelFileProblem";

/**
 * Typed questions to a GGUF file's metadata, or to the part of it below a prefix: methods take what follows the prefix, and
 * messages say the full key. Methods not named `required…` answer undefined when the key is absent. A key that is present
 * with the wrong type or an impossible value is always a `ModelFileProblem`.
 */
export class Metadata {
  readonly #values: ReadonlyMap<string, MetaValue>;
  readonly #prefix: string;

  constructor(values: ReadonlyMap<string, MetaValue>, prefix = "") {
    this.#values = values;
    this.#prefix = prefix;
  }

  /** The keys `group.…`. */
  below(group: string): Metadata {
    return new Metadata(this.#values, `${this.#prefix}${group}.`);
  }

  fullKey(key: string): string {
    return this.#prefix + key;
  }

  get(key: string): MetaValue | undefined {
    return this.#values.get(this.fullKey(key));
  }

  has(key: string): boolean {
    return this.#values.has(this.fullKey(key));
  }

  string(key: string): string | undefined {
    const entry = this.get(key);
    if (entry === undefined) {
      return undefined;
    }
    return entry.kind === "string" ? entry.value : wrongType(this.fullKey(key), "a string", entry);
  }

  bool(key: string): boolean | undefined {
    const entry = this.get(key);
    if (entry === undefined) {
      return undefined;
    }
    return entry.kind === "bool" ? entry.value : wrongType(this.fullKey(key), "true or false", entry);
  }

  /** A whole number of any integer type, at least `min` and at most `max`. */
  integer(key: string, min: number, max: number): number | undefined {
    const entry = this.get(key);
    if (entry === undefined) {
      return undefined;
    }
    if (entry.kind !== "number" || !entry.integer) {
      return wrongType(this.fullKey(key), "a whole number", entry);
    }
    return inRange(this.fullKey(key), entry.value, min, max);
  }

  /** The same, of a key that some files give as an array with an equal number for each layer. */
  uniformInteger(key: string, min: number, max: number): number | undefined {
    const entry = this.get(key);
    if (entry?.kind !== "array") {
      return this.integer(key, min, max);
    }
    const values = entry.values.map((value) =>
      value.kind === "number" && value.integer ? value.value : wrongType(this.fullKey(key), "whole numbers", entry),
    );
    const [first] = values;
    if (first === undefined) {
      return undefined;
    }
    const other = values.find((value) => value !== first);
    if (other !== undefined) {
      throw new ModelFileProblem(
        `its ${quoted(this.fullKey(key))} differs from layer to layer (${String(first)}, ${String(other)}), ` +
          "which Hearth does not support",
      );
    }
    return inRange(this.fullKey(key), first, min, max);
  }

  requiredUniformInteger(key: string, min: number, max: number): number {
    return this.uniformInteger(key, min, max) ?? missing(this.fullKey(key));
  }

  requiredInteger(key: string, min: number, max: number): number {
    return this.integer(key, min, max) ?? missing(this.fullKey(key));
  }

  /** A finite number of any type. */
  number(key: string): number | undefined {
    const entry = this.get(key);
    if (entry === undefined) {
      return undefined;
    }
    if (entry.kind !== "number" || !Number.isFinite(entry.value)) {
      return wrongType(this.fullKey(key), "a finite number", entry);
    }
    return entry.value;
  }

  requiredNumber(key: string): number {
    return this.number(key) ?? missing(this.fullKey(key));
  }

  strings(key: string): string[] | undefined {
    const entry = this.get(key);
    if (entry === undefined) {
      return undefined;
    }
    if (entry.kind !== "array") {
      return wrongType(this.fullKey(key), "a list of strings", entry);
    }
    return entry.values.map((value) =>
      value.kind === "string" ? value.value : wrongType(this.fullKey(key), "a list of strings", entry),
    );
  }
}

function inRange(key: string, value: number, min: number, max: number): number {
  if (!(value >= min && value <= max)) {
    throw new ModelFileProblem(`its ${quoted(key)} is ${String(value)}, outside ${String(min)} to ${String(max)}`);
  }
  return value;
}

function missing(key: string): never {
  throw new ModelFileProblem(`its metadata lacks ${quoted(key)}`);
}

function wrongType(key: string, expected: string, entry: MetaValue): never {
  const found: Readonly<Record<MetaValue["kind"], string>> = {
    number: entry.kind === "number" ? `the number ${String(entry.value)}` : "",
    bool: "true or false",
    string: "a string",
    strings: "an array of strings",
    ints: "an array of integers",
    array: "an array",
    unread: entry.kind === "unread" ? entry.what : "",
  };
  throw new ModelFileProblem(`its ${quoted(key)} must be ${expected} and is ${found[entry.kind]}`);
}
