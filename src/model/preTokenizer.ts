/**
 * Qwen2's pre-tokenizer: text is cut into words, and merges never cross a word's edge. The pattern matches everywhere, so
 * the words put together are the text.
 *
 * The original (tokenizer.json) is
 *   (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
 * and differs in spelling here for two reasons:
 * - JavaScript's `\s` has U+FEFF and lacks U+0085; Unicode's White_Space is what Rust's and llama.cpp's `\s` mean;
 * - the contractions are spelled out as in llama.cpp (src/llama-vocab.cpp), so that ſ (U+017F) is not folded to s; Hugging
 *   Face's engine folds it, a difference of no consequence.
 */
const S = "\\p{White_Space}";
const NOT_S = "\\P{White_Space}";
const WORD = [
  "'(?:[sStTmMdD]|[rR][eE]|[vV][eE]|[lL][lL])",
  "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+",
  "\\p{N}",
  ` ?[^${S}\\p{L}\\p{N}]+[\\r\\n]*`,
  `${S}*[\\r\\n]+`,
  `${S}+(?!${NOT_S})`,
  `${S}+`,
].join("|");

/** The words of `text`, in order. A lone surrogate is a character of its own, as U+FFFD would be. */
export function* splitWords(text: string): Generator<string> {
  // Its own object: a sticky position must not be shared between callers.
  const pattern = new RegExp(WORD, "gu");
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    yield match[0];
  }
}
