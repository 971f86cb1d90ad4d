/** A model on a machine that the user names, behind an OpenAI-compatible server. */

/** Formats of prompts that fill in; `auto`: by the model's name; `none`: the text before the cursor is continued. */
export const ENDPOINT_FORMATS = ["auto", "qwen", "mellum", "none"] as const;
export type EndpointFormat = (typeof ENDPOINT_FORMATS)[number];

export interface EndpointChoice {
  /** As the user wrote it: src/endpoint/address.ts reads it. */
  readonly endpoint: string;
  /** As the server calls it; empty: the one that it has. */
  readonly model: string;
  readonly format: EndpointFormat;
}
