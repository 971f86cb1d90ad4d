import type { CatalogueFile, CatalogueModel, Purpose } from "../protocol/models";
import data from "./catalogue.json";

const PURPOSES: readonly Purpose[] = ["complete", "chat", "edit"];
const ID = /^[a-z0-9][a-z0-9.-]*$/;
const REPOSITORY = /^[\w-][\w.-]*\/[\w-][\w.-]*$/;
const FILE_NAME = /^[\w-][\w.-]*\.gguf$/;
const SHA256 = /^[0-9a-f]{64}$/;

/**
 * The models that Hearth offers to download. Sizes and names are those of the authors' pages; a size that nobody has told
 * exactly is marked so. Where no SHA-256 is published the hub's is taken at the first visit and pinned (pins.ts).
 */
export const CATALOGUE: readonly CatalogueModel[] = readCatalogue(data);

/** Errors: Error with the place, where the data is not a catalogue. */
export function readCatalogue(value: unknown): readonly CatalogueModel[] {
  const models = list(field(value, "models", "catalogue"), "models").map((each, i) => readModel(each, `models[${i}]`));
  const ids = models.map(({ id }) => id);
  check(new Set(ids).size === ids.length, "models", "an id stands there twice");
  return models;
}

function readModel(value: unknown, at: string): CatalogueModel {
  const fillsIn = field(value, "fillsIn", at);
  check(typeof fillsIn === "boolean", `${at}.fillsIn`, "it is not true or false");
  return {
    id: text(value, "id", at, ID),
    title: text(value, "title", at),
    description: text(value, "description", at),
    goodFor: list(field(value, "goodFor", at), `${at}.goodFor`).map((each) => {
      const purpose = PURPOSES.find((known) => known === each);
      check(purpose !== undefined, `${at}.goodFor`, `it is one of ${PURPOSES.join(", ")}`);
      return purpose;
    }),
    fillsIn,
    licence: text(value, "licence", at),
    contextTokens: whole(value, "contextTokens", at),
    file: readFile(field(value, "file", at), `${at}.file`),
  };
}

function readFile(value: unknown, at: string): CatalogueFile {
  const memory = field(value, "memory", at);
  const [wanted, least] = [whole(memory, "wanted", `${at}.memory`), whole(memory, "least", `${at}.memory`)];
  check(least <= wanted, `${at}.memory`, "the least is more than what is wanted");
  const repositories = list(field(value, "repositories", at), `${at}.repositories`);
  check(repositories.length > 0, `${at}.repositories`, "there is none");
  const bytesExact = field(value, "bytesExact", at);
  check(typeof bytesExact === "boolean", `${at}.bytesExact`, "it is not true or false");
  const hasHash = (value as Record<string, unknown>)["sha256"] !== undefined;
  return {
    repositories: repositories.map((each) => {
      check(typeof each === "string" && REPOSITORY.test(each), `${at}.repositories`, "it is not org/name");
      return each;
    }),
    name: text(value, "name", at, FILE_NAME),
    bytes: whole(value, "bytes", at),
    bytesExact,
    ...(hasHash ? { sha256: text(value, "sha256", at, SHA256) } : {}),
    bytesPerToken: whole(value, "bytesPerToken", at),
    memory: { wanted, least },
  };
}

function field(value: unknown, name: string, at: string): unknown {
  check(typeof value === "object" && value !== null && name in value, at, `'${name}' is missing`);
  return (value as Record<string, unknown>)[name];
}

function text(value: unknown, name: string, at: string, pattern = /\S/): string {
  const found = field(value, name, at);
  check(typeof found === "string" && pattern.test(found), `${at}.${name}`, `it does not match ${String(pattern)}`);
  return found;
}

function whole(value: unknown, name: string, at: string): number {
  const found = field(value, name, at);
  check(
    typeof found === "number" && Number.isSafeInteger(found) && found > 0,
    `${at}.${name}`,
    "it is no whole number",
  );
  return found;
}

function list(value: unknown, at: string): readonly unknown[] {
  check(Array.isArray(value), at, "it is not a list");
  return value as readonly unknown[];
}

function check(condition: boolean, at: string, what: string): asserts condition {
  if (!condition) {
    throw new Error(`catalogue, ${at}: ${what}`);
  }
}

/** The catalogue's model of this id, or of this repository (whatever of its names) and file. */
export function catalogueModel(
  reference: { readonly id: string } | { readonly repository: string; readonly file: string },
  catalogue: readonly CatalogueModel[] = CATALOGUE,
): CatalogueModel | undefined {
  if ("id" in reference) {
    return catalogue.find(({ id }) => id === reference.id);
  }
  const { repository, file } = reference;
  return catalogue.find(
    (model) =>
      model.file.name === file &&
      model.file.repositories.some((name) => name.toLowerCase() === repository.toLowerCase()),
  );
}
