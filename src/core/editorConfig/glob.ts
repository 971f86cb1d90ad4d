/** Patterns of hostile files: more alternatives are not compared. */
const ALTERNATIVES_MAX = 200;
/** And no more stars in a row of pieces, each of which multiplies the time that a mismatch takes. */
const STARS_MAX = 5;
const NEVER = /(?!)/;

/**
 * What a section's header matches, for paths below the folder of its file (https://spec.editorconfig.org, "Glob Expressions"):
 * `*` and `?` but slashes, `**`, `[name]`, `[!name]`, `{a,b}`, `{1..9}`; without a slash in any folder below.
 */
export function globOf(pattern: string): RegExp {
  const isAnchored = pattern.replaceAll(/\[[^\]]*\]/g, "").includes("/");
  const body = new GlobReader(isAnchored ? pattern.replace(/^\//, "") : pattern).read();
  try {
    return body === undefined ? NEVER : new RegExp(`^${isAnchored ? "" : "(?:.*/)?"}${body}$`, "u");
  } catch {
    return NEVER;
  }
}

class GlobReader {
  readonly #pattern: string;
  #at = 0;
  #alternatives = 0;
  #stars = 0;
  #mostStars = 0;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  read(): string | undefined {
    const text = this.#sequence(false);
    return this.#alternatives > ALTERNATIVES_MAX || this.#mostStars > STARS_MAX ? undefined : text;
  }

  /** To the end, or to the comma or brace that ends an alternative. */
  #sequence(isInBraces: boolean): string {
    let text = "";
    while (this.#at < this.#pattern.length) {
      const char = this.#pattern.charAt(this.#at);
      if (isInBraces && (char === "," || char === "}")) {
        return text;
      }
      this.#at += 1;
      text += this.#piece(char);
    }
    return text;
  }

  #piece(char: string): string {
    const rest = this.#pattern.slice(this.#at);
    switch (char) {
      case "\\": {
        this.#at += 1;
        return literal(rest.charAt(0));
      }
      case "?":
        return "[^/]";
      case "*": {
        const isDeep = rest.startsWith("*");
        this.#at += isDeep ? 1 : 0;
        this.#stars += 1;
        this.#mostStars = Math.max(this.#mostStars, this.#stars);
        return isDeep ? ".*" : "[^/]*";
      }
      case "[":
        return this.#set(rest);
      case "{":
        return this.#braces(rest);
      default:
        return literal(char);
    }
  }

  #set(rest: string): string {
    const [whole = "", not = "", names = ""] = /^([!^]?)((?:\\.|[^\]\\/])+)\]/.exec(rest) ?? [];
    if (whole === "") {
      return literal("[");
    }
    this.#at += whole.length;
    const chars = names.replaceAll(/\\(.)/g, "$1").replaceAll(/[\\\]^[]/g, String.raw`\$&`);
    return not === "" ? `[${chars}]` : `(?!/)[^${chars}]`;
  }

  #braces(rest: string): string {
    const [range, from, to] = /^([+-]?\d+)\.\.([+-]?\d+)\}/.exec(rest) ?? [];
    if (range !== undefined) {
      this.#at += range.length;
      return numbers(Number(from), Number(to));
    }
    const end = closingBrace(rest);
    // Braces around a single name are only characters.
    if (end === -1 || !hasComma(rest.slice(0, end))) {
      return literal("{");
    }
    const alternatives: string[] = [];
    const stars = this.#stars;
    do {
      this.#stars = stars;
      alternatives.push(this.#sequence(true));
      this.#at += 1;
    } while (this.#pattern.charAt(this.#at - 1) === ",");
    this.#alternatives += alternatives.length;
    return `(?:${alternatives.join("|")})`;
  }
}

/** A range of numbers, as far as it is listed. */
function numbers(from: number, to: number): string {
  const [low, high] = from < to ? [from, to] : [to, from];
  const count = Math.min(high - low + 1, ALTERNATIVES_MAX);
  return `(?:${Array.from({ length: count }, (_, i) => `\\+?${String(low + i)}`).join("|")})`;
}

function closingBrace(text: string): number {
  let depth = 0;
  for (let i = 0; i < text.length; ++i) {
    const char = text.charAt(i);
    if (char === "\\") {
      i += 1;
    } else if (char === "}") {
      if (depth === 0) {
        return i;
      }
      depth -= 1;
    } else if (char === "{") {
      depth += 1;
    }
  }
  return -1;
}

function hasComma(text: string): boolean {
  return /(?:^|[^\\]),/.test(text);
}

function literal(char: string): string {
  return char.replace(/[\\^$.*+?()[\]{}|/-]/u, String.raw`\$&`);
}
