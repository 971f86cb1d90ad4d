import { terminalText } from "../core/visibleText";
import { defaultModelFolder } from "../models/modelFolder";
import { ModelStore } from "../models/modelStore";
import { nodeHttp } from "../network/nodeHttp";
import { HASH_WORDS } from "../models/progressText";
import { formatBytes } from "../models/size";
import { speedText } from "../models/speedEstimate";
import {
  type FoundFile,
  type InstalledModel,
  type ModelList,
  ModelsError,
  type OfferedModel,
} from "../protocol/models";
import { DownloadBar } from "./downloadBar";
import { type Arguments, flagOption, textOption, usageError } from "./options";
import { printJson } from "./session";

export const modelsOptions = {
  folder: { type: "string" },
  mirror: { type: "string" },
  sha256: { type: "string" },
  latest: { type: "boolean" },
} as const;

interface Call {
  readonly store: ModelStore;
  readonly args: Arguments;
  /** What stands behind the action. */
  readonly names: readonly string[];
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  readonly bar: DownloadBar;
}

const ACTIONS = { list, download, verify, remove, import: importModels };

/** The one action that reaches other machines. */
export function isDownload({ positionals: [action] }: Arguments): boolean {
  return action === "download";
}

/** `hearth models list|download|verify|remove|import`: the model files on this machine, and where to get others. */
export async function models(args: Arguments): Promise<void> {
  const [action, ...names] = args.positionals;
  if (action === undefined || !Object.hasOwn(ACTIONS, action)) {
    throw usageError(`models takes one of ${Object.keys(ACTIONS).join(", ")}`);
  }
  const [endpoint, token] = [textOption(args, "mirror"), process.env["HF_TOKEN"]];
  const store = new ModelStore({
    folder: textOption(args, "folder") ?? defaultModelFolder(),
    ledgerFolder: defaultModelFolder(),
    http: nodeHttp,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(token === undefined || token === "" ? {} : { token }),
  });
  const ending = new AbortController();
  const stop = (): void => {
    ending.abort();
  };
  process.once("SIGINT", stop).once("SIGTERM", stop);
  const bar = new DownloadBar();
  try {
    await ACTIONS[action as keyof typeof ACTIONS]({ store, args, names, signal: ending.signal, bar });
  } finally {
    bar.clear();
    process.off("SIGINT", stop).off("SIGTERM", stop);
  }
}

async function list({ store, args, names, signal }: Call): Promise<void> {
  expectNames("list", names, 0, 0);
  // It says what to expect; a machine on which nothing can be measured is listed without.
  await store.measure(signal).catch(() => undefined);
  const found = await store.list();
  if (flagOption(args, "json")) {
    printJson(found);
    return;
  }
  const parts: readonly (readonly [string, readonly string[]])[] = [
    ["Installed", found.installed.map(installedLine)],
    ["Unfinished downloads", found.unfinished.map(unfinishedLine)],
    ["Available", found.available.filter((offer) => !isInstalled(found, offer)).map(offerLine)],
  ];
  for (const [title, lines] of parts.filter(([, each]) => each.length > 0)) {
    print([title, ...lines.map((line) => `  ${line}`), ""]);
  }
  const { memoryBytes, memoryLimited, freeDiskBytes, cores, memoryBytesPerSecond } = found.machine;
  print([
    `Models lie in ${found.folder}; ${formatBytes(freeDiskBytes)} are free there.`,
    `This machine: ${formatBytes(memoryBytes)} of memory${memoryLimited ? " (limited by a control group)" : ""}, ` +
      `${String(cores)} cores${memoryBytesPerSecond === undefined ? "" : `, memory read at ${formatBytes(memoryBytesPerSecond)} a second`}.`,
  ]);
}

function isInstalled({ installed }: ModelList, { model }: OfferedModel): boolean {
  return installed.some(({ catalogueId }) => catalogueId === model.id);
}

function installedLine({ reference, bytes, owned, path, hashSource, problem }: InstalledModel): string {
  const place = owned ? "" : `, used in place: ${path}`;
  return `${reference}  ${formatBytes(bytes)}, ${problem ?? HASH_WORDS[hashSource]}${place}`;
}

function unfinishedLine({ reference, doneBytes, totalBytes, pid }: ModelList["unfinished"][number]): string {
  const amount = totalBytes === 0 ? "nothing yet" : `${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}`;
  return `${reference}  ${amount}${pid === undefined ? "" : `, process ${String(pid)} is downloading it`}`;
}

