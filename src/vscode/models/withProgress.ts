import * as vscode from "vscode";

/** Work that a notification shows and can stop. Undefined: the user has stopped it. */
export async function withProgress<T>(
  title: string,
  work: (signal: AbortSignal, report: (done: number, total: number) => void) => Promise<T>,
): Promise<T | undefined> {
  const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
  return vscode.window.withProgress(options, async (progress, token) => {
    const ending = new AbortController();
    token.onCancellationRequested(() => {
      ending.abort();
    });
    let shown = 0;
    try {
      return await work(ending.signal, (done, total) => {
        const percent = Math.floor((100 * done) / Math.max(1, total));
        if (percent > shown) {
          progress.report({ message: `${String(percent)} %`, increment: percent - shown });
          shown = percent;
        }
      });
    } catch (error) {
      if (ending.signal.aborted) {
        return undefined;
      }
      throw error;
    }
  });
}
