/**
 * The curves from which the levels of src/core/gate.ts are chosen; docs/completion.md shows them.
 *
 *     npx tsx bench/eval/calibrate.ts --cursors FILE.jsonl.xz [--model M] [--seeds 3] [--plot docs/calibration.svg]
 *
 * At each pause in the files beside this script, and at each cursor, the model is asked once and its answer recorded with the
 * probabilities of its tokens; the product's own logic then decides, for many thresholds, what of it would be shown. What
 * stands from an earlier key does not count here, so figures differ a little from those of `hearth eval`.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type CursorCase, readCursorFile } from "../../src/cli/eval/cursorFile";
import { isShownRight } from "../../src/cli/eval/cursors";
import { localSubject } from "../../src/cli/eval/localSubject";
import { pausesIn } from "../../src/cli/eval/pauses";
import { Random } from "../../src/cli/eval/random";
import { SavedKeys } from "../../src/cli/eval/savedKeys";
import { completerFor, type Subject } from "../../src/cli/eval/subject";
import { emptyDocumentFor, keysOf } from "../../src/cli/eval/typedKeys";
import { verdictOn } from "../../src/cli/eval/verdict";
import { VirtualClock } from "../../src/cli/virtualClock";
import type { CompletionRequest } from "../../src/core/completionRequest";
import { EAGERNESS, eagernessIn, type JointMin, jointMinOf } from "../../src/core/gate";
import { detectIndentation } from "../../src/core/indentation";
import { jointLogprob, judgedTokens, placedTokens } from "../../src/core/judgedText";
import { languageIdOfPath } from "../../src/core/language";
import type { TextEngine } from "../../src/core/ports";
import { LocalEngine } from "../../src/engine/local/localEngine";
import { promptTraitsOf } from "../../src/model/ggufFile";
import {
  emptyReport,
  type GeneratedPiece,
  type GeneratedToken,
  type GenerateReport,
} from "../../src/protocol/generation";
import { type Cell, commit, markdownTable } from "../report";
import { calibrationPlot, type Curve } from "./calibrationPlot";

const ROOT = join(__dirname, "..", "..");
const FILES = join(__dirname, "files");
const THRESHOLDS = [
  0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9,
];
const BINS = 10;

/** A place where something may be shown, and what it is judged by. */
interface Place {
  readonly request: CompletionRequest;
  readonly judge: (shown: string, replaced: string) => "right" | "trivial" | "partial" | "wrong";
  /** Keys that a right suggestion saves are counted once in this group. */
  readonly typed?: {
    readonly file: string;
    readonly saved: SavedKeys[];
    readonly pressed: number;
    readonly next: string;
  };
}

/** What was shown at a threshold. */
interface Sum {
  places: number;
  right: number;
  trivial: number;
  partial: number;
  wrong: number;
  saved: number;
}

/** One run that would be shown at some threshold. */
interface Run {
  readonly joint: number;
  readonly right: boolean;
}

class Group {
  readonly name: string;
  readonly sums: Sum[] = THRESHOLDS.map(() => ({ places: 0, right: 0, trivial: 0, partial: 0, wrong: 0, saved: 0 }));
  readonly runs: Run[] = [];
  keys = 0;

  constructor(name: string) {
    this.name = name;
  }
}

/** Asks the model once, whoever asks how often and however little they take. */
class RecordedAnswer implements TextEngine {
  readonly #engine: TextEngine;
  #pieces: readonly GeneratedPiece[] | undefined;
  #report: GenerateReport | undefined;

  constructor(engine: TextEngine) {
    this.#engine = engine;
  }

