import {
  emptyReport,
  type GeneratedPiece,
  type GeneratedToken,
  type GenerateReport,
  type GenerateRequest,
  wasCancelled,
} from "../protocol/generation";
import type { PromptPart } from "../protocol/prompt";
import { BLOCK_LINES_MAX, type CompletionKind, stopStrings } from "./blockRules";
import { CancelSource } from "./cancellation";
import { type CacheKey, type CachedAnswer, typedSince } from "./completionCache";
import { IDENTIFIER_CHAR, type Surroundings } from "./context";
import { hasFallen } from "./gate";
import { judgedTokens, type JudgedToken, placedTokens, WATCHED } from "./judgedText";
import type { Clock, TextEngine } from "./ports";
import { type ShapedAnswer, shapeAnswer } from "./postprocess";
import { visibleText } from "./visibleText";

/** How an in-flight request ended. `stopped`: nobody wanted more of it. */
export type InFlightResult =
  /** No report: what came was all that was wanted, and the rest of the answer was left. */
  | { readonly kind: "answered"; readonly report: GenerateReport | undefined }
  | { readonly kind: "stopped" }
  | { readonly kind: "failed"; readonly error: unknown };

const WORD_AT_START = /^[\p{L}\p{N}_$]+/u;
/** The first line that is not blank, with what stands before it. */
const FIRST_LINE = /^\s*[^\n]*/;
const LINE_AND_MORE = /\S[^\n]*\n/;
/** More typed than answered: further ahead it is unlikely that the answer will be what was typed. */
const TYPED_AHEAD_MAX = 8;

/**
 * One question on its way through the engine. It may outlive the request that asked it: the next key often only
 * types what it is about to answer, and the rest of a block is generated while its first line is shown.
 */
export class InFlightRequest {
  readonly cacheKey: CacheKey;
  readonly completionKind: CompletionKind;
  readonly startedMs: number;
  firstTextMs: number | undefined;
  result: InFlightResult | undefined;
  /** Requests that wait for it. */
  waiting = 0;
  #at: Surroundings;
  readonly #clock: Clock;
  readonly #cancel = new CancelSource();
  readonly #listeners = new Set<() => void>();
  #leave: () => void = () => undefined;
  #text = "";
  readonly #tokens: GeneratedToken[] = [];
  /** Generation ends where the joint probability falls below it; 0: only at the end of what is generated. */
  #jointMin: number;
  #hasFallen = false;
  /** The engine knows no probabilities: no more than a line is taken. */
  #isUnjudged = false;
  /** Asked by hand for the second time. */
  readonly #isRepeated: boolean;
  #isWhole = false;
  /** The token limit has ended it. */
  #isCutOff = false;
  #shaped: ShapedAnswer = { kind: "none", reason: "empty" };
  /** With the line that is still being generated. */
  #soFar: ShapedAnswer = this.#shaped;

  constructor(
    cacheKey: CacheKey,
    at: Surroundings,
    completionKind: CompletionKind,
    clock: Clock,
    jointMin = 0,
    isRepeated = false,
  ) {
    this.#jointMin = jointMin;
    this.#isRepeated = isRepeated;
    this.cacheKey = cacheKey;
    this.completionKind = completionKind;
    this.#at = at;
    this.#clock = clock;
    this.startedMs = clock.nowMs();
  }

  /** Resolves when it has ended; never rejects. `isJudged`: the engine is to tell how likely each token was. */
  async run(
    engine: TextEngine,
    prompt: readonly PromptPart[],
    limits: Pick<GenerateRequest, "maxTokens" | "sampler" | "memoryAt">,
    isJudged = false,
  ): Promise<void> {
    try {
      const stop = stopStrings(this.completionKind);
      const judged = isJudged ? { logprobs: true, watched: WATCHED } : {};
      const request = { priority: "completion", ...limits, stop, ...judged } as const;
      const pieces = engine.generate(this.cacheKey.documentId, prompt, request, this.#cancel.token);
      this.#leave = () => {
        // Not awaited: a generator that is busy returns only when its work is done.
        void pieces.return(emptyReport("cancelled")).catch(() => undefined);
      };
      let step = await pieces.next();
      while (step.done !== true) {
        // Asked again, an answer may end behind the block, but only by itself.
        const hasEnough = this.#isRepeated && this.#isComplete();
        this.#take(step.value);
        const isComplete = this.#isRepeated ? hasEnough : this.#isComplete();
        if (this.#cancel.token.isCancellationRequested || isComplete) {
          this.#leave();
          break;
        }
        step = await pieces.next();
      }
      this.#land(step.done === true ? step.value : undefined);
    } catch (error) {
      this.result = this.#cancel.token.isCancellationRequested ? { kind: "stopped" } : { kind: "failed", error };
    }
    this.#changed();
  }

  /** Somebody wants to see more than what is sure. */
  ignoreConfidence(): void {
    this.#jointMin = 0;
  }

  /** More is known now of the place that it was asked for: what has come is shaped anew. */
  placedAt(at: Surroundings): void {
    this.#at = at;
    this.#shape();
  }

  stop(): void {
    this.#cancel.cancel();
    this.#leave();
  }

  /** As it was generated, so far. */
  get said(): string {
    return this.#text;
  }

