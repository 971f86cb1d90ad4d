import * as vscode from "vscode";
import { CancelSource } from "../../core/cancellation";
import { hunksBetween, isSame, type LineRange, linesOf } from "../../core/edit/lineDiff";
import { type ProposedPart, proposedParts, withoutPart, withPart } from "../../core/edit/proposedParts";
import { followRange, rebase } from "../../core/edit/region";
import type { EditedFiles } from "./editedFiles";
import { applyHunks } from "./lineEdits";
import { openDocument, type Original, originalOf } from "./original";

export interface ProposalOptions {
  readonly original: Original;
  /** The original when the change was requested. */
  readonly lines: readonly string[];
  /** Those that are written anew. */
  readonly range: LineRange;
  /** What is done, for the tab's title. */
  readonly title: string;
}

export type Acceptance =
  | { readonly kind: "applied"; readonly document: vscode.TextDocument; readonly firstLine: number }
  | { readonly kind: "unchanged" }
  /** Others have changed the same lines of the original meanwhile. Nothing was applied. */
  | { readonly kind: "conflict"; readonly at: readonly LineRange[] }
  | { readonly kind: "refused" }
  /** There is no original any more: this is what it would be. */
  | { readonly kind: "gone"; readonly text: string };

export type ChoosePart = (parts: readonly ProposedPart[]) => ProposedPart | undefined;

/** The user may type between reading the original and applying a change to it. */
const APPLY_ATTEMPTS = 3;
const AS_WIDE = { above: 0, below: 0 };

/**
 * A proposed change of a document: a second document, in memory, that holds the full text. A model writes into it, and
 * then the user may edit it. The original stays as it is until the proposal is accepted.
 *
 * `#base` is the state of the original that the proposal is a change of. It follows the original as long as what is edited
 * there does not touch what is proposed.
 */
export class Proposal {
  readonly uri: vscode.Uri;
  #original: Original;
  /** What the proposal is shown beside. */
  #before: vscode.Uri;
  readonly title: string;
  readonly #files: EditedFiles;
  readonly #stop = new CancelSource();
  #base: readonly string[];
  #range: LineRange;
  #written: readonly string[];
  #state: "writing" | "open" | "closed" = "writing";
  /** One step at a time: each begins with what the one before has made. */
  #following: Promise<void> = Promise.resolve();

