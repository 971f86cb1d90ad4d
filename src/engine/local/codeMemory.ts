import type { Tokenizer } from "../../model/tokenizer";
import { turnOf } from "../../model/turns";
import { EngineError } from "../../protocol/errors";
import { type CodeRun, codeRuns, type RunLengths } from "./codeRuns";
import { asEngineError, type CodeSource, type NativeCodeIndex } from "./native";

/** Twin of CodeIndex::kContextMax. */
export const CONTEXT_TOKENS_MAX = 32;
/** Longer documents are no code that somebody writes. */
export const DOCUMENT_CHARS_MAX = 7_500_000;
/** A window tells less than half of that; each costs its name, too. */
const DOCUMENTS_MAX = 16_384;
/** Of tokenizing, some milliseconds; others have their turn after that. */
const SLICE_CHARS = 8_000;
/** Of looking for what has changed. */
const SLICE_RUNS = 256;

/** Open documents change at every key, files of the workspace rarely: each run costs a few tokens more. */
const RUN_LENGTHS: Readonly<Record<CodeSource, RunLengths>> = { file: { lines: 12 }, workspace: { lines: 64 } };

const NO_TOKENS = new Int32Array(0);

interface Remembered {
  readonly source: CodeSource;
  /** Numbers of the native pieces by the key of their run. */
  readonly pieces: Map<number, number[]>;
}

interface TextRun extends CodeRun {
  readonly part: string;
}

/**
 * The code at hand of one client: documents as runs of lines that are tokenised once. In memory only; nobody else's
 * generation gets to see it. A document may be told while another one, or itself, is still being tokenised: what was told
 * last holds.
 */
export class CodeMemory {
  readonly index: NativeCodeIndex;
  readonly #tokenizer: Tokenizer;
  readonly #hasRoom: () => boolean;
  readonly #documents = new Map<string, Remembered>();
  /** What was last told of each document that is being tokenised. */
  readonly #newest = new Map<string, object>();

  /** @param hasRoom whether more may be remembered beside what others do */
  constructor(index: NativeCodeIndex, tokenizer: Tokenizer, hasRoom: () => boolean = () => true) {
    this.index = index;
    this.#tokenizer = tokenizer;
    this.#hasRoom = hasRoom;
  }

  get documents(): number {
    return this.#documents.size;
  }

  get size(): { readonly tokens: number; readonly bytes: number } {
    return this.index.size();
  }

  /**
   * Remembers a document in place of what was known of it. `parts` are whole lines each, with something between them that is
   * not to be remembered, e.g. the line that is being written. Resolves when all is known; other work goes on meanwhile.
   * Errors: EngineError `bad_request` for a document that is too long, `memory` where there is no room for more: the rest
   * of it is then not known.
   */
  async remember(id: string, source: CodeSource, parts: readonly string[]): Promise<void> {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    if (length > DOCUMENT_CHARS_MAX) {
      this.forget(id);
      throw new EngineError(
        "bad_request",
        `cannot remember a document of ${String(length)} characters; the longest has ${String(DOCUMENT_CHARS_MAX)}`,
      );
    }
    if (
      !this.#documents.has(id) &&
      !this.#newest.has(id) &&
      this.#documents.size + this.#newest.size >= DOCUMENTS_MAX
    ) {
      throw new EngineError("memory", `cannot remember more than ${String(DOCUMENTS_MAX)} documents`);
    }
    const told = {};
    this.#newest.set(id, told);
    const isOld = (): boolean => this.#newest.get(id) !== told;
    try {
      const runs = await this.#runsOf(source, parts, isOld);
      if (!isOld()) {
        await this.#replace(id, source, runs, isOld);
      }
    } catch (error) {
      throw asEngineError(error);
    } finally {
      if (!isOld()) {
        this.#newest.delete(id);
      }
    }
  }

  /** At once. */
  forget(id: string): void {
    this.#newest.delete(id);
    for (const piece of [...(this.#documents.get(id)?.pieces.values() ?? [])].flat()) {
      this.index.forget(piece);
    }
    this.#documents.delete(id);
  }

  forgetAll(): void {
    for (const id of new Set([...this.#documents.keys(), ...this.#newest.keys()])) {
      this.forget(id);
    }
  }

  async #runsOf(source: CodeSource, parts: readonly string[], isOld: () => boolean): Promise<readonly TextRun[]> {
    const runs: TextRun[] = [];
    for (const part of parts) {
      for (const run of codeRuns(part, RUN_LENGTHS[source])) {
        runs.push({ ...run, part });
        if (runs.length % SLICE_RUNS === 0) {
          await turnOf(this);
          if (isOld()) {
            return [];
          }
        }
      }
    }
    return runs;
  }

  /** Runs that were known keep their pieces; what is no longer there is forgotten before anything is added. */
  async #replace(id: string, source: CodeSource, runs: readonly TextRun[], isOld: () => boolean): Promise<void> {
    const before = this.#documents.get(id);
    if (before !== undefined && before.source !== source) {
      for (const piece of [...before.pieces.values()].flat()) {
        this.index.forget(piece);
      }
    }
    const left = before?.source === source ? before.pieces : new Map<number, number[]>();
    const pieces = new Map<number, number[]>();
    const isNew = runs.map(({ key }) => {
      const known = left.get(key)?.pop();
      addTo(pieces, key, known);
      return known === undefined;
    });
    for (const piece of [...left.values()].flat()) {
      this.index.forget(piece);
    }
    this.#documents.set(id, { source, pieces });
    let chars = 0;
    for (const [i, run] of runs.entries()) {
      if (isNew[i] !== true) {
        continue;
      }
      addTo(pieces, run.key, this.#append(source, run, runs[i - 1]));
      chars += run.end - run.start;
      if (chars > SLICE_CHARS) {
        chars = 0;
        await turnOf(this);
        if (isOld()) {
          return;
        }
      }
    }
  }

  #append(source: CodeSource, run: TextRun, before: TextRun | undefined): number {
    if (!this.#hasRoom()) {
      throw new EngineError("memory", "cannot remember more code: the windows together have told all that fits");
    }
    const lead = run.continues && before?.part === run.part ? this.#tokensOf(before) : NO_TOKENS;
    return this.index.append(source, lead.subarray(-CONTEXT_TOKENS_MAX), this.#tokensOf(run));
  }

  #tokensOf({ part, start, end }: TextRun): Int32Array {
    return Int32Array.from(this.#tokenizer.encodeText(part.slice(start, end)));
  }
}

/** The lines above and below the one that the offset is in. */
export function linesAround(text: string, offset: number): readonly [above: string, below: string] {
  const start = offset === 0 ? 0 : text.lastIndexOf("\n", offset - 1) + 1;
  const end = text.indexOf("\n", offset);
  return [text.slice(0, start), end === -1 ? "" : text.slice(end + 1)];
}

function addTo(pieces: Map<number, number[]>, key: number, piece: number | undefined): void {
  if (piece === undefined) {
    return;
  }
  const known = pieces.get(key);
  if (known === undefined) {
    pieces.set(key, [piece]);
  } else {
    known.push(piece);
  }
}