  get isStopped(): boolean {
    return this.#cancel.token.isCancellationRequested;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The first line of a block has come whole, and says more than was `typed` of it. */
  hasLineBeyond(typed: string): boolean {
    return this.completionKind === "block" && this.answer.text.slice(typed.length).trim() !== "";
  }

  /**
   * What has come so far, shaped, and how likely it is; where it is empty, its skip reason. Until it has ended, of a block
   * only whole lines.
   */
  get answer(): CachedAnswer {
    const { completionKind } = this;
    if (this.#shaped.kind === "none") {
      return { text: "", completionKind, reason: this.#hasFallen ? "lowConfidence" : this.#shaped.reason };
    }
    const { text } = this.#shaped;
    const tokens = this.#tokens.length === 0 ? undefined : this.#placedIn(text);
    const lastLine = text.slice(text.lastIndexOf("\n") + 1).trim();
    const wordChars = IDENTIFIER_CHAR.test(this.#at.before.slice(-1))
      ? WORD_AT_START.exec(text)?.[0].length
      : undefined;
    return {
      text,
      completionKind,
      ...(this.#isRepeated ? { isWhole: this.#isWhole } : {}),
      ...(this.#isUnjudged ? { isUnjudged: true as const } : {}),
      ...(tokens === undefined ? {} : { tokens }),
      ...(this.#hasFallen && this.#text.trimEnd().endsWith(lastLine) ? { isOpen: true } : {}),
      ...(wordChars === undefined ? {} : { wordChars }),
    };
  }

  /** What was typed at its position since it started, if its answer may still begin with that. */
  typedAlong(now: CacheKey): string | undefined {
    const typed = typedSince(this.cacheKey, now);
    if (typed === undefined) {
      return undefined;
    }
    const text = this.#soFar.kind === "text" ? this.#soFar.text : "";
    if (this.result === undefined && typed.startsWith(text)) {
      return typed.length - text.length <= TYPED_AHEAD_MAX ? typed : undefined;
    }
    // Once it has ended, an answer that is typed to its end has nothing more to say.
    const hasMore = typed === "" || typed.length < text.length;
    return hasMore && text.startsWith(typed) ? typed : undefined;
  }

  #placedIn(shaped: string): readonly JudgedToken[] | undefined {
    const tokens = judgedTokens(this.#text, this.#tokens);
    const visible = visibleText(this.#text);
    if (visible === this.#text) {
      return placedTokens(visible, tokens, shaped);
    }
    const moved = tokens.map((token) => ({ ...token, start: visibleText(this.#text.slice(0, token.start)).length }));
    return placedTokens(visible, moved, shaped);
  }

  #take({ text, tokens = [], isUnjudged }: GeneratedPiece): void {
    this.#tokens.push(...tokens);
    this.#isUnjudged ||= isUnjudged === true;
    if (text === "") {
      return;
    }
    this.firstTextMs ??= this.#clock.nowMs() - this.startedMs;
    this.#text += text;
    this.#hasFallen = this.#isUnlikely();
    this.#soFar = this.#shapedTo(this.#text.length);
    if (this.completionKind === "line") {
      this.#shaped = this.#soFar;
    } else if (text.includes("\n")) {
      this.#shaped = this.#shapedTo(this.#text.lastIndexOf("\n"));
    }
    this.#changed();
  }

  #shape(): void {
    const lastBreak = this.#text.lastIndexOf("\n");
    const isAll = this.completionKind === "line" || this.result !== undefined;
    this.#soFar = this.#shapedTo(this.#text.length);
    this.#shaped = isAll ? this.#soFar : this.#shapedTo(Math.max(0, lastBreak));
  }

  #shapedTo(end: number): ShapedAnswer {
    const said = visibleText(this.#text.slice(0, end));
    const text = this.#isUnjudged ? (FIRST_LINE.exec(said)?.[0] ?? "") : said;
    const { completionKind } = this;
    return shapeAnswer({ text, completionKind, cutOff: this.#isCutOff, isWhole: this.#isWhole }, this.#at);
  }

  #isUnlikely(): boolean {
    return (
      this.#jointMin > 0 &&
      hasFallen({ text: this.#text, tokens: judgedTokens(this.#text, this.#tokens) }, this.#jointMin)
    );
  }

  /** Too unlikely; a block that was left again, or is as long as blocks get: what comes now is cut off anyway. */
  #isComplete(): boolean {
    if (this.#isUnjudged && LINE_AND_MORE.test(this.#text)) {
      return true;
    }
    if (this.completionKind === "line" || this.#shaped.kind === "none") {
      return this.#hasFallen;
    }
    const whole = this.#text.slice(0, this.#text.lastIndexOf("\n") + 1);
    const count = (text: string): number => text.split("\n").filter((line) => line.trim() !== "").length;
    return this.#hasFallen || count(whole) > count(this.#shaped.text) || count(whole) >= BLOCK_LINES_MAX;
  }

  #land(report: GenerateReport | undefined): void {
    if (this.isStopped || (report !== undefined && wasCancelled(report))) {
      this.result = { kind: "stopped" };
      return;
    }
    this.#isWhole = this.#isRepeated && report !== undefined && report.finish !== "limit";
    this.#isCutOff = report?.finish === "limit";
    this.result = { kind: "answered", report };
    this.#shape();
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) {
      listener();
    }
  }
}
