import type { Prng } from "../../../test/fixtures/prng";

/** Pieces that tokenizers disagree about, for random texts. */
const PIECES: readonly string[] = [
  // Code.
  ..."the return const function int for if else while import class self print length value name x foo bar".split(" "),
  ...[
    "();",
    "=>",
    "==",
    "!=",
    "//",
    "/*",
    "*/",
    "{",
    "}",
    "[",
    "]",
    "<T>",
    "->",
    "::",
    "#",
    "@",
    "$",
    "\\",
    '"',
    "`",
    "_",
    "...",
    "0x1F",
    "3.14",
    "1e-5",
  ],
  // Contractions, with what folds to their letters in some engines (long s, Kelvin sign).
  ...[
    "'s",
    "'S",
    "'t",
    "'re",
    "'RE",
    "'vE",
    "'m",
    "'ll",
    "'LL",
    "'d",
    "'\u017f",
    "'x",
    "'",
    "''",
    "\u2019s",
    "'\u212a",
    "\u017f",
  ],
  // White space: ASCII, Unicode's, and what only looks like it.
  ...[" ", "  ", "   ", "\t", "\n", "\r\n", "\r", "\n\n", " \n", "\n ", "\t\t", "\v", "\f"],
  ...["\u0085", "\u00a0", "\u1680", "\u2000", "\u200a", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000"],
  ...["\ufeff", "\u180e", "\u200b", "\u200d", "\u2060", "\u00ad", "\u0000", "\u0007", "\u001c", "\u001f"],
  // Letters, marks and numbers of many kinds, also outside the basic plane.
  ...[
    "é",
    "e\u0301",
    "ß",
    "ǆ",
    "İ",
    "ı",
    "Ω",
    "ж",
    "щё",
    "א",
    "שׁ",
    "ا",
    "لا",
    "हिन्दी",
    "ไทย",
    "ក្រ",
    "中文",
    "日本語",
    "한국어",
    "\u1112\u1161\u11ab",
  ],
  ...["𝒳", "𐐷", "𠜎", "ª", "ʰ", "ⅷ", "½", "²", "٣", "९", "𝟘", "①", "㊿", "1", "42", "2024", "000"],
  // Emoji, joined ones, flags, skin tones, keycaps; private and unassigned characters; other symbols.
  ...[
    "😀",
    "👨‍👩‍👧",
    "👩🏽‍💻",
    "🇩🇪",
    "❤️",
    "1️⃣",
    "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "\ue000",
    "\u{10ffff}",
    "\u{50000}",
    "€",
    "→",
    "├──",
    "█",
    "№",
    "™",
    "\ufffd",
  ],
  // Names of control tokens: text like any other.
  ...["<|im_end|>", "<|endoftext|>", "<|fim_prefix|>", "<tool_call>", "<|", "|>"],
];

/** A text of 1 to `piecesMax` pieces; well-formed. */
export function strangeText(random: Prng, piecesMax: number): string {
  const count = 1 + random.nextBelow(piecesMax);
  return Array.from({ length: count }, () => PIECES[random.nextBelow(PIECES.length)] ?? "").join("");
}

/** A text of `length` characters from all of Unicode but surrogates. */
export function randomUnicode(random: Prng, length: number): string {
  let text = "";
  while (length-- > 0) {
    // Half of them from the first 64 Ki, where most scripts are.
    const codePoint = random.nextBelow(2) === 0 ? random.nextBelow(0x110000) : random.nextBelow(0x10000);
    text += codePoint >= 0xd800 && codePoint <= 0xdfff ? "\ufffd" : String.fromCodePoint(codePoint);
  }
  return text;
}
