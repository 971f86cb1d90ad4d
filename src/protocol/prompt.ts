/**
 * One piece of a prompt. Control tokens come only from a prompt layout or a chat template, as `special`; document and
 * chat text is always `text` and never yields a control token, whatever it contains. Each part is tokenised on its own.
 */
export type PromptPart =
  | { readonly kind: "text"; readonly text: string }
  /** `token` is the control token's name in the vocabulary, e.g. `<|im_start|>`. */
  | { readonly kind: "special"; readonly token: string };
