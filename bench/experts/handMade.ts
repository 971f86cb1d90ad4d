import { TRACE_VERSION, type TraceHeader, type TraceLine } from "../../src/cli/trace";
import { parseTrace, type Trace } from "./trace";

/**
 * A trace of given choices [token][layer][rank]. Guesses are right unless given as [token][layer][ahead][rank]; next-ranked are
 * the experts that were not chosen, by rising id.
 */
export function traceOf(
  chosen: readonly (readonly (readonly number[])[])[],
  n_expert: number,
  depth = 1,
  guessed?: readonly TraceLine["guessed"][],
): Trace {
  return parseTrace(textOf(chosen, n_expert, depth, guessed), "by hand");
}

/** The same as the text of a file. */
export function textOf(
  chosen: readonly (readonly (readonly number[])[])[],
  n_expert: number,
  depth = 1,
  guessed?: readonly TraceLine["guessed"][],
): string {
  const header: TraceHeader = {
    hearth_trace: TRACE_VERSION,
    model: "by hand",
    n_layer: chosen[0]!.length,
    n_expert,
    n_used: chosen[0]![0]!.length,
    depth,
  };
  const lines = chosen.map((layers, t): TraceLine => ({
    token: t,
    chosen: layers,
    guessed: guessed?.[t] ?? layers.map((_, il) => layers.slice(il, il + depth)),
    next_ranked: layers.map((ids) =>
      Array.from({ length: n_expert }, (_, id) => id)
        .filter((id) => !ids.includes(id))
        .slice(0, ids.length),
    ),
  }));
  return [header, ...lines].map((line) => `${JSON.stringify(line)}\n`).join("");
}

/** One expert a token in a model of one layer. */
export const oneByOne = (ids: readonly number[], n_expert: number): Trace =>
  traceOf(
    ids.map((id) => [[id]]),
    n_expert,
  );
