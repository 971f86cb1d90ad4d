import { type IGrammar, INITIAL, type StateStack } from "vscode-textmate";
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

/** After so long a line's reading is given up, and the line is one token. */
const LINE_MS_MAX = 200;
/** A grammar that takes as long for less is at fault, not the line. */
const SLOW_LINE_CHARS = 2000;

/** Reads with a TextMate grammar. */
export class TextMateReader implements SyntaxReader {
  readonly languageId: string;
  readonly start: SyntaxState;
  readonly #grammar: IGrammar;
  readonly #scopes: ScopeReader;
  readonly #onFailure: (error: unknown) => void;
  #hasFailed = false;
  readonly #configurations: ReadonlyMap<string, LanguageConfiguration>;

  constructor(
    languageId: string,
    grammar: IGrammar,
    scopes: ScopeReader,
    configurations: ReadonlyMap<string, LanguageConfiguration>,
    onFailure: (error: unknown) => void,
  ) {
    this.#onFailure = onFailure;
    this.languageId = languageId;
    this.#grammar = grammar;
    this.#scopes = scopes;
    this.#configurations = configurations;
    this.start = new TextMateState(INITIAL, scopes.read([]));
  }

  configuration(languageId: string): LanguageConfiguration {
    return this.#configurations.get(languageId) ?? FALLBACK_CONFIGURATION;
  }

  readLine(line: string, state: SyntaxState): LineReading {
    if (line.length > READ_LINE_CHARS_MAX || !(state instanceof TextMateState) || this.#hasFailed) {
      return unread(line, state);
    }
    try {
      const first = this.#read(line, state);
      if (first !== undefined) {
        return first;
      }
      // The first reading also compiles the patterns that the line needs; the second one says how fast they are.
      const second = this.#read(line, state);
      if (second === undefined && line.length <= SLOW_LINE_CHARS) {
        this.#fail(new Error(`${String(line.length)} characters were not read in ${String(LINE_MS_MAX)} ms`));
      }
      return second ?? unread(line, state);
    } catch (error) {
      this.#fail(error);
      return unread(line, state);
    }
  }

  #fail(error: unknown): void {
    this.#hasFailed = true;
    this.#onFailure(error);
  }

  /** Undefined where it took too long. */
  #read(line: string, state: TextMateState): LineReading | undefined {
    const { tokens, ruleStack, stoppedEarly } = this.#grammar.tokenizeLine(line, state.stack, LINE_MS_MAX);
    if (stoppedEarly) {
      return undefined;
    }
    const read: Token[] = [];
    for (const { startIndex, endIndex, scopes } of tokens) {
      const end = Math.min(endIndex, line.length);
      if (end > startIndex) {
        read.push({ start: startIndex, end, scope: this.#scopes.read(scopes) });
      }
    }
    const end = ruleStack.equals(state.stack)
      ? state
      : new TextMateState(ruleStack, this.#scopes.read(pathOf(ruleStack)));
    return { tokens: read, end };
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
