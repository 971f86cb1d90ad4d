import type { Definition, Project } from "../../core/prompt/source";
import { EngineError } from "../../protocol/errors";
import { readUtf8 } from "../documents";
import type { CursorCase } from "./cursorFile";

/** What an editor's providers said at the cursors of a file: nothing where they were not asked. */
export type RecordedDefinitions = (cursor: Pick<CursorCase, "path" | "offset">) => readonly Definition[];

/**
 * Reads `[{"path","offset","definitions":[{"name","path","text"}]}]`: of the cursor at `offset` in `path`, with line feeds only, the nearest
 * identifier first. Errors: EngineError `bad_request`.
 */
export async function readDefinitionFile(file: string): Promise<RecordedDefinitions> {
  const problem = (what: string): EngineError =>
    new EngineError("bad_request", `cannot read definitions of '${file}': ${what}`);
  let value: unknown;
  try {
    value = JSON.parse(await readUtf8(file, "read"));
  } catch (error) {
    throw error instanceof EngineError ? error : problem("it is not JSON");
  }
  if (!Array.isArray(value) || !value.every(isRecord)) {
    throw problem('it is a list of {"path","offset","definitions":[{"name","path","text"}]}');
  }
  const byCursor = new Map(value.map((each) => [keyOf(each), each.definitions]));
  return (cursor) => byCursor.get(keyOf(cursor)) ?? [];
}

/** As a window's project with nothing but these. */
export function projectWith(found: readonly Definition[]): () => Project {
  return () => ({ name: "workspace", files: [], definitions: { found, readable: () => true } });
}

interface Recorded {
  readonly path: string;
  readonly offset: number;
  readonly definitions: readonly Definition[];
}

function keyOf({ path, offset }: Pick<CursorCase, "path" | "offset">): string {
  return `${String(offset)} ${path}`;
}

function isRecord(value: unknown): value is Recorded {
  const { path, offset, definitions } = (value ?? {}) as Partial<Record<string, unknown>>;
  return (
    typeof path === "string" &&
    Number.isInteger(offset) &&
    Array.isArray(definitions) &&
    definitions.every((each) => {
      const { name, path: of, text } = (each ?? {}) as Partial<Record<string, unknown>>;
      return [name, of, text].every((field) => typeof field === "string");
    })
  );
}
