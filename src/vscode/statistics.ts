import * as vscode from "vscode";
import { statisticsLines } from "../core/statusLine";
import {
  type EndpointModel,
  type EngineStats,
  isElsewhere,
  type ModelInfo,
  type NetworkAccess,
} from "../protocol/engine";
import type { WindowEngine } from "./windowEngine";

const CAPABILITY_WORDS: Readonly<Record<ModelInfo["capabilities"][number], string>> = {
  complete: "completion",
  chat: "chat",
  edit: "edits",
};

/** Shows the engine process's statistics, to be read and copied. */
export async function showStatistics(engine: WindowEngine): Promise<void> {
  if (engine.condition.kind === "asleep") {
    void vscode.window.showInformationMessage("Hearth's engine has not been started: nothing has needed it yet.");
    return;
  }
  const { condition } = engine;
  const rows =
    condition.kind === "ready" && isElsewhere(condition.model)
      ? endpointRows(condition.model)
      : rowsOf(await engine.stats(), engine.network);
  const copy = { label: "$(copy) Copy All" };
  const items = rows.map(([name, value]) => ({ label: name, description: value }));
  const chosen = await vscode.window.showQuickPick([copy, ...items], { title: "Engine Statistics" });
  if (chosen === copy) {
    await vscode.env.clipboard.writeText(rows.map(([name, value]) => `${name}: ${value}`).join("\n"));
  }
}

function rowsOf(
  { pid, uptimeMs, clients, loads, finished, sessions, status, statistics, memory }: EngineStats,
  network: NetworkAccess | undefined,
): [string, string][] {
  const { superseded, cancelled, ...done } = finished;
  const answered = Object.values(done).reduce((sum, each) => sum + each, 0);
  return [
    ["Speed", statisticsLines(statistics).join(" · ")],
    ...(status.kind === "ready" ? modelRows(status.model) : [["Model", status.kind] satisfies [string, string]]),
    ["Answers", `${String(answered)}, ${String(cancelled)} cancelled, ${String(superseded)} superseded`],
    ["Documents and chats in memory", `${String(sessions.completion)} and ${String(sessions.chat)}`],
    [
      "Code remembered, in memory only",
      `${String(memory.documents)} documents, ${String(memory.tokens)} tokens, ${(memory.bytes / 1e6).toFixed(1)} MB, of all windows`,
    ],
    ["Process", `${String(pid)}, for ${(uptimeMs / 60_000).toFixed(1)} minutes`],
    ["Windows that use it", String(clients)],
    ["Network", network === "denied" ? "blocked by the operating system" : "not used: the engine has no code for it"],
    ["Models loaded since its start", String(loads)],
  ];
}

function endpointRows(model: EndpointModel): [string, string][] {
  return [
    ["Model", model.name],
    ["Endpoint", `${model.path}; code around the cursor, chats and edits are sent there`],
    ["Context", `${String(model.contextTokens)} tokens`],
    ["Fills in", model.traits.fimLayouts.length === 0 ? "no: the text before the cursor is continued" : model.family],
    ["Code remembered", "none: the memory of the code at hand stays on this machine, unused"],
  ];
}

function modelRows(model: ModelInfo): [string, string][] {
  return [
    ["Model", `${model.title}, ${model.quantLabel}`],
    ["File", model.path],
    ["Context", `${String(model.contextTokens)} tokens`],
    ["Kernels", `${model.isa}, ${String(model.threads)} threads`],
    ["Memory planned", `${(model.plannedBytes / 1e6).toFixed(0)} MB`],
    ["Experts that fit in memory", `${String(model.slots)} of ${String(model.slotsForAll)}`],
    ["Good for", model.capabilities.map((each) => CAPABILITY_WORDS[each]).join(", ")],
  ];
}
