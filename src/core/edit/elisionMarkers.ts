/**
 * Marks by which models leave code out: "// ... existing code ...", "# rest of the function", "<!-- unchanged -->", "…".
 */

const COMMENTS: readonly RegExp[] = [
  /^\{\s*\/\*(.*)\*\/\s*\}$/,
  /^\/\*+(.*?)\*+\/$/,
  /^<!--(.*?)-->$/,
  /^\{\{!-*(.*?)-*\}\}$/,
  /^\(\*(.*?)\*\)$/,
  /^(?:\/\/+!?|#+|--+|;+|%+|"|'|rem\b|\/\*+|\*)(.*)$/i,
];
const WHAT =
  "(?:code|codes|lines?|function|functions|method|methods|class|classes|file|body|implementation|implementations|logic|content|contents|imports?|component|module|script|fields?|properties|tests?|cases?|rules?|styles?|rows?|entries|items|keys?|values?|members?|definitions?|declarations?|statements?|handlers?|routes?|section|sections|markup|text|stuff|props|variables?|setup|cleanup|configuration|config|settings|options|parameters?|types?)";
const KNOWN =
  "(?:existing|remaining|rest|previous|original|other|old|unchanged|unmodified|same|current|preceding|following|above|earlier|additional|more)";
const STAYS =
  "(?:(?:remains?|stays?|is|are|left|keep|kept|as|goes|go|continues?)\\b.*\\b(?:unchanged|unmodified|same|as (?:is|before|it was|they were)|here|existing|intact)|as (?:is|before|above|it was|they (?:were|are)|usual|previously|originally)|same as (?:before|above)|(?:stays?|remains?) the same|unchanged|unmodified|omitted(?: for (?:brevity|clarity))?|not shown|snipped|elided|truncated|skipped)";

const WORDS: readonly RegExp[] = [
  new RegExp(
    `^(?:the |your |all |my )*${KNOWN}(?: of)?(?: (?:the|your|this|its|all))*(?: [\\w$]+){0,3}? ${WHAT}(?: (?:of|in|for|from) (?:the |this |your )?[\\w$]+)?(?: (?:here|below|above|continues?|goes? here|${STAYS}))?$`,
    "i",
  ),
  new RegExp(`^(?:the )?(?:rest|remainder) of (?:the |your |this |it).*$`, "i"),
  new RegExp(`^(?:the )?(?:rest|remainder)(?: .*)?${STAYS}.*$`, "i"),
  new RegExp(`^(?:[\\w$,&-]+ ){0,5}(?:${WHAT} )?(?:\\w+ )?${STAYS}\\.?$`, "i"),
  /^(?:same|as) (?:as )?(?:before|above|original|previously)\b.*$/i,
  /^(?:no|without) changes?(?: (?:here|needed|above|below))?$/i,
  /^(?:existing|previous|remaining|unchanged|snip(?:ped)?|rest|etc|same|omitted|continued?)$/i,
  /^(?:keep|leave|insert|include|add|put|your|copy)\b.*\b(?:existing|rest|remaining|original|unchanged|as is|here|previous)\b.*$/i,
];
/** A mark with dots needs no more than a word that says what is left out. */
const DOTTED = new RegExp(
  `\\b(?:${KNOWN}|${WHAT}|omitted|keep|here|snip|before|as is|unchanged|continue[sd]?|etc|and so on|truncated|goes|todo)\\b`,
  "i",
);
const DOTS = /^\s*(?:\.{3,}|…|⋮|·{3,})|(?:\.{3,}|…|⋮|·{3,})\s*$/;

/** The text of a line that is all comment, or a lonely mark; undefined for code. */
function commentText(line: string): string | undefined {
  const text = line.trim();
  for (const comment of COMMENTS) {
    const inner = comment.exec(text)?.[1];
    if (inner !== undefined) {
      return inner.trim();
    }
  }
  const bracketed = /^(?:\[\s*(.*?)\s*\]|\(\s*(.*?)\s*\)|<\s*(.*?)\s*>)$/.exec(text);
  const bare = bracketed?.slice(1).find(Boolean) ?? text;
  // `...items` is code.
  return /^(?:\.{3,}|…|⋮)(?:\s+[^(){}[\];=]*)?$/.test(bare) ? bare : undefined;
}

/** Whether a line stands for code that is left out. One that the original has, too, is only a line; see `isMarker`. */
export function isMarkerLine(line: string): boolean {
  const text = commentText(line);
  if (text === undefined || text === "") {
    return false;
  }
  const words = text
    .replaceAll(/\.{3,}|…|⋮|·{3,}/g, " ")
    .replaceAll(/[*_=~-]{2,}|[()[\]]|(?<=\s)[-–—:](?=\s)/g, " ")
    .replace(/^[\s([{<:-]+/, "")
    .replace(/^TODO:? /, "")
    .replace(/[\s)\]}>:.-]+$/, "")
    .replaceAll(/\s+/g, " ");
  const bare = text.replaceAll(/[()[\]<>{}]/g, " ");
  if (words === "") {
    return DOTS.test(bare);
  }
  if (words.length > 100) {
    return false;
  }
  const isDotted = DOTS.test(bare);
  return (isDotted && words.split(" ").length <= 12 && DOTTED.test(words)) || WORDS.some((each) => each.test(words));
}

/** A block or suite on one line that is nothing but a mark: `f() { ... }`, `def f(x): ...`. */
export function splitInlineMarker(line: string): { head: string; mark: string; close: string } | undefined {
  const [, head = "", inner = "", close = ""] = /^(.*\{)\s*(\/\*.*?\*\/|\.{3}|…)\s*(\}[;,)]*)$/.exec(line) ?? [];
  // A line that begins with its bracket is a mark itself: `{/* ... */}`.
  if (/[\p{L}\p{N}]/u.test(head) && (isMarkerLine(inner) || /^(?:\.{3}|…)$/.test(inner))) {
    return { head, mark: inner, close };
  }
  const [, suite = "", dots = ""] = /^(\s*(?:async\s+)?(?:def|class)\b.*:)\s*(\.{3}|…|#.*)$/.exec(line) ?? [];
  return suite !== "" && isMarkerLine(dots) ? { head: suite, mark: dots, close: "" } : undefined;
}