  get text(): string {
    return (this.#pieces ?? []).map(({ text }) => text).join("");
  }

  get tokens(): readonly GeneratedToken[] {
    return (this.#pieces ?? []).flatMap(({ tokens = [] }) => tokens);
  }

  async *generate(...args: Parameters<TextEngine["generate"]>): ReturnType<TextEngine["generate"]> {
    if (args[2].logprobs !== true) {
      // Only has the prompt evaluated.
      return emptyReport("limit");
    }
    if (this.#pieces === undefined || this.#report === undefined) {
      const pieces: GeneratedPiece[] = [];
      const stream = this.#engine.generate(...args);
      let step = await stream.next();
      for (; step.done !== true; step = await stream.next()) {
        pieces.push(step.value);
      }
      this.#pieces = pieces;
      this.#report = step.value;
    }
    yield* this.#pieces;
    return this.#report;
  }
}

async function measure(subject: Subject, { request, judge, typed }: Place, group: Group): Promise<void> {
  subject.memory?.open(request);
  const engine = new RecordedAnswer(subject.engine);
  const seen = new Set<string>();
  for (const [i, threshold] of THRESHOLDS.entries()) {
    const clock = new VirtualClock();
    // In comments prose has a level of its own.
    const inComments = request.languageId === "plaintext" ? 0 : jointMinOf("careful");
    const jointMin: JointMin = (id) => (id === "plaintext" ? Math.max(threshold, inComments) : threshold);
    const completer = await completerFor({ ...subject, engine, jointMin }, request.languageId, clock);
    const outcome = await clock.until(completer.complete(request));
    completer.stop();
    const sum = group.sums[i]!;
    sum.places += 1;
    if (outcome.kind !== "text") {
      continue;
    }
    const { text, replaceAfter } = outcome;
    const verdict = judge(text, request.text.slice(request.offset, request.offset + replaceAfter));
    sum[verdict] += 1;
    if (verdict === "right" && typed !== undefined) {
      const before = typed.saved[i]!.count;
      typed.saved[i]!.add(typed.pressed, request.offset + verdictOn(text, "", typed.next).follows);
      sum.saved += typed.saved[i]!.count - before;
    }
    const tokens = placedTokens(engine.text, judgedTokens(engine.text, engine.tokens), text);
    if (tokens !== undefined && !seen.has(text) && verdict !== "trivial") {
      seen.add(text);
      group.runs.push({ joint: Math.exp(jointLogprob({ text, tokens }, text.length)), right: verdict === "right" });
    }
  }
}

/** Each pause while a file is typed from nothing, with the brackets that the editor has closed. */
function* pausesOf(file: string, seed: number): Generator<Place & { readonly keys: number }> {
  const text = readFileSync(join(FILES, file), "utf8").replace(/^[ \t]+$/gm, "");
  const languageId = languageIdOfPath(file);
  const document = emptyDocumentFor(file, languageId, text);
  const keys = keysOf(file, languageId, text);
  const pauses = new Set(pausesIn(text, new Random(seed, "pauses", text)));
  const saved = THRESHOLDS.map(() => new SavedKeys(keys));
  for (const [i, { key, offset }] of keys.entries()) {
    document.press(key);
    if (offset === undefined || !pauses.delete(offset)) {
      continue;
    }
    const next = text.slice(offset);
    yield {
      keys: keys.length,
      request: {
        documentId: file,
        path: file,
        languageId,
        text: document.text,
        offset: document.offset,
        indentation: document.indentation,
        trigger: "automatic",
      },
      judge: (shown, replaced) => verdictOn(shown, replaced, next).kind,
      typed: { file, saved, pressed: i + 1, next },
    };
  }
}

function cursorPlace({ path, language, text, offset, rest }: CursorCase): Place {
  return {
    request: {
      documentId: path,
      path,
      languageId: language,
      text,
      offset,
      indentation: detectIndentation(text),
      trigger: "automatic",
    },
    judge: (shown) => (isShownRight(shown.trimEnd(), rest) ? "right" : "wrong"),
  };
}

const percent = (part: number, of: number): string => (of === 0 ? "–" : `${((100 * part) / of).toFixed(1)} %`);

function thresholdTable(groups: readonly Group[]): string {
  const head = ["joint ≥", ...groups.flatMap(({ name }) => [`${name}: shown`, "right", "wrong", "keys saved"])];
  const rows = THRESHOLDS.map((threshold, i): Cell[] => {
    const level = EAGERNESS.find((each) => jointMinOf(each) === threshold);
    const cells = groups.flatMap(({ sums, keys }) => {
      const { places, right, trivial, partial, wrong, saved } = sums[i]!;
      const judged = right + partial + wrong;
      return [percent(judged + trivial, places), percent(right, judged), percent(wrong, judged), percent(saved, keys)];
    });
    return [level === undefined ? threshold : `**${String(threshold)} (${level})**`, ...cells];
  });
  return markdownTable(head, rows);
}

/** Of runs whose joint probability is within a tenth: how many are right. */
function reliability({ runs }: Group): { readonly said: number; readonly right: number; readonly n: number }[] {
  return Array.from({ length: BINS }, (_, bin) => {
    const within = runs.filter(({ joint }) => Math.min(BINS - 1, Math.floor(BINS * joint)) === bin);
    const n = within.length;
    return {
      n,
      said: within.reduce((sum, { joint }) => sum + joint, 0) / Math.max(1, n),
      right: within.filter(({ right }) => right).length / Math.max(1, n),
    };
  });
}

function reliabilityTable(groups: readonly Group[]): string {
  const head = ["joint probability", ...groups.flatMap(({ name }) => [`${name}: runs`, "of them right"])];
  const bins = groups.map(reliability);
  const rows = Array.from({ length: BINS }, (_, bin): Cell[] => [
    `${(bin / BINS).toFixed(1)} to ${((bin + 1) / BINS).toFixed(1)}`,
    ...bins.flatMap((of) => [of[bin]!.n, of[bin]!.n === 0 ? "–" : percent(of[bin]!.right, 1)]),
  ]);
  return markdownTable(head, rows);
}

function curveOf(group: Group): Curve {
  return {
    name: group.name,
    reliability: reliability(group).filter(({ n }) => n >= 10),
    precision: group.sums.flatMap(({ places, right, trivial, partial, wrong }, i) => {
      const shown = right + partial + wrong;
      const level = EAGERNESS.find((each) => jointMinOf(each) === THRESHOLDS[i]);
      return shown < 10
        ? []
        : [{ shown: (shown + trivial) / places, right: right / shown, ...(level === undefined ? {} : { level }) }];
    }),
  };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      cursors: { type: "string" },
      model: { type: "string", default: join(ROOT, "models", "hearth-starter.gguf") },
      threads: { type: "string", default: "1" },
      seeds: { type: "string", default: "3" },
      plot: { type: "string" },
    },
  });
  const engine = await LocalEngine.open(values.model, { threads: Number(values.threads) });
  const { model } = engine;
  const traits = promptTraitsOf(model);
  const subject: Subject = localSubject(engine, { heal: true, memory: true, traits });
  const [code, prose, cursors] = [new Group("typing code"), new Group("typing prose"), new Group("cursors")];
  await subject.memory?.setWorkspace([]);
  for (const file of readdirSync(FILES)) {
    const group = eagernessIn(languageIdOfPath(file), "eager") === "careful" ? prose : code;
    for (let seed = 1; seed <= Number(values.seeds); ++seed) {
      let keys = 0;
      for (const place of pausesOf(file, seed)) {
        keys = place.keys;
        await measure(subject, place, group);
      }
      group.keys += keys;
    }
  }
  for (const { docs, cases } of values.cursors === undefined ? [] : await readCursorFile(values.cursors)) {
    for (const cursor of cases) {
      await subject.memory?.setWorkspace(docs.filter(({ path }) => path !== cursor.path));
      await measure(subject, cursorPlace(cursor), cursors);
    }
  }
  engine.close();
  const groups = [code, prose, cursors].filter(({ sums }) => sums[0]!.places > 0);
  process.stdout.write(`Commit ${commit()}\n\n${thresholdTable(groups)}\n${reliabilityTable(groups)}`);
  if (values.plot !== undefined) {
    writeFileSync(values.plot, calibrationPlot(groups.map(curveOf)));
  }
}

void main();
