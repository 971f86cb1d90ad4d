import ignore, { type Ignore } from "ignore";
import { plainPattern } from "./plainPatterns";

/** One ignore file. */
export interface IgnoreFile {
  /** Of the folder that it is in, below the top folder: "" or "a/b". */
  readonly folder: string;
  /** As users know it: "a/b/.gitignore". */
  readonly name: string;
  readonly text: string;
}

/**
 * What the ignore files of a folder and of folders inside it name, by Git's rules (gitignore(5)): the last pattern that
 * matches counts, and nothing in an ignored folder is brought back. A later file counts more than an earlier one.
 */
export class IgnoreFiles {
  readonly #ignore: Ignore;

  constructor(files: readonly IgnoreFile[], ignoreCase: boolean) {
    this.#ignore = ignore({ ignorecase: ignoreCase });
    for (const file of files) {
      this.#ignore.add(patternsIn(file));
    }
  }

  /** Which pattern of which file names it; undefined where none does. `path` is below the top folder; a folder's ends with a slash. */
  ruleFor(path: string): string | undefined {
    const { ignored, rule } = this.#ignore.test(path);
    return ignored ? (rule?.mark ?? "an ignore file") : undefined;
  }
}

/** Systems have no longer paths, and regular expressions have limits of their own. */
const PATTERN_CHARS_MAX = 4096;
/** Each is tried with each path and the folders around it. Nobody writes so many, and programs do in files of other kinds. */
const PATTERNS_MAX = 10_000;

/** With paths below the top folder, so that one set of patterns holds those of all files. */
function patternsIn({ folder, name, text }: IgnoreFile): { pattern: string; mark: string }[] {
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  if (lines.length > PATTERNS_MAX && lines.filter((line) => line.trim() !== "").length > PATTERNS_MAX) {
    // What it may name is not read: that is everything.
    return [{ pattern: folder === "" ? "*" : below(folder, "*"), mark: `'${name}', which has too many lines` }];
  }
  return lines.flatMap((line, i) => {
    const given = line.length > PATTERN_CHARS_MAX ? "" : withoutTrailingSpaces(line);
    if (given === "" || given.startsWith("#")) {
      return [];
    }
    const mark = `'${given}' in line ${String(i + 1)} of '${name}'`;
    const isNegative = given.startsWith("!");
    const body = plainPattern(isNegative ? given.slice(1) : given, isNegative);
    if (body === undefined) {
      return [];
    }
    return [{ pattern: `${isNegative ? "!" : ""}${folder === "" ? body : below(folder, body)}`, mark }];
  });
}

/** A pattern without a slash before its end holds in all folders below its own. */
function below(folder: string, body: string): string {
  const prefix = `/${folder.replace(/[\\*?[\]! #]/g, "\\$&")}/`;
  const isAnchored = body.slice(0, -1).includes("/");
  return isAnchored ? prefix + body.replace(/^\//, "") : `${prefix}**/${body}`;
}

/** But not one that is escaped. */
function withoutTrailingSpaces(line: string): string {
  const bare = line.replace(/ +$/, "");
  const isEscaped = /(?:^|[^\\])(?:\\\\)*\\$/.test(bare) && bare.length < line.length;
  return isEscaped ? `${bare} ` : bare;
}
