import { type FamilyTokens, MELLUM_TOKENS, QWEN_TOKENS } from "../model/familyTokens";
import type { EndpointFormat } from "../protocol/endpoint";
import type { ServedModel } from "../protocol/engine";

export interface ServedFamily {
  readonly name: string;
  readonly traits: ServedModel["traits"];
  /** Ends the text where a server shows control tokens. */
  readonly ends: readonly string[];
}

const FAMILIES: Readonly<Record<Exclude<EndpointFormat, "auto">, ServedFamily>> = {
  // Qwen 2.5 Coder's report and README have no other order (arXiv 2409.12186).
  qwen: familyOf("qwen", QWEN_TOKENS, ["prefix-first"]),
  // The order of Mellum's model card, which is StarCoder's SPM.
  mellum: familyOf("mellum", MELLUM_TOKENS, ["suffix-first"]),
  none: familyOf("other", QWEN_TOKENS, []),
};

/**
 * What is served under names that say so. Models that only have the tokens, such as Qwen 3 and SmallThinker, were not trained to fill in
 * and are continued, as when they run here (model/architectures).
 */
const BY_NAME: readonly { readonly name: RegExp; readonly format: keyof typeof FAMILIES }[] = [
  { name: /qwen.*coder|coder.*qwen|codeqwen/i, format: "qwen" },
  { name: /mellum(?!.*(instruct|thinking|chat|sft))|starcoder|granite.*code/i, format: "mellum" },
];

/** @param model as the server calls it. */
export function servedFamily(model: string, format: EndpointFormat): ServedFamily {
  const known = format === "auto" ? (BY_NAME.find(({ name }) => name.test(model))?.format ?? "none") : format;
  return FAMILIES[known];
}

function familyOf(
  name: string,
  { fim, ends }: FamilyTokens,
  fimLayouts: ServedModel["traits"]["fimLayouts"],
): ServedFamily {
  // Other files are not shown to it: the memory of the code at hand stays on this machine.
  return { name, traits: { fimLayouts, fileHeader: false, otherFiles: false, fim }, ends };
}
