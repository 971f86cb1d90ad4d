import type { TokenCounter } from "./ports";
import type { FrozenText, Place, Project, Room, SourceBudget } from "./prompt/source";
import { perSource, SOURCE_NAMES, type SourceName } from "./prompt/sources";

/** How much each source of a prompt may show. */
export type PromptBudget = Readonly<Record<SourceName, SourceBudget>>;

export const DEFAULT_BUDGET: PromptBudget = perSource(({ budget }) => budget);

/** Tokens of a layout's own: control tokens and the path. */
const LAYOUT_TOKENS = 40;
/** About as many as in code. */
const CHARS_PER_TOKEN = 4;
/** Tokens are counted on a sample: the text that is chosen may have some more. */
const COUNT_MARGIN = 0.8;

/** The usual budget, or what a short context leaves beside an answer. */
export function budgetFor(contextTokens: number, answerTokens: number): PromptBudget {
  const answer = Math.min(answerTokens, Math.floor(contextTokens / 4));
  const room = Math.max(
    2,
    (contextTokens - answer - Math.min(LAYOUT_TOKENS, Math.floor(contextTokens / 3))) * COUNT_MARGIN,
  );
  const shared = perSource(({ budget, share }) =>
    share === "rest" ? 0 : Math.min(budget.tokens, Math.floor(room * share)),
  );
  let rest = Math.max(0, Math.floor(room) - SOURCE_NAMES.reduce((sum, name) => sum + shared[name], 0));
  return perSource(({ budget, share }, name) => {
    if (share !== "rest") {
      return { chars: budget.chars, tokens: shared[name] };
    }
    const tokens = Math.min(budget.tokens, rest);
    rest -= tokens;
    return { chars: Math.min(budget.chars, tokens * CHARS_PER_TOKEN), tokens };
  });
}

/** What each source shows at a cursor. */
export type PromptWindow = Readonly<Record<SourceName, string>> & {
  /** Where the prefix begins. */
  readonly anchor: number;
};

/** Documents with a remembered window; the least recently used is forgotten. */
const DOCUMENTS_MAX = 32;

/** Remembers the text that prompt sources show of documents, so that a prompt's prefix stays the same while the user types. */
export class PromptWindows {
  readonly #budget: PromptBudget;
  readonly #tokens: TokenCounter | undefined;
  readonly #projectOf: ((documentId: string) => Project) | undefined;
  readonly #documents = new Map<string, Readonly<Record<SourceName, FrozenText>>>();
  /** Notes of documents that have not been asked for yet. */
  readonly #adopted = new Map<string, Readonly<Partial<Record<SourceName, unknown>>>>();

  /** @param projectOf what else prompts for a document may show; missing: nothing. */
  constructor(
    budget: PromptBudget = DEFAULT_BUDGET,
    tokens?: TokenCounter,
    projectOf?: (documentId: string) => Project,
  ) {
    this.#budget = budget;
    this.#tokens = tokens;
    this.#projectOf = projectOf;
  }

  windowAt(documentId: string, place: Place): PromptWindow {
    const frozen = this.#frozenOf(documentId);
    const whole = this.#placeIn(documentId, place);
    const shown = perSource((_, name) => frozen[name].at(whole));
    return { ...shown, anchor: place.offset - shown.prefix.length };
  }

  /** What prompts for the document show, for `adopt` of another window. Undefined: nothing has been shown. */
  noteOf(documentId: string): string | undefined {
    const frozen = this.#documents.get(documentId);
    return frozen === undefined ? undefined : JSON.stringify(perSource((_, name) => frozen[name].saved?.()));
  }

  /**
   * Prompts for the document go on as the window did that gave the note, as far as what they would show is still there. Nothing is
   * shown that could not be without it. Ignored where the document has been asked for.
   */
  adopt(documentId: string, note: string): void {
    if (this.#documents.has(documentId)) {
      return;
    }
    const saved: unknown = parsed(note);
    if (typeof saved === "object" && saved !== null) {
      this.#adopted.set(documentId, saved);
    }
  }

  /** Idle: the shown text may be updated. */
  refresh(documentId: string, place: Place): void {
    const frozen = this.#frozenOf(documentId);
    const whole = this.#placeIn(documentId, place);
    for (const name of SOURCE_NAMES) {
      frozen[name].refresh?.(whole);
    }
  }

  #frozenOf(documentId: string): Readonly<Record<SourceName, FrozenText>> {
    const saved = this.#adopted.get(documentId);
    const frozen =
      this.#documents.get(documentId) ?? perSource((source, name) => source.open(this.#room(name), saved?.[name]));
    this.#adopted.delete(documentId);
    this.#documents.delete(documentId);
    this.#documents.set(documentId, frozen);
    const oldest = this.#documents.keys().next().value;
    if (this.#documents.size > DOCUMENTS_MAX && oldest !== undefined) {
      this.#documents.delete(oldest);
    }
    return frozen;
  }

  #placeIn(documentId: string, place: Place): Place {
    const projectOf = this.#projectOf;
    return projectOf === undefined ? place : { ...place, project: () => projectOf(documentId) };
  }

  forget(documentId: string): void {
    this.#adopted.delete(documentId);
    this.#documents.delete(documentId);
  }

  #room(name: SourceName): Room {
    const { chars, tokens } = this.#budget[name];
    return {
      chars,
      charsOf: (sample) => {
        const counted = this.#tokens?.count(sample) ?? 0;
        return counted <= tokens ? chars : Math.max(1, Math.floor((sample.length * tokens) / counted));
      },
    };
  }
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
