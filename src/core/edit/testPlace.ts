import { indentOf } from "../indentation";
import { blankEnds, withoutBlankEnds } from "./blankEnds";
import { type CodeTarget, type Placement, placeCode } from "./codePlace";
import { isSame } from "./lineDiff";
import type { Declaration } from "./outline/declaration";
import { flattened, outlineOf } from "./outline/outline";
import { isOfKept } from "./warnings";

/**
 * Puts tests among those of a file: inside its class, `describe` or `mod tests`, and before what runs a script. A file
 * that has none of these gets them at its end.
 */
export function placeTests(code: readonly string[], target: Omit<CodeTarget, "cursorLine" | "selection">): Placement {
  const { lines, languageId, indentation } = target;
  const outline = outlineOf(lines, languageId, indentation.size);
  const own = outlineOf(code, languageId, indentation.size);
  const holder = holderOf(outline, lines, languageId);
  if (languageId === "rust" && holder === undefined && !own.some(({ name }) => /^tests?$/.test(name))) {
    return appended(lines, rustModule(code, indentOf(indentation.size, indentation)));
  }
  const isWhole = own.some((each) => each.kind === "container" && outline.some(({ name }) => name === each.name));
  const inner = isWhole || holder === undefined ? undefined : lastLine(holder);
  const cursorLine = inner ?? Math.max(0, lines.length - 1);
  const placed = placeCode({ lines: code, info: "" }, { ...target, cursorLine });
  if (placed.kind === "nowhere") {
    return appended(lines, code);
  }
  // New tests are not meant to repeat the others.
  return placed.kind === "placed" ? { ...placed, warnings: placed.warnings.filter((each) => !isOfKept(each)) } : placed;
}

/** The last group of tests at the outermost level. */
function holderOf(
  outline: readonly Declaration[],
  lines: readonly string[],
  languageId: string,
): Declaration | undefined {
  const containers = outline.filter(({ kind, body }) => kind === "container" && body !== undefined);
  const isGroup = ({ head, name }: Declaration): boolean =>
    /^(?:describe|context|suite|RSpec)/.test(name) || /\b(?:mod|class|module|object)\b/.test(lines[head] ?? "");
  const isTests = ({ name, head }: Declaration): boolean =>
    languageId === "rust" ? /^tests?$/.test(name) : languageId !== "go" && isGroup({ head, name } as Declaration);
  const all = languageId === "csharp" || languageId === "rust" ? flattened(containers) : containers;
  return all.findLast((each) => each.kind === "container" && each.body !== undefined && isTests(each));
}

/** Of what stands in a group. */
function lastLine({ members, body, head }: Declaration): number {
  return members.at(-1)?.start ?? body?.start ?? head;
}

function rustModule(code: readonly string[], step: string): string[] {
  const uses = code.some((line) => /^\s*use super::/.test(line)) ? [] : [`${step}use super::*;`, ""];
  const inner = withoutBlankEnds(code).map((line) => (line.trim() === "" ? "" : step + line));
  return ["#[cfg(test)]", "mod tests {", ...uses, ...inner, "}"];
}

function appended(lines: readonly string[], code: readonly string[]): Placement {
  const { below } = blankEnds(lines);
  const isEmpty = lines.every((line) => line.trim() === "");
  const filled = isEmpty ? [] : [...lines.slice(0, lines.length - below.length), ""];
  const result = [...filled, ...withoutBlankEnds(code), ""];
  return isSame(result, lines) ? { kind: "unchanged" } : { kind: "placed", lines: result, warnings: [] };
}
