import * as vscode from "vscode";

const KEY = "hearth.acceptHints";
/** Who has seen it so often knows it, or does not want to. */
const TIMES = 3;
const SHOWN_MS = 8000;

/**
 * The keys of package.json and of the editor, which has Ctrl+Right for a word itself. On a Mac they are named otherwise. Longer
 * messages are cut off.
 */
const HINT = vscode.l10n.t("$(flame) Tab accepts, Ctrl+Right (⌘Right) a word, Esc hides");

/** With the first suggestions that a user sees at all, how they are accepted: in the status bar, in nobody's way. */
export class AcceptHint {
  readonly #memory: vscode.Memento;

  /** `memory`: of the machine, for all windows. */
  constructor(memory: vscode.Memento) {
    this.#memory = memory;
  }

  /** A suggestion has stood there long enough to be seen. */
  async seen(): Promise<void> {
    const times = this.#memory.get<number>(KEY, 0);
    if (times < TIMES) {
      vscode.window.setStatusBarMessage(HINT, SHOWN_MS);
      await this.#memory.update(KEY, times + 1);
    }
  }
}
