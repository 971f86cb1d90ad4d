import * as vscode from "vscode";
import { decimal } from "../protocol/decimal";
import type { RequestLog, RequestRecord } from "../core/requestLog";
import { offer } from "./failures";
import { explanationOf } from "./translated";

const SHOWN_MAX = 30;

interface RecordItem extends vscode.QuickPickItem {
  readonly record?: RequestRecord;
}

/** The last requests and what became of them, the newest first; choosing one offers what may help. */
export async function showSkipReasons(log: RequestLog, nowMs: number): Promise<void> {
  const records = log.records.filter(({ reason }) => reason !== "superseded").slice(-SHOWN_MAX);
  const items: RecordItem[] = records.reverse().map((record) => itemOf(record, nowMs));
  const chosen = await vscode.window.showQuickPick(
    items.length === 0 ? [{ label: vscode.l10n.t("Nothing has been requested in this window yet.") }] : items,
    { title: vscode.l10n.t("Recent Suggestions"), placeHolder: vscode.l10n.t("Newest first"), matchOnDetail: true },
  );
  const reason = chosen?.record?.reason;
  if (reason === undefined) {
    return;
  }
  const { sentence, remedies } = explanationOf(reason);
  if (remedies.length > 0) {
    await offer(remedies, (...titles) => vscode.window.showInformationMessage(sentence, ...titles));
  }
}

function itemOf(record: RequestRecord, nowMs: number): RecordItem {
  const { outcome, reason, path, trigger, startedMs, totalMs, source, shownChars } = record;
  const ago = vscode.l10n.t("{0} s ago", decimal((nowMs - startedMs) / 1000, 1, 1));
  const description = [path, ago, ...(trigger === "manual" ? [vscode.l10n.t("on request")] : [])].join(", ");
  const took = `${decimal(totalMs)} ms`;
  if (outcome === "text") {
    const said = source === undefined || source === "engine" ? [] : [SOURCES[source]];
    const details = [...(record.isUnjudged === true ? [UNGATED] : []), ...said];
    const detail = details.length === 0 ? {} : { detail: details.join(" ") };
    return {
      record,
      label: `$(check) ${vscode.l10n.t("Shown, {0}, {1}", characters(shownChars), took)}`,
      description,
      ...detail,
    };
  }
  if (outcome === "cancelled" || reason === undefined) {
    const label = `$(dash) ${vscode.l10n.t("Cancelled, {0}", took)}`;
    return { record, label, description, detail: vscode.l10n.t("You typed on before the answer came.") };
  }
  const { title, sentence } = explanationOf(reason);
  return { record, label: `$(circle-slash) ${title}, ${took}`, description, detail: sentence };
}

function characters(count: number): string {
  return count === 1 ? vscode.l10n.t("1 character") : vscode.l10n.t("{0} characters", decimal(count));
}

const UNGATED = vscode.l10n.t("Unfiltered: the endpoint returns no token probabilities.");

const SOURCES = {
  typedAlong: vscode.l10n.t("You typed what was shown before; this is the rest of it."),
  forward: vscode.l10n.t("You typed the beginning of an earlier answer; this is the rest of it."),
  revisited: vscode.l10n.t("An earlier answer for the same position."),
  inFlight: vscode.l10n.t("An answer that was already being generated."),
} as const;
