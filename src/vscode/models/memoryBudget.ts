import * as vscode from "vscode";
import { decimal } from "../../protocol/decimal";
import { shownTitle } from "../../core/modelTitle";
import { formatBytes } from "../../models/size";
import { expertsText, speedText } from "../../models/speedEstimate";
import { isElsewhere } from "../../protocol/engine";
import type { Settings } from "../settings";
import { translate } from "../translated";
import type { WindowEngine } from "../windowEngine";
import type { ModelsPort } from "./modelsPort";

/** Shows what each budget buys for the model that is chosen. The engine loads it anew within the budget, and is not restarted. */
export async function chooseMemoryBudget(
  { settings, engine }: { readonly settings: Settings; readonly engine: WindowEngine },
  { models, signal }: { readonly models: ModelsPort; readonly signal: AbortSignal },
): Promise<void> {
  const { path } = settings.modelChoice;
  const title = vscode.l10n.t("Estimating what each memory budget brings…");
  const offers = await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title },
    async () => {
      await models.measure(signal).catch(() => undefined);
      return models.budgets(path);
    },
  );
  const now = settings.memoryBudgetGib;
  const items = offers.map((offer) => ({
    label: `$(${offer.gib === now ? "check" : "circuit-board"}) ${offer.gib === 0 ? vscode.l10n.t("Automatic") : `${decimal(offer.gib, 2)} GiB`}`,
    description: [
      vscode.l10n.t("uses {0}", formatBytes(offer.budgetBytes)),
      ...(offer.gib === now ? [vscode.l10n.t("current")] : []),
    ].join(" · "),
    detail: [
      expertsText(offer, translate),
      ...(offer.speed === undefined ? [] : [vscode.l10n.t("expected: {0}", speedText(offer.speed, translate))]),
    ].join("; "),
    gib: offer.gib,
  }));
  const { condition } = engine;
  const held =
    condition.kind === "ready" && !isElsewhere(condition.model)
      ? vscode.l10n.t(
          "{0}: {1} of {2} experts fit now",
          shownTitle(condition.model.title, translate),
          decimal(condition.model.slots),
          decimal(condition.model.slotsForAll),
        )
      : vscode.l10n.t("Memory that the engine may use in total");
  const chosen = await vscode.window.showQuickPick(items, {
    title: vscode.l10n.t("Memory Budget"),
    placeHolder: held,
    matchOnDetail: true,
  });
  if (chosen !== undefined && chosen.gib !== now) {
    await settings.setMemoryBudget(chosen.gib);
  }
}