  constructor(files: EditedFiles, { original, lines, range, title }: ProposalOptions) {
    this.#original = original;
    this.title = title;
    this.#files = files;
    this.#base = lines;
    this.#range = range;
    this.#written = this.#base.slice(range.start, range.end);
    this.uri = files.create(original.uri, this.#joined(this.#base));
    this.#before = original.isNew ? files.create(original.uri, "") : original.uri;
  }

  get original(): Original {
    return this.#original;
  }

  get before(): vscode.Uri {
    return this.#before;
  }

  /** Of the lines that are written anew. */
  get firstLine(): number {
    return this.#range.start;
  }

  /** The original has another name. */
  async moveTo(uri: vscode.Uri): Promise<void> {
    this.#original = { ...originalOf(await vscode.workspace.openTextDocument(uri)) };
    this.#before = uri;
  }

  /** Whether there is still what the proposal is a change of. */
  async isOriginalThere(): Promise<boolean> {
    const { uri } = this.#original;
    if (uri.scheme === "untitled") {
      return openDocument(uri) !== undefined;
    }
    if (uri.scheme === "vscode-notebook-cell") {
      return true;
    }
    try {
      await vscode.workspace.fs.stat(uri);
      return true;
    } catch {
      return false;
    }
  }

  get state(): "writing" | "open" | "closed" {
    return this.#state;
  }

  /** Fires when the user stops generation or closes the proposal. */
  get stopToken(): CancelSource["token"] {
    return this.#stop.token;
  }

  /**
   * While it is being written: these lines in place of the range. `wider`: lines above and below the range that they take
   * the place of as well, for good.
   */
  write(lines: readonly string[], wider: { readonly above: number; readonly below: number } = AS_WIDE): void {
    if (this.#state !== "writing") {
      return;
    }
    this.#written = lines;
    this.#range = {
      start: Math.max(0, this.#range.start - wider.above),
      end: Math.min(this.#base.length, this.#range.end + wider.below),
    };
    const current = this.#currentLines() ?? this.#base;
    const range = followRange(this.#base, current, this.#range);
    // Otherwise it stays what it was a change of, and cannot be accepted unless that is undone.
    if (range !== undefined) {
      this.#base = current;
      this.#range = range;
    }
    const { start, end } = this.#range;
    this.#files.write(this.uri, this.#joined([...this.#base.slice(0, start), ...lines, ...this.#base.slice(end)]));
  }

  /** Stops generation. */
  stop(): void {
    this.#stop.cancel();
  }

  /** It is all written: from now on the user may change it. */
  finish(): void {
    if (this.#state === "writing") {
      this.#state = "open";
      this.#files.setWritable(this.uri);
    }
  }

  /** Whether it proposes anything. */
  get isChange(): boolean {
    return !isSame(this.#proposedLines(), this.#base);
  }

  /** Whether the editor shows what was written last. */
  get isRead(): boolean {
    const shown = openDocument(this.uri)?.getText();
    return shown !== undefined && isSame(linesOf(shown), linesOf(this.#files.text(this.uri)));
  }

  /** Once what was begun by `follow` has ended. */
  get settled(): Promise<void> {
    return this.#following;
  }

  /** The original was edited: rebases the proposal onto it if possible. */
  follow(): Promise<void> {
    this.#following = this.#following.then(() => this.#follow());
    return this.#following;
  }

  /** What is proposed, part by part. */
  get parts(): readonly ProposedPart[] {
    return proposedParts(this.#base, this.#proposedLines());
  }

  /** One part is again as in the original. False where none is chosen, or the editor refuses. */
  async undoPart(choose: ChoosePart): Promise<boolean> {
    await this.#following;
    const part = choose(this.parts);
    const proposed = this.#proposedLines();
    return part !== undefined && this.#replace(proposed, withoutPart(proposed, part));
  }

  /** Makes one part of the change in the original. The others are then a change of that. Undefined where none is chosen. */
  async keepPart(choose: ChoosePart): Promise<Acceptance | undefined> {
    const document = await this.#openOriginal();
    await this.follow();
    if (document === undefined) {
      return { kind: "gone", text: this.#joined(this.#proposedLines()) };
    }
    const part = choose(this.parts);
    if (part === undefined) {
      return undefined;
    }
    const kept = withPart(this.#base, part);
    const applied = await this.#apply(document, this.#base, kept);
    if (applied.kind === "applied" || applied.kind === "unchanged") {
      this.#base = kept;
    }
    return applied;
  }

  /** Makes the change in the original, as one step of its undo. `asShown`: whatever others have changed there meanwhile. */
  async accept(asShown = false): Promise<Acceptance> {
    const document = await this.#openOriginal();
    await this.#following;
    if (document === undefined) {
      return { kind: "gone", text: this.#joined(this.#proposedLines()) };
    }
    return this.#apply(document, asShown ? undefined : this.#base, this.#proposedLines());
  }

  /** Accepted or discarded: frees its memory. */
  close(): void {
    this.#state = "closed";
    this.stop();
    this.#files.remove(this.uri);
    if (this.original.isNew) {
      this.#files.remove(this.before);
    }
  }

  /** `base`: what `lines` is a change of; undefined: of whatever the original is now. */
  async #apply(
    document: vscode.TextDocument,
    base: readonly string[] | undefined,
    lines: readonly string[],
  ): Promise<Acceptance> {
    for (let attempt = 0; attempt < APPLY_ATTEMPTS; ++attempt) {
      const current = linesOf(document.getText());
      const rebased = rebase(base ?? current, current, lines);
      if (rebased.kind === "conflict") {
        return rebased;
      }
      const hunks = hunksBetween(current, rebased.lines);
      const [first] = hunks;
      if (first === undefined) {
        return { kind: "unchanged" };
      }
      if (await applyHunks(document, hunks)) {
        return { kind: "applied", document, firstLine: first.start };
      }
    }
    return { kind: "refused" };
  }

  async #follow(): Promise<void> {
    if (this.#state === "writing") {
      this.write(this.#written);
      return;
    }
    const current = this.#currentLines();
    if (this.#state === "closed" || current === undefined || isSame(current, this.#base)) {
      return;
    }
    const proposed = this.#proposedLines();
    const rebased = rebase(this.#base, current, proposed);
    if (rebased.kind === "rebased" && (await this.#replace(proposed, rebased.lines))) {
      this.#base = current;
    }
  }

  /** If the proposal is open in the editor, as an edit: the user may be typing in it. */
  async #replace(proposed: readonly string[], lines: readonly string[]): Promise<boolean> {
    const document = openDocument(this.uri);
    const saved = this.#files.text(this.uri);
    if (document !== undefined && isSame(linesOf(document.getText()), proposed)) {
      if (!(await applyHunks(document, hunksBetween(proposed, lines)))) {
        return false;
      }
      // The editor asks about unsaved changes where a tab is closed.
      await document.save();
      if (document.isDirty || this.#files.text(this.uri) !== saved) {
        return true;
      }
      // It still takes the file for one that cannot be written, and will read it again.
    }
    this.#files.write(this.uri, this.#joined(lines));
    return true;
  }

  /** Undefined where it was deleted. */
  async #openOriginal(): Promise<vscode.TextDocument | undefined> {
    const { uri, isNew } = this.#original;
    const isFile = !isNew && !["untitled", "vscode-notebook-cell"].includes(uri.scheme);
    return isFile && openDocument(uri) === undefined && !(await this.isOriginalThere())
      ? undefined
      : this.#original.open();
  }

  /** With what the user has changed in the editor and not saved. */
  #proposedLines(): string[] {
    const document = openDocument(this.uri);
    return linesOf(document?.isDirty === true ? document.getText() : this.#files.text(this.uri));
  }

  /** Undefined while the original is not open in the editor. */
  #currentLines(): string[] | undefined {
    const { uri, isNew } = this.original;
    const document = isNew ? undefined : openDocument(uri);
    return document === undefined ? undefined : linesOf(document.getText());
  }

  #joined(lines: readonly string[]): string {
    return lines.join(this.original.lineEnd);
  }
}
