import { terminalText } from "../core/visibleText";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { EngineClient } from "../engine/client/client";
import { isEngineRunning } from "../engine/client/engineProcess";
import { loadNativeAddon } from "../engine/local/native";
import { engineAddress, HEARTH_VERSION } from "../engine/wire/address";
import { defaultMemoryBudget, memoryLimit } from "../machineMemory";
import { fileFacts, summariseLedger } from "../models/ledgerSummary";
import { defaultModelFolder, readModelFolder } from "../models/modelFolder";
import { formatBytes } from "../models/size";
import type { NetworkAccess } from "../protocol/engine";
import { type Arguments, flagOption, usageError } from "./options";
import { type OpenSocket, seccompOf, type SeccompState, socketsOf } from "./processSockets";
import { builtInModel, printJson } from "./session";

interface EngineFacts {
  readonly pid: number;
  readonly model: string | null;
  /** As the engine says itself. */
  readonly network: NetworkAccess | "unknown";
  /** As the system says; null where it does not tell. */
  readonly seccomp: SeccompState | null;
  readonly sockets: readonly OpenSocket[] | null;
}

interface DoctorReport {
  readonly version: string;
  readonly node: string;
  readonly platform: string;
  readonly isa: string | null;
  readonly memory: { readonly bytes: number; readonly by: string; readonly defaultBudgetBytes: number };
  readonly starter: { readonly path: string; readonly sha256: string };
  readonly engine: EngineFacts | null;
  /** What Hearth keeps, with permissions. */
  readonly files: readonly {
    readonly path: string;
    readonly what: string;
    readonly mode: string;
    readonly bytes: number;
  }[];
  readonly requests: Awaited<ReturnType<typeof summariseLedger>>;
  /** What should not be; empty: nothing was found. */
  readonly problems: readonly string[];
  /** What this system does not let be proved. */
  readonly unproved: readonly string[];
}

/** `hearth doctor`: what Hearth is here, what it has open, what it keeps, and which requests it ever made. Fails if anything is open that is not local. */
export async function doctor(args: Arguments): Promise<void> {
  if (args.positionals.length > 0) {
    throw usageError("doctor takes nothing");
  }
  const report = await examine();
  if (flagOption(args, "json")) {
    printJson(report);
  } else {
    process.stdout.write(terminalText(`${linesOf(report).join("\n")}\n`));
  }
  if (report.problems.length > 0) {
    process.exitCode = 1;
  }
}

async function examine(): Promise<DoctorReport> {
  const limit = memoryLimit();
  const folder = defaultModelFolder();
  const engine = (await isEngineRunning(process.env)) ? await engineFacts() : null;
  const starter = builtInModel();
  const judged = engine === null ? { problems: [], unproved: [] } : judge(engine);
  const files = await keptFiles(folder);
  return {
    version: HEARTH_VERSION,
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    isa: loadNativeAddon().isas.findLast(({ state }) => state === "available")?.name ?? null,
    memory: { bytes: limit.bytes, by: limit.by, defaultBudgetBytes: defaultMemoryBudget(limit) },
    starter: { path: starter, sha256: createHash("sha256").update(readFileSync(starter)).digest("hex") },
    engine,
    files,
    requests: await summariseLedger(folder),
    problems: [...judged.problems, ...openToOthers(files)],
    unproved: judged.unproved,
  };
}

async function engineFacts(): Promise<EngineFacts> {
  let network: EngineFacts["network"] = "unknown";
  const client = new EngineClient({
    name: "doctor",
    engineScript: join(__dirname, "engine.js"),
    onConnection: (connection) => {
      if (connection.kind === "connected") {
        ({ network } = connection.hello);
      }
    },
  });
  try {
    await client.start();
    const { pid, status } = await client.stats();
    const model = status.kind === "ready" ? status.model.path : null;
    return { pid, model, network, seccomp: seccompOf(pid) ?? null, sockets: socketsOf(pid) ?? null };
  } finally {
    client.dispose();
  }
}

