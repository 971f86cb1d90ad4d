import { createInterface } from "node:readline/promises";
import { EngineError } from "../protocol/errors";

/** Far more than any context holds. */
const LINE_CHARS_MAX = 1_000_000;

type Input = NodeJS.ReadStream | NodeJS.ReadableStream;

/**
 * The lines of an input, each asked for when the one before has been used. At a terminal a line can be edited. What is piped in may have no
 * end, and no line's end either. Errors: EngineError `bad_request` for a line that is too long.
 */
export async function* linesOf(input: Input, output: NodeJS.WritableStream, prompt: string): AsyncGenerator<string> {
  if ("isTTY" in input && input.isTTY) {
    const lines = createInterface({ input, output, prompt });
    lines.prompt();
    for await (const line of lines) {
      yield line;
      lines.prompt();
    }
    return;
  }
  input.setEncoding("utf8");
  output.write(prompt);
  let begun = "";
  for await (const chunk of input as AsyncIterable<string>) {
    const [first = "", ...more] = chunk.split("\n");
    begun += first;
    if (begun.length > LINE_CHARS_MAX) {
      throw new EngineError("bad_request", `cannot ask: a line has more than ${String(LINE_CHARS_MAX)} characters`);
    }
    for (const next of more) {
      yield begun.replace(/\r$/, "");
      output.write(prompt);
      begun = next;
    }
  }
  if (begun !== "") {
    yield begun;
  }
}
