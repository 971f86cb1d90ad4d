import { readFileSync } from "node:fs";
import { TRACE_VERSION, type TraceHeader } from "../../src/cli/trace";

/** How a text was routed; see src/cli/trace.ts. An expert's key is il * n_expert + id. */
export interface Trace {
  readonly header: TraceHeader;
  readonly n_token: number;
  /** Keys [n_token][n_layer][n_used]. */
  readonly chosen: Int32Array;
  /** Keys [n_token][n_layer][depth][n_used]; -1 behind the last layer. */
  readonly guessed: Int32Array;
  /** Keys [n_token][n_layer][n_used]; -1 where there are none. */
  readonly nextRanked: Int32Array;
}

/** Keys of what layer `il` chose for token `t`, by falling rank. */
export function chosenOf({ header: { n_layer, n_used }, chosen }: Trace, t: number, il: number): Int32Array {
  const at = (t * n_layer + il) * n_used;
  return chosen.subarray(at, at + n_used);
}

/** Keys that were foreseen for layer `il` + `ahead` when layer `il` - 1 had added its attention. */
export function guessedOf({ header, guessed }: Trace, t: number, il: number, ahead: number): Int32Array {
  const { n_layer, n_used, depth } = header;
  if (il + ahead >= n_layer || ahead >= depth) {
    return guessed.subarray(0, 0);
  }
  const at = ((t * n_layer + il) * depth + ahead) * n_used;
  return guessed.subarray(at, at + n_used);
}

export function readTrace(path: string): Trace {
  return parseTrace(readFileSync(path, "utf8"), path);
}

/** Errors: an Error that names the file and the line. */
export function parseTrace(text: string, path: string): Trace {
  const lines = text.split("\n");
  if (lines.at(-1) === "") {
    lines.pop();
  }
  const header = headerOf(jsonOf(lines[0] ?? "", `${path}:1`), `${path}:1`);
  const { n_layer, n_used, depth } = header;
  const n_token = lines.length - 1;
  if (n_token === 0) {
    throw new Error(`${path}: the trace has no tokens`);
  }
  const n_choice = n_token * n_layer * n_used;
  const trace: Trace = {
    header,
    n_token,
    chosen: new Int32Array(n_choice).fill(-1),
    guessed: new Int32Array(n_choice * depth).fill(-1),
    nextRanked: new Int32Array(n_choice).fill(-1),
  };
  for (let t = 0; t < n_token; ++t) {
    const place = `${path}:${t + 2}`;
    take(trace, t, jsonOf(lines[t + 1]!, place), place);
  }
  return trace;
}

function jsonOf(line: string, place: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new Error(`${place}: this is no line of a trace: it is not JSON; was the file cut off?`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error(`${place}: this is no line of a trace: it is no object`);
  }
  return { ...value };
}

function headerOf(json: Readonly<Record<string, unknown>>, place: string): TraceHeader {
  if (json["hearth_trace"] !== TRACE_VERSION) {
    throw new Error(`${place}: this is no header of a trace of version ${TRACE_VERSION}; make one with 'hearth trace'`);
  }
  const whole = (name: string, min: number, max: number): number => {
    const value = json[name];
    if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max) {
      throw new Error(`${place}: '${name}' is a whole number from ${min} to ${max}, not ${JSON.stringify(value)}`);
    }
    return value;
  };
  const n_expert = whole("n_expert", 1, 4096);
  return {
    hearth_trace: TRACE_VERSION,
    model: typeof json["model"] === "string" ? json["model"] : "",
    n_layer: whole("n_layer", 1, 4096),
    n_expert,
    n_used: whole("n_used", 1, n_expert),
    depth: whole("depth", 1, 16),
  };
}

/** `runners_up` is what 0.1 called `next_ranked`. */
function take(trace: Trace, t: number, line: Readonly<Record<string, unknown>>, place: string): void {
  const { n_layer, n_expert, n_used, depth } = trace.header;
  const n_behind = Math.min(n_used, n_expert - n_used);
  const chosen = listOf(line["chosen"], n_layer, `${place}: 'chosen'`);
  const guessed = listOf(line["guessed"], n_layer, `${place}: 'guessed'`);
  const nextRanked = listOf(line["next_ranked"] ?? line["runners_up"], n_layer, `${place}: 'next_ranked'`);
  for (let il = 0; il < n_layer; ++il) {
    const at = t * n_layer + il;
    const keys = (ids: unknown, of: number, n: number, what: string): number[] =>
      idsOf(ids, n, n_expert, `${place}: '${what}' of layer ${il}`).map((id) => of * n_expert + id);
    trace.chosen.set(keys(chosen[il], il, n_used, "chosen"), at * n_used);
    trace.nextRanked.set(keys(nextRanked[il], il, n_behind, "next_ranked"), at * n_used);
    const n_ahead = Math.min(depth, n_layer - il);
    for (const [j, ids] of listOf(guessed[il], n_ahead, `${place}: 'guessed' of layer ${il}`).entries()) {
      trace.guessed.set(keys(ids, il + j, n_used, "guessed"), (at * depth + j) * n_used);
    }
  }
}

function listOf(value: unknown, n: number, what: string): readonly unknown[] {
  if (!Array.isArray(value) || value.length !== n) {
    throw new Error(`${what} is a list of ${n}, not ${Array.isArray(value) ? `of ${value.length}` : typeof value}`);
  }
  return value;
}

function idsOf(value: unknown, n: number, n_expert: number, what: string): readonly number[] {
  const ids = listOf(value, n, what) as readonly number[];
  if (new Set(ids).size !== n || !ids.every((id) => Number.isInteger(id) && id >= 0 && id < n_expert)) {
    throw new Error(`${what} is ${n} different ids below ${n_expert}, not ${JSON.stringify(value)}`);
  }
  return ids;
}
