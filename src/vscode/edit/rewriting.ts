import * as vscode from "vscode";
import { loopingLines } from "../../core/edit/repetitionLoop";
import { fitIndentation } from "../../core/edit/codeIndentation";
import { withoutDuplication } from "../../core/edit/duplication";
import { type Excerpt, planEdit } from "../../core/edit/editPrompt";
import { FenceStream, looksLikeRewrite } from "../../core/edit/fenceStream";
import { previewOf } from "../../core/edit/streamPreview";
import type { ChatMessage, ModelInfo } from "../../protocol/engine";
import type { CodeRange } from "./codeRange";
import type { ModelAccess } from "./modelAccess";
import { nameOf } from "./original";
import type { Proposal } from "./proposal";
import type { Proposals } from "./proposals";

/** What is written, where, and what the model is told. */
export interface Rewrite {
  readonly code: CodeRange;
  /** For the diff's title. */
  readonly title: string;
  /** For the progress: "Hearth: rewriting 'a.ts'". */
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
/** Shown around the code, and so what a model may repeat. */
const DUPLICATION_LINES = 60;

/** The context to send; undefined, with a notification, if the code is too long for the model. Errors: EngineError. */
export async function planFor(
  access: ModelAccess,
  { contextTokens }: ModelInfo,
  { original, path, lines, range }: CodeRange,
  growth = 2,
): Promise<{ readonly excerpt: Excerpt; readonly maxTokens: number } | undefined> {
  const codeTokens = await access.count(lines.slice(range.start, range.end).join("\n"));
  const plan = planEdit({ path, languageId: original.languageId, lines }, range, { contextTokens, codeTokens, growth });
  if (plan.kind === "fits") {
    return plan;
  }
  void vscode.window.showWarningMessage(
    `Hearth: this code is too long for the model: ${String(plan.tokens)} tokens, and it has room for about ` +
      `${String(plan.roomTokens)}. Select less of it.`,
  );
  return undefined;
}

/** Streams a model's code into a proposal, beside the original. Errors: EngineError; the proposal is then gone. */
export async function rewrite(access: ModelAccess, proposals: Proposals, what: Rewrite): Promise<void> {
  const { original, lines, range } = what.code;
  const proposal = await proposals.open({ original, lines, range, title: what.title });
  const progress = {
    location: vscode.ProgressLocation.Notification,
    title: `Hearth: ${what.doing}`,
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
  | { readonly kind: "written"; readonly isCutOff: boolean }
  | { readonly kind: "noCode"; readonly answer: string }
  | { readonly kind: "unwanted" };

async function write(
  access: ModelAccess,
  proposal: Proposal,
  { code, messages, maxTokens, lead = [] }: Rewrite,
  report: (message: string) => void,
): Promise<Ending> {
  const { lines, range } = code;
  const old = lines.slice(range.start, range.end);
  const fitted = (answer: readonly string[]): string[] => fittedTo(code, answer, lead);
  const fence = new FenceStream();
  const everyMs = WRITE_EVERY_MS + lines.length * WRITE_EVERY_LINES_MS;
  let shown = { lines: 0, atMs: 0 };
  report("the model reads…");
  const question = { id: access.nextId(), messages, maxTokens, temperature: 0, cancel: proposal.stopToken };
  const finish = await access.ask(question, (text) => {
    fence.push(text);
    if (fence.code.length > shown.lines && Date.now() >= shown.atMs + everyMs) {
      shown = { lines: fence.code.length, atMs: Date.now() };
      proposal.write(previewOf(old, fitted(fence.code)));
      report(shown.lines === 1 ? "1 line written" : `${String(shown.lines)} lines written`);
    }
    return fence.isDone || loopingLines(fence.code, old) > 0 ? "enough" : undefined;
  });
  const complete = fence.code.length;
  const answer = fence.end();
  if (answer.kind === "noFence" && !looksLikeRewrite(answer.lines, old)) {
    return finish === "cancelled" ? { kind: "unwanted" } : { kind: "noCode", answer: answer.lines.join("\n") };
  }
  const isClosed = answer.kind === "code" && answer.closed;
  // A model that ended without closing its fence has finished.
  const isCutOff = !isClosed && finish !== "end";
  const said = isCutOff && answer.kind === "code" ? answer.lines.slice(0, complete) : answer.lines;
  const written = fitted(said.slice(0, said.length - loopingLines(said, old)));
  proposal.write(isCutOff ? previewOf(old, written) : written);
  return finish === "cancelled" && written.length === 0 ? { kind: "unwanted" } : { kind: "written", isCutOff };
}

/** A model's code as it can stand in the document. */
function fittedTo(
  { original: { languageId }, indentation, lines, range }: CodeRange,
  answer: readonly string[],
  lead: readonly string[],
): string[] {
  const old = lines.slice(range.start, range.end);
  const above = lines.slice(Math.max(0, range.start - DUPLICATION_LINES), range.start);
  const below = lines.slice(range.end, range.end + DUPLICATION_LINES);
  const own = withoutDuplication(answer, { languageId, above, lines: old, below });
  const written = fitIndentation(own, { lines: old, width: 0, indentation, languageId });
  return written.length === 0 ? [] : [...lead, ...written];
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
    const said = ended.answer.trim().replaceAll(/\s+/g, " ").slice(0, TOLD_CHARS);
    void vscode.window.showWarningMessage(
      said === ""
        ? "Hearth: the model gave no answer."
        : `Hearth: the model gave no code for '${name}'. It said: ${said}`,
    );
  } else if (!proposal.isChange) {
    await proposals.discard(proposal);
    void vscode.window.showInformationMessage(`Hearth: the model proposed no change to '${name}'.`);
  } else {
    proposals.finish(proposal);
    if (ended.isCutOff) {
      void vscode.window.showWarningMessage(
        `Hearth: the change of '${name}' is not complete. What the model had not come to is as it was.`,
      );
    }
  }
}
