import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { EngineError, hasCode } from "../../protocol/errors";
import { readBytes } from "../documents";

/** Cursors in documents of a workspace, a line of a cursor file. */
export interface CursorWorkspace {
  /** Of which it is a state, if the file says so. */
  readonly package?: string;
  /** Files of the workspace, for what looks at more than the open document. */
  readonly docs: readonly { readonly path: string; readonly text: string }[];
  readonly cases: readonly CursorCase[];
}

export interface CursorCase {
  readonly path: string;
  /** VS Code's identifier. */
  readonly language: string;
  /** Line feeds only, without the rest of the cursor's line. */
  readonly text: string;
  /** UTF-16 units before the cursor. */
  readonly offset: number;
  /** The rest of the cursor's line, without its line feed: what is to be said. */
  readonly rest: string;
}

/** Of a file, unpacked. */
const UNPACKED_BYTES_MAX = 2 ** 29 - 2 ** 20;

/** Reads `.jsonl`, `.jsonl.gz` and `.jsonl.xz`. Errors: EngineError `bad_request`. */
export async function readCursorFile(file: string): Promise<readonly CursorWorkspace[]> {
  const text = await unpacked(file);
  return text.split("\n").flatMap((line, i) => {
    const problem = (what: string): EngineError =>
      new EngineError("bad_request", `cannot read cursors of '${file}', line ${String(i + 1)}: ${what}`);
    return line.trim() === "" ? [] : [workspaceOf(parse(line, problem), problem)];
  });
}

async function unpacked(file: string): Promise<string> {
  const bytes = await readBytes(file, "read");
  if (file.endsWith(".gz")) {
    try {
      const options = { maxOutputLength: UNPACKED_BYTES_MAX };
      return (await promisify(gunzip)(bytes, options)).toString("utf8");
    } catch (error) {
      throw new EngineError("bad_request", `cannot unpack '${file}': it is damaged, no gzip file or too large`, {
        cause: error,
      });
    }
  }
  return file.endsWith(".xz") ? unpackXz(file) : Buffer.from(bytes).toString("utf8");
}

/** By the system's own program: Node has no LZMA, and one rarely used file format is not worth a package. */
async function unpackXz(file: string): Promise<string> {
  try {
    const args = ["--decompress", "--stdout", "--", file];
    return (await promisify(execFile)("xz", args, { maxBuffer: UNPACKED_BYTES_MAX })).stdout;
  } catch (error) {
    const what = hasCode(error, "ENOENT")
      ? "the program 'xz' is not installed; install it (xz-utils) or give the file as .jsonl or .jsonl.gz"
      : "it is damaged, no xz file or too large";
    throw new EngineError("bad_request", `cannot unpack '${file}': ${what}`, { cause: error });
  }
}

type Problem = (what: string) => EngineError;

function parse(line: string, problem: Problem): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw problem("it is not JSON");
  }
}

function workspaceOf(value: unknown, problem: Problem): CursorWorkspace {
  const { docs, cases, package: name } = objectOf(value, "a line", problem);
  return {
    ...(name === undefined ? {} : { package: textOf(name, "'package'", problem) }),
    docs: listOf(docs ?? [], "'docs'", problem).map((each) => {
      const { path, text } = objectOf(each, "a document", problem);
      return { path: textOf(path, "'path'", problem), text: textOf(text, "'text'", problem) };
    }),
    cases: listOf(cases, "'cases'", problem).map((each) => caseOf(objectOf(each, "a case", problem), problem)),
  };
}

function caseOf(value: Readonly<Record<string, unknown>>, problem: Problem): CursorCase {
  const text = textOf(value["text"], "'text'", problem);
  const { offset } = value;
  if (typeof offset !== "number" || !Number.isInteger(offset) || offset < 0 || offset > text.length) {
    throw problem(`'offset' is a whole number up to the text's length, ${String(text.length)}`);
  }
  const lf = (crlf: string): string => crlf.replaceAll("\r\n", "\n");
  const before = lf(text.slice(0, offset));
  const after = lf(text.slice(offset));
  const lineEnd = after.indexOf("\n");
  return {
    path: textOf(value["path"], "'path'", problem),
    language: textOf(value["language"], "'language'", problem),
    // Nothing may see the rest of the line.
    text: before + (lineEnd === -1 ? "" : after.slice(lineEnd)),
    offset: before.length,
    rest: textOf(value["rest"], "'rest'", problem).replace(/\r?\n?$/, ""),
  };
}

function objectOf(value: unknown, what: string, problem: Problem): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw problem(`${what} is a JSON object`);
  }
  return value as Readonly<Record<string, unknown>>;
}

function listOf(value: unknown, what: string, problem: Problem): readonly unknown[] {
  if (!Array.isArray(value)) {
    throw problem(`${what} is a list`);
  }
  return value;
}

function textOf(value: unknown, what: string, problem: Problem): string {
  if (typeof value !== "string") {
    throw problem(`${what} is a text`);
  }
  return value;
}
