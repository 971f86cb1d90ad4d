import MarkdownIt, { type Token } from "markdown-it";
import type { Block, Cell, Inline } from "./blocks";
import { allowedHref } from "./links";
import { addRules, boundInlines } from "./rules";

/** A block that is in no other, and where it begins. */
export interface TopBlock {
  readonly block: Block;
  /** From 0. */
  readonly line: number;
  /** Rank of the last heading up to the end of this block. */
  readonly rankAfter: number;
}

// A reference's target may be written after its use, and would change what has been drawn: there are none.
const markdown = new MarkdownIt({ html: false, linkify: true, breaks: true }).disable("reference");
addRules(markdown);
boundInlines(markdown);
// A name like main.rs or user@host is not a link for being similar to one.
markdown.linkify.set({ fuzzyLink: false, fuzzyEmail: false, fuzzyIP: false });
// Any address may be parsed; which ones become links is decided in links.ts.
markdown.validateLink = () => true;

/** @param rankBefore of the last heading before this text; 0 if there is none. */
export function parse(text: string, rankBefore = 0): readonly TopBlock[] {
  const reader = new BlockReader(markdown.parse(text, {}), rankBefore);
  const result: TopBlock[] = [];
  for (let token = reader.peek(); token !== undefined; token = reader.peek()) {
    const line = token.map?.[0] ?? 0;
    const block = reader.block();
    if (block !== undefined) {
      result.push({ block, line, rankAfter: reader.rank });
    }
  }
  return result;
}

class BlockReader {
  readonly #tokens: readonly Token[];
  #at = 0;
  rank: number;

  constructor(tokens: readonly Token[], rank: number) {
    this.#tokens = tokens;
    this.rank = rank;
  }

  peek(): Token | undefined {
    return this.#tokens[this.#at];
  }

