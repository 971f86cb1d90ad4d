import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as vscode from "vscode";
import type { RequestRecord } from "./core/requestLog";
import type { StatusLine } from "./core/statusLine";
import type { SyntaxSource } from "./core/syntax/reader";
import { deleteStored, planDeletion } from "./doctor/deletion";
import { examine } from "./doctor/examination";
import { counted } from "./doctor/judgement";
import { reportMarkdown } from "./doctor/reportText";
import type { StoredPlaces } from "./doctor/storedFiles";
import { parseEndpoint } from "./endpoint/address";
import { EndpointEngine } from "./endpoint/endpointEngine";
import { ENDPOINT_LIMITS } from "./endpoint/exchange";
import { servedModels } from "./endpoint/servedModels";
import { EngineClient } from "./engine/client/client";
import { completeWith } from "./cli/givenAnswer";
import { isWritableFile } from "./fileAccess";
import { gitIgnored } from "./gitIgnored";
import { homeFolder } from "./homeFolder";
import { IGNORES_CASE, LOCAL_FILES } from "./localFiles";
import { defaultModelFolder } from "./models/modelFolder";
import { ModelStore } from "./models/modelStore";
import { noteEndpointUse } from "./network/endpointUse";
import { nodeHttp, openConnections } from "./network/nodeHttp";
import { BatchedLedger } from "./network/requestLedger";
import { formatBytes } from "./models/size";
import { powerState } from "./machinePower";
import { SYSTEM_CLOCK } from "./systemClock";
import { engineAddress } from "./engine/wire/address";
import { bundledSource } from "./syntax/nodeSource";
import type { WindowChat } from "./vscode/chat/windowChat";
import { ChosenEngine } from "./vscode/chosenEngine";
import { endpointKey } from "./vscode/endpoint/endpointKey";
import { HearthWindow } from "./vscode/hearthWindow";
import { installedCatalog } from "./vscode/installedGrammars";
import type { KeptByEditor, PrivacyPort } from "./vscode/privacy/privacyPort";
import type { WindowPrivacy } from "./vscode/privacy/windowPrivacy";
import { followEditorLanguage } from "./vscode/translated";
import { showWalkthroughBeside } from "./vscode/walkthrough";
import type { InlineCompletionProvider } from "./vscode/inlineCompletionProvider";

const LOG_TAIL_CHARS = 8000;

/** What other extensions, and tests, may know: never any text of a document. */
export interface HearthApi {
  readonly status: () => StatusLine;
  /** What became of the last requests, oldest first. */
  readonly requests: () => readonly RequestRecord[];
  /** Only in tests: chats are private. */
  readonly chat?: WindowChat;
  /** For tests: requests as the editor makes them. */
  readonly provider?: InlineCompletionProvider;
  readonly syntax?: SyntaxSource | undefined;
  readonly privacy?: WindowPrivacy;
  /** What the window tells of problems that last. */
  readonly notices?: () => readonly string[];
}

