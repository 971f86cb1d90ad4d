import type { EngineStatus, ModelChoice, ModelInfo } from "../../protocol/engine";
import { EngineError } from "../../protocol/errors";
import { fileState, MISSING } from "../../model/fileState";
import { LoadedModel } from "./loadedModel";

/** A user of a model: one connection. */
export type ModelUser = object;

/** A model in memory, as its clients use it. */
export type HostedModel = Pick<
  LoadedModel,
  "sessions" | "statistics" | "tokenize" | "count" | "complete" | "chat" | "forget" | "close"
> & { readonly info: Omit<ModelInfo, "loadId"> } & Partial<
    Pick<LoadedModel, "newMemory" | "endMemory" | "onDidChangeInfo" | "keptNote" | "keepNothingOf">
  >; // Models of tests have none.

export type LoadModel = (choice: ModelChoice, onPart: (part: number) => void) => Promise<HostedModel>;

export interface ModelLoader {
  readonly load: LoadModel;
  /** Rejects with an EngineError where it is certain that the model cannot be loaded. Takes little time and memory. */
  readonly check: (choice: ModelChoice) => Promise<void>;
  /** What tells the file at a path from another one (model/fileState.ts). Absent: files never change. */
  readonly fileState?: (path: string) => Promise<string>;
  /** Milliseconds, for tests. */
  readonly now?: () => number;
}

interface Loading {
  readonly choice: ModelChoice;
  /** Of its file, before it was opened. */
  readonly file: string;
  readonly promise: Promise<HostedModel>;
  failed: boolean;
  /** When what failed may be tried again, though its file is the same: a drive and a program that writes have their times. */
  againMs: number;
}

/** Between two loads of what may pass. */
const AGAIN_MS = 2000;

const LOADER: ModelLoader = {
  load: (...args) => LoadedModel.load(...args),
  check: (choice) => LoadedModel.check(choice),
  fileState,
};

/**
 * The one model in memory. It is loaded when it is first needed, and shared by all connections. Which one it is: what the
 * only connection chose, or where there are several the first of them, until one of them replaces it for all.
 */
export class ModelHost {
  readonly #loader: ModelLoader;
  readonly #onStatus: (status: EngineStatus) => void;
  readonly #users = new Set<ModelUser>();
  /** What all users use. */
  #choice: ModelChoice | undefined;
  #current: Loading | undefined;
  #closing: Promise<void> = Promise.resolve();
  #ready: HostedModel | undefined;
  #status: EngineStatus = { kind: "empty" };
  #loads = 0;

  constructor(onStatus: (status: EngineStatus) => void, loader: ModelLoader = LOADER) {
    this.#onStatus = onStatus;
    this.#loader = loader;
  }

  get status(): EngineStatus {
    return this.#status;
  }

  /** Models loaded since the start. */
  get loads(): number {
    return this.#loads;
  }

  /** Of the model that was loaded last. */
  get loadId(): number {
    return this.#loads;
  }

  /** Undefined while none is ready. */
  get ready(): HostedModel | undefined {
    return this.#ready;
  }

  /** What a user wants, who gets what the others use. */
  choose(user: ModelUser, choice: ModelChoice): void {
    const isAlone = this.#users.size === 0 || (this.#users.size === 1 && this.#users.has(user));
    this.#users.add(user);
    if (isAlone || this.#choice === undefined) {
      this.#choice = choice;
    }
  }

  /** The same, and loads it now. `replace`: for all users, in place of what they use. Errors: EngineError. */
  async open(user: ModelUser, choice: ModelChoice, replace: boolean): Promise<ModelInfo> {
    // One that is still being loaded goes on as well.
    const before = this.#current === undefined || this.#current.failed ? undefined : this.#choice;
    if (!replace || before === undefined || sameChoice(before, choice)) {
      if (replace) {
        this.#choice = choice;
      }
      this.choose(user, choice);
      return this.#infoOf(await this.need(user, true));
    }
    await this.#loader.check(choice);
    this.#users.add(user);
    this.#choice = choice;
    try {
      return this.#infoOf(await this.need(user, true));
    } catch (error) {
      if (this.#choice === choice) {
        this.#choice = before;
        // The status reports a failure.
        this.need(user, true).catch(() => undefined);
      }
      throw error;
    }
  }

