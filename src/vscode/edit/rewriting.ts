import * as vscode from "vscode";
import { decimal } from "../../protocol/decimal";
import { CancelSource } from "../../core/cancellation";
import { AnswerStream } from "../../core/edit/answerStream";
import { type Excerpt, planEdit } from "../../core/edit/editPrompt";
import { isSame } from "../../core/edit/lineDiff";
import type { RewriteOptions } from "../../core/edit/rewriteResult";
import type { Sentence } from "../../core/edit/sentence";
import type { CancelToken } from "../../core/ports";
import type { AnyModel, ChatMessage } from "../../protocol/engine";
import type { EditorConfigs } from "../editorConfigs";
import type { Settings } from "../settings";
import { tellFailure } from "../failures";
import { inWords } from "../translated";
import type { CodeRange } from "./codeRange";
import { type InlineReview, REVIEWED_LINES_MAX } from "./inlineReview";
import type { ModelAccess } from "./modelAccess";
import { nameOf } from "./original";
import type { Proposal } from "./proposal";
import { type Proposals, tellWarnings } from "./proposals";

/** What is written, where, and what the model is told. */
export interface Rewrite {
  readonly code: CodeRange;
  readonly kind: RewriteOptions["kind"];
  /** For the diff's title. */
  readonly title: string;
  /** Title of the progress: "Hearth: fixing 'a.ts'". */
  readonly doing: string;
  readonly messages: readonly ChatMessage[];
  readonly maxTokens: number;
  /** Lines that come before what is written, e.g. a blank one. */
  readonly lead?: readonly string[];
}

/** The editor reads the document again and compares it each time; longer documents take longer. */
const WRITE_EVERY_MS = 100;
const WRITE_EVERY_LINES_MS = 0.05;
const TOLD_CHARS = 200;

/** The context to send; undefined, with a notification, if the code is too long for the model. Errors: EngineError. */
export async function planFor(
  access: ModelAccess,
  { contextTokens }: AnyModel,
  { original, path, lines, range }: CodeRange,
  growth = 2,
): Promise<{ readonly excerpt: Excerpt; readonly maxTokens: number } | undefined> {
  const codeTokens = await access.count(lines.slice(range.start, range.end).join("\n"));
  const plan = planEdit({ path, languageId: original.languageId, lines }, range, { contextTokens, codeTokens, growth });
  if (plan.kind === "fits") {
    return plan;
  }
  void vscode.window.showWarningMessage(
    vscode.l10n.t(
      "Hearth: this code is too long for the model: it has {0} tokens, and the model has room for about {1}. Select less code.",
      decimal(plan.tokens),
      decimal(plan.roomTokens),
    ),
  );
  return undefined;
}

/** What a change is shown by. */
export interface Reviewing {
  readonly access: ModelAccess;
  readonly proposals: Proposals;
  readonly review: InlineReview;
  readonly settings: Settings;
  readonly configs: EditorConfigs;
}

/**
 * Has the model write a change: a small one of an open file in the editor itself, others into a proposal beside the
 * original. Errors: EngineError; nothing is then changed.
 */
export async function rewrite(ports: Reviewing, asked: Rewrite): Promise<void> {
  const { original, lines, indentation } = asked.code;
  const configured = await ports.configs.indentationOf(original, lines.join("\n"), indentation);
  const what = { ...asked, code: { ...asked.code, indentation: configured } };
  const document = await inPlace(what, ports);
  await (document === undefined ? rewriteBeside(ports, what) : rewriteInPlace(ports, what, document));
}

