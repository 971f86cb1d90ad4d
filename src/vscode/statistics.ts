import * as vscode from "vscode";
import { decimal } from "../protocol/decimal";
import { shownTitle } from "../core/modelTitle";
import { statisticsLines } from "../core/statusLine";
import {
  type EndpointModel,
  type EngineStats,
  type EngineStatus,
  isElsewhere,
  type ModelInfo,
  type NetworkAccess,
} from "../protocol/engine";
import { translate } from "./translated";
import type { WindowEngine } from "./windowEngine";

const CAPABILITY_WORDS: Readonly<Record<ModelInfo["capabilities"][number], string>> = {
  complete: vscode.l10n.t("completion"),
  chat: vscode.l10n.t("chat"),
  edit: vscode.l10n.t("edits"),
};

/** Shows the engine process's statistics, to be read and copied. */
export async function showStatistics(engine: WindowEngine): Promise<void> {
  if (engine.condition.kind === "asleep") {
    void vscode.window.showInformationMessage(
      vscode.l10n.t("Hearth's engine has not been started: nothing has needed it yet."),
    );
    return;
  }
  const { condition } = engine;
  const rows =
    condition.kind === "ready" && isElsewhere(condition.model)
      ? endpointRows(condition.model)
      : rowsOf(await engine.stats(), engine.network);
  const copy = { label: `$(copy) ${vscode.l10n.t("Copy All")}` };
  const items = rows.map(([name, value]) => ({ label: name, description: value }));
  const chosen = await vscode.window.showQuickPick([copy, ...items], { title: vscode.l10n.t("Engine Statistics") });
  if (chosen === copy) {
    await vscode.env.clipboard.writeText(rows.map(([name, value]) => `${name}: ${value}`).join("\n"));
  }
}

function rowsOf(
  { pid, uptimeMs, clients, loads, finished, prompts, sessions, status, statistics, memory }: EngineStats,
  network: NetworkAccess | undefined,
): [string, string][] {
  const { superseded, cancelled, ...done } = finished;
  const answered = Object.values(done).reduce((sum, each) => sum + each, 0);
  return [
    [vscode.l10n.t("Speed"), statisticsLines(statistics, translate).join(" · ")],
    ...(status.kind === "ready"
      ? modelRows(status.model)
      : [[vscode.l10n.t("Model"), statusText(status)] satisfies [string, string]]),
    [
      vscode.l10n.t("Answers"),
      vscode.l10n.t("{0}, {1} cancelled, {2} superseded", decimal(answered), decimal(cancelled), decimal(superseded)),
    ],
    [
      vscode.l10n.t("Prompt tokens"),
      vscode.l10n.t("{0} evaluated, {1} reused", decimal(prompts.evaluated), decimal(prompts.known)),
    ],
    [
      vscode.l10n.t("Documents and chats in memory"),
      vscode.l10n.t("{0} and {1}", decimal(sessions.completion), decimal(sessions.chat)),
    ],
    [
      vscode.l10n.t("Code remembered, in memory only"),
      vscode.l10n.t(
        "{0} documents, {1} tokens, {2} MB, of all windows",
        decimal(memory.documents),
        decimal(memory.tokens),
        decimal(memory.bytes / 1e6, 1, 1),
      ),
    ],
    [vscode.l10n.t("Process"), vscode.l10n.t("{0}, for {1} minutes", String(pid), decimal(uptimeMs / 60_000, 1, 1))],
    [vscode.l10n.t("Windows that use it"), decimal(clients)],
    [
      vscode.l10n.t("Network"),
      network === "denied"
        ? vscode.l10n.t("blocked by the operating system")
        : vscode.l10n.t("not used: the engine contains no network code"),
    ],
    [vscode.l10n.t("Models loaded since its start"), decimal(loads)],
  ];
}

function statusText(status: Exclude<EngineStatus, { readonly kind: "ready" }>): string {
  switch (status.kind) {
    case "empty":
      return vscode.l10n.t("none is loaded");
    case "loading":
      return vscode.l10n.t("loading {0} %", decimal(status.part * 100));
    case "failed":
      return `${vscode.l10n.t("failed")}: ${status.message}`;
  }
}

function endpointRows(model: EndpointModel): [string, string][] {
  return [
    [vscode.l10n.t("Model"), model.name],
    [
      vscode.l10n.t("Endpoint"),
      vscode.l10n.t("{0}; code around the cursor, chats and edits are sent there", model.path),
    ],
    [vscode.l10n.t("Context"), vscode.l10n.t("{0} tokens", decimal(model.contextTokens))],
    [
      vscode.l10n.t("Fill-in-the-middle"),
      model.traits.fimLayouts.length === 0
        ? vscode.l10n.t("no: the text before the cursor is continued")
        : model.family,
    ],
    [
      vscode.l10n.t("Code remembered"),
      vscode.l10n.t("none: what Hearth remembers of your code stays on this machine and is not used"),
    ],
  ];
}

function modelRows(model: ModelInfo): [string, string][] {
  return [
    [vscode.l10n.t("Model"), `${shownTitle(model.title, translate)}, ${model.quantLabel}`],
    [vscode.l10n.t("File"), model.path],
    [vscode.l10n.t("Context"), vscode.l10n.t("{0} tokens", decimal(model.contextTokens))],
    [vscode.l10n.t("Kernels"), vscode.l10n.t("{0}, {1} threads", model.isa, decimal(model.threads))],
    [vscode.l10n.t("Memory planned"), `${decimal(model.plannedBytes / 1e6)} MB`],
    [
      vscode.l10n.t("Experts that fit in memory"),
      vscode.l10n.t("{0} of {1}", decimal(model.slots), decimal(model.slotsForAll)),
    ],
    [vscode.l10n.t("Good for"), model.capabilities.map((each) => CAPABILITY_WORDS[each]).join(", ")],
  ];
}
