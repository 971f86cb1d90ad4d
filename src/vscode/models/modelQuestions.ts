import * as vscode from "vscode";
import { formatBytes } from "../../models/size";
import type { InstalledModel } from "../../protocol/models";
import type { ModelsPort } from "./modelsPort";
import { withProgress } from "./withProgress";

/** What users are asked about models. Undefined: they closed the question, or stopped what it needs. */

const PROGRAMS = { huggingface: "Hugging Face", lmstudio: "LM Studio", ollama: "Ollama" } as const;

/** The path of a file of the machine that the engine runs on. */
export async function askForModelFile(): Promise<string | undefined> {
  const [file] =
    (await vscode.window.showOpenDialog({
      title: vscode.l10n.t("Choose a Model for Hearth"),
      openLabel: vscode.l10n.t("Use This Model"),
      filters: { [vscode.l10n.t("GGUF models")]: ["gguf"] },
    })) ?? [];
  if (file === undefined) {
    return undefined;
  }
  if (file.scheme !== "file") {
    void vscode.window.showErrorMessage(
      vscode.l10n.t(
        "Cannot use '{0}' as a model: it is not on the machine that the engine runs on. Choose a file there.",
        file.path,
      ),
    );
    return undefined;
  }
  return file.fsPath;
}

/** What is to be downloaded, as it was written. */
export async function askForReference(): Promise<string | undefined> {
  const given = await vscode.window.showInputBox({
    title: vscode.l10n.t("Download a Model"),
    prompt: vscode.l10n.t("A GGUF file of a supported architecture: org/repository/file.gguf, or its URL."),
    placeHolder: "org/repository/file.gguf",
    ignoreFocusOut: true,
  });
  return given?.trim() === "" ? undefined : given;
}

/** One of a repository's files: the only one, or as the user chooses. */
export async function askForFileOf(models: ModelsPort, repository: string): Promise<string | undefined> {
  const title = vscode.l10n.t("Asking {0} for its models", repository);
  const files = await withProgress(title, (signal) => models.filesOf(repository, signal));
  const [only] = files ?? [];
  if (files === undefined || files.length <= 1) {
    return only?.reference;
  }
  const items = files.map(({ reference, bytes }) => ({
    label: reference.slice(repository.length + 1),
    description: formatBytes(bytes),
    reference,
  }));
  const chosen = await vscode.window.showQuickPick(items, {
    title: vscode.l10n.t("Models on {0}", repository),
    ignoreFocusOut: true,
  });
  return chosen?.reference;
}

/** The path of a model of another program, which has been checked. */
export async function askForOther(models: ModelsPort): Promise<string | undefined> {
  const found = await withProgress(vscode.l10n.t("Looking for models from other programs"), () => models.findOthers());
  if (found === undefined) {
    return undefined;
  }
  if (found.length === 0) {
    void vscode.window.showInformationMessage(
      vscode.l10n.t("No model that Hearth can use was found in the folders of Hugging Face, LM Studio and Ollama."),
    );
    return undefined;
  }
  const items = found.map((file) => ({
    label: file.reference,
    description: PROGRAMS[file.program],
    detail: file.path,
    file,
  }));
  const chosen = await vscode.window.showQuickPick(items, {
    title: vscode.l10n.t("Use a Model in Place"),
    placeHolder: vscode.l10n.t("The file stays where it is and still belongs to that program"),
    matchOnDetail: true,
  });
  if (chosen === undefined) {
    return undefined;
  }
  const adopted = await withProgress(vscode.l10n.t("Checking {0}", chosen.label), (signal, report) =>
    models.adopt(chosen.file, signal, report),
  );
  return adopted?.path;
}

/** Whether a model, which the window may use just now, is to be deleted, or forgotten where it is another program's. */
export async function askToDelete(model: InstalledModel, isUsed: boolean): Promise<boolean> {
  const detail = [
    model.owned
      ? vscode.l10n.t("{0} will be freed.", formatBytes(model.bytes))
      : vscode.l10n.t("The file stays where it is."),
    ...(isUsed ? [vscode.l10n.t("It is in use. Hearth will switch back to the starter model.")] : []),
  ].join(" ");
  const verb = model.owned ? vscode.l10n.t("Delete") : vscode.l10n.t("Forget");
  const question = model.owned ? vscode.l10n.t("Delete {0}?", model.title) : vscode.l10n.t("Forget {0}?", model.title);
  return (await vscode.window.showWarningMessage(question, { modal: true, detail }, verb)) === verb;
}

/** An access token for downloads from `origin`; empty: none. */
export async function askForToken(origin: string): Promise<string | undefined> {
  const token = await vscode.window.showInputBox({
    title: vscode.l10n.t("Download Token"),
    prompt: vscode.l10n.t(
      "An access token for {0}, for models that require one. It is sent nowhere else. Leave empty for none.",
      new URL(origin).host,
    ),
    password: true,
    ignoreFocusOut: true,
  });
  return token?.trim();
}
