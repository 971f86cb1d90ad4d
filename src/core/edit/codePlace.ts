import type { Indentation } from "../indentation";
import { codeOfBlock } from "./answer/blockCode";
import { isMarkdown } from "./answer/fenceInfo";
import { placePatch } from "./answer/patchText";
import { fitIndentation } from "./codeIndentation";
import { foreignLanguage } from "./foreignCode";
import { applyHunks, isSame, type LineRange } from "./lineDiff";
import type { Sentence } from "./sentence";
import { failedWarning, REASONS } from "./warnings";
import { embeddedRegion } from "./markup/embedded";
import { placeElements } from "./markup/elementPlace";
import { placeMarkdown } from "./markup/markdownPlace";
import { placeByStructure, type StructuredPlacement } from "./structuredPlace";

/** A document that code is put into. */
export interface CodeTarget {
  readonly lines: readonly string[];
  readonly languageId: string;
  readonly indentation: Indentation;
  readonly cursorLine: number;
  /** Whole lines; undefined where nothing is selected. */
  readonly selection?: LineRange | undefined;
}

/** Code of a chat: the lines inside its fence, and what the fence says of them. */
export interface CodeBlock {
  readonly lines: readonly string[];
  readonly info: string;
}

export type Placement =
  | { readonly kind: "placed"; readonly lines: readonly string[]; readonly warnings: readonly Sentence[] }
  | { readonly kind: "unchanged" }
  /** It is code of another language, for a document of its own. */
  | { readonly kind: "newDocument"; readonly languageId: string; readonly reason: Sentence }
  | { readonly kind: "nowhere"; readonly reason: Sentence };

/**
 * Where code from a chat belongs: it replaces the selection, is a patch, or goes by the structure of both texts. Gives the
 * whole document afterwards.
 */
export function placeCode(block: CodeBlock, target: CodeTarget): Placement {
  const { lines: code, language, isPatch } = codeOfBlock(block, target.lines, target.languageId);
  if (code.every((line) => line.trim() === "")) {
    return { kind: "nowhere", reason: REASONS.emptyBlock };
  }
  const { selection, lines, languageId, indentation, cursorLine } = target;
  if (isPatch) {
    return placedPatch(code, target);
  }
  const foreign = foreignLanguage(code, language, languageId);
  if (foreign !== "") {
    const reason = { message: REASONS.otherLanguage, args: [foreign, languageId] };
    return { kind: "newDocument", languageId: foreign, reason };
  }
  if (selection !== undefined) {
    const old = lines.slice(selection.start, selection.end);
    const fitted = fitIndentation(code, { lines: old, width: 0, indentation, languageId });
    return placed(lines, applyHunks(lines, [{ ...selection, lines: fitted }]), []);
  }
  const result = placeByKind(code, language, { lines, languageId, indentation, cursorLine });
  return result.kind === "placed" ? placed(lines, result.lines, result.warnings) : result;
}

/** Files of elements. In some of them the code of scripts goes as everywhere. */
const MARKUP = new Set(
  "html xml xsl svg vue svelte astro handlebars django-html jinja-html razor aspnetcorerazor erb php".split(" "),
);

function placeByKind(
  code: readonly string[],
  language: string,
  target: Omit<CodeTarget, "selection">,
): StructuredPlacement {
  if (isMarkdown(target.languageId)) {
    return placeMarkdown(code, target);
  }
  const isMarkup =
    MARKUP.has(target.languageId) && /^\s*<[A-Za-z!]/.test(code.find((line) => line.trim() !== "") ?? "");
  const isEmbedded = MARKUP.has(target.languageId) && target.languageId !== "php" && !isMarkup;
  return (
    (isMarkup ? placeElements(code, target) : undefined) ??
    (isEmbedded ? placeEmbedded(code, language, target) : undefined) ??
    placeByStructure(code, target)
  );
}

/** Code of a script or a style sheet goes by the structure of that. */
function placeEmbedded(
  code: readonly string[],
  language: string,
  target: Omit<CodeTarget, "selection">,
): StructuredPlacement | undefined {
  const { lines, indentation, cursorLine } = target;
  const region = embeddedRegion(code, language, target);
  if (region === undefined) {
    return undefined;
  }
  const { range, languageId, space } = region;
  const own = lines.slice(range.start, range.end).map((line) => line.slice(space.length));
  const isInside = range.start <= cursorLine && cursorLine < range.end;
  const at = isInside ? cursorLine - range.start : Math.max(0, own.length - 1);
  const placement = placeByStructure(code, { lines: own, languageId, indentation, cursorLine: at });
  if (placement.kind !== "placed") {
    return placement;
  }
  const inner = placement.lines.map((line) => (line.trim() === "" ? "" : space + line));
  // The line feed that a file ends with is no line of a region.
  const extra = own.at(-1)?.trim() === "" || inner.at(-1) !== "" ? inner : inner.slice(0, -1);
  return { ...placement, lines: applyHunks(lines, [{ ...range, lines: extra }]) };
}

function placedPatch(patch: readonly string[], { lines, indentation, cursorLine, selection }: CodeTarget): Placement {
  const near = selection ?? { start: cursorLine, end: cursorLine + 1 };
  const { hunks, failed } = placePatch(patch, lines, near, indentation);
  if (hunks.length === 0) {
    return { kind: "nowhere", reason: REASONS.blockPatchNowhere };
  }
  const warnings = failed === 0 ? [] : [failedWarning(failed, failed + hunks.length)];
  return placed(lines, applyHunks(lines, hunks), warnings);
}

function placed(before: readonly string[], after: readonly string[], warnings: readonly Sentence[]): Placement {
  return isSame(before, after) ? { kind: "unchanged" } : { kind: "placed", lines: after, warnings };
}
