import { setTimeout as sleep } from "node:timers/promises";
import { stat } from "node:fs/promises";
import { EngineClient } from "../engine/client/client";
import { isEngineRunning } from "../engine/client/engineProcess";
import { HEARTH_VERSION } from "../engine/wire/address";
import { defaultMemoryBudget, memoryLimit } from "../machineMemory";
import { AdoptedFiles } from "../models/adoptedFiles";
import { type EndpointUse, endpointsInUse } from "../network/endpointUse";
import { type LedgerSummary, summariseLedger } from "../network/ledgerSummary";
import { defaultModelFolder, type ModelRecord, readRecord } from "../models/modelFolder";
import type { OpenConnection } from "../network/nodeHttp";
import { sha256OfFile } from "../models/sha256";
import type { ModelInfo, NetworkAccess } from "../protocol/engine";
import { EngineError } from "../protocol/errors";
import { judge } from "./judgement";
import { type OpenSocket, seccompOf, type SeccompState, socketsOf } from "./processSockets";
import { type EditorFolder, type StoredFile, storedFiles } from "./storedFiles";

export interface EngineFacts {
  readonly pid: number;
  readonly model: string | null;
  readonly isa: string | null;
  /** As the engine says itself. */
  readonly network: NetworkAccess | "unknown";
  /** As the system says; null where it does not tell. */
  readonly seccomp: SeccompState | null;
  readonly sockets: readonly OpenSocket[] | null;
}

/** A process that Hearth's code runs in, perhaps beside the code of others. */
export interface HostFacts {
  readonly pid: number;
  /** `shared`: an extension host, in which other extensions and the editor have sockets too. */
  readonly kind: "shared" | "own";
  readonly seccomp: SeccompState | null;
  /** `hearth`: opened by Hearth's code. */
  readonly sockets: readonly (OpenSocket & { readonly hearth: boolean })[] | null;
  /** Of Hearth's only module that may talk to other machines. */
  readonly connections: readonly OpenConnection[];
}

export interface ModelHash {
  readonly path: string;
  readonly sha256: string;
  /** ISO date of an earlier check, since which size and date of the file are the same; null: computed from the file just now. */
  readonly checked: string | null;
}

/** What the editor keeps for Hearth in its own database and key store: names, no values. */
export interface EditorMemory {
  readonly where: string;
  readonly names: readonly string[];
}

export interface DoctorReport {
  readonly version: string;
  readonly node: string;
  readonly platform: string;
  /** Kernels; null: not known without an engine that has a model. */
  readonly isa: string | null;
  readonly memory: { readonly bytes: number; readonly by: string; readonly defaultBudgetBytes: number };
  readonly starter: { readonly path: string; readonly sha256: string };
  /** Of the model that the engine has loaded; null: none, or it cannot be read. */
  readonly model: ModelHash | null;
  /** Null: not running. */
  readonly engine: EngineFacts | null;
  readonly host: HostFacts;
  readonly files: readonly StoredFile[];
  readonly editor: readonly EditorMemory[];
  readonly requests: LedgerSummary;
  /** Endpoints that editors of this user send code to. */
  readonly endpoints: readonly EndpointUse[];
  /** What should not be; empty: nothing was found. */
  readonly problems: readonly string[];
  /** What this system does not let be proved. */
  readonly unproved: readonly string[];
}

export interface Examination {
  /** Who asks, for the engine's log. */
  readonly name: string;
  /** Path of dist/engine.js. None is started. */
  readonly engineScript: string;
  readonly env: NodeJS.ProcessEnv;
  readonly starter: string;
  /** Where the caller can tell without an engine. */
  readonly isa?: string | undefined;
  readonly hostKind: HostFacts["kind"];
  readonly connections: () => readonly OpenConnection[];
  /** Folders of models beside the user's own, e.g. of a setting. */
  readonly modelFolders?: readonly string[];
  readonly editorFolders?: readonly EditorFolder[];
  readonly editor?: readonly EditorMemory[];
  /** That the caller itself uses, whatever is noted of it. */
  readonly endpoint?: EndpointUse;
  readonly signal?: AbortSignal;
}

/** A socket is in no table while it is being made: seen once more before it is told. */
const LOOK_AGAIN_MS = 100;