  /**
   * The model of all users, loaded; again where its file is no longer what was loaded. A failure is kept until the file
   * changes, or a call with `anew`; one that may pass (`io`) for some seconds. Errors: EngineError.
   */
  async need(user: ModelUser, anew = false): Promise<HostedModel> {
    let mayLoadAgain = anew;
    for (;;) {
      const choice = this.#choice;
      if (choice === undefined || !this.#users.has(user)) {
        throw new EngineError("bad_request", 'no model is chosen; choose one with "Hearth: Choose Model…"');
      }
      const file = this.#loader.fileState === undefined ? "" : await this.#loader.fileState(choice.path);
      if (this.#choice !== choice) {
        continue;
      }
      const current = this.#current;
      // Who has a file open that was removed still has it whole; nobody else can open it.
      const sameFile = current?.file === file || (file === MISSING && current?.failed === false && !anew);
      const loadsAgain = current?.failed === true && (mayLoadAgain || this.#now() >= current.againMs);
      const usable = current !== undefined && sameFile && sameChoice(current.choice, choice) && !loadsAgain;
      mayLoadAgain = false;
      const [model, error] = await settled((usable ? current : this.#begin(choice, file)).promise);
      // Another one may have been chosen meanwhile.
      if (this.#choice !== choice) {
        continue;
      }
      if (model === undefined) {
        throw error;
      }
      return model;
    }
  }

  /** `user` needs no model for now; the last one frees the memory. */
  async release(user: ModelUser): Promise<void> {
    this.#users.delete(user);
    if (this.#users.size === 0) {
      this.#choice = undefined;
      await this.close();
    }
  }

  /** The connection is gone. The model stays: a window that reloads is back in a moment. */
  leave(user: ModelUser): void {
    this.#users.delete(user);
  }

  async close(): Promise<void> {
    const current = this.#current;
    this.#current = undefined;
    this.#closing = this.#end(current);
    await this.#closing;
    if (!this.#isWanted()) {
      this.#tell({ kind: "empty" });
    }
  }

  #now(): number {
    return this.#loader.now?.() ?? performance.now();
  }

  #isWanted(): boolean {
    return this.#current !== undefined;
  }

  #begin(choice: ModelChoice, file: string): Loading {
    const previous = this.#current;
    const loading: Loading = {
      choice,
      file,
      failed: false,
      againMs: Infinity,
      // Two models at once might be more than the machine has.
      promise: this.#closing.then(() => this.#end(previous)).then(() => this.#loadOne(choice)),
    };
    loading.promise.catch((error: unknown) => {
      loading.failed = true;
      if (error instanceof EngineError && error.code === "io") {
        loading.againMs = this.#now() + AGAIN_MS;
      }
      if (this.#current === loading) {
        const code = error instanceof EngineError ? error.code : "internal";
        const message = error instanceof Error ? error.message : String(error);
        this.#tell({ kind: "failed", path: choice.path, code, message });
      }
    });
    this.#current = loading;
    return loading;
  }

  async #loadOne(choice: ModelChoice): Promise<HostedModel> {
    const { path } = choice;
    this.#tell({ kind: "loading", path, part: 0 });
    const model = await this.#loader.load(choice, (part) => {
      this.#tell({ kind: "loading", path, part });
    });
    this.#loads += 1;
    this.#ready = model;
    model.onDidChangeInfo?.(() => {
      if (this.#ready === model) {
        this.#tell({ kind: "ready", model: this.#infoOf(model) });
      }
    });
    this.#tell({ kind: "ready", model: this.#infoOf(model) });
    return model;
  }

  #infoOf({ info }: HostedModel): ModelInfo {
    return { loadId: this.#loads, ...info };
  }

  async #end(loading: Loading | undefined): Promise<void> {
    const model = await loading?.promise.catch(() => undefined);
    if (model !== undefined) {
      this.#ready = undefined;
      await model.close();
    }
  }

  #tell(status: EngineStatus): void {
    this.#status = status;
    this.#onStatus(status);
  }
}

async function settled(promise: Promise<HostedModel>): Promise<[HostedModel, undefined] | [undefined, unknown]> {
  try {
    return [await promise, undefined];
  } catch (error) {
    return [undefined, error];
  }
}

function sameChoice(a: ModelChoice, b: ModelChoice): boolean {
  const sorted = ({ path, load }: ModelChoice): string =>
    JSON.stringify([path, Object.entries(load ?? {}).toSorted(([x], [y]) => (x < y ? -1 : 1))]);
  return sorted(a) === sorted(b);
}
