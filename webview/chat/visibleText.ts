/** Text in pieces: as it is, or a character that changes the order of others and is itself not seen. */
export type TextPiece =
  { readonly kind: "plain"; readonly text: string } | { readonly kind: "control"; readonly name: string };

/**
 * Embeddings, overrides and isolates. With them a text can look otherwise than a compiler or a shell reads it. The marks
 * that right-to-left languages need in everyday text (U+200E, U+200F, U+061C) reorder no foreign text.
 */
const REORDERING = /[\u202A-\u202E\u2066-\u2069]/;
const PIECES = /[\u202A-\u202E\u2066-\u2069]|[^\u202A-\u202E\u2066-\u2069]+/g;

export function hasReordering(text: string): boolean {
  return REORDERING.test(text);
}

/** The pieces of a text; a reordering character by its name, e.g. U+202E. */
export function textPieces(text: string): readonly TextPiece[] {
  return (text.match(PIECES) ?? []).map((text) =>
    REORDERING.test(text)
      ? { kind: "control", name: `U+${text.charCodeAt(0).toString(16).toUpperCase()}` }
      : { kind: "plain", text },
  );
}
