import type MarkdownIt from "markdown-it";
import type { StateBlock, StateInline } from "markdown-it";

/** What models write and CommonMark reads otherwise. */

const MARKDOWN_INFO = /^(?:markdown|md|mdx|rmd|rmarkdown|qmd|quarto)\b/i;
/** Beyond so many columns a mark is code. */
const MARK_COLUMNS_MAX = 3;

type BlockRule = (state: StateBlock, startLine: number, endLine: number, silent: boolean) => boolean;

export function addRules(markdown: InstanceType<typeof MarkdownIt>): void {
  markdown.block.ruler.before("fence", "nestedFence", nestedFence, {
    alt: ["paragraph", "reference", "blockquote", "list"],
  });
  // Tables are the first that is looked for.
  const [table] = markdown.block.ruler.getRules("");
  if (table !== undefined) {
    markdown.block.ruler.before("table", "hugeTable", hugeTables(table), { alt: ["paragraph", "reference"] });
  }
  markdown.inline.ruler.before("escape", "formula", formula);
}

/** Nobody reads a table of more columns, and a page takes a tenth of a second for some thousand cells. */
const COLUMNS_MAX = 100;
const CELLS_MAX = 4000;
/** Beyond so many cells a table has no more of them than characters: short rows are filled up. */
const FILLED_CELLS_MAX = 400;

/** What would be a table of too many columns or cells is shown as it is written. */
function hugeTables(table: BlockRule): BlockRule {
  return (state, startLine, endLine, silent) => {
    if (!table(state, startLine, endLine, true)) {
      return false;
    }
    const columns = lineAt(state, startLine + 1)
      .split("|")
      .filter((mark) => mark.trim() !== "").length;
    let line = startLine + 2;
    while (line < endLine && !state.isEmpty(line) && (state.sCount[line] ?? 0) >= state.blkIndent) {
      line += 1;
    }
    const cells = columns * (line - startLine - 1);
    const chars = (state.eMarks[line - 1] ?? 0) - (state.bMarks[startLine] ?? 0);
    if (columns <= COLUMNS_MAX && cells <= CELLS_MAX && (cells <= FILLED_CELLS_MAX || cells <= chars)) {
      return false;
    }
    if (!silent) {
      const token = state.push("code_block", "code", 0);
      token.content = state.getLines(startLine, line, state.blkIndent, true);
      token.map = [startLine, line];
      state.line = line;
    }
    return true;
  };
}

/**
 * A block of Markdown that shows blocks itself, with marks as long as its own: a mark with a language opens one, and so does
 * one below a blank line or a colon with text behind it. A text that grows is read alike at each length, but for its last
 * block, which is read again.
 */
function nestedFence(state: StateBlock, startLine: number, endLine: number, silent: boolean): boolean {
  const opening = /^(`{3,}|~{3,})[ \t]*(.*)$/.exec(lineAt(state, startLine));
  const [, mark = "", info = ""] = opening ?? [];
  if (
    opening === null ||
    (state.sCount[startLine] ?? 0) - state.blkIndent > MARK_COLUMNS_MAX ||
    !MARKDOWN_INFO.test(info)
  ) {
    return false;
  }
  if (silent) {
    return true;
  }
  const columns = state.sCount[startLine] ?? 0;
  let depth = 0;
  let close = -1;
  let line = startLine + 1;
  for (; line < endLine && close === -1; ++line) {
    if ((state.sCount[line] ?? 0) < state.blkIndent && lineAt(state, line) !== "") {
      break;
    }
    const [, found = "", inner = ""] = /^(`{3,}|~{3,})[ \t]*([^`]*)$/.exec(lineAt(state, line)) ?? [];
    if (!found.startsWith(mark) || (state.sCount[line] ?? 0) - columns > MARK_COLUMNS_MAX) {
      continue;
    }
    if (inner.trim() !== "") {
      depth += 1;
    } else if (depth > 0) {
      depth -= 1;
    } else if (opensBlock(state, line, endLine, startLine)) {
      depth += 1;
    } else {
      close = line;
    }
  }
  const last = close === -1 ? line : close;
  const token = state.push("fence", "code", 0);
  token.info = info;
  token.content = state.getLines(startLine + 1, last, columns, true);
  token.markup = mark;
  token.map = [startLine, close === -1 ? last : close + 1];
  state.line = close === -1 ? last : close + 1;
  return true;
}

function opensBlock(state: StateBlock, line: number, endLine: number, startLine: number): boolean {
  const before = line - 1 > startLine ? lineAt(state, line - 1) : "";
  const after = line + 1 < endLine ? lineAt(state, line + 1) : "";
  return (
    (before.trim() === "" || before.trimEnd().endsWith(":")) && after.trim() !== "" && !/^(?:`{3}|~{3})/.test(after)
  );
}

function lineAt(state: StateBlock, line: number): string {
  return state.src.slice((state.bMarks[line] ?? 0) + (state.tShift[line] ?? 0), state.eMarks[line] ?? 0);
}

/** `\( … \)` and `\[ … \]` are TeX: shown as they are written, and nothing in them is emphasis or an escape. */
function formula(state: StateInline, silent: boolean): boolean {
  const { src, pos, posMax } = state;
  const close = src.startsWith("\\(", pos) ? "\\)" : src.startsWith("\\[", pos) ? "\\]" : "";
  const end = close === "" ? -1 : src.indexOf(close, pos + 2);
  if (end === -1 || end + 2 > posMax) {
    return false;
  }
  if (!silent) {
    const token = state.push("formula", "", 0);
    token.content = src.slice(pos, end + 2);
  }
  state.pos = end + 2;
  return true;
}

/** Characters that may open or close something, times the characters in which the other end is looked for. */
const INLINE_COST_MAX = 20_000_000;

/** What has too many marks in too long a text is text, line by line: their ends are looked for from each of them. */
export function boundInlines(markdown: InstanceType<typeof MarkdownIt>): void {
  markdown.core.ruler.at("inline", ({ tokens, md, env, Token }) => {
    for (const token of tokens) {
      if (token.type !== "inline") {
        continue;
      }
      const { content } = token;
      const marks = content.length < 1000 ? 0 : content.length - content.replaceAll(/[[\]!*_`<~&\\:]/g, "").length;
      token.children ??= [];
      if (marks * content.length <= INLINE_COST_MAX) {
        md.inline.parse(content, md, env, token.children);
        continue;
      }
      for (const [i, line] of content.split("\n").entries()) {
        if (i > 0) {
          token.children.push(new Token("softbreak", "br", 0));
        }
        const text = new Token("text", "", 0);
        text.content = line;
        token.children.push(text);
      }
    }
  });
}
