import { createHash } from "node:crypto";
import type { GeneratedPiece, GenerateReport, GenerateRequest } from "../../protocol/generation";
import type { PromptPart } from "../../protocol/prompt";
import type { LocalEngine } from "../local/localEngine";
import type { GenerateOptions, LocalSession } from "../local/localSession";
import { addonIdentity } from "../local/native";
import { looksLikeSecret } from "../local/secretStrings";
import { modelKey } from "./layoutStore";
import {
  type CachedPlace,
  type CacheIdentity,
  engineIdentity,
  type OpenedPrompt,
  type PromptCache,
} from "./promptCache";
import type { SlotSession } from "./sessionSlots";

/** Less is evaluated sooner than it is read. */
const TOKENS_MIN = 64;
/** Of all experts that were in memory, the most valuable. */
const HOT_EXPERTS_MAX = 8192;

/** Under which the session's prompt may be kept. */
interface Kept extends CachedPlace {
  readonly note: string;
}

/** The completion sessions of one model, some of whose prompts are kept on disk when they end. */
export class CachedSessions {
  readonly #engine: LocalEngine;
  readonly #cache: PromptCache;
  readonly #open = new Set<CachedSession>();
  readonly #writing = new Set<Promise<void>>();
  #identity: Promise<CacheIdentity> | undefined;

  constructor(engine: LocalEngine, cache: PromptCache) {
    this.#engine = engine;
    this.#cache = cache;
  }

  open(): CachedSession {
    const session = new CachedSession(this.#engine.newSession(), {
      restore: (place, tokens, isCancelled, into) => this.#restore(place, tokens, isCancelled, into),
      onClose: (closed) => {
        this.#open.delete(closed);
        this.#end(closed);
      },
    });
    this.#open.add(session);
    return session;
  }

  async noteOf(place: CachedPlace): Promise<string | undefined> {
    const opened = await this.#find(place);
    await opened?.close();
    return opened?.note;
  }

  async keepNothingOf(workspace: string): Promise<void> {
    for (const session of this.#open) {
      session.keepNothingOf(workspace);
    }
    await this.written();
  }

  /** Whatever has ended is on disk, or will never be. */
  async written(): Promise<void> {
    await Promise.all(this.#writing);
  }

  async #find(place: CachedPlace): Promise<OpenedPrompt | undefined> {
    // A window that is opened again may ask for what is still being written.
    await this.written();
    return this.#cache.open(place, await this.#identityOf());
  }

  async #identityOf(): Promise<CacheIdentity> {
    const { model, info } = this.#engine;
    this.#identity ??= modelKey(model).then((key) => ({
      model: key,
      engine: engineIdentity(addonIdentity()),
      settings: JSON.stringify({ contextTokens: info.plan.contextTokens }),
    }));
    return this.#identity;
  }

  /** Never fails: what cannot be used is evaluated. Returns what the file holds, where all of it was taken. */
  async #restore(
    place: CachedPlace,
    tokens: readonly number[],
    isCancelled: () => boolean,
    into: LocalSession,
  ): Promise<string | undefined> {
    let opened: OpenedPrompt | undefined;
    try {
      opened = await this.#find(place);
      const shared = opened === undefined ? 0 : sharedLength(opened.tokens, tokens);
      if (opened === undefined || shared < TOKENS_MIN) {
        return undefined;
      }
      const { n_layer, n_expert } = this.#engine.model.spec;
      this.#engine.preload(Int32Array.from(opened.hotExperts.filter((id) => id < n_layer * n_expert)));
      let done = 0;
      while (done < shared && !isCancelled()) {
        const block = await opened.next();
        if (block === undefined) {
          return undefined;
        }
        await into.adopt(opened.tokens.slice(block.begin, block.end), block.keys);
        done = block.end;
      }
      return done === opened.tokens.length ? digestOf(opened.tokens, opened.note) : undefined;
    } catch {
      return undefined;
    } finally {
      await opened?.close();
    }
  }

  /** Writes what may be kept, then gives the memory back. */
  #end(closed: CachedSession): void {
    const { kept, session } = closed;
    if (kept === undefined) {
      session.close();
      return;
    }
    const writing = this.#write(closed, kept)
      .catch(() => undefined)
      .finally(() => {
        session.close();
        this.#writing.delete(writing);
      });
    this.#writing.add(writing);
  }

  async #write({ session, onDisk }: CachedSession, { note, ...place }: Kept): Promise<void> {
    const tokens = await session.keptTokens();
    if (tokens.length < TOKENS_MIN || onDisk === digestOf(tokens, note)) {
      return;
    }
    const { slots, slotsForAll } = this.#engine.info.plan;
    const hotExperts = slots < slotsForAll ? [...this.#engine.hotExperts().slice(0, HOT_EXPERTS_MAX)] : [];
    const prompt = { tokens, note, hotExperts };
    await this.#cache.write(place, await this.#identityOf(), prompt, (begin, end) => session.keys(begin, end));
  }
}

interface Owner {
  restore(
    place: CachedPlace,
    tokens: readonly number[],
    isCancelled: () => boolean,
    into: LocalSession,
  ): Promise<string | undefined>;
  onClose(session: CachedSession): void;
}

/** A session whose prompt may come from disk and be kept there. */
export class CachedSession implements SlotSession {
  readonly session: LocalSession;
  readonly #owner: Owner;
  #isUsed = false;
  #kept: Kept | undefined;
  #onDisk: string | undefined;

  constructor(session: LocalSession, owner: Owner) {
    this.session = session;
    this.#owner = owner;
  }

  get kept(): Kept | undefined {
    return this.#kept;
  }

  /** Of what it has read from disk. */
  get onDisk(): string | undefined {
    return this.#onDisk;
  }

  /** For what is no document's: nothing of it is kept. */
  get borrowed(): LocalSession {
    this.#isUsed = true;
    this.#kept = undefined;
    return this.session;
  }

  generate(
    prompt: readonly PromptPart[],
    request: GenerateRequest,
    document: string,
    options: GenerateOptions,
  ): AsyncGenerator<GeneratedPiece, GenerateReport, undefined> {
    const { keep } = request;
    // The last request decides: also one that shows what may not be kept, or of a document that may not.
    const kept = keep === undefined || prompt.some(showsSecret) ? undefined : { ...keep, document };
    this.#kept = kept;
    const isUsed = this.#isUsed;
    this.#isUsed = true;
    return this.session.generate(prompt, request, {
      ...options,
      ...(kept === undefined || isUsed
        ? {}
        : {
            before: async (tokens, isCancelled) => {
              this.#onDisk = await this.#owner.restore(kept, tokens, isCancelled, this.session);
            },
          }),
    });
  }

  keepNothingOf(workspace: string): void {
    if (this.#kept?.workspace === workspace) {
      this.#kept = undefined;
    }
  }

  cancel(): void {
    this.session.cancel();
  }

  close(): void {
    this.#owner.onClose(this);
  }
}

function showsSecret(part: PromptPart): boolean {
  return part.kind === "text" && looksLikeSecret(part.text);
}

function sharedLength(a: Int32Array, b: readonly number[]): number {
  const end = Math.min(a.length, b.length);
  let length = 0;
  while (length < end && a[length] === b[length]) {
    length += 1;
  }
  return length;
}

function digestOf(tokens: Int32Array, note: string): string {
  return createHash("sha256").update(tokens).update(note).digest("hex");
}
