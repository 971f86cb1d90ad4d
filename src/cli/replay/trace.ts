import { dirname, join } from "node:path";
import { EngineError } from "../../protocol/errors";
import { reasonOf } from "../documents";

/** A scripted editing session; bench/keystrokes/README.md describes the files. */
export interface Trace {
  readonly about: string;
  readonly documents: readonly TraceDocument[];
  readonly steps: readonly Step[];
}

export interface TraceDocument {
  /** As the model sees it. */
  readonly path: string;
  readonly languageId: string;
  readonly text: string;
  /** Lines that were taken out of the text, for a step `fill` to type. */
  readonly hole: Hole | undefined;
}

export interface Hole {
  /** Where a cursor stands to type them: the end of the line above. */
  readonly offset: number;
  /** Begins with the line end. */
  readonly text: string;
}

export type Place =
  | { readonly kind: "line"; readonly line: number; readonly column: number }
  | { readonly kind: "before" | "after"; readonly text: string };

export type Step =
  /** `accepts`: what is shown is accepted wherever it is what would be typed next. */
  | { readonly kind: "type"; readonly text: string; readonly msPerKey: number; readonly accepts: boolean }
  | { readonly kind: "fill"; readonly msPerKey: number; readonly accepts: boolean }
  /** Types the first characters of whatever is shown. */
  | { readonly kind: "typeShown"; readonly chars: number; readonly msPerKey: number }
  | { readonly kind: "delete"; readonly chars: number; readonly msPerKey: number }
  | { readonly kind: "pause"; readonly ms: number }
  /** Waits until something is shown, but not longer. */
  | { readonly kind: "untilShown"; readonly limitMs: number }
  | { readonly kind: "accept"; readonly part: "all" | "word"; readonly msPerKey: number }
  | { readonly kind: "trigger"; readonly msPerKey: number }
  | { readonly kind: "moveTo"; readonly place: Place }
  | { readonly kind: "open"; readonly path: string };

const MS_PER_KEY = 120;
const TEXT_CHARS_MAX = 1_000_000;
const STEPS_MAX = 10_000;

type Json = Readonly<Record<string, unknown>>;

/** Reads the JSON text of a trace. `readFile` gives the files it names. Errors: EngineError `bad_request`. */
export function parseTrace(json: string, file: string, readFile: (path: string) => string): Trace {
  const problem = (what: string): EngineError => new EngineError("bad_request", `cannot replay '${file}': ${what}`);
  const reader = new TraceReader(problem);
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw problem(`it is not JSON (${error instanceof Error ? error.message : String(error)})`);
  }
  const trace = reader.object(value, "the trace", ["about", "msPerKey", "documents", "steps"]);
  const msPerKey = reader.number(trace["msPerKey"], "'msPerKey'", 1, 60_000, MS_PER_KEY);
  const documents = reader
    .list(trace["documents"], "'documents'", 32)
    .map((each, i) => readDocument(reader, each, `document ${String(i + 1)}`, dirname(file), readFile));
  const paths = documents.map(({ path }) => path);
  const twice = paths.find((path, i) => paths.indexOf(path) !== i);
  if (twice !== undefined) {
    throw problem(`two documents have the path '${twice}'`);
  }
  const steps = reader.list(trace["steps"], "'steps'", STEPS_MAX).map((each, i) => {
    const step = readStep(reader, each, `step ${String(i + 1)}`, msPerKey);
    if (step.kind === "open" && !paths.includes(step.path)) {
      throw problem(`step ${String(i + 1)}: no document has the path '${step.path}'`);
    }
    return step;
  });
  return { about: trace["about"] === undefined ? "" : reader.text(trace["about"], "'about'"), documents, steps };
}

function readDocument(
  reader: TraceReader,
  value: unknown,
  place: string,
  folder: string,
  readFile: (path: string) => string,
): TraceDocument {
  const document = reader.object(value, place, ["path", "languageId", "file", "text", "hole"]);
  if ((document["file"] === undefined) === (document["text"] === undefined)) {
    throw reader.problem(`${place}: give either 'file' or 'text'`);
  }
  const path = reader.text(document["path"], `${place}: 'path'`);
  const languageId = reader.text(document["languageId"], `${place}: 'languageId'`);
  let text: string;
  if (document["file"] === undefined) {
    // A new file.
    text = document["text"] === "" ? "" : reader.text(document["text"], `${place}: 'text'`);
  } else {
    const name = reader.text(document["file"], `${place}: 'file'`);
    try {
      text = readFile(join(folder, name));
    } catch (error) {
      throw reader.problem(`${place}: cannot read '${name}': ${reasonOf(error)}`);
    }
  }
  return { path, languageId, ...withHole(reader, text.replaceAll("\r\n", "\n"), document["hole"], place) };
}

