/** Longer lines are no events of a language model, which are a token each. */
const LINE_CHARS_MAX = 1 << 20;

export class EndlessLine extends Error {}

/**
 * The data of server-sent events (WHATWG HTML, "Parsing an event stream"): lines end in CR, LF or both, lines of one event are joined,
 * comments and other fields are left out. Bytes may come in any portions: within a character, a line end, a line.
 * Errors: EndlessLine; those of `body`.
 */
export async function* eventData(body: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  let data: string[] = [];
  for await (const line of textLines(body)) {
    if (line === "") {
      if (data.length > 0) {
        yield data.join("\n");
      }
      data = [];
    } else if (line.startsWith("data:")) {
      data.push(line.slice(line.startsWith("data: ") ? 6 : 5));
    }
  }
  // By the letter of the standard an event without its empty line is none; servers that end right behind `data: [DONE]` exist.
  if (data.length > 0) {
    yield data.join("\n");
  }
}

async function* textLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  // Without a mark of the beginning; what is no UTF-8 becomes U+FFFD.
  const decoder = new TextDecoder();
  let rest = "";
  const take = function* (text: string, isEnd: boolean): Generator<string> {
    rest += text;
    for (;;) {
      const at = rest.search(/[\r\n]/);
      // A CR at the end may be half of a line end.
      if (at < 0 || (!isEnd && rest.charAt(at) === "\r" && at === rest.length - 1)) {
        break;
      }
      const line = rest.slice(0, at);
      rest = rest.slice(at + (rest.startsWith("\r\n", at) ? 2 : 1));
      yield line;
    }
    if (rest.length > LINE_CHARS_MAX) {
      throw new EndlessLine();
    }
  };
  for await (const bytes of body) {
    yield* take(decoder.decode(bytes, { stream: true }), false);
  }
  yield* take(decoder.decode(), true);
  if (rest !== "") {
    yield rest;
  }
}
