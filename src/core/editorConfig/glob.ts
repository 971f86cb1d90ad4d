/** What a pattern is made of. */
type Piece =
  | { readonly kind: "char"; readonly is: (char: string) => boolean }
  /** `*`: any characters but slashes. */
  | { readonly kind: "star" }
  /** `**` */
  | { readonly kind: "deepStar" }
  | { readonly kind: "oneOf"; readonly alternatives: readonly (readonly Piece[])[] };

/** A section's header. */
export interface Glob {
  test(path: string): boolean;
}

/** Patterns of hostile files: more alternatives are not compared. */
const ALTERNATIVES_MAX = 200;
const NEVER: Glob = { test: () => false };

/**
 * What a section's header matches, for paths below the folder of its file (https://spec.editorconfig.org, "Glob Expressions"):
 * `*` and `?` but slashes, `**`, `[name]`, `[!name]`, `{a,b}`, `{1..9}`; without a slash in any folder below.
 */
export function globOf(pattern: string): Glob {
  const isAnchored = pattern.replaceAll(/\[[^\]]*\]/g, "").includes("/");
  try {
    const pieces = new GlobReader(isAnchored ? pattern.replace(/^\//, "") : pattern).read();
    return pieces === undefined ? NEVER : { test: (path) => matches(pieces, path, isAnchored) };
  } catch {
    // A set of characters that is none.
    return NEVER;
  }
}

/**
 * Whether the pieces make up the path, or where they are not anchored what is behind one of its slashes. Each piece is taken once, from
 * all places at which it may begin: a regular expression would try all combinations of stars, which takes years where a hostile file
 * has ten of them.
 */
function matches(pieces: readonly Piece[], path: string, isAnchored: boolean): boolean {
  const chars = Array.from(path);
  const starts = new Uint8Array(chars.length + 1);
  starts[0] = 1;
  if (!isAnchored) {
    for (const [i, char] of chars.entries()) {
      starts[i + 1] = char === "/" ? 1 : 0;
    }
  }
  return endsOf(pieces, chars, starts)[chars.length] === 1;
}

/** By number of characters before: 1 where the pieces may end that begin where `starts` is 1. */
function endsOf(pieces: readonly Piece[], chars: readonly string[], starts: Uint8Array): Uint8Array {
  let at = starts;
  for (const piece of pieces) {
    if (!at.includes(1)) {
      break;
    }
    at = endsOfPiece(piece, chars, at);
  }
  return at;
}

function endsOfPiece(piece: Piece, chars: readonly string[], starts: Uint8Array): Uint8Array {
  const ends = new Uint8Array(starts.length);
  switch (piece.kind) {
    case "char":
      for (const [i, char] of chars.entries()) {
        ends[i + 1] = starts[i] === 1 && piece.is(char) ? 1 : 0;
      }
      return ends;
    case "star":
      ends[0] = starts[0] ?? 0;
      for (const [i, char] of chars.entries()) {
        ends[i + 1] = starts[i + 1] === 1 || (ends[i] === 1 && char !== "/") ? 1 : 0;
      }
      return ends;
    case "deepStar":
      return ends.fill(1, starts.indexOf(1));
    case "oneOf":
      for (const alternative of piece.alternatives) {
        const own = endsOf(alternative, chars, starts);
        for (const [i, end] of own.entries()) {
          ends[i] = end === 1 ? 1 : (ends[i] ?? 0);
        }
      }
      return ends;
  }
}

class GlobReader {
  readonly #pattern: string;
  #at = 0;
  #alternatives = 0;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  /** Errors: SyntaxError for a set of characters that is none. */
  read(): readonly Piece[] | undefined {
    const pieces = this.#sequence(false);
    return this.#alternatives > ALTERNATIVES_MAX ? undefined : pieces;
  }

  /** To the end, or to the comma or brace that ends an alternative. */
  #sequence(isInBraces: boolean): readonly Piece[] {
    const pieces: Piece[] = [];
    while (this.#at < this.#pattern.length && this.#alternatives <= ALTERNATIVES_MAX) {
      const char = String.fromCodePoint(this.#pattern.codePointAt(this.#at) ?? 0);
      if (isInBraces && (char === "," || char === "}")) {
        break;
      }
      this.#at += char.length;
      pieces.push(this.#piece(char));
    }
    return pieces;
  }

  #piece(char: string): Piece {
    const rest = this.#pattern.slice(this.#at);
    switch (char) {
      case "\\": {
        const escaped = rest === "" ? "\\" : String.fromCodePoint(rest.codePointAt(0) ?? 0);
        this.#at += rest === "" ? 0 : escaped.length;
        return literal(escaped);
      }
      case "?":
        return { kind: "char", is: (each) => each !== "/" };
      case "*": {
        const isDeep = rest.startsWith("*");
        this.#at += isDeep ? 1 : 0;
        return { kind: isDeep ? "deepStar" : "star" };
      }
      case "[":
        return this.#set(rest);
      case "{":
        return this.#braces(rest);
      default:
        return literal(char);
    }
  }

  #set(rest: string): Piece {
    const [whole = "", not = "", names = ""] = /^([!^]?)((?:\\.|[^\]\\/])+)\]/.exec(rest) ?? [];
    if (whole === "") {
      return literal("[");
    }
    this.#at += whole.length;
    const chars = names.replaceAll(/\\(.)/g, "$1").replaceAll(/[\\\]^[]/g, String.raw`\$&`);
    const one = new RegExp(`^[${not === "" ? "" : "^"}${chars}]$`, "u");
    return { kind: "char", is: (char) => one.test(char) && (not === "" || char !== "/") };
  }

  #braces(rest: string): Piece {
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
    const alternatives: (readonly Piece[])[] = [];
    do {
      alternatives.push(this.#sequence(true));
      this.#at += 1;
    } while (
      this.#pattern.charAt(this.#at - 1) === "," &&
      this.#alternatives + alternatives.length <= ALTERNATIVES_MAX
    );
    this.#alternatives += alternatives.length;
    return { kind: "oneOf", alternatives };
  }
}

/** A range of numbers, as far as it is listed. */
function numbers(from: number, to: number): Piece {
  const [low, high] = from < to ? [from, to] : [to, from];
  const count = Math.min(high - low + 1, ALTERNATIVES_MAX);
  const texts = Array.from({ length: count }, (_, i) => String(low + i)).flatMap((text) => [text, `+${text}`]);
  return { kind: "oneOf", alternatives: texts.map((text) => Array.from(text, (char) => literal(char))) };
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

function literal(char: string): Piece {
  return { kind: "char", is: (each) => each === char };
}
