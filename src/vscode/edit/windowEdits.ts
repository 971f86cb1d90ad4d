import * as vscode from "vscode";
import { tellFailure } from "../failures";
import type { EditorConfigs } from "../editorConfigs";
import type { ReadableFiles } from "../readableFiles";
import type { Settings } from "../settings";
import type { WindowEngine } from "../windowEngine";
import { applyCode } from "./codeApplying";
import { HearthCodeActions } from "./codeActions";
import { writeCommitMessage } from "./commitMessages";
import { explain } from "./explaining";
import { InlineReview } from "./inlineReview";
import { Instructions } from "./instructions";
import { ModelAccess } from "./modelAccess";
import { suggestNames } from "./nameSuggestions";
import type { Proposal } from "./proposal";
import { Proposals } from "./proposals";
import { addDocumentation, type EditPorts, fix, refactor } from "./rewriteCommands";
import { writeTests } from "./testWriting";
import type { IsWritableFile } from "./writability";

export interface WindowEditsOptions {
  readonly engine: WindowEngine;
  readonly settings: Settings;
  readonly readable: ReadableFiles;
  readonly configs: EditorConfigs;
  /** Keeps instructions across sessions. */
  readonly memory: vscode.Memento;
  readonly isWritableFile: IsWritableFile;
}

type Run = (...args: readonly unknown[]) => unknown;

/** Editing with the model: commands, the lightbulb, and the changes that are proposed. */
export class WindowEdits implements vscode.Disposable {
  readonly #engine: WindowEngine;
  readonly #proposals: Proposals;
  readonly #configs: EditorConfigs;
  readonly #review = new InlineReview();
  readonly #needChanged = new vscode.EventEmitter<void>();
  readonly #disposables: readonly { dispose(): unknown }[];
  /** Commands that use the model and have not ended. */
  #running = 0;

  /** Fires when `needsEngine` may have changed. */
  readonly onDidChangeNeed = this.#needChanged.event;

  constructor({ engine, settings, readable, configs, memory, isWritableFile }: WindowEditsOptions) {
    this.#engine = engine;
    this.#configs = configs;
    this.#proposals = new Proposals(isWritableFile);
    const access = new ModelAccess(engine);
    const actions = new HearthCodeActions(access, readable);
    this.#disposables = [
      this.#proposals,
      this.#review,
      this.#needChanged,
      vscode.languages.registerCodeActionsProvider({ scheme: "*" }, actions, {
        providedCodeActionKinds: [...HearthCodeActions.kinds],
      }),
      ...this.#modelCommands({
        access,
        proposals: this.#proposals,
        review: this.#review,
        settings,
        readable,
        configs,
        instructions: new Instructions(memory),
      }),
      ...this.#proposalCommands(),
    ];
  }

  dispose(): void {
    vscode.Disposable.from(...this.#disposables).dispose();
  }

  /** An edit is running: the model should stay loaded. */
  get needsEngine(): boolean {
    return this.#running > 0;
  }

  #modelCommands(ports: EditPorts): vscode.Disposable[] {
    const commands: Record<string, Run> = {
      "hearth.refactor": (spot, instruction) => refactor(ports, spot, instruction),
      "hearth.explain": (spot) => explain(ports, spot),
      "hearth.fix": (spot) => fix(ports, spot),
      "hearth.addDocumentation": (spot) => addDocumentation(ports, spot),
      "hearth.writeTests": (spot) => writeTests(ports, spot),
      "hearth.suggestNames": (spot) => suggestNames(ports, spot),
      "hearth.writeCommitMessage": (sourceControl) => writeCommitMessage(ports, sourceControl),
    };
    const counted =
      (run: Run): Run =>
      async (...args) => {
        this.#running += 1;
        try {
          await run(...args);
        } finally {
          this.#running -= 1;
          this.#needChanged.fire();
        }
      };
    return Object.entries(commands).map(([name, run]) => this.#register(name, counted(run)));
  }

  #proposalCommands(): vscode.Disposable[] {
    const proposals = this.#proposals;
    const withProposal =
      (work: (proposal: Proposal) => unknown): Run =>
      (uri) => {
        const proposal = proposals.at(uri);
        return proposal === undefined ? undefined : work(proposal);
      };
    const review = this.#review;
    const inReview =
      (work: (document: vscode.TextDocument, id: number | undefined) => unknown, otherwise?: Run): Run =>
      (uri, id) => {
        const document = review.at(uri);
        return document === undefined ? otherwise?.(uri) : work(document, typeof id === "number" ? id : undefined);
      };
    const accept = inReview(
      (document) => {
        review.keep(document, undefined);
      },
      withProposal((proposal) => proposals.accept(proposal)),
    );
    const discard = inReview(
      (document) => review.undo(document, undefined),
      withProposal((proposal) => proposals.discard(proposal)),
    );
    const keepHunk = inReview(
      (document, id) => {
        const keep = (meant: number): void => {
          review.keep(document, meant);
        };
        if (id === undefined) {
          return review.atCursor(document, keep);
        }
        keep(id);
        return undefined;
      },
      withProposal((proposal) => proposals.keepPart(proposal)),
    );
    const undoHunk = inReview(
      (document, id) => {
        const undo = (meant: number): Promise<void> => review.undo(document, meant);
        return id === undefined ? review.atCursor(document, undo) : undo(id);
      },
      withProposal((proposal) => proposals.undoPart(proposal)),
    );
    const commands: Record<string, Run> = {
      "hearth.applyCode": (code) => applyCode({ proposals, configs: this.#configs }, code),
      "hearth.edit.accept": accept,
      "hearth.edit.discard": discard,
      // Above an editor there are only words: it would write the keys of a command behind them.
      "hearth.edit.acceptAll": accept,
      "hearth.edit.discardAll": discard,
      "hearth.edit.keepPart": keepHunk,
      "hearth.edit.undoPart": undoHunk,
      "hearth.edit.showWarnings": inReview((document) => {
        review.tellWarnings(document);
      }),
      "hearth.edit.keepHunk": keepHunk,
      "hearth.edit.undoHunk": undoHunk,
      "hearth.edit.stop": withProposal((proposal) => {
        proposal.stop();
      }),
    };
    return Object.entries(commands).map(([name, run]) => this.#register(name, run));
  }

  /** For actions that the user started: reports failures. */
  #register(name: string, run: Run): vscode.Disposable {
    return vscode.commands.registerCommand(name, async (...args: readonly unknown[]) => {
      const before = this.#engine.condition.kind;
      try {
        await run(...args);
      } catch (error) {
        const { condition } = this.#engine;
        // The window has told of an engine that has just failed.
        const isTold = before !== "failed" && condition.kind === "failed" && condition.error === error;
        if (!isTold) {
          void tellFailure(error);
        }
      }
    });
  }
}