/** Composition root: spawns nothing; the engine starts with the first document that is worked in. */
export function activate(context: vscode.ExtensionContext): HearthApi {
  followEditorLanguage();
  let source: SyntaxSource | undefined;
  const ledger = new BatchedLedger(nodeHttp, defaultModelFolder());
  const builtInModel = context.asAbsolutePath(join("models", "hearth-starter.gguf"));
  // Tests have an engine that says what they want.
  const engineScript = process.env["HEARTH_ENGINE_SCRIPT"] ?? context.asAbsolutePath(join("dist", "engine.js"));
  const hearth = new HearthWindow({
    context,
    builtInModel,
    homeFolder: homeFolder(),
    clock: SYSTEM_CLOCK,
    powerState,
    syntax: (warn) => (source = syntaxSource(context, warn)),
    engineLog,
    gitIgnored,
    reproduce: completeWith,
    machineFiles: { realPath: (path) => LOCAL_FILES.realPath(path), ignoresCase: IGNORES_CASE },
    isWritableFile,
    openModels: ({ folder, ...choice }) =>
      new ModelStore({
        ...choice,
        folder: folder === "" ? defaultModelFolder() : folder,
        ledgerFolder: defaultModelFolder(),
        http: nodeHttp,
      }),
    privacy: privacyPort(engineScript, builtInModel),
    connect: (listeners, { keepAliveMs, savesPower }) =>
      new ChosenEngine(listeners, {
        local: ({ onConnection, onStatus, onStatistics }) =>
          new EngineClient({
            onConnection,
            onStatus,
            onStatistics,
            name: `${vscode.env.appName} ${vscode.version}`,
            engineScript,
            keepAliveMs,
            savesPower,
            hostPid: process.ppid,
          }),
        endpoint: (onFailure) =>
          new EndpointEngine({
            http: ledger.http,
            key: (origin) => endpointKey(context.secrets, origin),
            onFailure,
          }),
      }),
    endpoints: {
      models: async (endpoint, key) => {
        const address = parseEndpoint(endpoint);
        const found = await servedModels({ http: ledger.http, address, key, limits: ENDPOINT_LIMITS });
        return found.map(({ name }) => name);
      },
      note: (use) => noteEndpointUse(defaultModelFolder(), vscode.env.appName, use),
    },
  });
  if (process.env["HEARTH_WALKTHROUGH"] === "beside") {
    void showWalkthroughBeside(context);
  }
  context.subscriptions.push(
    new vscode.Disposable(() => {
      ledger.close();
    }),
  );
  return {
    status: () => hearth.status(),
    requests: () => [...hearth.engine.requests.records],
    ...(context.extensionMode === vscode.ExtensionMode.Test
      ? {
          chat: hearth.chat,
          provider: hearth.provider,
          syntax: source,
          privacy: hearth.privacy,
          notices: () => [hearth.failure, hearth.refusal].flatMap(({ text }) => text ?? []),
        }
      : {}),
  };
}

function privacyPort(engineScript: string, starter: string): PrivacyPort {
  const { env } = process;
  const placesOf = ({ modelFolders, editorFolders }: KeptByEditor): StoredPlaces => ({
    env,
    modelFolders: [defaultModelFolder(), ...modelFolders],
    editorFolders,
  });
  return {
    examine: async (kept, endpoint, signal) => {
      const own = { editor: vscode.env.appName, since: "it was set" };
      const name = `${vscode.env.appName} ${vscode.version}`;
      const connections = openConnections;
      const report = await examine({
        ...kept,
        name,
        engineScript,
        env,
        starter,
        hostKind: "shared",
        connections,
        ...(endpoint === undefined ? {} : { endpoint: { ...own, ...endpoint } }),
        signal,
      });
      return { markdown: reportMarkdown(report), problems: report.problems, unproved: report.unproved };
    },
    plan: async (kept) => {
      const { always, models, kept: foreign } = await planDeletion(placesOf(kept));
      return {
        lines: always.map(
          ({ what, files, bytes }) => `• ${what}: ${counted(files.length, "file")}, ${formatBytes(bytes)}`,
        ),
        models: models.files
          .filter(({ path }) => /\.gguf(\.part)?$/i.test(path))
          .map(({ path, bytes }) => `• ${path}: ${formatBytes(bytes)}`),
        modelBytes: models.bytes,
        kept: foreign.map(({ path }) => `• ${path}`),
      };
    },
    delete: (kept, models) => deleteStored(placesOf(kept), { engineScript, models }),
  };
}

/** Grammars of installed extensions, and below them those that ship with Hearth. */
function syntaxSource(context: vscode.ExtensionContext, warn: (message: string) => void): SyntaxSource {
  const source = bundledSource(
    context.asAbsolutePath(join("dist", "syntax")),
    (origin, scopeName, error) => {
      warn(`the grammar '${scopeName}' of ${origin} is not used any more: ${String(error)}`);
    },
    () => [installedCatalog(vscode.extensions.all)],
  );
  context.subscriptions.push(
    vscode.extensions.onDidChange(() => {
      source.reset();
    }),
  );
  return source;
}

async function engineLog(): Promise<{ path: string; tail: string }> {
  const path = process.env["HEARTH_LOG_FILE"] ?? engineAddress().logPath;
  try {
    return { path, tail: (await readFile(path, "utf8")).slice(-LOG_TAIL_CHARS) };
  } catch {
    // It has not been started yet.
    return { path, tail: "" };
  }
}
