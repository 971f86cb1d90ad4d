import * as vscode from "vscode";
import type { RequestLog, RequestRecord } from "../core/requestLog";
import { SKIP_REASONS } from "../core/skipReasons";
import { offer } from "./failures";

const SHOWN_MAX = 30;

interface RecordItem extends vscode.QuickPickItem {
  readonly record?: RequestRecord;
}

/** The last requests and what became of them, the newest first; choosing one offers what may help. */
export async function showSkipReasons(log: RequestLog, nowMs: number): Promise<void> {
  const records = log.records.filter(({ reason }) => reason !== "superseded").slice(-SHOWN_MAX);
  const items: RecordItem[] = records.reverse().map((record) => itemOf(record, nowMs));
  const chosen = await vscode.window.showQuickPick(
    items.length === 0 ? [{ label: "Nothing has been asked yet in this window." }] : items,
    { title: "Recent Suggestions", placeHolder: "Newest first", matchOnDetail: true },
  );
  const reason = chosen?.record?.reason;
  if (reason === undefined) {
    return;
  }
  const { sentence, remedies } = SKIP_REASONS[reason];
  if (remedies.length > 0) {
    await offer(remedies, (...titles) => vscode.window.showInformationMessage(sentence, ...titles));
  }
}

function itemOf(record: RequestRecord, nowMs: number): RecordItem {
  const { outcome, reason, path, trigger, startedMs, totalMs, source, shownChars } = record;
  const ago = `${((nowMs - startedMs) / 1000).toFixed(1)} s ago`;
  const description = `${path}, ${ago}${trigger === "manual" ? ", by hand" : ""}`;
  const took = `${totalMs.toFixed(0)} ms`;
  if (outcome === "text") {
    const said = source === undefined || source === "engine" ? [] : [SOURCES[source]];
    const details = [...(record.isUnjudged === true ? [UNGATED] : []), ...said];
    const detail = details.length === 0 ? {} : { detail: details.join(" ") };
    return { record, label: `$(check) Shown, ${characters(shownChars)}, ${took}`, description, ...detail };
  }
  if (outcome === "cancelled" || reason === undefined) {
    const label = `$(dash) Cancelled, ${took}`;
    return { record, label, description, detail: "You typed on before the answer came." };
  }
  const { title, sentence } = SKIP_REASONS[reason];
  return { record, label: `$(circle-slash) ${title}, ${took}`, description, detail: sentence };
}

function characters(count: number): string {
  return count === 1 ? "1 character" : `${String(count)} characters`;
}

const UNGATED = "Ungated: the endpoint tells no probabilities.";

const SOURCES = {
  typedAlong: "You typed what was shown before; this is the rest of it.",
  forward: "You typed the beginning of an earlier answer; this is the rest of it.",
  revisited: "An earlier answer for the same position.",
  inFlight: "An answer that was already being generated.",
} as const;
