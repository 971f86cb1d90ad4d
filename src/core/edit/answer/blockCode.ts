import { answerParts } from "./answerParts";
import { withoutControlTokens } from "./controlTokens";
import { fenceInfo, mayStandIn } from "./fenceInfo";
import { isPatch } from "./patchText";

/** What a block of a chat is, whether it is given with its fence or without. */
export function codeOfBlock(
  { lines, info }: { readonly lines: readonly string[]; readonly info: string },
  document: readonly string[],
): { lines: readonly string[]; language: string; isPatch: boolean } {
  const text = withoutControlTokens(lines.join("\n"), document.join("\n"));
  const own = fenceInfo(info).language;
  // A fence may be part of the code of a document that shows blocks itself.
  const hasFences = document.some((line) => /^\s*(?:`{3,}|~{3,})/.test(line)) || own === "markdown";
  const blocks = hasFences ? [] : answerParts(text, document).filter((part) => part.kind === "code");
  const block = blocks.find((each) => mayStandIn(fenceInfo(each.info).language, own)) ?? blocks[0];
  const code = block?.lines ?? text.split("\n");
  const language = block === undefined || block.info === "" ? own : fenceInfo(block.info).language;
  return { lines: code, language, isPatch: isPatch(code, language, document) };
}
