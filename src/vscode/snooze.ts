import * as vscode from "vscode";

const KEY = "hearth.snoozedUntil";

/** A pause that ends by itself. It survives a reload of the window. */
export class Snooze implements vscode.Disposable {
  readonly #memory: vscode.Memento;
  readonly #changed = new vscode.EventEmitter<void>();
  #end: NodeJS.Timeout | undefined;

  readonly onDidChange = this.#changed.event;

  constructor(memory: vscode.Memento) {
    this.#memory = memory;
    this.#wakeAtEnd();
  }

  dispose(): void {
    clearTimeout(this.#end);
    this.#changed.dispose();
  }

  /** Milliseconds since 1970; undefined where nothing is snoozed. */
  get untilMs(): number | undefined {
    const until = this.#memory.get<number>(KEY, 0);
    return until > Date.now() ? until : undefined;
  }

  async start(minutes: number): Promise<void> {
    await this.#memory.update(KEY, Date.now() + minutes * 60_000);
    this.#wakeAtEnd();
    this.#changed.fire();
  }

  async end(): Promise<void> {
    await this.#memory.update(KEY, undefined);
    clearTimeout(this.#end);
    this.#changed.fire();
  }

  #wakeAtEnd(): void {
    clearTimeout(this.#end);
    const until = this.untilMs;
    if (until !== undefined) {
      this.#end = setTimeout(() => {
        this.#changed.fire();
      }, until - Date.now());
    }
  }
}
