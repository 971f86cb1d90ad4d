import type * as vscode from "vscode";
import { ModelsError } from "../../protocol/models";
import { tellFailure } from "../failures";
import { StandingNotice } from "../standingNotice";
import { FAILURE_STEPS, STEP_TITLES } from "./failureSteps";

/** What has failed, to be tried again. */
export interface Tried {
  readonly again: () => Promise<unknown>;
  /** It was a download. */
  readonly download?: { readonly reference: string; readonly title: string };
}

/** What was last tried with models and has failed: told, with what may help as buttons, until something is tried again. */
export class ModelFailure implements vscode.Disposable {
  readonly #log: vscode.LogOutputChannel;
  readonly #notice = new StandingNotice();
  #tried: Tried | undefined;

  constructor(log: vscode.LogOutputChannel) {
    this.#log = log;
  }

  dispose(): void {
    this.#notice.dispose();
  }

  get tried(): Tried | undefined {
    return this.#tried;
  }

  /** Something is tried again. */
  close(): void {
    this.#notice.close();
  }

  /** Undefined: it failed, and that was told. */
  async orTell<T>(work: () => PromiseLike<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      this.tell(error, { again: () => this.orTell(work) });
      return undefined;
    }
  }

  tell(error: unknown, tried: Tried): void {
    if (!(error instanceof ModelsError)) {
      void tellFailure(error);
      return;
    }
    this.#log.warn(error.message);
    const steps = FAILURE_STEPS[error.code].filter(
      (step) => (step !== "takeNew" && step !== "check") || tried.download !== undefined,
    );
    this.#tried = tried;
    this.#notice.show(
      `Hearth: ${error.message}`,
      steps.map((step) => ({ title: STEP_TITLES[step], command: "hearth.models.step", arguments: [step] })),
    );
  }
}
