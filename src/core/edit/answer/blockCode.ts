import { answerParts } from "./answerParts";
import { withoutControlTokens } from "./controlTokens";
import { fenceInfo, isMarkdown, mayStandIn } from "./fenceInfo";
import { isPatch } from "./patchText";
import { withoutLineNumbers, withoutTags } from "./wrapping";

/** What a block of a chat is, whether it is given with its fence or without. */
export function codeOfBlock(
  { lines, info }: { readonly lines: readonly string[]; readonly info: string },
  document: readonly string[],
  languageId: string,
): { lines: readonly string[]; language: string; isPatch: boolean } {
  const old = document.join("\n");
  const text = withoutTags(withoutControlTokens(lines.join("\n"), old), old);
  const own = fenceInfo(info).language;
  // A fence may be part of the code of a document that shows blocks itself.
  const showsBlocks =
    isMarkdown(languageId) || own === "markdown" || document.some((line) => /^\s*(?:`{3,}|~{3,})/.test(line));
  const blocks = answerParts(text, document).filter((part) => part.kind === "code");
  const outer = blocks.filter((each) => isMarkdown(fenceInfo(each.info).language));
  const fences = showsBlocks ? (isMarkdown(languageId) && own === "" && outer.length === 1 ? outer : []) : blocks;
  const block = fences.find((each) => mayStandIn(fenceInfo(each.info).language, own)) ?? fences[0];
  const code = withoutLineNumbers(block?.lines ?? text.split("\n"), document);
  const language = block === undefined || block.info === "" ? own : fenceInfo(block.info).language;
  return { lines: code, language, isPatch: isPatch(code, language, document) };
}
