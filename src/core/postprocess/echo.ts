import type { Surroundings } from "../context";
import { type Draft, shortened } from "./draft";

/** Models that were trained to talk repeat the line, or at least the word, that they are to continue. */
export function dropEcho(draft: Draft, at: Surroundings): Draft {
  const echo = echoOf(draft.text, at);
  if (echo === 0) {
    return draft;
  }
  const rest = draft.text.slice(echo);
  const text = /\s$/.test(at.before) ? rest.replace(/^[ \t]/, "") : rest;
  return shortened(draft, text, "repeats");
}

/** UTF-16 units at the beginning of the text that say once more what stands before the cursor; 0 where none do. */
function echoOf(text: string, at: Surroundings): number {
  return (
    echoedLine(text, at) ||
    echoedMark(text, at) ||
    echoedColon(text, at) ||
    echoedSign(text, at) ||
    echoedInterpolation(text, at) ||
    echoedBrace(text, at) ||
    echoedParenthesis(text, at) ||
    echoedComment(text, at) ||
    echoedTag(text, at) ||
    echoedQuote(text, at) ||
    echoedString(text, at) ||
    echoedKeyword(text, at) ||
    echoedLabel(text, at) ||
    echoedAssignment(text, at) ||
    echoedEmphasis(text, at) ||
    echoedName(text, at)
  );
}

const STATEMENT_HEAD =
  /^(?:if|for|foreach|while|until|switch|match|catch|def|fn|fun|func|function|class|with|return|elif)\b/;

