/**
 * Pre-tokenizers: text is cut into words, and merges never cross a word's edge. Each pattern matches everywhere, so the words put
 * together are the text.
 *
 * JavaScript's `\s` has U+FEFF and lacks U+0085; Unicode's White_Space is what Rust's and llama.cpp's `\s` mean.
 */
const S = "\\p{White_Space}";
const NOT_S = "\\P{White_Space}";

/**
 * Qwen2's. The original (tokenizer.json) is
 *   (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
 * and the contractions are spelled out as in llama.cpp (src/llama-vocab.cpp), so that ſ (U+017F) is not folded to s; Hugging
 * Face's engine folds it, a difference of no consequence.
 */
const QWEN2 = [
  "'(?:[sStTmMdD]|[rR][eE]|[vV][eE]|[lL][lL])",
  "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+",
  "\\p{N}",
  ` ?[^${S}\\p{L}\\p{N}]+[\\r\\n]*`,
  `${S}*[\\r\\n]+`,
  `${S}+(?!${NOT_S})`,
  `${S}+`,
].join("|");

/**
 * Mellum 2's, which is StarCoder's: the text is first cut at every digit, and what is between digits by GPT-2's pattern
 *   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 * In one pattern: a digit is a word of its own and takes no space before it, and the end of a run of spaces in front of one is the
 * end of its piece.
 */
const MELLUM2 = [
  "'(?:[stmd]|re|ve|ll)",
  " ?\\p{L}+",
  "\\p{N}",
  ` ?[^${S}\\p{L}\\p{N}]+`,
  `${S}+(?![^${S}\\p{N}])`,
  `${S}+`,
].join("|");

/** By `tokenizer.ggml.pre`. */
const WORDS = { qwen2: QWEN2, mellum2: MELLUM2 } as const;

export type PreTokenizer = keyof typeof WORDS;
export const PRE_TOKENIZERS = Object.keys(WORDS) as readonly PreTokenizer[];

/** The words of `text`, in order. A lone surrogate is a character of its own, as U+FFFD would be. */
export function* splitWords(text: string, kind: PreTokenizer): Generator<string> {
  // Its own object: a sticky position must not be shared between callers.
  const pattern = new RegExp(WORDS[kind], "gu");
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    yield match[0];
  }
}
