import { isAbsolute } from "node:path";
import { type CatalogueModel, ModelsError } from "../protocol/models";
import { catalogueModel } from "./catalogue";

/** What a user means by the name of a model. */
export type ModelReference =
  /** `org/repo/file.gguf` at a hub, or an id of the catalogue. `repositories`: the same by other names, to be tried in turn. */
  | {
      readonly kind: "hub";
      readonly repositories: readonly [string, ...string[]];
      readonly file: string;
      /** A branch or a commit; default: the one that is pinned, else `main`. */
      readonly revision?: string;
      readonly catalogue?: CatalogueModel;
    }
  /** `org/repo`: one of its files is meant, and none is named. */
  | { readonly kind: "repository"; readonly repository: string }
  | { readonly kind: "url"; readonly url: URL }
  | { readonly kind: "path"; readonly path: string };

/** Names become folders and files, with suffixes: no separators, no leading dot, not longer than file systems have. */
const SEGMENT = /^[\w-][\w.+-]{0,199}$/;
const HUB_PAGE = /^\/([^/]+)\/([^/]+)\/(?:resolve|blob)\/([^/]+)\/(.+)$/;
/** The page of a repository, or the list of its files. */
const HUB_REPOSITORY = /^\/([^/]+\/[^/]+)(?:\/?|\/tree\/main\/?)$/;
const HUB_HOSTS: readonly string[] = ["huggingface.co", "hf.co"];
/** Beyond any that hubs have. */
const SEGMENTS_MAX = 8;

/**
 * Understands `org/repo/file.gguf`, an id of the catalogue, `https://…/file.gguf` (a page of huggingface.co is taken as what it shows)
 * and a path; a path is taken for one where it is absolute or begins with a dot.
 * Errors: ModelsError `reference`.
 */
export function parseReference(given: string, catalogue?: readonly CatalogueModel[]): ModelReference {
  const text = given.trim();
  if (/^https?:\/\//i.test(text)) {
    return urlReference(text);
  }
  if (/^[a-z][a-z\d+.-]*:\/\//i.test(text)) {
    throw bad(given, "only http and https addresses can be downloaded");
  }
  if (isAbsolute(text) || /^\.{1,2}[\\/]/.test(text) || /^[a-z]:[\\/]/i.test(text)) {
    return { kind: "path", path: text };
  }
  const known = catalogueModel({ id: text }, catalogue);
  if (known !== undefined) {
    return ofCatalogue(known);
  }
  return hubReference(given, text.replace(/^hf:/, "").split("/"), catalogue);
}

/** Whether `text` may be the path of a file in a repository, and of one below the folder of models. */
export function isFileOfRepository(text: string): boolean {
  const segments = text.split("/");
  return /\.gguf$/i.test(text) && segments.length <= SEGMENTS_MAX - 2 && segments.every((each) => SEGMENT.test(each));
}

function hubReference(
  given: string,
  segments: readonly string[],
  catalogue: readonly CatalogueModel[] | undefined,
): ModelReference {
  const [org = "", name = "", ...rest] = segments;
  if (segments.length < 2 || segments.length > SEGMENTS_MAX || !segments.every((each) => SEGMENT.test(each))) {
    throw bad(given, "it is neither an id of the catalogue, org/repo/file.gguf, an address nor a path");
  }
  const repository = `${org}/${name}`;
  if (rest.length === 0) {
    return { kind: "repository", repository };
  }
  const file = rest.join("/");
  if (!/\.gguf$/i.test(file)) {
    throw bad(given, "its file is no .gguf");
  }
  const known = catalogueModel({ repository, file }, catalogue);
  return known === undefined ? { kind: "hub", repositories: [repository], file } : ofCatalogue(known);
}

export function ofCatalogue(model: CatalogueModel): Extract<ModelReference, { kind: "hub" }> {
  const [first = "", ...others] = model.file.repositories;
  return { kind: "hub", repositories: [first, ...others], file: model.file.name, catalogue: model };
}

function urlReference(given: string): ModelReference {
  let url: URL;
  try {
    url = new URL(given);
  } catch {
    throw bad(given, "the address is malformed");
  }
  if (url.username !== "" || url.password !== "") {
    throw bad(url.host, "an address with a password in it would end up in files and logs");
  }
  if (decoded(url.pathname) === undefined) {
    throw bad(given, "the address is malformed");
  }
  const isHub = HUB_HOSTS.includes(url.host);
  const repository = isHub ? HUB_REPOSITORY.exec(url.pathname)?.[1] : undefined;
  if (repository !== undefined) {
    return parseReference(repository);
  }
  const page = isHub ? HUB_PAGE.exec(url.pathname) : null;
  if (page !== null) {
    const [, org = "", name = "", revision = "", file = ""] = page;
    const path = decoded(file) ?? "";
    if (!isFileOfRepository(path) && /\.gguf$/i.test(path)) {
      // A name that no folder of ours could have, such as one with blanks: by its address.
      url.pathname = url.pathname.replace("/blob/", "/resolve/");
      return { kind: "url", url };
    }
    const reference = parseReference(`${org}/${name}/${path}`);
    return revision === "main" || reference.kind !== "hub" ? reference : { ...reference, revision };
  }
  if (!/\.gguf$/i.test(url.pathname)) {
    throw bad(given, "it does not end in .gguf");
  }
  return { kind: "url", url };
}

/** The name under which a reference is shown and stored: `org/repo/file` or `host/file`. */
export function referenceName(reference: Extract<ModelReference, { kind: "hub" | "url" }>): string {
  if (reference.kind === "hub") {
    return `${reference.repositories[0]}/${reference.file}`;
  }
  const { url } = reference;
  const file = safeSegment(decoded(url.pathname.split("/").at(-1) ?? "") ?? "");
  return `${safeSegment(url.host)}/${file}`;
}

/** Undefined where a per cent sign begins no character. */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function safeSegment(text: string): string {
  return text.replaceAll(/[^\w.+-]/g, "_").replace(/^\.+/, "_");
}

function bad(given: string, why: string): ModelsError {
  const shown = given.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, "?").slice(0, 120);
  return new ModelsError("reference", `'${shown}' names no model: ${why}; "hearth models list" shows what there is`);
}
