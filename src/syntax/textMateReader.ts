import { type IGrammar, INITIAL, type ITokenizeLineResult, type StateStack } from "vscode-textmate";
import { FALLBACK_CONFIGURATION, type LanguageConfiguration } from "../core/syntax/configuration";
import {
  type LineReading,
  READ_LINE_CHARS_MAX,
  type SyntaxReader,
  type SyntaxState,
  type Token,
  type TokenScope,
} from "../core/syntax/reader";
import type { ScopeReader } from "./scopes";
import { SearchedTooLong, type TimedOniguruma } from "./timedOniguruma";

/** After so long a line's reading is given up, and the line is one token. */
const LINE_MS_MAX = 250;
/** A grammar that takes as long for less is at fault, not the line. */
const SLOW_LINE_CHARS = 2000;
const SLOW_LINES_MAX = 3;
const VERY_SLOW_MS = 2000;
const RECENT_STATES = 32;

/** What a reader of a language is made of. */
export interface TextMateParts {
  readonly grammar: IGrammar;
  /** What the grammar searches with. */
  readonly oniguruma: TimedOniguruma;
  readonly scopes: ScopeReader;
  /** Of the language and those that are embedded in it. */
  readonly configurations: ReadonlyMap<string, LanguageConfiguration>;
  /** After so long a line's reading is given up; default 250. */
  readonly lineMsMax: number | undefined;
  /** Called once; from then on each line is one token. */
  readonly onFailure: (error: unknown) => void;
}

/** Reads with a TextMate grammar. */
export class TextMateReader implements SyntaxReader {
  readonly languageId: string;
  readonly start: SyntaxState;
  readonly #grammar: IGrammar;
  readonly #oniguruma: TimedOniguruma;
  readonly #scopes: ScopeReader;
  readonly #configurations: ReadonlyMap<string, LanguageConfiguration>;
  readonly #lineMsMax: number;
  readonly #onFailure: (error: unknown) => void;
  readonly #recent: TextMateState[] = [];
  #nextRecent = 0;
  #slowLines = 0;
  #hasFailed = false;

  constructor(languageId: string, parts: TextMateParts) {
    const { grammar, oniguruma, scopes, configurations, lineMsMax = LINE_MS_MAX, onFailure } = parts;
    this.languageId = languageId;
    this.#grammar = grammar;
    this.#oniguruma = oniguruma;
    this.#scopes = scopes;
    this.#configurations = configurations;
    this.#lineMsMax = lineMsMax;
    this.#onFailure = onFailure;
    this.start = new TextMateState(INITIAL, scopes.start);
  }

  configuration(languageId: string): LanguageConfiguration {
    return this.#configurations.get(languageId) ?? FALLBACK_CONFIGURATION;
  }

  readLine(line: string, state: SyntaxState): LineReading {
    if (line.length > READ_LINE_CHARS_MAX || !(state instanceof TextMateState) || this.#hasFailed) {
      return unread(line, state);
    }
    try {
      const reading = this.#read(line, state);
      this.#judge(line);
      return reading ?? unread(line, state);
    } catch (error) {
      this.#fail(error);
      return unread(line, state);
    }
  }

  /** One slow line may be the fault of what else the machine does; a very slow one, or several, are the grammar's. */
  #judge(line: string): void {
    const spentMs = this.#oniguruma.spentMs();
    if (spentMs > this.#lineMsMax && line.length <= SLOW_LINE_CHARS) {
      this.#slowLines += spentMs > VERY_SLOW_MS ? SLOW_LINES_MAX : 1;
    }
    if (this.#slowLines >= SLOW_LINES_MAX && !this.#hasFailed) {
      this.#fail(new Error(`a line of ${String(line.length)} characters took ${String(Math.round(spentMs))} ms`));
    }
  }

  #fail(error: unknown): void {
    this.#hasFailed = true;
    this.#onFailure(error);
  }

  /** Undefined where it took too long. */
  #read(line: string, state: TextMateState): LineReading | undefined {
    const result = this.#tokenize(line, state.stack);
    if (result === undefined) {
      return undefined;
    }
    const { tokens, ruleStack } = result;
    const read: Token[] = [];
    for (const { startIndex, endIndex, scopes } of tokens) {
      const end = Math.min(endIndex, line.length);
      if (end > startIndex) {
        read.push({ start: startIndex, end, scope: this.#scopes.read(scopes) });
      }
    }
    return { tokens: read, end: ruleStack.equals(state.stack) ? state : this.#stateOf(ruleStack) };
  }

  /** One object for states that lines often end in: the lines of a document are many, their states are few. */
  #stateOf(stack: StateStack): TextMateState {
    const known = this.#recent.find((each) => each.stack.equals(stack));
    if (known !== undefined) {
      return known;
    }
    const state = new TextMateState(stack, this.#scopes.read(pathOf(stack)));
    this.#recent[this.#nextRecent] = state;
    this.#nextRecent = (this.#nextRecent + 1) % RECENT_STATES;
    return state;
  }

  #tokenize(line: string, stack: StateStack): ITokenizeLineResult | undefined {
    this.#oniguruma.allow(this.#lineMsMax);
    try {
      return this.#grammar.tokenizeLine(line, stack);
    } catch (error) {
      if (error instanceof SearchedTooLong) {
        return undefined;
      }
      throw error;
    }
  }
}

function unread(line: string, state: SyntaxState): LineReading {
  return { tokens: line === "" ? [] : [{ start: 0, end: line.length, scope: state.scope }], end: state };
}

class TextMateState implements SyntaxState {
  readonly stack: StateStack;
  readonly scope: TokenScope;

  constructor(stack: StateStack, scope: TokenScope) {
    this.stack = stack;
    this.scope = scope;
  }

  equals(other: SyntaxState): boolean {
    return other instanceof TextMateState && (other.stack === this.stack || other.stack.equals(this.stack));
  }
}

/** What vscode-textmate keeps in a state and does not declare: the scopes in which the next line begins. */
interface StackInside {
  readonly contentNameScopesList?: { getScopeNames(): string[] } | null;
}

function pathOf(stack: StateStack): readonly string[] {
  return (stack as StackInside).contentNameScopesList?.getScopeNames() ?? [];
}
