import type { PromptPart } from "../protocol/prompt";
import type { CompletionKind } from "./blockRules";
import { NEVER_CANCELLED } from "./cancellation";
import { afterTyping, CompletionCache } from "./completionCache";
import { ALTERNATIVE_SAMPLER, ALTERNATIVE_SEEDS, type CompletionOptions, DEFAULT_OPTIONS } from "./completionOptions";
import {
  type CompletionOutcome,
  type CompletionPosition,
  type CompletionRequest,
  isSamePlace,
  normalise,
  type NormalRequest,
} from "./completionRequest";
import type { CompletionPorts } from "./completionPorts";
import { InFlightRequest } from "./inFlightRequest";
import { keepingEngine } from "./keptPrompts";
import { Lookahead } from "./lookahead";
import { fittedOutcome, isSameText, outcomeOfResult, type TextOutcome, withoutRemoved } from "./outcome";
import { PlaceReader } from "./placeReader";
import type { CancelToken, Clock, PromptTraits, TextEngine } from "./ports";
import { flatten } from "./promptLayout";
import { costOf, PromptPrefill, PREFILL_CHARS_MIN, type PrefillPriority } from "./promptPrefill";
import { type ExplainedPrompt, explainedPrompt } from "./promptView";
import { PromptWindows } from "./promptWindow";
import type { SkipReason } from "./skipReasons";
import { type AnswerSource, RequestLog } from "./requestLog";
import { isSkippedFor, isStale, outcomeOfReused, wantsLinesBelow } from "./reuse";
import { isSameSuggestion, StandingSuggestion } from "./standingSuggestion";
import { placeSuppression, suppressionAt } from "./suppression";
import type { ShownSuggestion } from "./report/suggestionReport";
import { SyntaxCache } from "./syntax/cursorSyntax";
import { SyntaxWait } from "./syntaxWait";
import { PLAIN_SOURCE } from "./syntax/languages";
import { kindAskedFor, recordOf, type PendingCompletion } from "./pendingCompletion";
import { TypingPace } from "./typingPace";
import { Waiting, whenOver } from "./waiting";

/** Less than this costs the next request next to nothing. */
const WARM_CHARS_MIN = 64;
/** Longer than between two keys of most typists: few questions are then asked in vain. */
const SAVING_PAUSE_MS = 600;

/**
 * From a cursor to the text that an editor would insert there. One a window: it remembers answers, windows of
 * documents and how fast the user types. Requests may overlap; a newer one supersedes an older one.
 */
export class Completer {
  readonly log: RequestLog;
  readonly #engine: TextEngine;
  readonly #clock: Clock;
  readonly #options: CompletionOptions;
  readonly #windows: PromptWindows;
  readonly #prefill: PromptPrefill;
  readonly #places: PlaceReader;
  readonly #cache = new CompletionCache();
  readonly #pace = new TypingPace();
  readonly #waiting: Waiting;
  readonly #syntaxWait: SyntaxWait;
  #lastId = 0;
  #inFlight: InFlightRequest | undefined;
  #callOffLinger: (() => void) | undefined;
  readonly #standing = new StandingSuggestion();
  readonly #lookahead: Lookahead;
  #lastShown: ShownSuggestion | undefined;
  #askedByHand: CompletionRequest | undefined;

  constructor(ports: CompletionPorts, traits: PromptTraits, options: Partial<CompletionOptions> = {}) {
    this.log = ports.log ?? new RequestLog();
    this.#clock = ports.clock;
    const syntax = ports.syntax ?? new SyntaxCache(PLAIN_SOURCE, ports.clock);
    this.#options = { ...DEFAULT_OPTIONS, ...options };
    const projectOf = traits.otherFiles === true ? ports.projectOf : undefined;
    this.#windows = new PromptWindows(this.#options.budget, ports.tokens, projectOf);
    this.#engine = keepingEngine(ports.engine, this.#options.keepFor, this.#windows);
    this.#prefill = new PromptPrefill(this.#engine);
    this.#waiting = new Waiting(ports.clock);
    this.#places = new PlaceReader(this.#windows, syntax, traits, this.#options.jointMin);
    this.#syntaxWait = new SyntaxWait(syntax, ports.clock, this.#waiting);
    this.#lookahead = new Lookahead(ports.clock);
  }

