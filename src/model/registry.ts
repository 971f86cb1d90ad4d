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
  /** e.g. `smallthinker-4b-instruct`, `hearth-starter`; `other` for a model that is none of the released ones. */
  readonly id: string;
  readonly title: string;
  readonly capabilities: readonly Capability[];
  readonly sampling: SamplingDefaults;
  /** Layouts that the model was trained on. Having the tokens is not enough. */
  readonly fimLayouts: readonly FimLayout[];
  /** Why these, in a clause; missing: it was trained with them, or nothing is known. */
  readonly fimReason?: string;
  /** true: documents of its prompts begin with the file's path. */
  readonly fileHeader?: boolean;
  /** true: it was trained on documents behind other files of their repository. */
  readonly otherFiles?: boolean;
}

export type Dimensions = Pick<ModelSpec, "n_layer" | "n_embd" | "n_expert" | "n_expert_used" | "n_ff" | "n_vocab">;

/**
 * Recognised by dimensions: the files' `general.name` is little help ("4b_v7" in a published one). Where released models share
 * theirs, the first one of the list that fits in all else is taken.
 */
export interface ReleasedModel {
  readonly dimensions: Dimensions;
  /** Tuned models have a chat template, base models of the same dimensions have none. */
  readonly hasChatTemplate?: boolean;
  /** Of `general.name`. */
  readonly named?: RegExp;
  readonly known: KnownModel;
}

/** Models of one architecture. */
export interface ModelFamily {
  /** As users know it, e.g. `SmallThinker`. */
  readonly title: string;
  readonly knownModels: readonly ReleasedModel[];
  /** For models that are not known. */
  readonly sampling: SamplingDefaults;
}

const GREEDY: SamplingDefaults = { temperature: 0, topK: 1, topP: 1 };

/** Hearth's own, of any family and dimensions. */
const STARTER: KnownModel = {
  id: "hearth-starter",
  title: "Hearth starter model",
  capabilities: ["complete"],
  sampling: GREEDY,
  // Trained on both, it is right in 14 % without, in 10 % and 1 % with them (training/RESULTS.md).
  fimLayouts: [],
  fimReason: "the starter model says the rest of a line better without them",
};

/**
 * @param name `general.name`, if the file has one.
 * @param hasChatTemplate decides what an unknown model is taken to be good for.
 */
export function recogniseModel(
  family: ModelFamily,
  name: string | undefined,
  dimensions: Dimensions,
  hasChatTemplate: boolean,
): KnownModel {
  if (name?.toLowerCase().replaceAll(/[\s_-]+/g, "-") === STARTER.id) {
    return STARTER;
  }
  const released = family.knownModels.find(
    (model) =>
      sameDimensions(model.dimensions, dimensions) &&
      (model.hasChatTemplate ?? hasChatTemplate) === hasChatTemplate &&
      (model.named?.test(name ?? "") ?? true),
  );
  if (released !== undefined) {
    return released.known;
  }
  return {
    id: "other",
    title: name ?? `${family.title} model`,
    capabilities: hasChatTemplate ? ["complete", "chat", "edit"] : ["complete"],
    sampling: family.sampling,
    fimLayouts: [],
  };
}

function sameDimensions(a: Dimensions, b: Dimensions): boolean {
  return (
    a.n_layer === b.n_layer &&
    a.n_embd === b.n_embd &&
    a.n_expert === b.n_expert &&
    a.n_expert_used === b.n_expert_used &&
    a.n_ff === b.n_ff &&
    a.n_vocab === b.n_vocab
  );
}
