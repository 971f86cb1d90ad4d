import type { ModelSpec } from "./modelSpec";

/** What a model may be used for. `complete`: code at the cursor; `chat`: conversations; `edit`: rewriting a selection. */
export type Capability = "complete" | "chat" | "edit";

/** How a prompt puts the text around the cursor: which of its halves comes first. */
export type FimLayout = "suffix-first" | "prefix-first";

/** How to choose the next token. Temperature 0 is greedy: the other values are then of no effect. */
export interface SamplingDefaults {
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
}

/** What Hearth knows about a released model beyond what its file says. */
export interface KnownModel {
  readonly id: "smallthinker-4b-instruct" | "smallthinker-21b-instruct" | "hearth-starter" | "other";
  readonly title: string;
  readonly capabilities: readonly Capability[];
  readonly sampling: SamplingDefaults;
  /** Layouts that the model was trained on. Having the tokens is not enough. */
  readonly fimLayouts: readonly FimLayout[];
}

/** The authors' recommendation for both instruct models (README of SJTU-IPADS/SmallThinker). */
const INSTRUCT_SAMPLING: SamplingDefaults = { temperature: 0.6, topK: 20, topP: 0.95 };
const GREEDY: SamplingDefaults = { temperature: 0, topK: 1, topP: 1 };

type Shape = Pick<ModelSpec, "n_layer" | "n_embd" | "n_expert" | "n_expert_used" | "n_ff" | "n_vocab">;

/** Recognised by shape: the files' `general.name` is no help ("4b_v7" in a published one). */
const INSTRUCT_MODELS: readonly { readonly shape: Shape; readonly known: KnownModel }[] = [
  {
    shape: { n_layer: 32, n_embd: 1536, n_expert: 32, n_expert_used: 4, n_ff: 768, n_vocab: 151_936 },
    known: instruct("smallthinker-4b-instruct", "SmallThinker 4B-A0.6B Instruct"),
  },
  {
    shape: { n_layer: 52, n_embd: 2560, n_expert: 64, n_expert_used: 6, n_ff: 768, n_vocab: 151_936 },
    known: instruct("smallthinker-21b-instruct", "SmallThinker 21B-A3B Instruct"),
  },
];

function instruct(id: KnownModel["id"], title: string): KnownModel {
  // The vocabulary has FIM tokens, but nothing says that the models were trained with them: no layouts.
  return { id, title, capabilities: ["complete", "chat", "edit"], sampling: INSTRUCT_SAMPLING, fimLayouts: [] };
}

/**
 * @param name `general.name`, if the file has one.
 * @param hasChatTemplate decides what an unknown model is taken to be good for.
 */
export function recogniseModel(name: string | undefined, shape: Shape, hasChatTemplate: boolean): KnownModel {
  // First, because a starter model may be of any shape.
  if (name?.toLowerCase().replaceAll(/[\s_-]+/g, "-") === "hearth-starter") {
    return {
      id: "hearth-starter",
      title: "Hearth starter model",
      capabilities: ["complete"],
      sampling: GREEDY,
      // It was trained on both, and says the rest of a line better without: 14 % against 10 % and 1 % (training/RESULTS.md).
      fimLayouts: [],
    };
  }
  const released = INSTRUCT_MODELS.find(({ shape: of }) => sameShape(of, shape));
  if (released !== undefined) {
    return released.known;
  }
  return {
    id: "other",
    title: name ?? "SmallThinker model",
    capabilities: hasChatTemplate ? ["complete", "chat", "edit"] : ["complete"],
    sampling: INSTRUCT_SAMPLING,
    fimLayouts: [],
  };
}

function sameShape(a: Shape, b: Shape): boolean {
  return (
    a.n_layer === b.n_layer &&
    a.n_embd === b.n_embd &&
    a.n_expert === b.n_expert &&
    a.n_expert_used === b.n_expert_used &&
    a.n_ff === b.n_ff &&
    a.n_vocab === b.n_vocab
  );
}
