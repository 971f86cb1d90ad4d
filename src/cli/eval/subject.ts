import { Completer } from "../../core/completion";
import type { CompletionOptions } from "../../core/completionOptions";
import type { JointMin } from "../../core/gate";
import type { PromptTraits, TextEngine } from "../../core/ports";
import type { Project } from "../../core/prompt/source";
import { perSource, type SourceName } from "../../core/prompt/sources";
import { budgetFor, type PromptBudget } from "../../core/promptWindow";
import { estimateTokens } from "../../core/tokenEstimate";
import type { Surprise } from "../../engine/local/surprise";
import type { PromptPart } from "../../protocol/prompt";
import { syntaxOf } from "../syntax";
import type { VirtualClock } from "../virtualClock";
import type { RecordedDefinitions } from "./definitionFile";
import { TimedEngine } from "./timedEngine";

/** Code at hand that a model is mixed with. */
export interface SubjectMemory {
  /** The open document as it is from now on; the line of the offset is being written, and is left out. */
  open(document: { readonly path: string; readonly text: string; readonly offset: number }): void;
  /** All that there is of a workspace from now on. */
  setWorkspace(docs: readonly { readonly path: string; readonly text: string }[]): Promise<void>;
}

/** What is measured: a model, and how prompts are laid out for it. */
export interface Subject {
  readonly name: string;
  readonly traits: PromptTraits;
  readonly contextTokens: number;
  /** Missing: as the product does, by the context. */
  readonly budget?: PromptBudget;
  /** How sure a suggestion must be. Missing: as a window's that nobody has set up. */
  readonly jointMin?: JointMin;
  /** Greedy. */
  readonly engine: TextEngine;
  /** Missing: the model is asked alone. */
  readonly memory?: SubjectMemory;
  /** Of identifiers near a cursor. Missing: prompts show none. */
  readonly definitionsAt?: RecordedDefinitions;
  /** Tokens of a text. */
  readonly count: (text: string) => number;
  /** The likeliest rest of the line. */
  restOfLine(prompt: readonly PromptPart[]): Promise<string>;
  surpriseAt(prompt: readonly PromptPart[], text: string): Promise<Surprise>;
}

/** From asking the engine to its answer. */
const ANSWER_MS = 40;
/** As a window asks. */
const ANSWER_TOKENS = 96;

/** The logic of a window of its own, in the clock's time. */
export async function completerFor(
  { engine, traits, contextTokens, budget, jointMin, count }: Subject,
  languageId: string,
  clock: VirtualClock,
  projectOf?: () => Project,
): Promise<Completer> {
  const syntax = await syntaxOf([languageId], clock);
  const options: Partial<CompletionOptions> = {
    blockTokens: ANSWER_TOKENS,
    budget: budget ?? budgetFor(contextTokens, ANSWER_TOKENS),
    ...(jointMin === undefined ? {} : { jointMin }),
  };
  const timed = new TimedEngine(engine, clock, ANSWER_MS);
  // A window estimates, within a budget that leaves room for that; one that fills the context has to count.
  const tokens = { count: budget === undefined ? estimateTokens : count };
  const ports = { engine: timed, clock, tokens, syntax };
  return new Completer(projectOf === undefined ? ports : { ...ports, projectOf }, traits, options);
}

/** Tokens beside the sources': the layout's own, and an answer. */
const OTHER_TOKENS = 192;

/** The default characters or the given ones, as far as the context has room for them. */
export function wideBudget(contextTokens: number, chars: Partial<Record<SourceName, number>> = {}): PromptBudget {
  const room = Math.max(2, contextTokens - OTHER_TOKENS);
  return perSource(({ budget, share }, name) => ({
    chars: chars[name] ?? budget.chars,
    tokens: share === "rest" ? budget.tokens : Math.floor(room * share),
  }));
}