/** The document that is changed in place; undefined where a proposal is the better place. */
async function inPlace(
  { code, kind }: Rewrite,
  { settings, review, proposals }: Reviewing,
): Promise<vscode.TextDocument | undefined> {
  const { original, range } = code;
  const isSmall = range.end - range.start <= REVIEWED_LINES_MAX && kind !== "tests" && !original.isNew;
  const editor = vscode.window.visibleTextEditors.find(
    ({ document }) => document.uri.toString() === original.uri.toString(),
  );
  const isFree = editor !== undefined && review.at(editor.document.uri) === undefined;
  const isPlain = original.uri.scheme !== "vscode-notebook-cell";
  if (!settings.reviewsInPlace || !isSmall || !isFree || !isPlain) {
    return undefined;
  }
  // Keep and Undo are code lenses. What cannot be saved is said before and after it is accepted.
  const hasLenses = vscode.workspace.getConfiguration("editor", editor.document).get<boolean>("codeLens", true);
  return hasLenses && (await proposals.isWritable(original.uri)) ? editor.document : undefined;
}

async function rewriteInPlace(ports: Reviewing, what: Rewrite, document: vscode.TextDocument): Promise<void> {
  const { access, proposals, review } = ports;
  const { lines, range } = what.code;
  const stop = new CancelSource();
  let isStopped = false as boolean;
  const progress = {
    location: vscode.ProgressLocation.Notification,
    title: what.doing,
    cancellable: true,
  };
  let written: { readonly lines: readonly string[]; readonly above: number; readonly below: number } | undefined;
  const sink: Sink = {
    stopToken: stop.token,
    write: (now, wider) => {
      written = wider === undefined ? undefined : { lines: now, ...wider };
    },
  };
  const ended = await vscode.window.withProgress(progress, async (shown, token) => {
    const listener = token.onCancellationRequested(() => {
      isStopped = true;
      stop.cancel();
    });
    try {
      return await write(access, sink, what, (message) => {
        shown.report({ message });
      });
    } finally {
      listener.dispose();
    }
  });
  const name = nameOf(what.code.original.uri);
  if (ended.kind === "noCode") {
    tellNoCode(name, ended);
    return;
  }
  if (ended.kind === "unwanted" || isStopped || written === undefined) {
    return;
  }
  const [start, end] = [range.start - written.above, range.end + written.below];
  const proposed = [...lines.slice(0, start), ...written.lines, ...lines.slice(end)];
  if (isSame(proposed, lines)) {
    tellNoChange(name);
    return;
  }
  if (await review.begin(document, lines, proposed, ended.warnings)) {
    // Lenses are shown late, and no screen reader says them.
    tellWarnings(name, ended.warnings, () => vscode.window.showTextDocument(document));
  } else {
    // Others have changed the same lines meanwhile: both are to be seen.
    const { original } = what.code;
    const proposal = await proposals.open({ original, lines, range: { start, end }, title: what.title });
    proposal.write(written.lines);
    proposals.finish(proposal, ended.warnings);
  }
}

async function rewriteBeside({ access, proposals }: Reviewing, what: Rewrite): Promise<void> {
  const { original, lines, range } = what.code;
  const proposal = await proposals.open({ original, lines, range, title: what.title });
  const progress = {
    location: vscode.ProgressLocation.Notification,
    title: what.doing,
    cancellable: true,
  };
  try {
    await vscode.window.withProgress(progress, async (shown, token) => {
      const listener = token.onCancellationRequested(() => {
        proposal.stop();
      });
      const ended = await write(access, proposal, what, (message) => {
        shown.report({ message });
      });
      listener.dispose();
      await conclude(proposals, proposal, token.isCancellationRequested ? { kind: "unwanted" } : ended);
    });
  } catch (error) {
    await proposals.discard(proposal);
    throw error;
  }
}

type Ending =
  | { readonly kind: "written"; readonly warnings: readonly Sentence[] }
  | { readonly kind: "noCode"; readonly reason: Sentence; readonly answer: string }
  | { readonly kind: "unwanted" };

/** Where a change is written. */
interface Sink {
  readonly stopToken: CancelToken;
  /** `wider`: it is whole, and takes the place of so many more lines. */
  readonly write: (lines: readonly string[], wider?: { readonly above: number; readonly below: number }) => void;
}

