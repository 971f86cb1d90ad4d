import * as vscode from "vscode";
import { endpointAddress, parseEndpoint } from "../../endpoint/address";
import { isElsewhere } from "../../protocol/engine";
import { tellFailure } from "../failures";
import type { Settings } from "../settings";
import type { WindowEngine } from "../windowEngine";
import { endpointKey, storeEndpointKey } from "./endpointKey";
import type { EndpointsPort } from "./endpointsPort";

export interface WindowEndpointOptions {
  readonly secrets: vscode.SecretStorage;
  readonly settings: Settings;
  readonly engine: WindowEngine;
  readonly port: EndpointsPort;
}

const THERE = vscode.l10n.t("Send Code There");

/** A bigger machine elsewhere: the commands that switch it on and off, and what says that it is on, whatever else there is to say. */
export class WindowEndpoint implements vscode.Disposable {
  readonly #options: WindowEndpointOptions;
  readonly #item: vscode.StatusBarItem;
  readonly #disposables: vscode.Disposable;
  #noting: Promise<void> = Promise.resolve();

  constructor(options: WindowEndpointOptions) {
    this.#options = options;
    this.#item = vscode.window.createStatusBarItem("hearth.endpoint", vscode.StatusBarAlignment.Right, 98);
    this.#item.name = vscode.l10n.t("Hearth Endpoint");
    this.#item.command = "hearth.showMenu";
    this.#item.backgroundColor = new vscode.ThemeColor("statusBarItem.warningBackground");
    const commands: Readonly<Record<string, () => Promise<void>>> = {
      "hearth.useEndpoint": () => this.#setUp(),
      "hearth.setEndpointKey": () => this.#askKey(),
      "hearth.computeHere": () => options.settings.setEndpoint(undefined),
    };
    this.#disposables = vscode.Disposable.from(
      this.#item,
      options.settings.onDidChange(() => {
        this.#show();
      }),
      options.engine.onDidChange(({ kind }) => {
        if (kind === "ready") {
          this.#show();
        }
      }),
      ...Object.entries(commands).map(([name, run]) =>
        vscode.commands.registerCommand(name, () => run().catch((error: unknown) => void tellFailure(error))),
      ),
    );
    this.#show();
  }

  dispose(): void {
    this.#disposables.dispose();
  }

  #show(): void {
    const { settings, engine, port } = this.#options;
    const { endpoint } = settings;
    if (endpoint === undefined) {
      this.#item.hide();
      this.#note(() => port.note(undefined));
      return;
    }
    const address = endpointAddress(endpoint.endpoint);
    const { condition } = engine;
    const model = condition.kind === "ready" && isElsewhere(condition.model) ? condition.model.name : endpoint.model;
    const host = address?.host ?? vscode.l10n.t("invalid address");
    this.#item.text = `$(cloud-upload) ${host}`;
    const sent = vscode.l10n.t("Hearth sends code around the cursor, chats and edits to {0}.", host);
    const tooltip = new vscode.MarkdownString(`**${vscode.l10n.t("An endpoint is set")}**`);
    tooltip.appendMarkdown("\n\n").appendText(sent);
    if (address?.isReadable === true) {
      tooltip
        .appendMarkdown("\n\n")
        .appendText(vscode.l10n.t("The connection is not encrypted: others on the network can read it."));
    }
    this.#item.tooltip = tooltip;
    this.#item.accessibilityInformation = { label: sent, role: "button" };
    this.#item.show();
    // To what is no address nothing is sent; there may be a password in it.
    this.#note(() => port.note(address === undefined ? undefined : { origin: address.origin, model }));
  }

  /** In their order: the last word is what holds. */
  #note(note: () => Promise<void>): void {
    this.#noting = this.#noting.then(note).catch(() => undefined);
  }

  /** From an address to use: nothing is sent but the question for models until the user has said yes. */
  async #setUp(): Promise<void> {
    const { settings, secrets, port } = this.#options;
    const endpoint = await vscode.window.showInputBox({
      title: vscode.l10n.t("Compute on Another Machine (1/2)"),
      prompt: vscode.l10n.t("Address of your OpenAI-compatible server, such as vLLM, llama-server or Ray Serve."),
      placeHolder: "https://gpu-box.example.org:8000",
      value: settings.endpoint?.endpoint ?? "",
      ignoreFocusOut: true,
      validateInput: (text) => (text.trim() === "" ? undefined : whyNot(text)),
    });
    if (endpoint === undefined || endpoint.trim() === "") {
      return;
    }
    const { origin, host, isReadable } = parseEndpoint(endpoint);
    const known = await endpointKey(secrets, origin);
    const key =
      known ?? (await this.#inputKey({ host, isReadable }, vscode.l10n.t("Compute on Another Machine (2/2)")));
    if (key === undefined) {
      return;
    }
    const title = vscode.l10n.t("Asking {0} for its models…", host);
    const names = await vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title }, () =>
      port.models(endpoint, key === "" ? undefined : key),
    );
    const model =
      names.length > 1
        ? await vscode.window.showQuickPick(names, {
            title: vscode.l10n.t("Models on {0}", host),
            ignoreFocusOut: true,
          })
        : (names[0] ?? "");
    if (model === undefined) {
      return;
    }
    const detail = [
      vscode.l10n.t(
        "Sent: the code around the cursor while you type, what you attach or select for chats and edits, and the conversation.",
      ),
      vscode.l10n.t(
        "Never sent: files that Hearth does not read (files with secrets, ignored or excluded files), and what Hearth remembers of your other code.",
      ),
      vscode.l10n.t("Requests that other extensions make to Hearth's model through the editor's chat are sent, too."),
      ...(isReadable
        ? [vscode.l10n.t("The connection is not encrypted: others on the network can read all of it.")]
        : []),
      vscode.l10n.t(`"Hearth: Compute on This Machine" turns it off. The status bar shows it while it is on.`),
    ].join("\n\n");
    const answer = await vscode.window.showWarningMessage(
      vscode.l10n.t("Send code to {0}?", host),
      { modal: true, detail },
      THERE,
    );
    if (answer === THERE) {
      await storeEndpointKey(secrets, origin, key);
      await settings.setEndpoint({ endpoint: endpoint.trim(), model });
    }
  }

  async #askKey(): Promise<void> {
    const { settings, secrets, engine } = this.#options;
    if (settings.endpoint === undefined) {
      await this.#setUp();
      return;
    }
    const address = parseEndpoint(settings.endpoint.endpoint);
    const { origin } = address;
    const key = await this.#inputKey(address, vscode.l10n.t("Endpoint Key"));
    if (key !== undefined) {
      await storeEndpointKey(secrets, origin, key);
      await engine.restart().catch((error: unknown) => void tellFailure(error));
    }
  }

  /** "": none is wanted. */
  async #inputKey(
    { host, isReadable }: { readonly host: string; readonly isReadable: boolean },
    title: string,
  ): Promise<string | undefined> {
    const prompt = isReadable
      ? vscode.l10n.t(
          "The API key, if {0} requires one. It is kept in the editor's secret storage and sent only to {0}. The connection is not encrypted: others on the network can read the key. Leave empty for none.",
          host,
        )
      : vscode.l10n.t(
          "The API key, if {0} requires one. It is kept in the editor's secret storage and sent only to {0}. Leave empty for none.",
          host,
        );
    const key = await vscode.window.showInputBox({
      title,
      prompt,
      placeHolder: vscode.l10n.t("no key"),
      password: true,
      ignoreFocusOut: true,
    });
    return key?.trim();
  }
}

function whyNot(text: string): string | undefined {
  try {
    parseEndpoint(text);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
