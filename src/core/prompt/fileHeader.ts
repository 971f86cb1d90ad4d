import { type PromptSource, special, text } from "./source";

/** The document's path, which does not change. It takes nothing of the budgets: budgetFor sets LAYOUT_TOKENS aside. */
export const fileHeader: PromptSource = {
  slot: "context",
  budget: { chars: 0, tokens: 0 },
  share: 0,
  open: () => ({ at: () => "" }),
  parts: (_, { path, traits, hasOthers, fim }) =>
    traits.fileHeader || hasOthers ? [special(fim.file), ...text(`${path}\n`)] : [],
};
