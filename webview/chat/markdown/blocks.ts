/** Markdown as plain data: the only things that an answer can be made of. There is no image and no HTML among them. */

import { t } from "../texts";

export type Inline =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "code"; readonly text: string }
  | { readonly kind: "strong" | "emphasis" | "strike"; readonly children: readonly Inline[] }
  /** `href` is an address that a link may have. */
  | { readonly kind: "link"; readonly href: string; readonly children: readonly Inline[] }
  | { readonly kind: "break" };

export type Block =
  | { readonly kind: "paragraph"; readonly children: readonly Inline[] }
  | HeadingBlock
  | CodeBlockData
  | { readonly kind: "quote"; readonly children: readonly Block[] }
  | ListBlock
  | TableBlock
  | { readonly kind: "rule" };

export interface HeadingBlock {
  readonly kind: "heading";
  /** As written, from 1 to 6: how large it looks. */
  readonly level: number;
  /** Place in the outline, from 1; none is ever skipped on the way down. */
  readonly rank: number;
  readonly children: readonly Inline[];
}

export interface CodeBlockData {
  readonly kind: "code";
  /** The first word behind the fence; may be empty. */
  readonly language: string;
  /** All that is written behind it, where that is more: a file's name, say. */
  readonly info?: string;
  readonly text: string;
  /** The closing fence has been written. */
  readonly ended: boolean;
}

export interface ListBlock {
  readonly kind: "list";
  /** The first number; undefined for bullets. */
  readonly start: number | undefined;
  readonly items: readonly (readonly Block[])[];
}

export interface TableBlock {
  readonly kind: "table";
  readonly head: readonly Cell[];
  readonly rows: readonly (readonly Cell[])[];
}

export interface Cell {
  readonly align: "left" | "center" | "right";
  readonly children: readonly Inline[];
}

/** What of it is to be read aloud. */
export function plainText(block: Block): string {
  switch (block.kind) {
    case "paragraph":
    case "heading":
      return inlineText(block.children);
    case "code":
      return t("Code block.");
    case "quote":
      return block.children.map(plainText).join("\n");
    case "list":
      return block.items.map((item) => item.map(plainText).join("\n")).join("\n");
    case "table":
      return t("Table.");
    case "rule":
      return "";
  }
}

function inlineText(children: readonly Inline[]): string {
  return children.map(textOf).join("");
}

function textOf(inline: Inline): string {
  switch (inline.kind) {
    case "text":
    case "code":
      return inline.text;
    case "break":
      return "\n";
    case "strong":
    case "emphasis":
    case "strike":
    case "link":
      return inlineText(inline.children);
  }
}
