import * as vscode from "vscode";
import { SKIP_SENTENCES, type SkipReason } from "../core/skipReasons";
import type { RequestLog, RequestRecord } from "../core/requestLog";

const SHOWN_MAX = 30;

/** A command that takes the cause away, where there is one. */
const REMEDIES: Partial<Record<SkipReason, { readonly label: string; readonly command: string }>> = {
  off: { label: "Turn On", command: "hearth.toggle" },
  snoozed: { label: "End Snooze", command: "hearth.endSnooze" },
  languageOff: { label: "Turn On for This Language", command: "hearth.toggleLanguage" },
  manualOnly: { label: "Suggest Now", command: "hearth.trigger" },
  midLine: { label: "Suggest Now", command: "hearth.trigger" },
  midWord: { label: "Suggest Now", command: "hearth.trigger" },
  cannotComplete: { label: "Choose Model…", command: "hearth.chooseModel" },
  bad_model: { label: "Choose Model…", command: "hearth.chooseModel" },
  memory: { label: "Choose Model…", command: "hearth.chooseModel" },
  disconnected: { label: "Restart Engine", command: "hearth.restartEngine" },
};

interface RecordItem extends vscode.QuickPickItem {
  readonly record?: RequestRecord;
}

/** The last requests and what became of them, the newest first; choosing one offers what helps. */
export async function explainSkipReasons(log: RequestLog, nowMs: number): Promise<void> {
  const records = log.records.filter(({ reason }) => reason !== "superseded").slice(-SHOWN_MAX);
  const items: RecordItem[] = records.reverse().map((record) => itemOf(record, nowMs));
  const chosen = await vscode.window.showQuickPick(
    items.length === 0 ? [{ label: "Nothing has been asked yet in this window." }] : items,
    { title: "Hearth: The Last Requests", placeHolder: "The newest first", matchOnDetail: true },
  );
  const remedy = chosen?.record?.reason === undefined ? undefined : REMEDIES[chosen.record.reason];
  if (chosen?.record?.reason === undefined || remedy === undefined) {
    return;
  }
  const answer = await vscode.window.showInformationMessage(SKIP_SENTENCES[chosen.record.reason], remedy.label);
  if (answer === remedy.label) {
    await vscode.commands.executeCommand(remedy.command);
  }
}

function itemOf(record: RequestRecord, nowMs: number): RecordItem {
  const { outcome, reason, path, trigger, startedMs, totalMs, source } = record;
  const ago = `${((nowMs - startedMs) / 1000).toFixed(1)} s ago`;
  const by = trigger === "manual" ? ", by hand" : "";
  const description = `${path}, ${ago}${by}, ${totalMs.toFixed(0)} ms`;
  if (outcome === "text") {
    const from = source === undefined || source === "engine" ? "" : ` (${SOURCES[source]})`;
    return { record, label: "$(check) shown", description, detail: `${characters(record.shownChars)}${from}` };
  }
  return outcome === "cancelled" || reason === undefined
    ? { record, label: "$(dash) cancelled", description, detail: "The editor did not wait for the answer." }
    : { record, label: `$(circle-slash) ${reason}`, description, detail: SKIP_SENTENCES[reason] };
}

function characters(count: number): string {
  return count === 1 ? "1 character" : `${String(count)} characters`;
}

const SOURCES = {
  typedAlong: "typed along what was shown",
  forward: "typed along an earlier answer",
  revisited: "an earlier answer for the same place",
  inFlight: "the answer that was on its way",
} as const;
