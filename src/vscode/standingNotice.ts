import * as vscode from "vscode";
import type { Remedy } from "../core/remedies";
import { tellFailure } from "./failures";

/** Longer messages are cut off by the editor. */
const MESSAGE_CHARS_MAX = 700;

interface Standing {
  readonly text: string;
  readonly titles: readonly string[];
}

/**
 * An error that lasts: told once for as long as it does, with buttons for what may help. The editor closes no error by
 * itself, and lets nobody else close it: one whose problem is gone meanwhile stays until the user has seen it.
 */
export class StandingNotice implements vscode.Disposable {
  #standing: Standing | undefined;
  /** Messages that the user has not answered yet: none is shown twice. */
  readonly #open = new Set<string>();

  dispose(): void {
    this.close();
  }

  /** What is told, with the titles of its buttons; undefined where nothing is, or the user has closed it. */
  get text(): string | undefined {
    return this.#standing === undefined ? undefined : [this.#standing.text, ...this.#standing.titles].join(" · ");
  }

  /** In place of what is told. */
  show(message: string, remedies: readonly Remedy[]): void {
    const text = plain(message);
    const titles = remedies.map(({ title }) => title);
    const standing = { text, titles };
    this.#standing = standing;
    if (this.#open.has(text)) {
      return;
    }
    this.#open.add(text);
    const answered = (title: string | undefined): PromiseLike<unknown> | undefined => {
      this.#open.delete(text);
      if (this.#standing?.text === text) {
        this.#standing = undefined;
      }
      const chosen = remedies.find((remedy) => remedy.title === title);
      return chosen && vscode.commands.executeCommand(chosen.command, ...(chosen.arguments ?? []));
    };
    vscode.window
      .showErrorMessage(text, ...titles)
      .then(answered)
      .then(undefined, tellFailure);
  }

  /** The problem is gone. */
  close(): void {
    this.#standing = undefined;
  }
}

/** One line; a file's name in it makes no link. */
function plain(message: string): string {
  const oneLine = message.replace(/\s+/g, " ").replaceAll("](", "] (");
  if (oneLine.length > MESSAGE_CHARS_MAX) {
    return `${oneLine.slice(0, MESSAGE_CHARS_MAX)}…`;
  }
  return /[.!?…]$/.test(oneLine) ? oneLine : `${oneLine}.`;
}
