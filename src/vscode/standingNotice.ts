import * as vscode from "vscode";
import type { Remedy } from "../core/remedies";

/** Longer messages are cut off by the editor, and links at their end with them. */
const MESSAGE_CHARS_MAX = 700;

/**
 * A notification that stands as long as a problem lasts. The editor closes no message by itself but those of a progress, so it is
 * one of these, with a bar that does not move; and as these have no buttons, remedies are links.
 */
export class StandingNotice implements vscode.Disposable {
  #standing: { readonly text: string; readonly close: () => void } | undefined;

  dispose(): void {
    this.close();
  }

  /** What is told; undefined where nothing is, or the user has closed it. */
  get text(): string | undefined {
    return this.#standing?.text;
  }

  /** In place of what is told. */
  show(message: string, remedies: readonly Remedy[]): void {
    this.close();
    const text = [plain(message), remedies.map(link).join(" · ")].filter((part) => part !== "").join(" ");
    let close = (): void => undefined;
    const closed = new Promise<void>((resolve) => {
      close = resolve;
    });
    const standing = { text, close };
    this.#standing = standing;
    const options = { location: vscode.ProgressLocation.Notification, title: text, cancellable: true };
    void vscode.window.withProgress(options, (progress, token) => {
      // Without a number the bar would say that something is going on.
      progress.report({ increment: 0 });
      token.onCancellationRequested(close);
      return closed;
    });
    void closed.then(() => {
      if (this.#standing === standing) {
        this.#standing = undefined;
      }
    });
  }

  /** The problem is gone. */
  close(): void {
    this.#standing?.close();
    this.#standing = undefined;
  }
}

/** A file's name in it makes no link. */
function plain(message: string): string {
  const oneLine = message.replace(/\s+/g, " ").replaceAll("](", "] (");
  if (oneLine.length > MESSAGE_CHARS_MAX) {
    return `${oneLine.slice(0, MESSAGE_CHARS_MAX)}…`;
  }
  return /[.!?…]$/.test(oneLine) ? oneLine : `${oneLine}.`;
}

function link({ title, command, arguments: args }: Remedy): string {
  const query = args === undefined ? "" : `?${encodeURIComponent(JSON.stringify(args))}`;
  return `[${title}](command:${command}${query})`;
}
