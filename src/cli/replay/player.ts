import type { SyntaxReader } from "../../core/syntax/reader";
import type { Clock } from "../../core/ports";
import { EngineError } from "../../protocol/errors";
import { EditedDocument, type Key } from "./editedDocument";
import type { SimulatedEditor } from "./simulatedEditor";
import type { Hole, Place, Step, Trace, TraceDocument } from "./trace";
import { Typist } from "./typist";

/** Polling interval of a waiting step. */
const LOOK_MS = 20;

export function documentsOf(trace: Trace, readers: readonly SyntaxReader[]): EditedDocument[] {
  return trace.documents.map(({ path, languageId, text, hole }, i) => {
    const document = new EditedDocument(path, languageId, text, readers[i]);
    document.moveTo(hole?.offset ?? 0);
    return document;
  });
}

/** Does what a trace says, a key at a time, in the clock's time. */
export class Player {
  readonly #editor: SimulatedEditor;
  readonly #clock: Clock;
  readonly #holes: ReadonlyMap<string, Hole | undefined>;
  /** When the last key was pressed: a late one does not delay the next. */
  #atMs: number;

  constructor(editor: SimulatedEditor, clock: Clock, documents: readonly TraceDocument[]) {
    this.#editor = editor;
    this.#clock = clock;
    this.#holes = new Map(documents.map(({ path, hole }) => [path, hole]));
    this.#atMs = clock.nowMs();
  }

  /** Errors: EngineError `bad_request` for a step that cannot be done. `onStep` is told the number of steps done. */
  async play(steps: readonly Step[], onStep: (done: number) => void = () => undefined): Promise<void> {
    for (const [i, step] of steps.entries()) {
      await this.#do(step, i + 1);
      onStep(i + 1);
    }
    await this.#editor.settled();
  }

  async #do(step: Step, number: number): Promise<void> {
    const editor = this.#editor;
    switch (step.kind) {
      case "type":
        return this.#type(new Typist(editor.document, step.text, false), step, number);
      case "fill": {
        const { path } = editor.document;
        const hole = this.#holes.get(path);
        if (hole === undefined) {
          throw new EngineError("bad_request", `cannot do step ${String(number)}: '${path}' has no hole to fill`);
        }
        editor.moveTo(hole.offset);
        return this.#type(new Typist(editor.document, hole.text, true), step, number);
      }
      case "typeShown":
        return this.#typeShown(step, number);
      case "delete":
        for (let i = 0; i < step.chars; ++i) {
          await this.#press({ kind: "backspace" }, step.msPerKey, number);
        }
        return;
      case "pause":
        return this.#wait(step.ms);
      case "untilShown":
        return this.#waitUntilShown(step.limitMs);
      case "accept":
        await this.#wait(step.msPerKey);
        editor.accept(step.part, number);
        return;
      case "trigger":
        await this.#wait(step.msPerKey);
        editor.trigger(number);
        return;
      case "moveTo":
        editor.moveTo(offsetOf(step.place, editor.document.text, number));
        return;
      case "open":
        editor.open(step.path);
        return;
    }
  }

  async #type(typist: Typist, step: { msPerKey: number; accepts: boolean }, number: number): Promise<void> {
    const editor = this.#editor;
    while (!typist.isDone) {
      await this.#wait(step.msPerKey);
      const key = step.accepts && editor.shown.length > 1 && typist.takes(editor.shown) ? "accept" : typist.next();
      if (key === "accept") {
        editor.accept("all", number);
      } else if (key !== undefined) {
        editor.press(key, number);
      }
    }
  }

  async #typeShown(step: { chars: number; msPerKey: number }, number: number): Promise<void> {
    for (let i = 0; i < step.chars; ++i) {
      const [char] = this.#editor.shown;
      if (char === undefined) {
        return;
      }
      await this.#press(char === "\n" ? { kind: "enter" } : { kind: "char", char }, step.msPerKey, number);
    }
  }

  async #press(key: Key, msPerKey: number, number: number): Promise<void> {
    await this.#wait(msPerKey);
    this.#editor.press(key, number);
  }

  async #waitUntilShown(limitMs: number): Promise<void> {
    const until = this.#clock.nowMs() + limitMs;
    while (this.#editor.shown === "" && this.#clock.nowMs() < until) {
      await this.#sleepUntil(this.#clock.nowMs() + LOOK_MS);
    }
    this.#atMs = this.#clock.nowMs();
  }

  async #wait(ms: number): Promise<void> {
    this.#atMs += ms;
    await this.#sleepUntil(this.#atMs);
  }

  #sleepUntil(atMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.after(Math.max(0, atMs - this.#clock.nowMs()), resolve);
    });
  }
}

function offsetOf(place: Place, text: string, number: number): number {
  const problem = (what: string): EngineError =>
    new EngineError("bad_request", `cannot do step ${String(number)}: ${what}`);
  if (place.kind !== "line") {
    const at = text.indexOf(place.text);
    if (at === -1) {
      throw problem(`the document does not contain ${JSON.stringify(place.text)} now`);
    }
    return place.kind === "before" ? at : at + place.text.length;
  }
  const lines = text.split("\n");
  const line = lines[place.line - 1];
  if (line === undefined || place.column > line.length + 1) {
    throw problem(`the document has no line ${String(place.line)}, column ${String(place.column)} now`);
  }
  return lines.slice(0, place.line - 1).reduce((sum, each) => sum + each.length + 1, 0) + place.column - 1;
}
