import { visibleText } from "../visibleText";

/** Quoting for bash, zsh and ksh. */

/** One word of a command line that is exactly this text, without a NUL, which no argument can hold. */
export function shellQuoted(text: string): string {
  const bare = text.replaceAll("\0", "");
  if (/^[\w+./:=@-]+$/.test(bare)) {
    return bare;
  }
  return isPlain(bare) ? `'${bare.replaceAll("'", "'\\''")}'` : `$'${ansiC(bare)}'`;
}

/** Commands that make a file of exactly this text; `place` is quoted already. */
export function fileMaking(place: string, text: string): string {
  const lines = text.split("\n");
  if (!isPlain(text) || !text.endsWith("\n")) {
    return `printf %s ${shellQuoted(text) || "''"} > ${place}\n`;
  }
  let end = "END";
  while (lines.includes(end)) {
    end += "_";
  }
  return `cat > ${place} <<'${end}'\n${text}${end}\n`;
}

/** Goes through an editor, a clipboard and a terminal as it is. */
function isPlain(text: string): boolean {
  return !text.includes("\r") && visibleText(text) === text;
}

/** The inside of `$'…'`: what nobody sees is spelled, byte by byte. `!` would recall an earlier command. */
function ansiC(text: string): string {
  return Array.from(text)
    .map((char) => {
      if (char === "\\" || char === "'") {
        return `\\${char}`;
      }
      return char === "\r" ? "\\r" : isPlain(char) && char !== "!" ? char : bytesOf(char);
    })
    .join("");
}

function bytesOf(char: string): string {
  return [...new TextEncoder().encode(char)].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
}
