import { statSync } from "node:fs";
import { basename, isAbsolute, relative, resolve, sep } from "node:path";
import { EVERYTHING, jointMinFor } from "../core/gate";
import { languageIdOfPath } from "../core/language";
import type { LocalEngine } from "../engine/local/localEngine";
import { terminalText } from "../core/visibleText";
import { chatFrameOf, layoutOf, traitsAfter } from "../engine/server/modelLayout";
import type { PromptTraits } from "../core/ports";
import { EngineError } from "../protocol/errors";
import { readUtf8, writingFile } from "./documents";
import { readCursorFile } from "./eval/cursorFile";
import { answerAt, countsOf, type CursorCounts } from "./eval/cursors";
import { type Switches, switchesOf, traitsFor } from "./eval/evalOptions";
import { readDefinitionFile } from "./eval/definitionFile";
import { localSubject } from "./eval/localSubject";
import { cursorReport, cursorTable, type OfLanguage, typingReport, typingTable } from "./eval/report";
import { type Subject, wideBudget } from "./eval/subject";
import { type TypedFile, typeFile } from "./eval/typing";
import type { TypingCounts } from "./eval/typingStatistics";
import { workspaceFiles } from "./eval/workspaceFiles";
import { type Arguments, flagOption, textOption, usageError } from "./options";
import { modelPath, openEngine, printJson, Progress } from "./session";

export { evalOptions } from "./eval/evalOptions";

/** Writes a line of detailed measurements, in addition to the sums. */
type Note = (line: object) => void;

/** `hearth eval`: what suggestions are worth, while files are typed or at cursors in lines that were really written. */
export async function evaluate(args: Arguments): Promise<void> {
  const cursors = textOption(args, "cursors");
  if ((cursors === undefined) === (args.positionals.length === 0)) {
    throw usageError("eval takes files to be typed, or --cursors with a file of cursors");
  }
  const definitions = textOption(args, "definitions");
  if (definitions !== undefined && cursors === undefined) {
    throw usageError("--definitions needs --cursors");
  }
  const definitionsAt = definitions === undefined ? undefined : await readDefinitionFile(definitions);
  const switches = switchesOf(args);
  const run =
    cursors === undefined
      ? await typingRun(args.positionals, workspaceOf(args), switches)
      : await cursorRun(cursors, switches);
  const engine = await openEngine(args, modelPath(args));
  try {
    const traits = await traitsOf(engine, switches);
    if (definitions !== undefined && traits.otherFiles !== true) {
      throw usageError(
        `--definitions is for models that know other files, which ${engine.model.known.title} is not known to`,
      );
    }
    const asked = subjectOf(engine, switches, traits);
    const subject = definitionsAt === undefined ? asked : { ...asked, definitionsAt };
    const details = textOption(args, "details");
    const outcome = await (details === undefined
      ? run(subject, () => undefined)
      : writingFile(details, (write) => run(subject, linesTo(write))));
    if (flagOption(args, "json")) {
      printJson(outcome.report);
    } else {
      process.stdout.write(terminalText(outcome.table));
    }
  } finally {
    engine.close();
  }
}

function linesTo(write: (bytes: Uint8Array) => void): Note {
  return (line) => {
    write(Buffer.from(`${JSON.stringify(line)}\n`));
  };
}

interface Outcome {
  readonly report: object;
  readonly table: string;
}

/** Of a llama.vscode that is left as it is: 256 lines above the cursor and 64 below. */
const PEER_CHARS = { prefix: 10_000, suffix: 2_500 };

/** As the product asks the model: after its self-test, which is run where it has not been. */
async function traitsOf(engine: LocalEngine, { layout }: Switches): Promise<PromptTraits> {
  if (layout === undefined) {
    return traitsAfter(engine, await layoutOf(engine));
  }
  const chat = layout === "chat-fill" ? await chatFrameOf(engine) : undefined;
  return traitsFor({ ...(await traitsAfter(engine, undefined)), ...(chat === undefined ? {} : { chat }) }, layout);
}

function subjectOf(
  engine: LocalEngine,
  { healing, memory, gate, eagerness, layout }: Switches,
  traits: PromptTraits,
): Subject {
  const { info } = engine;
  return localSubject(engine, {
    heal: healing,
    memory,
    jointMin: gate ? jointMinFor(eagerness) : EVERYTHING,
    traits,
    ...(layout === "peer" ? { budget: wideBudget(info.plan.contextTokens, PEER_CHARS) } : {}),
  });
}

/** Reads all files before the model is loaded: a mistake in a name is told at once. */
async function typingRun(
  files: readonly string[],
  workspace: string | undefined,
  { seed }: Switches,
): Promise<(subject: Subject, note: Note) => Promise<Outcome>> {
  const typed = await Promise.all(files.map((file) => readTypedFile(file, workspace)));
  const docs = workspace === undefined ? [] : await workspaceFiles(workspace, files);
  return async (subject, note) => {
    await subject.memory?.setWorkspace(docs);
    const counted: OfLanguage<TypingCounts>[] = [];
    const progress = new Progress("typing");
    for (const file of typed) {
      counted.push({ language: file.languageId, counts: await typeFile(subject, file, seed, note) });
      progress.show(counted.length / typed.length);
    }
    progress.clear();
    return { report: typingReport(counted), table: typingTable(counted) };
  };
}

async function cursorRun(
  file: string,
  { workspace }: Switches,
): Promise<(subject: Subject, note: Note) => Promise<Outcome>> {
  const cases = (await readCursorFile(file)).flatMap(({ docs, cases: of }) => of.map((cursor) => ({ docs, cursor })));
  return async (subject, note) => {
    const counted: OfLanguage<CursorCounts>[] = [];
    const progress = new Progress("completing");
    for (const { docs, cursor } of cases) {
      await subject.memory?.setWorkspace(workspace ? docs.filter(({ path }) => path !== cursor.path) : []);
      const answer = await answerAt(subject, cursor);
      note(answer);
      counted.push({ language: cursor.language, counts: countsOf(answer) });
      progress.show(counted.length / cases.length);
    }
    progress.clear();
    return { report: cursorReport(counted), table: cursorTable(counted) };
  };
}

/** An absolute path. */
function workspaceOf(args: Arguments): string | undefined {
  const given = textOption(args, "workspace");
  if (given !== undefined && statSync(given, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new EngineError("bad_request", `cannot use '${given}' as the workspace: it is not a folder`);
  }
  return given === undefined ? undefined : resolve(given);
}

/** The figures depend on the text alone: not on its line ends, nor on where it lies on this machine. */
async function readTypedFile(file: string, workspace: string | undefined): Promise<TypedFile> {
  const text = (await readUtf8(file, "type")).replace(/^\uFEFF/, "").replaceAll("\r\n", "\n");
  return {
    path: promptPath(file, workspace),
    languageId: languageIdOfPath(file),
    // An editor takes the indentation of a line that is left empty back.
    text: text.replace(/^[ \t]+$/gm, ""),
  };
}

/** As the model sees it: within the workspace, or the name alone. */
function promptPath(file: string, workspace: string | undefined): string {
  const inside = workspace === undefined ? ".." : relative(workspace, resolve(file));
  const parts = inside.split(sep);
  return parts[0] === ".." || isAbsolute(inside) ? basename(file) : parts.join("/");
}
