import * as vscode from "vscode";
import { shownTitle } from "../../core/modelTitle";
import type { CancelToken } from "../../core/ports";
import type { AnyModel, ChatMessage } from "../../protocol/engine";
import { emptyReport, type GenerateReport } from "../../protocol/generation";
import { runRemedy } from "../failures";
import { remedyOf, translate } from "../translated";
import type { WindowEngine } from "../windowEngine";

export interface Question {
  /** The editor's own conversations have other names. */
  readonly id: string;
  readonly messages: readonly ChatMessage[];
  readonly maxTokens: number;
  readonly temperature: number;
  readonly cancel: CancelToken;
}

/** The window's model, for features other than completion. */
export class ModelAccess {
  readonly #engine: WindowEngine;
  /** Paths of models that the user tries although they were not made for this use. */
  readonly #tried = new Set<string>();
  #lastId = 0;

  constructor(engine: WindowEngine) {
    this.#engine = engine;
  }

  /** Whether edits may be offered without being asked for: never those of a model that was not made for them. */
  get canEdit(): boolean {
    const { condition } = this.#engine;
    return condition.kind === "ready" && this.#can(condition.model, "edit");
  }

  /** Whether `ready` would ask the user, as far as is known. */
  refuses(capability: "chat" | "edit"): boolean {
    const { condition } = this.#engine;
    return condition.kind === "ready" && !this.#can(condition.model, capability);
  }

  /**
   * The model, loaded. Asks the user if it lacks the capability; undefined if they decline.
   * Errors: EngineError.
   */
  async ready(capability: "chat" | "edit"): Promise<AnyModel | undefined> {
    const model = await this.#loaded();
    if (model === undefined || this.#can(model, capability)) {
      return model;
    }
    const choose = remedyOf("chooseModel").title;
    const tryAnyway = vscode.l10n.t("Try Anyway (Experimental)");
    const answer = await vscode.window.showWarningMessage(
      vscode.l10n.t(
        "The model '{0}' only completes code: it was not trained to follow instructions. Explaining and editing need one that was, such as an Instruct model.",
        shownTitle(model.title, translate),
      ),
      choose,
      tryAnyway,
    );
    if (answer === choose) {
      await runRemedy("chooseModel");
    }
    if (answer !== tryAnyway) {
      return undefined;
    }
    this.#tried.add(model.path);
    return model;
  }

  nextId(): string {
    this.#lastId += 1;
    return `edit ${String(this.#lastId)}`;
  }

  /** Tokens of a text, as the model counts. Errors: EngineError. */
  async count(text: string): Promise<number> {
    const [tokens = 0] = await this.#engine.chats.count([text]);
    return tokens;
  }

  /**
   * Gives `onText` what the model answers, until that says that it is enough. Errors: EngineError. `temperature`: edits want
   * the likeliest text, not a surprising one.
   */
  async ask(question: Question, onText: (text: string) => "enough" | undefined): Promise<GenerateReport["finish"]> {
    const { id, messages, maxTokens, temperature, cancel } = question;
    const sampler = { temperature, topK: 20, topP: 0.95, minP: 0, seed: 0 };
    const answer = this.#engine.chats.chat(id, messages, { priority: "chat", maxTokens, sampler }, cancel);
    for (;;) {
      const step = await answer.next();
      if (step.done === true) {
        return step.value.finish;
      }
      if (onText(step.value.text) === "enough") {
        await answer.return(emptyReport("stop"));
        return "stop";
      }
    }
  }

  #can(model: AnyModel, capability: "chat" | "edit"): boolean {
    return model.capabilities.includes(capability) || this.#tried.has(model.path);
  }

  /** Undefined where the user does not wait for it. */
  async #loaded(): Promise<AnyModel | undefined> {
    if (this.#engine.condition.kind === "ready") {
      return this.#engine.modelInfo();
    }
    const location = vscode.ProgressLocation.Notification;
    const title = vscode.l10n.t("Hearth: loading the model");
    return vscode.window.withProgress({ location, title, cancellable: true }, (_, token) => {
      const cancelled = new Promise<undefined>((resolve) => {
        token.onCancellationRequested(() => {
          resolve(undefined);
        });
      });
      return Promise.race([this.#engine.modelInfo(), cancelled]);
    });
  }
}
