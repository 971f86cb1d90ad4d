/** A name in a document. */
export interface NearIdentifier {
  readonly name: string;
  /** UTF-16 units before it. */
  readonly offset: number;
}

/** Definitions beyond these are rarely of what is written next. */
export const IDENTIFIERS_MAX = 4;
const LINES_ABOVE = 8;
const CHARS_ABOVE = 1000;
/** Shorter names are mostly local. */
const NAME_CHARS_MIN = 3;
const NAME = /[\p{L}_$][\p{L}\p{N}_$]*/gu;
/** Of most languages; a provider has no definition of the others either. */
const KEYWORDS = new Set(
  (
    "abstract and any as assert async await bool boolean break case catch char class const constructor continue default def defer del delete do double elif else " +
    "end enum except export extends extern false final finally float for foreach from func function global if implements import in include int interface is " +
    "lambda let long match module mut namespace new nil none not null number object of operator or override package pass private protected pub public raise " +
    "readonly return self short static str string struct super switch template this throw trait true try type typeof undefined unless unsigned until use using " +
    "var virtual void volatile when where while with yield"
  ).split(" "),
);

/** Names before the cursor, the nearest first, each once: those whose definitions say most about what comes next. */
export function nearIdentifiers(text: string, offset: number): readonly NearIdentifier[] {
  let start = offset;
  for (let lines = 0; lines <= LINES_ABOVE && start > 0; ++lines) {
    start = text.lastIndexOf("\n", start - 1);
    if (start === -1) {
      break;
    }
  }
  const from = Math.max(0, start + 1, offset - CHARS_ABOVE);
  const found = [...text.slice(from, offset).matchAll(NAME)].map(({ 0: name, index }) => ({
    name,
    offset: from + index,
  }));
  // A name that the cursor ends is half typed.
  const whole = found.filter(
    ({ name, offset: at }) =>
      at + name.length < offset && name.length >= NAME_CHARS_MIN && !KEYWORDS.has(name.toLowerCase()),
  );
  const names = new Set<string>();
  return whole
    .toReversed()
    .filter(({ name }) => !names.has(name) && names.add(name))
    .slice(0, IDENTIFIERS_MAX);
}