async function write(
  access: ModelAccess,
  proposal: Sink,
  { code, kind, messages, maxTokens, lead = [] }: Rewrite,
  report: (message: string) => void,
): Promise<Ending> {
  const { lines, range, path, indentation, original } = code;
  const spot = { path, languageId: original.languageId, indentation, lines, range };
  const answer = new AnswerStream(spot, kind);
  const withLead = (written: readonly string[]): readonly string[] =>
    written.length === 0 ? [] : [...lead, ...written];
  const everyMs = WRITE_EVERY_MS + lines.length * WRITE_EVERY_LINES_MS;
  let shownMs = 0;
  let tokens = 0;
  let hasNewLine = true;
  let timer: NodeJS.Timeout | undefined;
  const show = (): void => {
    timer = undefined;
    const preview = hasNewLine ? answer.preview() : undefined;
    if (preview !== undefined) {
      proposal.write(withLead(preview));
    }
    report(writtenSoFar(answer.text, tokens));
    hasNewLine = false;
    shownMs = Date.now();
  };
  report(vscode.l10n.t("the model is reading…"));
  const question = { id: access.nextId(), messages, maxTokens, temperature: 0, cancel: proposal.stopToken };
  const asked = access.ask(question, (text) => {
    answer.push(text);
    tokens += 1;
    hasNewLine ||= text.includes("\n");
    // Also where nothing comes for a while after this.
    timer ??= setTimeout(show, Math.max(0, shownMs + everyMs - Date.now()));
    return answer.isDone ? "enough" : undefined;
  });
  const finish = await asked.finally(() => {
    clearTimeout(timer);
  });
  const result = answer.end(finish === "end");
  if (result.kind === "none") {
    return finish === "cancelled"
      ? { kind: "unwanted" }
      : { kind: "noCode", reason: result.reason, answer: result.said };
  }
  proposal.write(kind === "tests" ? result.lines : withLead(result.lines), {
    above: range.start - result.range.start,
    below: result.range.end - range.end,
  });
  return finish === "cancelled" && result.lines.length === 0
    ? { kind: "unwanted" }
    : { kind: "written", warnings: result.warnings };
}

function writtenSoFar(answer: string, tokens: number): string {
  const lines = answer.split("\n").length - 1;
  if (tokens === 1) {
    return lines === 1
      ? vscode.l10n.t("1 line, 1 token written")
      : vscode.l10n.t("{0} lines, 1 token written", decimal(lines));
  }
  return lines === 1
    ? vscode.l10n.t("1 line, {0} tokens written", decimal(tokens))
    : vscode.l10n.t("{0} lines, {1} tokens written", decimal(lines), decimal(tokens));
}

async function conclude(proposals: Proposals, proposal: Proposal, ended: Ending): Promise<void> {
  if (proposal.state === "closed") {
    return;
  }
  const name = nameOf(proposal.original.uri);
  if (ended.kind === "unwanted") {
    await proposals.discard(proposal);
  } else if (ended.kind === "noCode") {
    await proposals.discard(proposal);
    tellNoCode(name, ended);
  } else if (!proposal.isChange) {
    await proposals.discard(proposal);
    tellNoChange(name);
  } else {
    proposals.finish(proposal, ended.warnings);
  }
}

function tellNoChange(name: string): void {
  void vscode.window.showInformationMessage(vscode.l10n.t("Hearth: the model proposed no change to '{0}'.", name));
}

function tellNoCode(name: string, { reason, answer }: Extract<Ending, { kind: "noCode" }>): void {
  const said = answer.trim().replaceAll(/\s+/g, " ").slice(0, TOLD_CHARS);
  if (said === "") {
    void vscode.window.showWarningMessage(vscode.l10n.t("Hearth: the model gave no answer."));
    return;
  }
  const told = vscode.l10n.t("Hearth: the model gave no code for '{0}'. {1} It said: {2}", name, inWords(reason), said);
  const showAnswer = vscode.l10n.t("Show Answer");
  vscode.window
    .showWarningMessage(told, showAnswer)
    .then((chosen) =>
      chosen === showAnswer
        ? vscode.workspace
            .openTextDocument({ language: "markdown", content: answer })
            .then((document) => vscode.window.showTextDocument(document))
        : undefined,
    )
    .then(undefined, tellFailure);
}