  #next(): Token {
    const token = this.#tokens[this.#at];
    if (token === undefined) {
      throw new Error("markdown-it opens no block without closing it");
    }
    this.#at += 1;
    return token;
  }

  /** Undefined: a token that stands for nothing that is shown. */
  block(): Block | undefined {
    const token = this.#next();
    switch (token.type) {
      case "paragraph_open":
        return { kind: "paragraph", children: this.#inlineUntil("paragraph_close") };
      case "heading_open":
        return this.#heading(Number(token.tag.slice(1)));
      case "fence":
        return fenceBlock(token);
      case "code_block":
        return { kind: "code", language: "", text: token.content, ended: true };
      case "blockquote_open":
        return { kind: "quote", children: this.#blocksUntil("blockquote_close") };
      case "bullet_list_open":
        return { kind: "list", start: undefined, items: this.#items("bullet_list_close") };
      case "ordered_list_open":
        return {
          kind: "list",
          start: Number(token.attrGet("start") ?? 1),
          items: this.#items("ordered_list_close"),
        };
      case "table_open":
        return this.#table();
      case "hr":
        return { kind: "rule" };
      default:
        return token.content === "" ? undefined : { kind: "paragraph", children: [textInline(token.content)] };
    }
  }

  #heading(level: number): Block {
    this.rank = Math.min(level, this.rank + 1);
    return { kind: "heading", level, rank: this.rank, children: this.#inlineUntil("heading_close") };
  }

  #blocksUntil(end: string): readonly Block[] {
    const blocks: Block[] = [];
    while (this.peek()?.type !== end) {
      const block = this.block();
      if (block !== undefined) {
        blocks.push(block);
      }
    }
    this.#next();
    return blocks;
  }

  #items(end: string): readonly (readonly Block[])[] {
    const items: (readonly Block[])[] = [];
    while (this.#next().type !== end) {
      items.push(this.#blocksUntil("list_item_close"));
    }
    return items;
  }

  #table(): Block {
    const rows: Cell[][] = [];
    let token = this.#next();
    for (; token.type !== "table_close"; token = this.#next()) {
      if (token.type === "tr_open") {
        rows.push([]);
      } else if (token.type === "th_open" || token.type === "td_open") {
        const align = alignOf(token);
        rows.at(-1)?.push({ align, children: withBreaks(this.#inlineUntil(token.type.replace("open", "close"))) });
      }
    }
    return { kind: "table", head: rows[0] ?? [], rows: rows.slice(1) };
  }

  #inlineUntil(end: string): readonly Inline[] {
    const result: Inline[] = [];
    for (let token = this.#next(); token.type !== end; token = this.#next()) {
      result.push(...readInline(token.children ?? []));
    }
    return result;
  }
}

/** A cell has one line in Markdown: `<br>` is how people write several. It is a line break here, and no HTML. */
function withBreaks(children: readonly Inline[]): readonly Inline[] {
  return children.flatMap((inline): readonly Inline[] => {
    if (inline.kind === "strong" || inline.kind === "emphasis" || inline.kind === "strike") {
      return [{ ...inline, children: withBreaks(inline.children) }];
    }
    if (inline.kind !== "text") {
      return [inline];
    }
    // The spaces around a break by themselves: one pattern for both would look for the break from each of many spaces.
    const parts = inline.text.split(/<br\s*\/?>/i);
    return parts.flatMap((part, i): Inline[] => {
      const tail = i === 0 ? part : part.trimStart();
      const text = i === parts.length - 1 ? tail : tail.trimEnd();
      return [...(i === 0 ? [] : [{ kind: "break" } as const]), ...(text === "" ? [] : [textInline(text)])];
    });
  });
}

function textInline(text: string): Inline {
  return { kind: "text", text };
}

function fenceBlock(token: Token): Block {
  const info = token.info.trim();
  const language = languageOf(info);
  const block = { kind: "code", language, text: token.content, ended: isEnded(token) } as const;
  return info === language ? block : { ...block, info };
}

/** The language is the first word behind the fence; some write `lang:path`, or braces around it. */
function languageOf(info: string): string {
  return /^[{.]*([^\s:{}]+)/.exec(info.trim())?.[1] ?? "";
}

/** markdown-it does not say it, but a closing fence is one line more than the content and the opening one. */
function isEnded({ map, content }: Token): boolean {
  const lines = content === "" ? 0 : content.split("\n").length - (content.endsWith("\n") ? 1 : 0);
  return map !== null && map[1] - map[0] === lines + 2;
}

function alignOf(token: Token): Cell["align"] {
  const style = String(token.attrGet("style"));
  return style.endsWith("right") ? "right" : style.endsWith("center") ? "center" : "left";
}

const SPANS: Readonly<Record<string, "strong" | "emphasis" | "strike">> = {
  strong_open: "strong",
  em_open: "emphasis",
  s_open: "strike",
};

function readInline(tokens: readonly Token[]): readonly Inline[] {
  const stack: { readonly open: Token | undefined; readonly children: Inline[] }[] = [
    { open: undefined, children: [] },
  ];
  const add = (inline: Inline) => stack.at(-1)?.children.push(inline);
  for (const token of tokens) {
    if (token.nesting === 1) {
      stack.push({ open: token, children: [] });
    } else if (token.nesting === -1) {
      const { open, children } = stack.pop() ?? { open: undefined, children: [] };
      for (const inline of spanOf(open, children)) {
        add(inline);
      }
    } else {
      add(leafOf(token));
    }
  }
  return stack[0]?.children ?? [];
}

/** A span of an unknown kind, or a link to where none may go, is its content. */
function spanOf(open: Token | undefined, children: readonly Inline[]): readonly Inline[] {
  const kind = SPANS[open?.type ?? ""];
  if (kind !== undefined) {
    return [{ kind, children }];
  }
  const href = open?.type === "link_open" ? allowedHref(String(open.attrGet("href"))) : undefined;
  return href === undefined ? children : [{ kind: "link", href, children }];
}

function leafOf(token: Token): Inline {
  switch (token.type) {
    case "softbreak":
    case "hardbreak":
      return { kind: "break" };
    case "code_inline":
      return { kind: "code", text: token.content };
    case "image":
      // What it is said to show; the image itself is never fetched.
      return textInline((token.children ?? []).map(({ content }) => content).join("") || "image");
    default:
      return textInline(token.content);
  }
}