function withHole(
  reader: TraceReader,
  whole: string,
  value: unknown,
  place: string,
): Pick<TraceDocument, "text" | "hole"> {
  if (value === undefined) {
    return { text: whole, hole: undefined };
  }
  const hole = reader.object(value, `${place}: 'hole'`, ["line", "lines"]);
  const all = whole.split("\n");
  // There is a line above, at whose end typing begins.
  const line = reader.number(hole["line"], `${place}: 'line'`, 2, all.length);
  const count = reader.number(hole["lines"], `${place}: 'lines'`, 1, all.length - line + 1, 1);
  const above = all.slice(0, line - 1).join("\n");
  const text = `\n${all.slice(line - 1, line - 1 + count).join("\n")}`;
  return { text: above + whole.slice(above.length + text.length), hole: { offset: above.length, text } };
}

/** One member says what a step does. */
const STEP_NAMES = [
  "type",
  "fill",
  "typeShown",
  "delete",
  "pauseMs",
  "untilShownMs",
  "accept",
  "acceptWord",
  "trigger",
  "moveTo",
  "open",
] as const;

function readStep(reader: TraceReader, value: unknown, place: string, traceMsPerKey: number): Step {
  const step = reader.object(value, place, [...STEP_NAMES, "msPerKey", "accepts"]);
  const names = STEP_NAMES.filter((each) => step[each] !== undefined);
  const [name] = names;
  if (name === undefined || names.length > 1) {
    throw reader.problem(`${place}: a step has exactly one of ${STEP_NAMES.join(", ")}`);
  }
  const given = step[name];
  const at = `${place}: '${name}'`;
  const msPerKey = reader.number(step["msPerKey"], `${place}: 'msPerKey'`, 1, 60_000, traceMsPerKey);
  const accepts = step["accepts"] === undefined ? false : reader.flag(step["accepts"], `${place}: 'accepts'`);
  switch (name) {
    case "type":
      return { kind: "type", text: reader.text(given, at).replaceAll("\r\n", "\n"), msPerKey, accepts };
    case "fill":
      reader.yes(given, at);
      return { kind: "fill", msPerKey, accepts };
    case "typeShown":
    case "delete":
      return { kind: name, chars: reader.number(given, at, 1, 10_000), msPerKey };
    case "pauseMs":
      return { kind: "pause", ms: reader.number(given, at, 0, 600_000) };
    case "untilShownMs":
      return { kind: "untilShown", limitMs: reader.number(given, at, 0, 600_000) };
    case "accept":
    case "acceptWord":
      reader.yes(given, at);
      return { kind: "accept", part: name === "accept" ? "all" : "word", msPerKey };
    case "trigger":
      if (given !== "manual") {
        throw reader.problem(`${at} is "manual": all other triggers come by themselves`);
      }
      return { kind: "trigger", msPerKey };
    case "moveTo":
      return { kind: "moveTo", place: readPlace(reader, given, at) };
    case "open":
      return { kind: "open", path: reader.text(given, at) };
  }
}

function readPlace(reader: TraceReader, value: unknown, at: string): Place {
  const place = reader.object(value, at, ["line", "column", "before", "after"]);
  for (const kind of ["before", "after"] as const) {
    if (place[kind] !== undefined) {
      return { kind, text: reader.text(place[kind], `${at}: '${kind}'`) };
    }
  }
  return {
    kind: "line",
    line: reader.number(place["line"], `${at}: 'line'`, 1, TEXT_CHARS_MAX),
    column: reader.number(place["column"], `${at}: 'column'`, 1, TEXT_CHARS_MAX, 1),
  };
}

/** Takes values apart; what is not as it should be is told with its place. */
class TraceReader {
  readonly problem: (what: string) => EngineError;

  constructor(problem: (what: string) => EngineError) {
    this.problem = problem;
  }

  object(value: unknown, place: string, names: readonly string[]): Json {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw this.problem(`${place} is an object, not ${shown(value)}`);
    }
    const strange = Object.keys(value).find((name) => !names.includes(name));
    if (strange !== undefined) {
      throw this.problem(`${place} has no '${strange}'; it may have ${names.join(", ")}`);
    }
    return value as Json;
  }

  list(value: unknown, place: string, max: number): readonly unknown[] {
    if (!Array.isArray(value) || value.length === 0 || value.length > max) {
      throw this.problem(`${place} is a list of 1 to ${String(max)}, not ${shown(value)}`);
    }
    return value;
  }

  text(value: unknown, place: string): string {
    if (typeof value !== "string" || value === "" || value.length > TEXT_CHARS_MAX) {
      throw this.problem(`${place} is a text, not ${shown(value)}`);
    }
    return value;
  }

  number(value: unknown, place: string, min: number, max: number, missing?: number): number {
    const number = value ?? missing;
    if (typeof number !== "number" || !Number.isInteger(number) || number < min || number > max) {
      throw this.problem(`${place} is a whole number from ${String(min)} to ${String(max)}, not ${shown(value)}`);
    }
    return number;
  }

  flag(value: unknown, place: string): boolean {
    if (typeof value !== "boolean") {
      throw this.problem(`${place} is true or false, not ${shown(value)}`);
    }
    return value;
  }

  yes(value: unknown, place: string): void {
    if (value !== true) {
      throw this.problem(`${place} is true, not ${shown(value)}`);
    }
  }
}

function shown(value: unknown): string {
  const json = value === undefined ? "nothing" : JSON.stringify(value);
  return json.length > 60 ? `${json.slice(0, 60)}…` : json;
}
