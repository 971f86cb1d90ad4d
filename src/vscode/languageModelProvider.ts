import * as vscode from "vscode";
import { answerRoomTokens } from "../core/chat/chatPrompt";
import { canChat } from "../core/chat/modelLine";
import { visibleText } from "../core/visibleText";
import { type AnyModel, type ChatMessage, isElsewhere } from "../protocol/engine";
import type { Settings } from "./settings";
import type { WindowEngine } from "./windowEngine";

/** As in package.json. */
const VENDOR = "hearth";

/** Gives the loaded model to VS Code's own chat and to other extensions, if it can chat and the setting allows it. */
export class LanguageModelProvider implements vscode.LanguageModelChatProvider, vscode.Disposable {
  readonly #engine: WindowEngine;
  readonly #settings: Settings;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #disposables: readonly { dispose(): unknown }[];
  #requests = 0;
  #offered: string | undefined;

  readonly onDidChangeLanguageModelChatInformation = this.#changed.event;

  constructor(engine: WindowEngine, settings: Settings) {
    this.#engine = engine;
    this.#settings = settings;
    const look = (): void => {
      const offered = JSON.stringify(this.#information());
      if (offered !== this.#offered) {
        this.#offered = offered;
        this.#changed.fire();
      }
    };
    // Other editors of VS Code's kind may not have it.
    const { registerLanguageModelChatProvider: register } = vscode.lm as Partial<typeof vscode.lm>;
    this.#disposables = [
      this.#changed,
      engine.onDidChange(look),
      settings.onDidChange(look),
      ...(register === undefined ? [] : [register(VENDOR, this)]),
    ];
  }

  dispose(): void {
    vscode.Disposable.from(...this.#disposables).dispose();
  }

  provideLanguageModelChatInformation(): vscode.LanguageModelChatInformation[] {
    return this.#information();
  }

  async provideLanguageModelChatResponse(
    _model: vscode.LanguageModelChatInformation,
    messages: readonly vscode.LanguageModelChatRequestMessage[],
    _options: vscode.ProvideLanguageModelChatResponseOptions,
    progress: vscode.Progress<vscode.LanguageModelResponsePart>,
    token: vscode.CancellationToken,
  ): Promise<void> {
    const { contextTokens } = await this.#engine.modelInfo();
    this.#requests += 1;
    // Each has a name of its own, so that one does not take another's place.
    const request = { priority: "chat", maxTokens: answerRoomTokens(contextTokens) } as const;
    const pieces = this.#engine.chats.chat(`lm ${String(this.#requests)}`, merged(messages), request, token);
    for await (const { text, read } of pieces) {
      if (read !== undefined) {
        continue;
      }
      progress.report(new vscode.LanguageModelTextPart(visibleText(text)));
    }
  }

  async provideTokenCount(
    _model: vscode.LanguageModelChatInformation,
    text: string | vscode.LanguageModelChatRequestMessage,
    token: vscode.CancellationToken,
  ): Promise<number> {
    const [count = 0] = await this.#engine.chats.count([typeof text === "string" ? text : textOf(text)], token);
    return count;
  }

  #information(): vscode.LanguageModelChatInformation[] {
    const { condition } = this.#engine;
    const isOffered = this.#settings.offersLanguageModel && condition.kind === "ready" && canChat(condition.model);
    return isOffered ? [informationOf(condition.model)] : [];
  }
}

function informationOf(model: AnyModel): vscode.LanguageModelChatInformation {
  const { name, title, family, quantLabel, contextTokens } = model;
  const what = `${title}, ${quantLabel}`;
  const tooltip = isElsewhere(model)
    ? vscode.l10n.t("{0}: requests are sent to {1}, the endpoint that you set for Hearth", what, model.host)
    : vscode.l10n.t("{0}: runs on this machine's processor, offline", what);
  const maxOutputTokens = answerRoomTokens(contextTokens);
  return {
    id: name,
    name: title,
    family,
    version: quantLabel,
    detail: "Hearth",
    tooltip,
    maxInputTokens: contextTokens - maxOutputTokens,
    maxOutputTokens,
    capabilities: { toolCalling: false, imageInput: false },
  };
}

/** Templates require alternating roles; VS Code sends several user messages in a row. */
function merged(messages: readonly vscode.LanguageModelChatRequestMessage[]): ChatMessage[] {
  const result: ChatMessage[] = [];
  for (const message of messages) {
    const role = message.role === vscode.LanguageModelChatMessageRole.Assistant ? "assistant" : "user";
    const content = textOf(message);
    const last = result.at(-1);
    if (last?.role === role) {
      result[result.length - 1] = { role, content: `${last.content}\n\n${content}` };
    } else if (content !== "") {
      result.push({ role, content });
    }
  }
  return result;
}

/** The model supports neither images nor tools. */
function textOf({ content }: vscode.LanguageModelChatRequestMessage): string {
  return content.flatMap((part) => (part instanceof vscode.LanguageModelTextPart ? [part.value] : [])).join("");
}
