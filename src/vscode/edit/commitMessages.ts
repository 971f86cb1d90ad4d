import * as vscode from "vscode";
import { boundedDiff, cleanCommitMessage, type FileDiff } from "../../core/edit/commitMessage";
import { commitPrompt } from "../../core/edit/editPrompt";
import { secretContentRule } from "../../core/reading/secretContent";
import type { ReadableFiles } from "../readableFiles";
import type { EditPorts } from "./rewriteCommands";

/** What is needed of the API of VS Code's Git extension; see extensions/git/src/api/git.d.ts there. */
interface GitExports {
  readonly enabled: boolean;
  getAPI(version: 1): { readonly repositories: readonly Repository[] };
}

interface Repository {
  readonly rootUri: vscode.Uri;
  readonly inputBox: { value: string };
  readonly ui: { readonly selected: boolean };
  readonly state: {
    readonly indexChanges: readonly Change[];
    readonly workingTreeChanges: readonly Change[];
  };
  diffIndexWithHEAD(path: string): Promise<string>;
  diffWithHEAD(path: string): Promise<string>;
  log(options: { readonly maxEntries: number }): Promise<readonly { readonly message: string }[]>;
}

interface Change {
  readonly uri: vscode.Uri;
}

const ANSWER_TOKENS = 250;
const FILES_MAX = 60;
/** Of the model's context; and never more than is read in reasonable time. */
const DIFF_SHARE = 0.5;
const DIFF_TOKENS_MAX = 2500;
const CHARS_PER_TOKEN = 3;
const EARLIER_SUBJECTS = 5;

/** Writes into the input box of a repository what its staged changes do; where none are staged, all changes. */
export async function writeCommitMessage({ access, readable }: EditPorts, argument: unknown): Promise<void> {
  const repository = await repositoryOf(argument);
  if (repository === undefined) {
    return;
  }
  const model = await access.ready("edit");
  const files = model === undefined ? [] : await changesOf(repository, readable);
  if (model === undefined) {
    return;
  }
  if (files.length === 0) {
    const { indexChanges, workingTreeChanges } = repository.state;
    const isExcludedAll = indexChanges.length + workingTreeChanges.length > 0;
    void vscode.window.showInformationMessage(
      isExcludedAll
        ? vscode.l10n.t(
            "Hearth: all changed files are excluded by the setting 'hearth.exclude', so there is nothing that may be read.",
          )
        : vscode.l10n.t("Hearth: there are no changes to write a commit message for."),
    );
    return;
  }
  const tokens = Math.min(DIFF_TOKENS_MAX, model.contextTokens * DIFF_SHARE);
  const messages = commitPrompt(boundedDiff(files, tokens * CHARS_PER_TOKEN), await earlierSubjects(repository));
  const progress = {
    location: vscode.ProgressLocation.Notification,
    title: vscode.l10n.t("Hearth: writing a commit message"),
    cancellable: true,
  };
  const answer = await vscode.window.withProgress(progress, async (_, cancel) => {
    let said = "";
    const question = { id: access.nextId(), messages, maxTokens: ANSWER_TOKENS, temperature: 0.2, cancel };
    const finish = await access.ask(question, (text) => {
      said += text;
      return undefined;
    });
    return finish === "cancelled" ? undefined : cleanCommitMessage(said);
  });
  if (answer === "") {
    void vscode.window.showWarningMessage(vscode.l10n.t("Hearth: the model gave no commit message."));
  } else if (answer !== undefined) {
    await put(repository, answer);
  }
}

/** What was in the box is offered back: its undo does not know of it. */
async function put({ inputBox }: Repository, message: string): Promise<void> {
  const before = inputBox.value;
  inputBox.value = message;
  if (before.trim() === "" || before === message) {
    return;
  }
  const restore = vscode.l10n.t("Restore");
  const told = vscode.l10n.t("Hearth replaced the existing commit message.");
  if ((await vscode.window.showInformationMessage(told, restore)) === restore) {
    inputBox.value = before;
  }
}

/** Of the view that the command was given in, or the only or selected one. Undefined, and told, where there is none. */
async function repositoryOf(argument: unknown): Promise<Repository | undefined> {
  const extension = vscode.extensions.getExtension<GitExports>("vscode.git");
  const exports = await extension?.activate();
  const repositories = exports?.enabled === true ? exports.getAPI(1).repositories : [];
  if (repositories.length === 0) {
    void vscode.window.showInformationMessage(vscode.l10n.t("Hearth: no Git repository is open."));
    return undefined;
  }
  const root = rootOf(argument);
  const given = repositories.find(({ rootUri }) => rootUri.toString() === root);
  return given ?? repositories.find(({ ui }) => ui.selected) ?? repositories[0];
}

/** A SourceControl. */
function rootOf(argument: unknown): string | undefined {
  const root =
    typeof argument === "object" && argument !== null && "rootUri" in argument ? argument.rootUri : undefined;
  return root instanceof vscode.Uri ? root.toString() : undefined;
}

/** Files that Hearth must not read are left out; the rest are at least named. */
async function changesOf(repository: Repository, readable: ReadableFiles): Promise<FileDiff[]> {
  const { indexChanges, workingTreeChanges } = repository.state;
  const isStaged = indexChanges.length > 0;
  const all = isStaged ? indexChanges : workingTreeChanges;
  const rules = await Promise.all(all.map(({ uri }) => readable.ruleOfFile(uri)));
  const changes = all.filter((_, i) => rules[i] === undefined);
  const diffs = await Promise.all(
    changes.map(async ({ uri }, i) => {
      const path = uri.path.slice(repository.rootUri.path.length + 1);
      const file = uri.fsPath;
      if (i >= FILES_MAX) {
        return { path, diff: "" };
      }
      return { path, diff: await (isStaged ? repository.diffIndexWithHEAD(file) : repository.diffWithHEAD(file)) };
    }),
  );
  // Without the signs of added and removed lines: a key's first line begins with dashes.
  return diffs.filter(({ diff }) => secretContentRule(diff.replaceAll(/^[-+ ]/gm, "")) === undefined);
}

async function earlierSubjects(repository: Repository): Promise<string[]> {
  try {
    const commits = await repository.log({ maxEntries: EARLIER_SUBJECTS });
    return commits.map(({ message }) => message.split("\n")[0] ?? "").filter((subject) => subject !== "");
  } catch {
    // A repository without commits.
    return [];
  }
}
