/**
 * Estimated tokens of a text, rather too many than too few, for a window that has no tokenizer: three characters
 * of code or prose a token, and one and a half a token for each character beyond Latin, which byte-level vocabularies
 * often split.
 */
export function estimateTokens(text: string): number {
  let beyondLatin = 0;
  for (let i = 0; i < text.length; ++i) {
    if (text.charCodeAt(i) > 0x24f) {
      beyondLatin += 1;
    }
  }
  return Math.ceil((text.length - beyondLatin) / 3 + beyondLatin * 1.5);
}