/** What no command of that name stands in. */
const ONCE_IN_LATEX =
  /^\\(?:(?:sub)*(?:section|paragraph)|chapter|part|title|author|date|caption|label|ref|cite|begin|end|usepackage|documentclass|input|include(?:graphics)?|textbf|textit|emph|texttt|underline|footnote|item)\*?[{[]$/;

/** All of the line, from its first character on. */
function echoedLine(text: string, { before, after, enclosing, language }: Surroundings): number {
  const typed = before.trim();
  const lead = text.length - text.trimStart().length;
  const isMark = typed.length >= 2 && language.lineComments.includes(typed);
  const isEnough = typed.length >= 3 || isMark || (typed !== "" && /\s$/.test(before));
  if (!isEnough || !text.startsWith(typed, lead) || !/\W/.test(before.trimStart())) {
    return 0;
  }
  const rest = text.slice(lead + typed.length);
  // A row of the same: of dashes, of noughts, of closing brackets.
  if (rest.trim() !== "" && goesOnAs(typed, rest)) {
    return 0;
  }
  if (!/[\p{L}\p{N}]/u.test(typed) && enclosing === undefined && !/\s$/.test(before) && /[)\]}>]$/.test(typed)) {
    return 0;
  }
  const isNested =
    /[([{>]$/.test(typed) &&
    !STATEMENT_HEAD.test(typed) &&
    !ONCE_IN_LATEX.test(typed) &&
    closesIt(typed, after) &&
    !/[;{:]\s*$/.test(text);
  return isNested ? 0 : lead + typed.length;
}

/** What is left of a text when `unit` is taken from its beginning begins with that unit, or with a part of it. */
function goesOnAs(unit: string, rest: string): boolean {
  const start = rest.trimStart().slice(0, unit.length);
  return start === unit || (start !== "" && /^[^\p{L}]+$/u.test(start) && unit.startsWith(start.trimEnd()));
}

/** What is open at the end of the typed line has been closed behind the cursor: the text is what stands between. */
function closesIt(typed: string, after: string): boolean {
  const tag = /<([A-Za-z][\w.-]*)[^<>]*>$/.exec(typed)?.[1];
  if (tag !== undefined) {
    return after.trimStart().startsWith(`</${tag}`);
  }
  const closer = { "(": ")", "[": "]", "{": "}" }[typed.slice(-1)];
  return closer !== undefined && after.trimStart().startsWith(closer);
}

/** A sign that begins a name, a comment or a list's item, where the same sign twice is another thing. */
function echoedMark(text: string, at: Surroundings): number {
  const { before, enclosing, language, languageId, syntax } = at;
  if (before.endsWith("@@") && /^@@[\p{L}_]/u.test(text) && enclosing === undefined) {
    return 2;
  }
  const mark = /(?:^|[^\p{L}\p{N}_$@#\\])([@#$\\.]|[-*+])$/u.exec(before)?.[1];
  if (mark === undefined || !text.startsWith(mark)) {
    return 0;
  }
  const rest = text.slice(1);
  const isFirst = before.trim() === mark;
  const isStyle = ["css", "scss", "less"].includes(languageId);
  switch (mark) {
    case "-":
    case "*":
    case "+":
      return isFirst && !language.brackets && /^ \S/.test(rest) && !rest.startsWith(` ${mark}`) ? 1 : 0;
    case "@":
      return enclosing === undefined && !isDoubledSign("@@", at) && /^\p{L}/u.test(rest) ? 1 : 0;
    case "$":
      // A shell's `$$` is a number, which no name follows; what Perl declares is no reference.
      return ((enclosing === undefined || enclosing === "string") && isShell(syntax) && /^[\p{L}_{(]/u.test(rest)) ||
        /\b(?:my|our|local|state) \$$/.test(before)
        ? 1
        : enclosing === undefined && language.doubledSigns !== true && /^[\p{L}_]/u.test(rest)
          ? 1
          : 0;
    case ".":
      return isFirst && isStyle && /^[\p{L}_-]/u.test(rest) ? 1 : 0;
    case "#":
      if (isStyle) {
        return /^\w/.test(rest) ? 1 : 0;
      }
      // A heading of Markdown goes on with a space, and one sign more makes it another heading.
      return isFirst && language.brackets && /^(?:[a-z[!]|$)/.test(rest) ? 1 : 0;
    default:
      return isFirst && !language.brackets && /^\p{L}/u.test(rest) ? 1 : 0;
  }
}

/** Variables of a class, or of a server: there who has one may have another. */
function isDoubledSign(signs: string, { above, below, languageId }: Surroundings): boolean {
  return languageId === "ruby" || (languageId === "sql" && `${above}${below}`.includes(signs));
}

function isShell({ reader }: Surroundings["syntax"]): boolean {
  return reader.languageId === "shellscript" || reader.languageId === "powershell";
}

/** The colon of a symbol; two of them begin the name of a module. */
function echoedColon(text: string, { before, above, enclosing, languageId }: Surroundings): number {
  // Clojure has keywords of namespaces, with two.
  if (languageId === "clojure" && /(?<![\p{L}\p{N}:])::/u.test(above)) {
    return 0;
  }
  const hasSymbols = /^(?:ruby|elixir|clojure)$/.test(languageId);
  const isMark = hasSymbols && enclosing === undefined && /(?:^|[\s,([{])$/.test(before.slice(0, -1));
  return isMark && before.endsWith(":") && /^:[\p{Ll}_"]/u.test(text) ? 1 : 0;
}

/** Operators of which no language has two in a row without an operand between them. */
const SIGN_ONCE =
  /(?:=>|->|::|\|>|%\w?>%|&&|\?\?|[-+*/%|&^<>!=:]=)$|(?:=>|->|::|\|>|%\w?>%|>>=|<[$*]?>|=~|&&|\|\||\?\?|[-+*/%|&^<>!=:]?=|[<>?:,]) $/;

/** The operator behind which an operand is wanted. */
function echoedSign(text: string, { before, enclosing, open, language, languageId }: Surroundings): number {
  const member = enclosing === undefined ? /[\p{L}\p{N}_)\]](\?\.|\.)$/u.exec(before)?.[1] : undefined;
  const again = /^(?:\?\.|\.)(?=[\p{L}_])/u.exec(text)?.[0];
  if (again !== undefined && (member === "?." || (member === "." && HAVE_NO_RANGES.test(languageId)))) {
    return again.length;
  }
  const sign = SIGN_ONCE.exec(before)?.[0].trim();
  if (sign === undefined || enclosing !== undefined || !language.brackets || !text.startsWith(sign)) {
    return before.endsWith("<- ") && text.startsWith("<- ") && enclosing === undefined ? 2 : 0;
  }
  // A comma may leave out an element, a colon an end; `= ==` and `: ::` begin another sign.
  const isMeant = open?.text === "[" && /^[,:]$/.test(sign);
  return isMeant || /^[=<>&|:+*%^-]/.test(text.slice(sign.length)) ? 0 : sign.length;
}

/** Two dots mean nothing there. */
const HAVE_NO_RANGES = /^(?:(?:java|type)script(?:react)?|python|java|c|cpp|go|objective-c)$/;
const SCRIPTS = /^(?:java|type)script(?:react)?$/;

/** What leads back to code in a string or in markup: `${`, `{{`, `<%=`; where one brace does, only where one has. */
function echoedInterpolation(text: string, { before, open }: Surroundings): number {
  const typed = before.trimEnd();
  const sign = /(?:[$#]\{|\{\{[-~#]?|\{%[-+]?|<%[-=]?|<\?=|\\\()$/.exec(typed)?.[0];
  const isOpen = open?.kind === "interpolation" && open.nesting > 0 && typed.endsWith(open.text);
  const opener = sign ?? (isOpen ? open.text : undefined);
  return opener !== undefined && text.startsWith(opener) && /^\s*[\p{L}_$@]/u.test(text.slice(opener.length))
    ? opener.length
    : 0;
}

/** Names that are brought in, sent out or taken out of something; the first of them is a name. */
const NAMES_IN_BRACES =
  /^\s*(?:(?:import|export)(?:\s+type)?(?:\s[\w$]+,)?|const|let|var|(?:pub )?use\s[\w:]+::)\s*\{ ?$/;

/** A brace that opens an object, a bracket that opens an attribute: where nothing else could follow but the same again. */
function echoedBrace(text: string, { before, above, below, enclosing, languageId }: Surroundings): number {
  if (enclosing !== undefined) {
    return 0;
  }
  if (/^(?:ini|properties|toml)$/.test(languageId) && before === "[" && /^\[[^[\]]+\]$/.test(text)) {
    // TOML's tables of a list have two; a document that has one may have another.
    return languageId === "toml" && `${above}${below}`.includes("[[") ? 0 : 1;
  }
  if (languageId === "csharp" && before.trim() === "[" && /^\[\p{L}/u.test(text)) {
    return 1;
  }
  if (languageId === "rust" && /^\s*#!?\[$/.test(before) && text.startsWith(before.trim())) {
    return before.trim().length;
  }
  if (NAMES_IN_BRACES.test(before) && /^\{\s*[\p{L}_$*]/u.test(text)) {
    return 1;
  }
  const isObject = SCRIPTS.test(languageId) && /(?:[=:,?[]\s|\(|\breturn\s)\{$/.test(before);
  return isObject && /^\{\s*(?:[\p{L}\p{N}_$"'[]|\.\.\.)/u.test(text) ? 1 : 0;
}

/** Values in brackets, separated by commas, are one value: a tuple, or the last of them. */
const HAVE_NO_TUPLES = /^(?:(?:java|type)script(?:react)?|java|c|cpp|go|objective-c|php|dart)$/;

/** The bracket that opens a call's arguments, where the text says all of them in brackets of their own: `f(` and `(a, b)`. */
function echoedParenthesis(text: string, { before, after, enclosing, languageId }: Surroundings): number {
  const isCall = enclosing === undefined && HAVE_NO_TUPLES.test(languageId) && /[\p{L}\p{N}_$]\($/u.test(before);
  const isAll = /^\([^()[\]{}"'`]*,[^()[\]{}"'`]*\)[;\s]*$/.test(text);
  return isCall && isAll && after.startsWith(")") ? 1 : 0;
}

/** The mark of a comment behind code. */
function echoedComment(text: string, { before, enclosing, language }: Surroundings): number {
  const typed = before.trimEnd();
  const mark = language.lineComments.find((each) => typed.endsWith(each));
  const isAlone = mark !== undefined && !typed.slice(0, -mark.length).endsWith(mark.slice(-1));
  return enclosing === "comment" && isAlone && text.startsWith(`${mark} `) ? mark.length : 0;
}

/** `<` and `</` that begin a tag, and what there is of its name. */
function echoedTag(text: string, { before, enclosing }: Surroundings): number {
  const named = enclosing === undefined ? /<\/?\p{L}[\p{L}\p{N}_.:-]*$/u.exec(before)?.[0] : undefined;
  if (named !== undefined && text.startsWith(named)) {
    return named.length;
  }
  const mark = /<\/$|(?:^|[\s>])<$/.exec(before)?.[0].trim().slice(-2).replace(/^>/, "");
  const isTag = mark === "</" || before.trim() === "<";
  return mark !== undefined && isTag && text.startsWith(mark) && /^\p{L}/u.test(text.slice(mark.length))
    ? mark.length
    : 0;
}

/** All of the string so far: `'./` and `./a'`. */
function echoedString(text: string, { before, enclosing, open }: Surroundings): number {
  const quote = open?.kind === "string" && open.nesting === 1 ? open.text : "";
  const typed = quote === "" ? "" : before.slice(before.lastIndexOf(quote) + quote.length);
  const isEnough = typed.length >= 3 || (typed.length === 2 && /[^\p{L}\p{N}\s]/u.test(typed));
  const isEcho = enclosing === "string" && isEnough && text.startsWith(typed) && text.length > typed.length;
  return isEcho && !goesOnAs(typed, text.slice(typed.length)) ? typed.length : 0;
}

/** Words of which no language has two in a row. */
const ONCE =
  /(?:^|\s)((?:class|struct|enum|interface|trait|impl|namespace|module|import|from|const|let|var|fn|func|fun|function|def|return|public|private|protected|package|export|extends|implements|type|where|throw|throws|raise|import|use|using|include|new|await|async|static|final|abstract|readonly|override|virtual|inline|extern|pub|mut|val|declare|internal|suspend|if|elif|elsif|unless|while|until|for|foreach|switch|match|case|except|default|else|then|in|of|by|as|is) )$/;

/** And of SQL's, in capitals or not. */
const ONCE_IN_SQL =
  /(?:^|\s)((?:select|from|where|and|or|on|join|inner|left|into|values|set|update|table|having|limit|group by|order by) )$/i;

function echoedKeyword(text: string, { before, enclosing, language, languageId }: Surroundings): number {
  const word = ONCE.exec(before)?.[1] ?? (languageId === "sql" ? ONCE_IN_SQL.exec(before)?.[1] : undefined);
  return word !== undefined && enclosing === undefined && language.brackets && text.startsWith(word) ? word.length : 0;
}

/** The quote that has just opened a string, with another one at that string's end. */
function echoedQuote(text: string, { before, enclosing, open }: Surroundings): number {
  const quote = text.charAt(0);
  const opener = open?.kind === "string" ? open.text : "";
  if ((opener.length > 1 || opener === "<") && before.endsWith(opener) && text.startsWith(opener)) {
    return text.includes(open?.close ?? opener, opener.length) ? opener.length : 0;
  }
  if (!/["'`]/.test(quote) || !before.endsWith(quote) || before.endsWith(quote + quote) || text.startsWith(quote, 1)) {
    return 0;
  }
  const isOpen = enclosing === "string" && open?.close === quote;
  const [line = ""] = text.split("\n");
  const quotes = line.replace(/\\./g, "").split(quote).length - 1;
  return isOpen && quotes % 2 === 0 ? 1 : 0;
}

/** A word and its colon: `TODO: `, the name of a field, also in quotes. */
function echoedLabel(text: string, { before }: Surroundings): number {
  const label = /(?:^|[\s({[,"'`#/*])((?:[\p{L}_][\p{L}\p{N}_-]*|"[^"]+"|'[^']+'):) ?$/u.exec(before)?.[1];
  return label !== undefined && text.startsWith(label) && text.length > label.length ? label.length : 0;
}

/** A name and what begins its value: `class="`, `end='`, `key: "`. */
function echoedAssignment(text: string, { before }: Surroundings): number {
  const assignment = /(?<=^|[\s({[,<])[\p{L}_$@:#][\p{L}\p{N}_$@:.-]*\s*(?:[=:]\s*["'`]|=)$/u.exec(before)?.[0];
  return assignment !== undefined && text.startsWith(assignment) && text.length > assignment.length
    ? assignment.length
    : 0;
}

/** The name, or the chain of names, that the cursor stands behind. */
function echoedName(text: string, at: Surroundings): number {
  const { before, enclosing } = at;
  if (enclosing !== undefined) {
    return 0;
  }
  const chain = /[$@]?[\p{L}_$][\p{L}\p{N}_$]*(?:(?:\?\.|\.|->|::)[\p{L}\p{N}_$]*)+$/u.exec(before)?.[0];
  if (chain !== undefined && text.startsWith(chain) && !goesOnAs(chain, text.slice(chain.length))) {
    return chain.length;
  }
  const word = /[\p{L}\p{N}_$]+$/u.exec(before)?.[0] ?? "";
  if (word === "" || !text.startsWith(word)) {
    return 0;
  }
  const next = text.charAt(word.length);
  const isSame = /^\p{L}/u.test(word) && next !== "" && !/[\p{L}\p{N}_$]/u.test(next) && !isHalf(word, at);
  return word.length >= 3 || isSame || isBegun(word, text, at) ? word.length : 0;
}

/** On either side of the cursor. */
const CHARS_AROUND = 20_000;

/** Said twice it is a word of the document, and not by itself: the first half of `CC`. */
function isHalf(word: string, { above, below }: Surroundings): boolean {
  const words = new Set(`${above.slice(-CHARS_AROUND)}\n${below.slice(0, CHARS_AROUND)}`.match(/[\p{L}\p{N}_$]+/gu));
  return words.has(word + word) && !words.has(word);
}

/** One or two letters of a word that the text says from its beginning: it is a keyword, or stands somewhere in the document. */
function isBegun(begun: string, text: string, at: Surroundings): boolean {
  const { above, below } = at;
  const word = /^[\p{L}\p{N}_$]+/u.exec(text)?.[0] ?? "";
  if (word.length <= begun.length) {
    return false;
  }
  const around = `${above.slice(-CHARS_AROUND)}\n${below.slice(0, CHARS_AROUND)}`;
  const words = new Set(around.match(/[\p{L}\p{N}_$]+/gu));
  const isWord = STATEMENT_HEAD.test(word) || words.has(word) || isKeyword(word, text, begun, at);
  return isWord && !words.has(begun + word);
}

/** To the grammar, where it takes the place of what has been typed of it, and with that before it is none. */
function isKeyword(word: string, text: string, begun: string, { before, syntax }: Surroundings): boolean {
  const start = before.length - begun.length;
  const [line = ""] = text.split("\n");
  const isOne = (said: string): boolean => {
    const rest = line.slice(word.length);
    const { tokens } = syntax.reader.readLine(`${before.slice(0, start)}${said}${rest} `, syntax.lineStart.syntax);
    const token = tokens.find(({ end }) => end > start);
    return token?.scope.role === "keyword" && token.start === start && token.end === start + said.length;
  };
  return isOne(word) && !isOne(begun + word);
}

/** What begins emphasis, or a link's text, where the same ends it behind the cursor. */
function echoedEmphasis(text: string, { before, after, enclosing, language }: Surroundings): number {
  if (language.brackets || enclosing === "comment") {
    return 0;
  }
  const sign = /(?:\*{1,3}|_{1,2}|~~|`{1,2})$/.exec(before)?.[0];
  if (sign !== undefined && after.startsWith(sign) && text.startsWith(sign)) {
    return text.length > 2 * sign.length && text.endsWith(sign) ? sign.length : 0;
  }
  return before.endsWith("[") && after.startsWith("](") && /^\[[^[\]]+\](?:\([^()]*\))?$/.test(text) ? 1 : 0;
}
