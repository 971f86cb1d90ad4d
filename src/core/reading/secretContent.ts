/** Private keys, told by what stands in a text. */

const BEGINS = "BEGIN ";
/** RFC 7468 and OpenSSH (five dashes), RFC 4716 and OpenPGP; the kinds of key that stand between. */
const HEADER = String.raw`-{4,5} ?BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)? ?-{4,5}`;
/** A header that begins its line is one, whatever follows. */
const AT_LINE_START = new RegExp(String.raw`^[ \t>|\uFEFF]*${HEADER}`, "m");
/** Behind a header: DER begins with a SEQUENCE, "MA" to "MP" in base64; OpenSSH's own format; headers of PEM and OpenPGP. */
const KEY_LINES = "M[A-P][A-Za-z0-9+/]{14}|b3BlbnNza|[A-Za-z0-9+/=]{40}|Proc-Type:|Version:|Comment:";
/** In code and in JSON they follow behind `\n`, or in strings of their own. */
const IN_STRING = new RegExp(String.raw`${HEADER}(?:\\[rn]|[^A-Za-z0-9]){0,40}(?:${KEY_LINES})`);
const OTHERS = /^PuTTY-User-Key-File-\d|\bAGE-SECRET-KEY-1[0-9A-Z]{20}/m;

/** Why nothing of a text may be read; undefined where nothing in it is a private key. Linear in its length. */
export function secretContentRule(text: string): string | undefined {
  const header = text.includes(BEGINS) ? (AT_LINE_START.exec(text) ?? IN_STRING.exec(text)) : null;
  const found = header ?? OTHERS.exec(text);
  if (found === null) {
    return undefined;
  }
  const at = found.index + found[0].search(/[-PA]/);
  return `a private key stands in line ${String(text.slice(0, at).split("\n").length)}`;
}

const HEAD_BYTES = 8000;

/** As Git tells them (buffer_is_binary in its xdiff-interface.c): a zero byte near the beginning. UTF-16 is text. */
export function isBinary(bytes: Uint8Array): boolean {
  const [first, second] = bytes;
  const isUtf16 = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  return !isUtf16 && bytes.subarray(0, HEAD_BYTES).includes(0);
}
