import * as vscode from "vscode";
import type { ModelsErrorCode } from "../../protocol/models";

/** A link of a failure's message. */
export type FailureStep = "retry" | "takeNew" | "check" | "other" | "mirror" | "folder" | "token" | "chooseFile";

/** The most promising first. */
export const FAILURE_STEPS: Readonly<Record<ModelsErrorCode, readonly FailureStep[]>> = {
  reference: ["other"],
  mirror: ["mirror"],
  network: ["retry", "mirror", "chooseFile"],
  refused: ["retry", "mirror"],
  login: ["token", "mirror"],
  notFound: ["other", "mirror"],
  content: ["retry", "mirror"],
  changed: ["takeNew", "mirror"],
  unchecked: ["check"],
  redirect: ["retry", "mirror"],
  diskFull: ["retry", "folder"],
  disk: ["retry", "folder"],
  busy: ["retry"],
  unusable: ["other", "chooseFile"],
  stopped: ["retry"],
};

export const STEP_TITLES: Readonly<Record<FailureStep, string>> = {
  retry: vscode.l10n.t("Try Again"),
  takeNew: vscode.l10n.t("Download the New File"),
  check: vscode.l10n.t("Check the File"),
  other: vscode.l10n.t("Enter Another…"),
  mirror: vscode.l10n.t("Set Mirror"),
  folder: vscode.l10n.t("Choose Folder"),
  token: vscode.l10n.t("Set Token…"),
  chooseFile: vscode.l10n.t("Choose a File…"),
};
