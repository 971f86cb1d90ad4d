/**
 * Patterns of ignore files become regular expressions, which try all places at which a star may end, and all combinations of these: where
 * a hostile file has ten stars in a row, that takes years. More than so many in the way of each other no pattern needs.
 */
const STARS_MAX = 2;

/** An escaped character, a set of characters, a run of stars, or one character. */
const PARTS = /\\.|\[[^\]]*\]|\*+|./gsu;

/**
 * The pattern itself, or where it has too many stars one that names all that it names and more, by how it begins and ends: what may be
 * ignored is not read. Undefined: one that brings files back, and nobody may be sure which.
 */
export function plainPattern(pattern: string, bringsBack: boolean): string | undefined {
  const pieces = pattern.split("/").map((piece) => piece.match(PARTS) ?? []);
  const isDeep = (piece: readonly string[]): boolean => piece.length === 1 && piece[0] === "**";
  const deep = pieces.flatMap((piece, i) => (isDeep(piece) ? [i] : []));
  const [firstDeep = 0, lastDeep = 0] = [deep[0], deep.at(-1)];
  const stars = pieces.reduce((sum, piece) => sum + Math.max(0, piece.filter(isStar).length - 1), 0);
  if (stars + Math.max(0, deep.length - 1) <= STARS_MAX) {
    return pattern;
  }
  if (bringsBack) {
    return undefined;
  }
  const left = [...pieces.slice(0, firstDeep), ...pieces.slice(lastDeep)];
  return left.map((piece) => (isDeep(piece) ? "**" : withOneStar(piece))).join("/");
}

function isStar(part: string): boolean {
  return part.startsWith("*");
}

function withOneStar(piece: readonly string[]): string {
  const first = piece.findIndex(isStar);
  const last = piece.findLastIndex(isStar);
  return first === last ? piece.join("") : `${piece.slice(0, first).join("")}*${piece.slice(last + 1).join("")}`;
}