function judge({ pid, sockets, seccomp, network }: EngineFacts): Pick<DoctorReport, "problems" | "unproved"> {
  const open = (sockets ?? []).filter(({ kind }) => kind !== "local");
  return {
    problems: [
      ...open.map(({ what }) => `the engine (process ${String(pid)}) has a socket open that is not local: ${what}`),
      ...(network === "denied" && seccomp !== null && seccomp !== "filter"
        ? ["the engine says that the system refuses it sockets of the network, and the system does not say so"]
        : []),
    ],
    unproved: [
      ...(sockets === null ? ["this system does not list a process's sockets to other programs"] : []),
      ...(seccomp === "filter"
        ? []
        : ["this system does not keep the engine from opening a socket; it has no code that does"]),
    ],
  };
}

async function keptFiles(folder: string): Promise<DoctorReport["files"]> {
  const { socketPath, lockPath, logPath } = engineAddress();
  const models = (await readModelFolder(folder)).files;
  const named: readonly (readonly [string, string])[] = [
    [dirname(lockPath), "the engine's folder"],
    ...(process.platform === "win32" ? [] : [[socketPath, "the engine's socket"] as const]),
    [logPath.replace(/\.log$/, ".token"), "the engine's token"],
    [logPath, "the engine's log"],
    [join(folder, "pins.json"), "what the hub said of files"],
    [join(folder, "adopted.json"), "files used in place"],
    [join(folder, "requests.jsonl"), "the ledger of requests"],
    ...models.map((path) => [path, "a model"] as const),
  ];
  const found = await Promise.all(
    named.map(async ([path, what]) => {
      const facts = await fileFacts(path);
      return facts === undefined ? [] : [{ path, what, ...facts }];
    }),
  );
  return found.flat();
}

/** What only this user may read. Windows has access control lists instead of modes. */
function openToOthers(files: DoctorReport["files"]): string[] {
  const secret = /^the engine's (folder|token|log)$/;
  return process.platform === "win32"
    ? []
    : files
        .filter(({ what, mode }) => secret.test(what) && !mode.endsWith("00"))
        .map(
          ({ path, what, mode }) =>
            `${what} '${path}' is open to others (mode ${mode}); remove it, Hearth makes it anew`,
        );
}

function linesOf(report: DoctorReport): string[] {
  const { version, node, platform, isa, memory, starter, engine, files, requests, problems, unproved } = report;
  const limit = memory.by === "machine" ? "" : " (its control group's)";
  return [
    `Hearth ${version}, Node ${node}, ${platform}, ${isa ?? "no"} kernels`,
    `memory: ${formatBytes(memory.bytes)}${limit}, an engine takes at most ${formatBytes(memory.defaultBudgetBytes)} where nothing is set`,
    `starter model: SHA-256 ${starter.sha256}`,
    ...(engine === null ? ["engine: not running"] : engineLines(engine)),
    "files:",
    ...files.map(({ path, what, mode, bytes }) => `  ${mode}  ${path}  ${what}, ${formatBytes(bytes)}`),
    requests.requests === 0
      ? "requests to other machines: none, ever"
      : `requests to other machines: ${String(requests.requests)} since ${requests.first ?? ""}, for downloads that you started:`,
    ...requests.hosts.map((host) => `  ${host.host}: ${String(host.requests)} requests, ${formatBytes(host.bytes)}`),
    ...unproved.map((what) => `not proved: ${what}`),
    ...problems.map((what) => `PROBLEM: ${what}`),
    problems.length === 0 ? "nothing is open but local sockets" : `${String(problems.length)} problems`,
  ];
}

function engineLines({ pid, model, sockets, seccomp }: EngineFacts): string[] {
  return [
    `engine: process ${String(pid)}, ${model ?? "no model loaded"}`,
    `  sockets of the network: ${seccomp === "filter" ? "refused by the system (seccomp filter)" : "not refused by the system"}`,
    ...(sockets ?? []).map(({ kind, what }) => `  ${kind}: ${what}`),
  ];
}
