import { html, type TemplateResult } from "lit";
import { guard } from "lit/directives/guard.js";
import { directionOf } from "../direction";
import type { Block, Cell, HeadingBlock, Inline, ListBlock, TableBlock } from "../markdown/blocks";
import type { MarkdownStream } from "../markdown/stream";
import { t } from "../texts";
import { hasReordering, textPieces } from "../visibleText";
import { hiddenCharacterText } from "../words";
import "./codeBlock";

/**
 * The blocks of an answer as templates: the only way from its text into the page. In one list, so that a block keeps its
 * elements, and with them the focus and what is selected, when it is closed.
 */
export function drawAnswer({ closed, open }: MarkdownStream, growing: boolean): readonly unknown[] {
  return [...closed.map((block) => drawOnce(block, false)), ...open.map((block) => drawOnce(block, growing))];
}

function drawOnce(block: Block, growing: boolean): unknown {
  return guard([block, growing], () => drawBlock(block, growing));
}

function drawBlocks(blocks: readonly Block[], growing: boolean): readonly unknown[] {
  return blocks.map((block) => drawBlock(block, growing));
}

function drawBlock(block: Block, growing: boolean): TemplateResult {
  switch (block.kind) {
    case "paragraph":
      return html`<p dir=${directionOf(block.children)}>${drawInlines(block.children)}</p>`;
    case "heading":
      return drawHeading(block);
    case "code":
      return html`<hearth-code
        .code=${block.text.replace(/\n$/, "")}
        .language=${block.language}
        .info=${block.info ?? ""}
        .growing=${growing && !block.ended}
      ></hearth-code>`;
    case "quote":
      return html`<blockquote>${drawBlocks(block.children, growing)}</blockquote>`;
    case "list":
      return drawList(block, growing);
    case "table":
      return drawTable(block);
    case "rule":
      return html`<hr />`;
  }
}

/** Below the heading of the turn, which is an h2. */
function drawHeading({ level, rank, children }: HeadingBlock): TemplateResult {
  const content = drawInlines(children);
  const direction = directionOf(children);
  const look = `heading heading-${String(level)}`;
  switch (rank) {
    case 1:
      return html`<h3 class=${look} dir=${direction}>${content}</h3>`;
    case 2:
      return html`<h4 class=${look} dir=${direction}>${content}</h4>`;
    case 3:
      return html`<h5 class=${look} dir=${direction}>${content}</h5>`;
    default:
      return html`<h6 class=${look} dir=${direction}>${content}</h6>`;
  }
}

function drawList({ start, items }: ListBlock, growing: boolean): TemplateResult {
  const content = items.map((item) => html`<li>${drawBlocks(item, growing)}</li>`);
  return start === undefined
    ? html`<ul>
        ${content}
      </ul>`
    : html`<ol start=${start}>
        ${content}
      </ol>`;
}

function drawTable({ head, rows }: TableBlock): TemplateResult {
  return html`<div class="table-scroller" data-scroller role="group" aria-label=${t("Table")}>
    <table>
      <thead>
        <tr>
          ${head.map((cell) => html`<th class="align-${cell.align}" scope="col">${drawCell(cell)}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${row.map((cell) => html`<td class="align-${cell.align}">${drawCell(cell)}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function drawCell({ children }: Cell): readonly unknown[] {
  return drawInlines(children);
}

function drawInlines(children: readonly Inline[]): readonly unknown[] {
  return children.map(drawInline);
}

function drawInline(inline: Inline): unknown {
  switch (inline.kind) {
    case "text":
      return drawText(inline.text);
    case "code":
      return html`<code class="inline-code">${drawText(inline.text)}</code>`;
    case "strong":
      return html`<strong>${drawInlines(inline.children)}</strong>`;
    case "emphasis":
      return html`<em>${drawInlines(inline.children)}</em>`;
    case "strike":
      return html`<s>${drawInlines(inline.children)}</s>`;
    case "link":
      return drawLink(inline.href, inline.children);
    case "break":
      return html`<br />`;
  }
}

/** Without `href`: neither the browser nor VS Code can follow it, whatever happens to our own code. */
function drawLink(href: string, children: readonly Inline[]): TemplateResult {
  return html`<a class="link" role="link" tabindex="0" title=${href} data-href=${href}>${drawInlines(children)}</a>`;
}

export function drawText(text: string): unknown {
  return hasReordering(text)
    ? textPieces(text).map((piece) =>
        piece.kind === "plain"
          ? piece.text
          : html`<span class="hidden-character" title=${hiddenCharacterText()}>${piece.name}</span>`,
      )
    : text;
}
