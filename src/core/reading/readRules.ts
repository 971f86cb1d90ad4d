import { type IgnoreFile, IgnoreFiles } from "./ignoreFiles";
import { secretNameRule } from "./secretNames";

/**
 * Which files Hearth reads: the rules for completion, chat, edits and what is remembered. A file is not read whose name or
 * content is that of a secret (secretNames.ts, secretContent.ts), nor one that an ignore file names.
 */

/** What is asked of a file system. Paths are absolute, with forward slashes. */
export interface FileFacts {
  /** Undefined where there is no such file, or it cannot be read. */
  text(path: string): Promise<string | undefined>;
  exists(path: string): Promise<boolean>;
  /** Without symbolic links; undefined where there is no such file, or nobody knows. */
  realPath(path: string): Promise<string | undefined>;
}

/** Git's, and Hearth's own in the same notation: what it names, or brings back, counts more. */
export const IGNORE_FILE_NAMES = [".gitignore", ".hearthignore"] as const;
/** Git's own list of a repository, which is not committed. */
const REPOSITORY_EXCLUDE = ".git/info/exclude";
/** Deeper trees than people make end a walk that would otherwise go on. */
const DEPTH_MAX = 60;

export class ReadRules {
  readonly #files: FileFacts;
  readonly #ignoreCase: boolean;
  /** By folder; ignore files are read once until `forget`. */
  readonly #texts = new Map<string, Promise<readonly IgnoreText[]>>();
  readonly #tops = new Map<string, Promise<string>>();
  /** By folder, and of these by what they are made of: most folders have no ignore file of their own. */
  readonly #compiled = new Map<string, Promise<IgnoreFiles>>();
  readonly #shared = new Map<string, IgnoreFiles>();

  /** @param ignoreCase of ignore files, as the system's own file names do it; for secrets case is ignored anyway. */
  constructor(files: FileFacts, ignoreCase: boolean) {
    this.#files = files;
    this.#ignoreCase = ignoreCase;
  }

  /** An ignore file, or where folders are, has changed. */
  forget(): void {
    this.#texts.clear();
    this.#tops.clear();
    this.#compiled.clear();
    this.#shared.clear();
  }

  /**
   * Why a file is not read, as far as its place tells; undefined where it may be. A file need not exist.
   * @param workspace the folder that it was found in, if any: ignore files there count, as do those of the repository that holds it
   * @param options `links`: what a link leads to counts as well
   */
  async ruleAt(
    path: string,
    workspace: string | undefined,
    { isFolder = false, links = true } = {},
  ): Promise<string | undefined> {
    const own = secretNameRule(path) ?? (await this.#ignoredBy(path, workspace, isFolder));
    if (own !== undefined || !links) {
      return own;
    }
    const real = await this.#files.realPath(path);
    if (real === undefined || real === path) {
      return undefined;
    }
    const rule = secretNameRule(real) ?? (await this.#ignoredBy(real, workspace, isFolder));
    return rule === undefined ? undefined : `it is a link to '${real}': ${rule}`;
  }

  async #ignoredBy(path: string, workspace: string | undefined, isFolder: boolean): Promise<string | undefined> {
    const folder = folderOf(path);
    const home = workspace !== undefined && isBelow(path, workspace) ? workspace : folder;
    const top = await this.#topOf(home, home === workspace);
    const compiled = this.#remembered(this.#compiled, `${top}\0${home}\0${folder}`, () =>
      this.#compile(top, home, folder),
    );
    const relative = path.slice(top.length).replace(/^\/+/, "");
    return relative === "" ? undefined : (await compiled).ruleFor(isFolder ? `${relative}/` : relative);
  }

  /**
   * The folder of the repository that holds it, else itself. A workspace that its repository ignores stands for itself: who
   * opens it means to work there.
   */
  #topOf(folder: string, isWorkspace: boolean): Promise<string> {
    return this.#remembered(this.#tops, `${folder}\0${String(isWorkspace)}`, async () => {
      const top = await this.#repositoryOf(folder);
      if (top === folder || !isWorkspace) {
        return top;
      }
      const rules = await this.#compile(top, folder, folderOf(folder));
      return rules.ruleFor(`${folder.slice(top.length).replace(/^\/+/, "")}/`) === undefined ? top : folder;
    });
  }

  async #repositoryOf(folder: string): Promise<string> {
    let at = folder;
    for (let depth = 0; depth < DEPTH_MAX; ++depth) {
      if (await this.#files.exists(join(at, ".git"))) {
        return at;
      }
      const parent = folderOf(at);
      if (parent === at) {
        break;
      }
      at = parent;
    }
    return folder;
  }

  /** All of Git's, the outermost first, and then Hearth's. */
  async #compile(top: string, home: string, folder: string): Promise<IgnoreFiles> {
    const below = folder.slice(top.length).split("/").filter(Boolean);
    const folders = ["", ...below.map((_, i) => below.slice(0, i + 1).join("/"))].slice(0, DEPTH_MAX);
    const found = await Promise.all(
      folders.map(async (each) =>
        (await this.#textsIn(join(top, each))).map(({ name, text }) => ({
          isOwn: name === ".hearthignore",
          file: { folder: each, name: shownName(top, home, join(each, name)), text } satisfies IgnoreFile,
        })),
      ),
    );
    const exclude = await this.#files.text(join(top, REPOSITORY_EXCLUDE));
    const all = found.flat();
    const key = `${top}\0${home}\0${all.map(({ file }) => file.name).join("\0")}`;
    const shared = this.#shared.get(key);
    if (shared !== undefined) {
      return shared;
    }
    const made = new IgnoreFiles(
      [
        ...(exclude === undefined ? [] : [{ folder: "", name: REPOSITORY_EXCLUDE, text: exclude }]),
        ...all.filter(({ isOwn }) => !isOwn).map(({ file }) => file),
        ...all.filter(({ isOwn }) => isOwn).map(({ file }) => file),
      ],
      this.#ignoreCase,
    );
    this.#shared.set(key, made);
    return made;
  }

  #textsIn(folder: string): Promise<readonly IgnoreText[]> {
    return this.#remembered(this.#texts, folder, async () => {
      const texts = await Promise.all(
        IGNORE_FILE_NAMES.map(async (name) => ({ name, text: await this.#files.text(join(folder, name)) })),
      );
      return texts.flatMap(({ name, text }) => (text === undefined ? [] : [{ name, text }]));
    });
  }

  #remembered<T>(known: Map<string, Promise<T>>, key: string, find: () => Promise<T>): Promise<T> {
    const found = known.get(key) ?? find();
    known.set(key, found);
    return found;
  }
}

interface IgnoreText {
  readonly name: string;
  readonly text: string;
}

/** Below the workspace as users see it; one above it by its whole path. */
function shownName(top: string, home: string, path: string): string {
  const whole = join(top, path);
  return isBelow(whole, home) ? whole.slice(home.length).replace(/^\/+/, "") : whole;
}

export function isBelow(path: string, folder: string): boolean {
  return path.startsWith(folder.endsWith("/") ? folder : `${folder}/`);
}

/** "/" and "c:/" are their own. */
function folderOf(path: string): string {
  const at = path.replace(/\/+$/, "").lastIndexOf("/");
  return at <= 0 ? path.slice(0, at + 1) || path : path.slice(0, at);
}

function join(folder: string, name: string): string {
  return folder === "" || folder.endsWith("/") ? folder + name : `${folder}/${name}`.replace(/\/$/, "");
}
