import { basename } from "node:path";
import type { EngineStatus, ModelChoice, ModelInfo } from "../../protocol/engine";
import { EngineError } from "../../protocol/errors";
import { LoadedModel } from "./loadedModel";

/** A user of a model: one connection. */
export type ModelUser = object;

/** A model in memory, as its clients use it. */
export type HostedModel = Pick<
  LoadedModel,
  "info" | "sessions" | "statistics" | "tokenize" | "count" | "complete" | "chat" | "forget" | "close"
> &
  // Models of tests have none.
  Partial<Pick<LoadedModel, "newMemory" | "endMemory">>;

export type LoadModel = (choice: ModelChoice, onPart: (part: number) => void) => Promise<HostedModel>;

interface Loading {
  readonly choice: ModelChoice;
  readonly promise: Promise<HostedModel>;
  failed: boolean;
}

/**
 * The one model in memory. It is loaded when it is first needed, shared by all connections that chose it, and replaced
 * when no other connection uses it.
 */
export class ModelHost {
  readonly #load: LoadModel;
  readonly #onStatus: (status: EngineStatus) => void;
  readonly #users = new Map<ModelUser, ModelChoice>();
  #current: Loading | undefined;
  #closing: Promise<void> = Promise.resolve();
  #ready: HostedModel | undefined;
  #status: EngineStatus = { kind: "empty" };
  #loads = 0;

  constructor(onStatus: (status: EngineStatus) => void, load: LoadModel = (...args) => LoadedModel.load(...args)) {
    this.#onStatus = onStatus;
    this.#load = load;
  }

  get status(): EngineStatus {
    return this.#status;
  }

  /** Models loaded since the start. */
  get loads(): number {
    return this.#loads;
  }

  /** Undefined while none is ready. */
  get ready(): HostedModel | undefined {
    return this.#ready;
  }

  /** Errors: EngineError `busy` while another connection uses another file. */
  choose(user: ModelUser, choice: ModelChoice): void {
    const others = [...this.#users].filter(([other]) => other !== user).map(([, theirs]) => theirs);
    const [first] = others;
    if (first === undefined) {
      this.#users.set(user, choice);
      return;
    }
    if (first.path !== choice.path) {
      throw new EngineError(
        "busy",
        `cannot use model '${basename(choice.path)}': another window uses '${basename(first.path)}', ` +
          `and the engine holds one; choose the same model in both, or close the other window`,
      );
    }
    // Windows share the model as the first of them wanted it loaded.
    this.#users.set(user, first);
  }

  /** The model of `user`, loaded. A failure is kept until a call with `anew`. Errors: EngineError. */
  async need(user: ModelUser, anew = false): Promise<HostedModel> {
    const choice = this.#users.get(user);
    if (choice === undefined) {
      throw new EngineError("bad_request", 'no model is chosen; choose one with "Hearth: Choose Model…"');
    }
    const current = this.#current;
    const usable = current !== undefined && sameChoice(current.choice, choice) && !(current.failed && anew);
    const model = await (usable ? current : this.#begin(choice)).promise;
    if (this.#users.get(user) !== choice) {
      throw new EngineError("bad_request", "another model was chosen meanwhile; try again");
    }
    return model;
  }

  /** `user` needs no model for now; the last one frees the memory. */
  async release(user: ModelUser): Promise<void> {
    this.#users.delete(user);
    if (this.#users.size === 0) {
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

  #isWanted(): boolean {
    return this.#current !== undefined;
  }

  #begin(choice: ModelChoice): Loading {
    const previous = this.#current;
    const loading: Loading = {
      choice,
      failed: false,
      // Two models at once might be more than the machine has.
      promise: this.#closing.then(() => this.#end(previous)).then(() => this.#loadOne(choice)),
    };
    loading.promise.catch((error: unknown) => {
      loading.failed = true;
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
    const model = await this.#load(choice, (part) => {
      this.#tell({ kind: "loading", path, part });
    });
    this.#loads += 1;
    this.#ready = model;
    const info: ModelInfo = model.info;
    this.#tell({ kind: "ready", model: info });
    return model;
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

function sameChoice(a: ModelChoice, b: ModelChoice): boolean {
  const sorted = ({ path, load }: ModelChoice): string =>
    JSON.stringify([path, Object.entries(load ?? {}).toSorted(([x], [y]) => (x < y ? -1 : 1))]);
  return sorted(a) === sorted(b);
}