  /** Never rejects: what goes wrong is an outcome. */
  async complete(request: CompletionRequest, token: CancelToken = NEVER_CANCELLED): Promise<CompletionOutcome> {
    const startedMs = this.#clock.nowMs();
    const id = this.#nextId();
    try {
      const normal = normalise(request);
      const pending = normal === undefined ? undefined : this.#newPending(id, request, normal, token, startedMs);
      const outcome: CompletionOutcome =
        pending === undefined
          ? { kind: "none", reason: "suggestItem" }
          : withoutRemoved(request, await this.#onceCalm(pending, await this.#outcomeOf(pending)));
      this.#standing.ended(request, outcome);
      if (id === this.#lastId) {
        this.#lookAhead(request, outcome);
      }
      if (outcome.kind === "text") {
        this.#lastShown = { request, outcome, said: pending?.inFlight?.said };
      }
      this.#record(request, startedMs, outcome, pending);
      return outcome;
    } catch (error) {
      const outcome: CompletionOutcome = { kind: "none", reason: "internal", error };
      this.#record(request, startedMs, outcome);
      return outcome;
    }
  }

  /** For a user who wants to report it. */
  get lastShown(): ShownSuggestion | undefined {
    return this.#lastShown;
  }

  /**
   * Other texts for the same position, for a user who looks through them: sampled, so that they differ. After `forMs` no
   * further one is begun; ends early when anything else is asked. Texts that are equal, or equal to what `complete` gave, come once or not at all.
   */
  async alternatives(
    request: CompletionRequest,
    first: CompletionOutcome,
    forMs: number,
    token: CancelToken = NEVER_CANCELLED,
  ): Promise<readonly TextOutcome[]> {
    const normal = normalise(request);
    if (normal === undefined) {
      return [];
    }
    this.stop();
    const begun = this.#newPending(this.#nextId(), request, normal, token, this.#clock.nowMs());
    const pending = { ...begun, jointMin: 0, isRepeated: false };
    const found: TextOutcome[] = [];
    const cancelled = token.onCancellationRequested(() => {
      this.stop();
    });
    const until = pending.startedMs + forMs;
    for (const seed of ALTERNATIVE_SEEDS) {
      if (this.#interruption(pending) !== undefined || this.#clock.nowMs() > until) {
        break;
      }
      const inFlight = new InFlightRequest(
        pending.cacheKey,
        pending.at,
        kindAskedFor(pending, this.#options.blocks),
        this.#clock,
      );
      this.#inFlight = inFlight;
      await inFlight.run(this.#engine, pending.prompt, {
        maxTokens: this.#maxTokens(inFlight.completionKind),
        sampler: { ...ALTERNATIVE_SAMPLER, seed },
      });
      const outcome = this.#interruption(pending) ?? outcomeOfResult(pending, inFlight, "");
      if (this.#inFlight === inFlight) {
        this.#inFlight = undefined;
      }
      const known = [first, ...found].some((other) => other.kind === "text" && isSameText(other, outcome));
      if (outcome.kind === "text" && !known) {
        found.push(outcome);
      }
    }
    cancelled.dispose();
    if (begun.id === this.#lastId) {
      this.#lookAhead(request, first);
    }
    return found;
  }

  /**
   * Lets the engine evaluate what the next prompt will begin with, while nobody waits: a document that was just opened, or
   * text below the cursor that has changed since it was last looked at. A request for another position ends it.
   */
  async warm(request: CompletionRequest): Promise<void> {
    if (this.#inFlight !== undefined || this.#options.isSaving()) {
      return;
    }
    this.refresh(request);
    this.#places.readSyntax(request);
    const prompt = this.promptFor(request);
    if (this.#prefill.newChars(request.documentId, flatten(prompt)) >= WARM_CHARS_MIN) {
      await this.#runPrefill(request.documentId, prompt, "prefill");
    }
  }

  /** Resolves once what the engine was asked has ended; at once where nothing was. */
  async untilAnswered(): Promise<void> {
    const inFlight = this.#inFlight;
    while (inFlight !== undefined && inFlight.result === undefined) {
      await this.#waiting.pause(NEVER_CANCELLED, [(wake) => inFlight.onChange(wake)]);
    }
  }

  /** For a caller that does not even ask; the log then says why. Stops what is under way. */
  decline(request: CompletionRequest, reason: SkipReason): CompletionOutcome {
    this.#nextId();
    this.log.addSkipped(request, reason, this.#clock.nowMs());
    this.stop();
    return { kind: "none", reason };
  }

  /** Nobody types: what the prompt shows of the text below the cursor may be brought up to date. */
  refresh(request: CompletionRequest): void {
    this.#places.refresh(request);
  }

  /** The prompt for this position: to be evaluated while nobody types, or to be looked at. */
  promptFor(request: CompletionPosition): readonly PromptPart[] {
    return this.#places.promptFor(request);
  }

  /** The prompt at this position by its sources, and what the model says there; nothing is shown or kept. Rejects with an EngineError. */
  async explain(request: CompletionPosition): Promise<ExplainedPrompt> {
    this.stop();
    const startedMs = this.#clock.nowMs();
    const sections = this.#places.sectionsFor(request);
    const layoutMs = this.#clock.nowMs() - startedMs;
    return explainedPrompt(
      this.#engine,
      this.#clock,
      request,
      { sections, layoutMs },
      {
        maxTokens: this.#options.oneLineTokens,
        ...(this.#options.memory ? { memoryAt: request.offset } : {}),
      },
    );
  }

  /** A window that was here before noted this (`GenerateRequest.keep`): prompts for the document go on as it had them. */
  adopt(documentId: string, note: string): void {
    this.#windows.adopt(documentId, note);
  }

  /** A document was closed. */
  forget(documentId: string): void {
    this.#places.forget(documentId);
    this.#cache.forget(documentId);
    this.#prefill.forget(documentId);
    this.#standing.forget(documentId);
    this.#lookahead.callOff();
    this.#askedByHand = undefined;
    if (this.#inFlight?.cacheKey.documentId === documentId) {
      this.stop();
    }
  }

  /** The model is another one: no earlier answer is its own. */
  reset(): void {
    this.stop();
    this.#cache.clear();
    this.#prefill.clear();
  }

  /** Ends the work under way. */
  stop(): void {
    this.#stopAsking();
    this.#prefill.stop();
  }

  #stopAsking(): void {
    this.#lookahead.callOff();
    this.#callOffLinger?.();
    this.#inFlight?.stop();
    this.#inFlight = undefined;
  }

  #nextId(): number {
    this.#lastId += 1;
    this.#lookahead.callOff();
    this.#waiting.wakeAll();
    return this.#lastId;
  }

  #newPending(
    id: number,
    request: CompletionRequest,
    normal: NormalRequest,
    token: CancelToken,
    startedMs: number,
  ): PendingCompletion {
    const standing = this.#standing.restAt(request);
    const isRepeated = request.trigger === "manual" && isSamePlace(this.#askedByHand, request);
    this.#askedByHand = request.trigger === "manual" ? request : undefined;
    return this.#places.pendingAt({ id, request, normal, token, startedMs, isRepeated, standing });
  }

  /** The straight line. */
  async #outcomeOf(pending: PendingCompletion): Promise<CompletionOutcome> {
    const isManual = pending.request.trigger === "manual";
    if (!isManual) {
      this.#pace.key(pending.startedMs);
    }
    this.#prefill.stopUnlessFor(pending.request.documentId, flatten(pending.prompt));
    const unwanted = isManual ? undefined : placeSuppression(pending.at, this.#options);
    if (unwanted !== undefined) {
      this.#stopAsking();
      return { kind: "none", reason: unwanted };
    }
    if (this.#syntaxWait.isWorthwhile(pending) && this.#cache.has(pending.cacheKey)) {
      await this.#untilRead(pending);
    }
    const reused = this.#interruption(pending) ?? this.#reuse(pending);
    if (reused !== undefined) {
      return reused;
    }
    // Asked for or not: a model that cannot fill in has nothing to go on from at the start of a document.
    const suppression =
      pending.prompt.length === 0 ? "emptyDocument" : isManual ? undefined : suppressionAt(pending.at);
    // The rest of a block may come where nothing would be asked anew: behind its first statement.
    if (suppression === undefined || this.#inFlight?.completionKind === "block") {
      const early = await this.#joinInFlight(pending);
      if (early !== undefined) {
        return early;
      }
    }
    this.#stopAsking();
    if (suppression !== undefined) {
      return { kind: "none", reason: suppression };
    }
    const interrupted = (await this.#debounce(pending)) ?? (await this.#untilPrefilled(pending));
    const outcome = interrupted ?? (await this.#arrival(pending, this.#send(pending), "engine"));
    if (!this.#options.blocks || !wantsLinesBelow(outcome, pending)) {
      return outcome;
    }
    pending.isRepeated = true;
    return this.#arrival(pending, this.#send(pending), "engine");
  }

  #reuse(pending: PendingCompletion): CompletionOutcome | undefined {
    const reused = this.#cache.reuse(pending.cacheKey);
    return reused === undefined
      ? undefined
      : outcomeOfReused(pending, reused, kindAskedFor(pending, this.#options.blocks), this.#inFlight);
  }

  /** The question under way may be the one that is asked now: the keys since then only typed its answer. */
  async #joinInFlight(pending: PendingCompletion): Promise<CompletionOutcome | undefined> {
    const inFlight = this.#inFlight;
    if (
      inFlight === undefined ||
      inFlight.result !== undefined ||
      inFlight.typedAlong(pending.cacheKey) === undefined
    ) {
      return undefined;
    }
    this.#callOffLinger?.();
    this.#lookahead.joined(inFlight);
    if (pending.request.trigger === "manual") {
      inFlight.ignoreConfidence();
    }
    const outcome = await this.#arrival(pending, inFlight, "inFlight");
    const asksAnew = isSkippedFor(outcome, "superseded") || isStale(outcome, pending, inFlight);
    return asksAnew && pending.id === this.#lastId ? undefined : outcome;
  }

  async #debounce(pending: PendingCompletion): Promise<CompletionOutcome | undefined> {
    const { documentId, trigger } = pending.request;
    const newChars = this.#prefill.newChars(documentId, flatten(pending.prompt));
    const isWaitedFor = trigger === "manual" || this.#lookahead.isAccepted(pending.request);
    const pauseMs = Math.max(this.#options.waitsForPause() ? SAVING_PAUSE_MS : 0, this.#pace.delayMs(newChars));
    const delayMs = isWaitedFor ? 0 : pauseMs - this.#options.editorWaitedMs;
    if (newChars >= PREFILL_CHARS_MIN && (!this.#options.isSaving() || isWaitedFor)) {
      // Goes on while somebody types: a question that were given up at the next key would never come to an end.
      void this.#runPrefill(documentId, pending.prompt, "completion");
    }
    const until = pending.startedMs + delayMs;
    const begun = this.#clock.nowMs();
    while (this.#clock.nowMs() < until && this.#interruption(pending) === undefined) {
      await this.#waiting.pause(pending.token, [this.#waiting.at(until)]);
    }
    pending.debounceMs = this.#clock.nowMs() - begun;
    return this.#interruption(pending);
  }

  async #untilPrefilled(pending: PendingCompletion): Promise<CompletionOutcome | undefined> {
    while (this.#prefill.running?.priority === "completion" && this.#interruption(pending) === undefined) {
      await this.#waiting.pause(pending.token, [whenOver(this.#prefill.running.ended)]);
    }
    return this.#interruption(pending);
  }

  async #runPrefill(documentId: string, prompt: readonly PromptPart[], priority: PrefillPriority): Promise<void> {
    const cost = await this.#prefill.run(documentId, prompt, priority);
    if (cost !== undefined) {
      this.#pace.prefilled(cost);
    }
  }

  /** Has the engine asked what comes after a suggestion, once it has stood for a while and the engine has nothing else to do. */
  #lookAhead(request: CompletionRequest, outcome: CompletionOutcome): void {
    const { lookaheadMs } = this.#options;
    if (lookaheadMs === undefined || this.#options.isSaving()) {
      return;
    }
    this.#lookahead.stands(request, outcome, lookaheadMs, (accepted) => {
      if (this.#inFlight !== undefined || this.#prefill.running !== undefined) {
        this.#lookAhead(request, outcome);
        return;
      }
      const normal = normalise(accepted);
      if (normal === undefined) {
        return;
      }
      const rest = { token: NEVER_CANCELLED, isRepeated: false, standing: "" };
      const asked = { id: this.#lastId, request: accepted, normal, startedMs: this.#clock.nowMs(), ...rest };
      const pending = this.#places.pendingAt(asked);
      const isAsked = pending.prompt.length > 0 && suppressionAt(pending.at) === undefined;
      if (isAsked && !this.#cache.has(pending.cacheKey)) {
        // What is remembered is the document as it is: the line to leave out of it is the cursor's.
        this.#lookahead.asked(this.#send(pending, request.offset));
      }
    });
  }

