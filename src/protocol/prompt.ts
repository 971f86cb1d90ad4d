/**
 * One piece of a prompt. Control tokens come only from a prompt layout or a chat template, as `special`; document and
 * chat text is always `text` and never yields a control token, whatever it contains. Each part is tokenised on its own.
 */
export type PromptPart =
  | { readonly kind: "text"; readonly text: string }
  /** `token` is the control token's name in the vocabulary, e.g. `<|im_start|>`. */
  | { readonly kind: "special"; readonly token: string };

/** The control tokens that a fill-in-the-middle prompt is made of, by their names in the vocabulary. */
export interface FimFormat {
  /** Before the text left of the cursor. */
  readonly prefix: string;
  /** Before the text right of it. */
  readonly suffix: string;
  /** Behind both: what belongs between them follows. */
  readonly middle: string;
  /** Before a file's path and a newline, where a document of the prompt begins. */
  readonly file: string;
  /** Before the project's name and a newline, in front of other files; missing: the family has none. */
  readonly repository?: string;
}

/**
 * The ways to ask a model that was not trained to fill in. `continuation`: the text before the cursor alone; `suffix-comment`: what
 * is below the cursor as a comment above that; `chat-fill`: a user who says what is below, and an answer that has begun.
 */
export const PLAIN_LAYOUTS = ["continuation", "suffix-comment", "chat-fill"] as const;

export type PlainLayout = (typeof PLAIN_LAYOUTS)[number];

/** What a chat template writes around the one message of a user: before its text, and between that and the answer. */
export interface ChatFrame {
  readonly open: readonly PromptPart[];
  readonly close: readonly PromptPart[];
}

/** Qwen 2.5's, which SmallThinker's vocabulary has as well. */
export const QWEN_FIM: FimFormat = {
  prefix: "<|fim_prefix|>",
  suffix: "<|fim_suffix|>",
  middle: "<|fim_middle|>",
  file: "<|file_sep|>",
  repository: "<|repo_name|>",
};