/** Looks at everything that Hearth has open, keeps and has asked for. Errors: none that an examination could name itself. */
export async function examine(examination: Examination): Promise<DoctorReport> {
  const { env, starter, signal = new AbortController().signal } = examination;
  const own = defaultModelFolder(env);
  const modelFolders = [own, ...(examination.modelFolders ?? [])];
  const limit = memoryLimit();
  const { engine, problem } = await engineFacts(examination);
  const host = await hostFacts(examination.hostKind, examination.connections);
  const files = await storedFiles({
    env,
    modelFolders,
    ...(examination.editorFolders === undefined ? {} : { editorFolders: examination.editorFolders }),
  });
  const requests = await summariseLedger(own);
  const noted = await endpointsInUse(own);
  const isNoted = noted.some(({ editor, origin }) => {
    const { endpoint } = examination;
    return endpoint === undefined || (editor === endpoint.editor && origin === endpoint.origin);
  });
  const endpoints = isNoted || examination.endpoint === undefined ? noted : [...noted, examination.endpoint];
  const judged = judge({ engine, host, files, requests, endpoints });
  return {
    version: HEARTH_VERSION,
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    isa: examination.isa ?? engine?.isa ?? null,
    memory: { bytes: limit.bytes, by: limit.by, defaultBudgetBytes: defaultMemoryBudget(limit) },
    starter: { path: starter, sha256: await sha256OfFile(starter, signal) },
    model: await modelHash(engine?.model ?? null, modelFolders, signal),
    engine,
    host,
    files,
    editor: examination.editor ?? [],
    requests,
    endpoints,
    problems: [...(problem === undefined ? [] : [problem]), ...judged.problems],
    unproved: judged.unproved,
  };
}

/** Of the engine that runs; none is started. */
async function engineFacts({
  name,
  engineScript,
  env,
}: Examination): Promise<{ readonly engine: EngineFacts | null; readonly problem?: string }> {
  let network: EngineFacts["network"] = "unknown";
  let client: EngineClient | undefined;
  try {
    if (!(await isEngineRunning(env))) {
      return { engine: null };
    }
    client = new EngineClient({
      name,
      engineScript,
      env,
      onConnection: (connection) => {
        if (connection.kind === "connected") {
          ({ network } = connection.hello);
        }
      },
    });
    await client.start();
    const { pid, status } = await client.stats();
    const model: ModelInfo | undefined = status.kind === "ready" ? status.model : undefined;
    const sockets = await settled(() => socketsOf(pid));
    return {
      engine: {
        pid,
        model: model?.path ?? null,
        isa: model?.isa ?? null,
        network,
        seccomp: seccompOf(pid) ?? null,
        sockets: sockets ?? null,
      },
    };
  } catch (error) {
    if (error instanceof EngineError) {
      return { engine: null, problem: `the engine cannot be looked at: ${error.message}` };
    }
    throw error;
  } finally {
    client?.dispose();
  }
}

async function hostFacts(kind: HostFacts["kind"], connections: Examination["connections"]): Promise<HostFacts> {
  const sockets = await settled(() => socketsOf(process.pid));
  // After the sockets: one that is closed meanwhile is none.
  const open = connections();
  const ports = new Set(open.map(({ localPort }) => localPort));
  return {
    pid: process.pid,
    kind,
    seccomp: seccompOf(process.pid) ?? null,
    sockets:
      sockets?.map((socket) => ({
        ...socket,
        hearth: socket.kind === "network" && socket.localPort !== undefined && ports.has(socket.localPort),
      })) ?? null,
    connections: open,
  };
}

async function settled(look: () => readonly OpenSocket[] | undefined): Promise<readonly OpenSocket[] | undefined> {
  const sockets = look();
  if (sockets?.some(({ kind }) => kind === "unknown") !== true) {
    return sockets;
  }
  await sleep(LOOK_AGAIN_MS);
  return look();
}

/** As it was computed when the file was checked, if that is the same still; else from the file. */
async function modelHash(
  path: string | null,
  modelFolders: readonly string[],
  signal: AbortSignal,
): Promise<ModelHash | null> {
  if (path === null) {
    return null;
  }
  try {
    const { size, mtimeMs } = await stat(path);
    const record = (await readRecord(path)) ?? (await adoptedRecord(path, modelFolders));
    return record?.bytes === size && record.mtimeMs === mtimeMs
      ? { path, sha256: record.sha256, checked: record.checked }
      : { path, sha256: await sha256OfFile(path, signal), checked: null };
  } catch (error) {
    if (signal.aborted) {
      throw error;
    }
    // The engine holds a file that has been deleted since, or that only it may read.
    return null;
  }
}

async function adoptedRecord(path: string, modelFolders: readonly string[]): Promise<ModelRecord | undefined> {
  for (const folder of modelFolders) {
    const found = (await new AdoptedFiles(folder).all()).find((file) => file.path === path);
    if (found !== undefined) {
      return found;
    }
  }
  return undefined;
}