  #send(pending: PendingCompletion, memoryAt = pending.request.offset): InFlightRequest {
    this.#prefill.stop();
    // Asked by hand it goes on to the end: who asks again wants to see that.
    const jointMin = pending.request.trigger === "manual" ? 0 : pending.jointMin;
    const kind = kindAskedFor(pending, this.#options.blocks);
    const { cacheKey, at, isRepeated } = pending;
    const inFlight = new InFlightRequest(cacheKey, at, kind, this.#clock, jointMin, isRepeated);
    this.#inFlight = inFlight;
    const newChars = this.#prefill.newChars(pending.request.documentId, flatten(pending.prompt));
    pending.newChars = newChars;
    const limits = {
      maxTokens: this.#maxTokens(kind),
      ...(this.#options.memory ? { memoryAt } : {}),
    };
    void inFlight.run(this.#engine, pending.prompt, limits, pending.jointMin > 0).then(() => {
      this.#ended(inFlight, pending.prompt, newChars);
    });
    return inFlight;
  }

  #maxTokens(completionKind: CompletionKind): number {
    return completionKind === "line" ? this.#options.oneLineTokens : this.#options.blockTokens;
  }

  #ended(inFlight: InFlightRequest, prompt: readonly PromptPart[], newChars: number): void {
    if (this.#inFlight === inFlight) {
      this.#inFlight = undefined;
    }
    this.#prefill.asked(inFlight, flatten(prompt));
    const tookMs = this.#clock.nowMs() - inFlight.startedMs;
    const { result, answer, completionKind, firstTextMs, cacheKey } = inFlight;
    if (result?.kind === "answered") {
      this.#cache.remember(cacheKey, answer, !this.#lookahead.isAhead(inFlight));
      this.#pace.answered(costOf(inFlight, result.report, flatten(prompt), { newChars, tookMs }));
    } else if (result?.kind === "stopped" && (completionKind === "line" || firstTextMs === undefined)) {
      this.#pace.gaveUp(newChars, tookMs);
    }
  }

  async #arrival(
    pending: PendingCompletion,
    inFlight: InFlightRequest,
    source: AnswerSource,
  ): Promise<CompletionOutcome> {
    pending.inFlight = inFlight;
    inFlight.waiting += 1;
    try {
      return await this.#awaitInFlight(pending, inFlight, source);
    } finally {
      inFlight.waiting -= 1;
      if (this.#interruption(pending) !== undefined) {
        this.#linger(inFlight);
      }
    }
  }

  /** Waits until the in-flight request has something to show for this request, or will have nothing. */
  async #awaitInFlight(
    pending: PendingCompletion,
    inFlight: InFlightRequest,
    source: AnswerSource,
  ): Promise<CompletionOutcome> {
    const showAt = pending.startedMs + this.#options.blockWaitMs[pending.request.trigger];
    const { trigger, isOnlyOne = false } = pending.request;
    const tooLateAt = trigger === "manual" || isOnlyOne ? Infinity : pending.startedMs + this.#options.latencyMaxMs;
    for (;;) {
      const interruption = this.#interruption(pending);
      if (interruption !== undefined) {
        return interruption;
      }
      const typed = inFlight.typedAlong(pending.cacheKey);
      if (typed === undefined || inFlight.result?.kind === "stopped") {
        // Not what was typed after all; the caller may ask anew.
        return { kind: "none", reason: "superseded" };
      }
      const nowMs = this.#clock.nowMs();
      pending.source = source;
      const hasAnswer = inFlight.result?.kind === "answered" || (nowMs >= showAt && inFlight.hasLineBeyond(typed));
      if (hasAnswer && this.#syntaxWait.isWorthwhile(pending)) {
        await this.#untilRead(pending, inFlight);
        continue;
      }
      if (inFlight.result !== undefined) {
        return outcomeOfResult(pending, inFlight, typed);
      }
      const { answer } = inFlight;
      const hasWholeLine = inFlight.hasLineBeyond(typed);
      if (hasWholeLine && nowMs >= showAt) {
        const outcome = fittedOutcome(pending, afterTyping(answer, typed.length));
        // A first line that is sure but opens what the rest closes waits for the rest.
        if (!isSkippedFor(outcome, "lowConfidence")) {
          this.#cache.remember(inFlight.cacheKey, answer);
          return outcome;
        }
      }
      if (nowMs >= tooLateAt) {
        return { kind: "none", reason: "tooLate" };
      }
      const timer = hasWholeLine && nowMs < showAt ? [this.#waiting.at(showAt)] : [];
      const deadline = tooLateAt === Infinity ? [] : [this.#waiting.at(tooLateAt)];
      await this.#waiting.pause(pending.token, [(wake) => inFlight.onChange(wake), ...timer, ...deadline]);
    }
  }

  /** @param inFlight what has answered, and is shaped anew once more is known of its place. */
  async #untilRead(pending: PendingCompletion, inFlight?: InFlightRequest): Promise<void> {
    const isRead = await this.#syntaxWait.over(pending, () => this.#interruption(pending) !== undefined);
    if (isRead && inFlight?.cacheKey.textBefore === pending.cacheKey.textBefore) {
      inFlight.placedAt(pending.at);
      this.#cache.remember(inFlight.cacheKey, inFlight.answer, !this.#lookahead.isAhead(inFlight));
    }
  }

  /**
   * What is returned cannot be withdrawn, so a new suggestion waits here until the user has paused, or at least is slower
   * than usual. What stands there already is returned at once.
   */
  async #onceCalm(pending: PendingCompletion, outcome: CompletionOutcome): Promise<CompletionOutcome> {
    if (
      outcome.kind !== "text" ||
      pending.request.trigger === "manual" ||
      this.#lookahead.isAccepted(pending.request) ||
      isSameSuggestion(outcome.text, pending.standing)
    ) {
      return outcome;
    }
    const until = pending.startedMs - this.#options.editorWaitedMs + this.#pace.calmMs;
    while (this.#clock.nowMs() < until && this.#interruption(pending) === undefined) {
      await this.#waiting.pause(pending.token, [this.#waiting.at(until)]);
    }
    return this.#interruption(pending) ?? outcome;
  }

  #interruption(pending: PendingCompletion): CompletionOutcome | undefined {
    if (pending.token.isCancellationRequested) {
      return { kind: "cancelled" };
    }
    return pending.id === this.#lastId ? undefined : { kind: "none", reason: "superseded" };
  }

  /** Nobody waits for it any more; somebody may in a moment. */
  #linger(inFlight: InFlightRequest): void {
    if (this.#inFlight !== inFlight || inFlight.result !== undefined || inFlight.waiting > 0) {
      return;
    }
    this.#callOffLinger?.();
    this.#callOffLinger = this.#clock.after(this.#options.lingerMs, () => {
      inFlight.stop();
      if (this.#inFlight === inFlight) {
        this.#inFlight = undefined;
      }
    });
  }

  #record(
    request: CompletionRequest,
    startedMs: number,
    outcome: CompletionOutcome,
    pending?: PendingCompletion,
  ): void {
    this.log.add(recordOf(request, outcome, { startedMs, endedMs: this.#clock.nowMs() }, pending));
  }
}
