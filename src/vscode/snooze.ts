import * as vscode from "vscode";

const KEY = "hearth.snoozedUntil";

/** As long as something may be shown that a pause takes away. */
const LOOK_EVERY_MS = 500;

/** A pause that ends by itself, in all windows. It survives a reload of the window. */
export class Snooze implements vscode.Disposable {
  readonly #memory: vscode.Memento;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #focused: vscode.Disposable;
  #end: NodeJS.Timeout | undefined;
  #looking: NodeJS.Timeout | undefined;
  #known: number | undefined;

  readonly onDidChange = this.#changed.event;

  constructor(memory: vscode.Memento) {
    this.#memory = memory;
    this.#focused = vscode.window.onDidChangeWindowState(() => {
      this.#look();
    });
    this.#known = this.untilMs;
    this.#wakeAtEnd();
  }

  dispose(): void {
    clearTimeout(this.#end);
    clearInterval(this.#looking);
    this.#focused.dispose();
    this.#changed.dispose();
  }

  /** Milliseconds since 1970; undefined where nothing is snoozed. */
  get untilMs(): number | undefined {
    const until = this.#memory.get<number>(KEY, 0);
    return until > Date.now() ? until : undefined;
  }

  async start(minutes: number): Promise<void> {
    await this.#memory.update(KEY, Date.now() + minutes * 60_000);
    this.#tell();
  }

  async end(): Promise<void> {
    await this.#memory.update(KEY, undefined);
    this.#tell();
  }

  /** The windows share what is stored, but nobody tells one what another has stored: it is looked at while that matters. */
  lookWhile(isNeeded: () => boolean): void {
    this.#looking ??= setInterval(() => {
      this.#look();
      if (!isNeeded()) {
        clearInterval(this.#looking);
        this.#looking = undefined;
      }
    }, LOOK_EVERY_MS);
  }

  #look(): void {
    if (this.untilMs !== this.#known) {
      this.#tell();
    }
  }

  #tell(): void {
    this.#known = this.untilMs;
    this.#wakeAtEnd();
    this.#changed.fire();
  }

  #wakeAtEnd(): void {
    clearTimeout(this.#end);
    const until = this.untilMs;
    if (until !== undefined) {
      this.#end = setTimeout(() => {
        this.#wakeAtEnd();
        this.#look();
      }, until - Date.now());
    }
  }
}