function offerLine({ model, recommended, remark, speed }: OfferedModel): string {
  const { id, title, file, licence, contextTokens, goodFor, fillsIn } = model;
  const uses = goodFor.map((use) => (use === "complete" ? `complete${fillsIn ? " (fills in)" : ""}` : use)).join(", ");
  const about =
    `${formatBytes(file.bytes)}, wants ${formatBytes(file.memory.wanted)} of memory, works in ${formatBytes(file.memory.least)}, ` +
    `${licence}, context ${String(contextTokens)}; ${uses}`;
  const expected = speed === undefined ? "" : `; expected: ${speedText(speed)}`;
  return `${id}  ${title}: ${about}${expected}${recommended ? "; recommended for this machine" : ""}${remark === undefined ? "" : `. ${remark}`}`;
}

async function download({ store, args, names, signal, bar }: Call): Promise<void> {
  const [name = ""] = expectNames("download", names, 1, 1);
  const sha256 = textOption(args, "sha256");
  if (sha256 !== undefined && !/^[0-9a-f]{64}$/i.test(sha256)) {
    throw usageError("--sha256 must be 64 hexadecimal digits");
  }
  const { path, record, already } = await store.download(name, {
    signal,
    latest: flagOption(args, "latest"),
    ...(sha256 === undefined ? {} : { sha256 }),
    onProgress: (progress) => {
      bar.show(progress);
    },
  });
  bar.clear();
  if (flagOption(args, "json")) {
    printJson({ path, already, ...record });
    return;
  }
  print([
    `${record.reference} ${already ? "is there already" : "is here"}: ${path}`,
    `SHA-256 ${record.sha256} (${HASH_WORDS[record.hashSource]})`,
  ]);
}

/** Without names: all. A damaged one does not keep the others from being looked at. */
async function verify({ store, args, names, signal, bar }: Call): Promise<void> {
  const { installed } = await store.list();
  const wanted = names.length === 0 ? installed.map(({ reference }) => reference) : names;
  const results: { reference: string; ok: boolean; message: string }[] = [];
  for (const name of wanted) {
    const bytes = installed.find(({ reference }) => reference === name)?.bytes ?? 0;
    try {
      const { model, compared } = await store.verify(name, signal, (done) => {
        bar.show({ phase: "verifying", doneBytes: done, totalBytes: bytes });
      });
      const words = compared ? HASH_WORDS[model.hashSource] : "its hash is remembered from now on";
      results.push({ reference: model.reference, ok: true, message: `unchanged (${words})` });
    } catch (error) {
      if (!(error instanceof ModelsError) || error.code === "stopped") {
        throw error;
      }
      results.push({ reference: name, ok: false, message: error.message });
    }
    bar.clear();
  }
  if (flagOption(args, "json")) {
    printJson(results);
  } else {
    print(
      results.length === 0
        ? ["no model is installed"]
        : results.map(({ reference, message }) => `${reference}: ${message}`),
    );
  }
  if (results.some(({ ok }) => !ok)) {
    process.exitCode = 1;
  }
}

async function remove({ store, args, names }: Call): Promise<void> {
  const [name = ""] = expectNames("remove", names, 1, 1);
  const { reference, deletedBytes } = await store.remove(name);
  if (flagOption(args, "json")) {
    printJson({ reference, deletedBytes });
    return;
  }
  print([
    deletedBytes === 0
      ? `${reference} is forgotten; the file stays where it is`
      : `${reference} is deleted: ${formatBytes(deletedBytes)}`,
  ]);
}

/** With paths: these files. Without: what other programs have. */
async function importModels({ store, args, names, signal, bar }: Call): Promise<void> {
  const found: readonly (string | FoundFile)[] = names.length > 0 ? names : await store.findOthers();
  const adopted: InstalledModel[] = [];
  for (const file of found) {
    try {
      adopted.push(
        await store.adopt(file, signal, (doneBytes, totalBytes) => {
          bar.show({ phase: "verifying", doneBytes, totalBytes });
        }),
      );
    } catch (error) {
      // One that is damaged does not keep the others from being used.
      if (!(error instanceof ModelsError) || error.code === "stopped") {
        throw error;
      }
      process.stderr.write(terminalText(`hearth: ${error.message}\n`));
      process.exitCode = 1;
    }
    bar.clear();
  }
  if (flagOption(args, "json")) {
    printJson(adopted);
    return;
  }
  print(
    found.length === 0
      ? [
          "no model that Hearth can use was found in the folders of Hugging Face, LM Studio and Ollama; name a file to import it",
        ]
      : adopted.map(installedLine),
  );
}

function expectNames(action: string, names: readonly string[], min: number, max: number): readonly string[] {
  if (names.length < min || names.length > max) {
    const count = max === 0 ? "nothing" : "one model: an id of the catalogue, org/repo/file.gguf or an address";
    throw usageError(`models ${action} takes ${count}`);
  }
  return names;
}

function print(lines: readonly string[]): void {
  process.stdout.write(terminalText(`${lines.join("\n")}\n`));
}
