import { join, resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import { terminalText } from "../core/visibleText";
import { type DeletionPlan, deleteStored, planDeletion } from "../doctor/deletion";
import { examine } from "../doctor/examination";
import { counted } from "../doctor/judgement";
import { reportText } from "../doctor/reportText";
import type { StoredPlaces } from "../doctor/storedFiles";
import { loadNativeAddon } from "../engine/local/native";
import { defaultModelFolder } from "../models/modelFolder";
import { openConnections } from "../network/nodeHttp";
import { formatBytes } from "../models/size";
import { type Arguments, flagOption, textOption, usageError } from "./options";
import { builtInModel, printJson } from "./session";

export const doctorOptions = {
  folder: { type: "string" },
  delete: { type: "boolean" },
  models: { type: "boolean" },
  yes: { type: "boolean" },
} as const;

/**
 * `hearth doctor`: what Hearth is here, what it has open, what it keeps, and which requests it ever made. Fails if anything is open that
 * is not local. `--delete` deletes what it keeps.
 */
export async function doctor(args: Arguments): Promise<void> {
  if (args.positionals.length > 0) {
    throw usageError("doctor takes no arguments");
  }
  if (flagOption(args, "delete")) {
    await deleteEverything(args);
    return;
  }
  for (const name of ["models", "yes"]) {
    if (flagOption(args, name)) {
      throw usageError(`--${name} needs --delete`);
    }
  }
  const report = await examine({
    name: "doctor",
    engineScript: engineScript(),
    env: process.env,
    starter: builtInModel(),
    isa: loadNativeAddon().isas.findLast(({ state }) => state === "available")?.name,
    hostKind: "own",
    connections: openConnections,
    modelFolders: folders(args),
  });
  if (flagOption(args, "json")) {
    printJson(report);
  } else {
    process.stdout.write(terminalText(`${reportText(report)}\n`));
  }
  if (report.problems.length > 0) {
    process.exitCode = 1;
  }
}

async function deleteEverything(args: Arguments): Promise<void> {
  const places: StoredPlaces = { env: process.env, modelFolders: [defaultModelFolder(), ...folders(args)] };
  const plan = await planDeletion(places);
  const models = flagOption(args, "models");
  const isJson = flagOption(args, "json");
  if (!isJson) {
    process.stdout.write(terminalText(`${planLines(plan, models).join("\n")}\n`));
  }
  if (!flagOption(args, "yes") && !(await confirmed())) {
    process.stdout.write("nothing was deleted\n");
    process.exitCode = 1;
    return;
  }
  const deleted = await deleteStored(places, { engineScript: engineScript(), models });
  if (isJson) {
    printJson({ ...deleted, kept: plan.kept.map(({ path }) => path) });
  } else {
    process.stdout.write(`deleted: ${counted(deleted.files, "file")}, ${formatBytes(deleted.bytes)}\n`);
    process.stderr.write(terminalText(deleted.failures.map((failure) => `hearth: ${failure}\n`).join("")));
  }
  if (deleted.failures.length > 0) {
    process.exitCode = 1;
  }
}

function planLines({ always, models, kept }: DeletionPlan, withModels: boolean): string[] {
  const ofModels = models.files.filter(({ path }) => /\.gguf(\.part)?$/i.test(path));
  return [
    ...(always.length === 0 && (models.files.length === 0 || !withModels) ? ["nothing is stored"] : ["deletes:"]),
    ...always.map(({ what, files, bytes }) => `  ${what}: ${counted(files.length, "file")}, ${formatBytes(bytes)}`),
    ...ofModels.map(({ path, bytes }) =>
      withModels
        ? `  ${path}: ${formatBytes(bytes)}`
        : `kept: ${path}, ${formatBytes(bytes)}; --models deletes it, too`,
    ),
    ...kept.map(({ path }) => `kept: ${path}, which Hearth did not download`),
    'kept: what editors store (conversations, statistics); "Hearth: Delete Everything Stored…" in the editor deletes it',
    "kept: your settings",
  ];
}

/** By a person at a terminal. Errors: UsageError where there is none. */
async function confirmed(): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    throw usageError("doctor --delete asks for confirmation at a terminal; without a terminal, add --yes");
  }
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await terminal.question("Delete this? [y/N] ")).trim());
  } finally {
    terminal.close();
  }
}

function folders(args: Arguments): readonly string[] {
  const folder = textOption(args, "folder");
  return folder === undefined ? [] : [resolve(folder)];
}

/** Beside the bundle, or in dist/ when run from source. */
function engineScript(): string {
  return __dirname.endsWith("cli") ? join(__dirname, "..", "..", "dist", "engine.js") : join(__dirname, "engine.js");
}
