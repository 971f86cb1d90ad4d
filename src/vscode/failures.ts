import * as vscode from "vscode";
import type { RemedyName } from "../core/remedies";
import { FAILURES } from "../core/skipReasons";
import { EngineError } from "../protocol/errors";
import { remedyOf } from "./translated";

/**
 * Shows one message with its remedies; resolves with the chosen remedy once it has run. For what failed once: a problem that lasts is a
 * StandingNotice, which goes with it.
 */
export async function tellFailure(error: unknown): Promise<RemedyName | undefined> {
  const { message, remedies } = failureText(error);
  return offer(remedies, (...titles) => vscode.window.showErrorMessage(message, ...titles));
}

export interface FailureText {
  readonly message: string;
  readonly remedies: readonly RemedyName[];
}

export function failureText(error: unknown): FailureText {
  const message = error instanceof Error ? error.message : String(error);
  return {
    message: `Hearth: ${message}`,
    remedies: error instanceof EngineError ? FAILURES[error.code].remedies : ["showLog"],
  };
}

/** Shows remedies as buttons and runs the chosen one. */
export async function offer(
  remedies: readonly RemedyName[],
  show: (...titles: string[]) => Thenable<string | undefined>,
): Promise<RemedyName | undefined> {
  const answer = await show(...remedies.map((name) => remedyOf(name).title));
  const chosen = remedies.find((name) => remedyOf(name).title === answer);
  if (chosen !== undefined) {
    await runRemedy(chosen);
  }
  return chosen;
}

export async function runRemedy(name: RemedyName): Promise<void> {
  const { command, arguments: args = [] } = remedyOf(name);
  await vscode.commands.executeCommand(command, ...args);
}
