import * as vscode from "vscode";
import { REMEDIES, type RemedyName } from "../core/remedies";
import { FAILURES } from "../core/skipReasons";
import { EngineError } from "../protocol/errors";

/** Shows one message with its remedies; resolves with the chosen remedy once it has run. */
export async function tellFailure(error: unknown): Promise<RemedyName | undefined> {
  const message = error instanceof Error ? error.message : String(error);
  const remedies = error instanceof EngineError ? FAILURES[error.code].remedies : (["showLog"] as const);
  return offer(remedies, (...titles) => vscode.window.showErrorMessage(`Hearth: ${message}`, ...titles));
}

/** Shows remedies as buttons and runs the chosen one. */
export async function offer(
  remedies: readonly RemedyName[],
  show: (...titles: string[]) => Thenable<string | undefined>,
): Promise<RemedyName | undefined> {
  const answer = await show(...remedies.map((name) => REMEDIES[name].title));
  const chosen = remedies.find((name) => REMEDIES[name].title === answer);
  if (chosen !== undefined) {
    await runRemedy(chosen);
  }
  return chosen;
}

export async function runRemedy(name: RemedyName): Promise<void> {
  const { command, arguments: args = [] } = REMEDIES[name];
  await vscode.commands.executeCommand(command, ...args);
}
