import { fenced } from "../chat/fence";
import type { ChatFrame, PromptPart } from "../../protocol/prompt";
import { languageIdOfPath, languageOf } from "../language";
import type { PromptTraits } from "../ports";
import { text } from "./source";

/** What stands before the text before the cursor. */
export interface ToldSuffix {
  readonly parts: readonly PromptPart[];
  /** They say the document's path as well: no header does. */
  readonly sayPath: boolean;
}

/**
 * How a model that was not trained to fill in is told the text below the cursor (`suffix`, whole lines, frozen). The suffix comes
 * first, so that a keystroke changes only the prompt's end. Undefined where nothing can be told: there is no text, the language has no
 * comments, the model no chat template; such a prompt is a continuation, whatever layout the model has.
 */
export function plainLayout(path: string, suffix: string, traits: PromptTraits): ToldSuffix | undefined {
  if (suffix.trim() === "") {
    return undefined;
  }
  switch (traits.plain ?? "continuation") {
    case "continuation":
      return undefined;
    case "suffix-comment": {
      const comment = commentOf(path, suffix);
      return comment === undefined ? undefined : { parts: text(comment), sayPath: false };
    }
    case "chat-fill":
      return traits.chat === undefined ? undefined : { parts: filledChat(traits.chat, path, suffix), sayPath: true };
  }
}

/** Undefined where the language has no comment that could hold it. */
function commentOf(path: string, suffix: string): string | undefined {
  const { lineComments, blockComments } = languageOf(languageIdOfPath(path));
  const lines = [COMMENT_TITLE, ...suffix.trimEnd().split("\n")];
  const mark = lineComments[0];
  if (mark !== undefined) {
    return `${lines.map((line) => `${mark} ${line}`.trimEnd()).join("\n")}\n\n`;
  }
  const [open, close] = blockComments[0] ?? [];
  return open === undefined || close === undefined || suffix.includes(close)
    ? undefined
    : `${open} ${lines.join("\n")} ${close}\n\n`;
}

const COMMENT_TITLE = "The end of this file:";

/** A user who asks for what stands before the suffix, and an answer that has begun: the fence, behind which the prefix stands. */
function filledChat({ open, close }: ChatFrame, path: string, suffix: string): PromptPart[] {
  const fence = `\`\`\`${languageIdOfPath(path)}\n`;
  const message = `Complete ${path} up to:\n${fenced(suffix.trimEnd())}`;
  return joined([...open, ...text(message), ...close, ...text(fence)]);
}

/** Texts side by side become one, as a template's own output would be tokenised. */
function joined(parts: readonly PromptPart[]): PromptPart[] {
  const all: PromptPart[] = [];
  for (const part of parts) {
    const last = all.at(-1);
    if (last?.kind === "text" && part.kind === "text") {
      all[all.length - 1] = { kind: "text", text: last.text + part.text };
    } else {
      all.push(part);
    }
  }
  return all;
}
