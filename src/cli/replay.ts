import { resolve } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Completer } from "../core/completion";
import { budgetFor } from "../core/promptWindow";
import { estimateTokens } from "../core/tokenEstimate";
import type { EngineClient } from "../engine/client/client";
import { terminalText } from "../core/visibleText";
import type { ModelInfo } from "../protocol/engine";
import { DocumentSyntax } from "../core/syntax/documentSyntax";
import { SYSTEM_CLOCK } from "../systemClock";
import { readText, readTextSync } from "./documents";
import { type Arguments, engineOptions, flagOption, usageError } from "./options";
import { EngineMeter } from "./replay/engineMeter";
import type { Generation, Keystroke } from "./replay/keystroke";
import { documentsOf, Player } from "./replay/player";
import { withPrivateEngine } from "./replay/privateEngine";
import { SimulatedEditor } from "./replay/simulatedEditor";
import { type Summary, summarise, table } from "./replay/summary";
import { parseTrace, type Trace } from "./replay/trace";
import { readerOf, syntaxOf } from "./syntax";
import { modelPath, Progress, printJson } from "./session";

const ANSWER_TOKENS = 96;

/** `hearth replay TRACE`: what a scripted editing session costs, in real time, as an editor would ask. */
export async function replay(args: Arguments): Promise<void> {
  const [file] = args.positionals;
  if (file === undefined || args.positionals.length > 1) {
    throw usageError("replay takes one trace, a JSON file");
  }
  const trace = parseTrace(await readText(file), file, readTextSync);
  const choice = { path: resolve(modelPath(args)), load: engineOptions(args) };
  const { model, keystrokes, prefills, loopLagMs } = await withPrivateEngine(async (client) => {
    const opened = await client.openModel(choice);
    return { model: opened, ...(await play(trace, client, opened)) };
  });
  const summary = summarise(keystrokes, prefills);
  if (flagOption(args, "json")) {
    const { name, isa, threads, traits } = model;
    const layout = traits.fimLayouts[0] ?? traits.plain ?? "continuation";
    const named = { ...summary, ...earlierNames(summary) };
    const report = { trace: file, model: name, isa, threads, layout, loopLagMs, summary: named, keystrokes, prefills };
    printJson(rounded({ ...report, readings: prefills }));
    return;
  }
  process.stdout.write(terminalText(`${trace.about === "" ? file : trace.about}\n\n${table(summary)}`));
}

/** Fields of the summary under their names before 0.2. */
function earlierNames(summary: Summary): Readonly<Record<string, unknown>> {
  return {
    silences: summary.skipReasons,
    fromFlight: summary.fromInFlight,
    readings: summary.prefills,
    readTokens: summary.prefillTokens,
  };
}

interface Played {
  readonly keystrokes: readonly Keystroke[];
  readonly prefills: readonly Generation[];
  /** How long this process's event loop, as an extension host's, kept other work waiting. Of every 5 ms of the replay. */
  readonly loopLagMs: { readonly p50: number; readonly p99: number; readonly max: number };
}

const LAG_RESOLUTION_MS = 5;

/** The editor, the logic and the engine of a window, without the window. */
async function play(trace: Trace, client: EngineClient, { traits, contextTokens }: ModelInfo): Promise<Played> {
  const meter = new EngineMeter(client, (): Keystroke | undefined => editor.asked);
  const languageIds = trace.documents.map(({ languageId }) => languageId);
  const syntax = await syntaxOf(languageIds, SYSTEM_CLOCK);
  const readers = await Promise.all(languageIds.map(readerOf));
  // Grammars compile their patterns on the first lines that need them; a window has done that before anybody types.
  for (const [i, { text }] of trace.documents.entries()) {
    const reader = readers[i];
    if (reader !== undefined) {
      new DocumentSyntax(reader, text).advance(Infinity);
    }
  }
  const ports = { engine: meter, clock: SYSTEM_CLOCK, tokens: { count: estimateTokens }, syntax };
  const completer = new Completer(ports, traits, {
    blockTokens: ANSWER_TOKENS,
    budget: budgetFor(contextTokens, ANSWER_TOKENS),
  });
  const editor = new SimulatedEditor(completer, SYSTEM_CLOCK, documentsOf(trace, readers));
  const progress = new Progress("replaying");
  const lag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
  lag.enable();
  try {
    await new Player(editor, SYSTEM_CLOCK, trace.documents).play(trace.steps, (done) => {
      progress.show(done / trace.steps.length);
    });
  } finally {
    lag.disable();
    progress.clear();
    completer.stop();
  }
  await meter.settled();
  // The histogram counts the timer's own interval.
  const msOf = (ns: number): number => Math.max(0, ns / 1e6 - LAG_RESOLUTION_MS);
  const loopLagMs = { p50: msOf(lag.percentile(50)), p99: msOf(lag.percentile(99)), max: msOf(lag.max) };
  return { keystrokes: editor.keystrokes, prefills: meter.prefills, loopLagMs };
}

/** Times to a tenth of a millisecond: more is noise, and long. */
function rounded(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, each: unknown) => (typeof each === "number" ? Math.round(each * 10) / 10 : each)),
  );
}
