import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as vscode from "vscode";
import type { RequestRecord } from "./core/requestLog";
import type { StatusLine } from "./core/statusLine";
import type { SyntaxSource } from "./core/syntax/reader";
import { EngineClient } from "./engine/client/client";
import { completeWith } from "./cli/givenAnswer";
import { isWritableFile } from "./fileAccess";
import { gitIgnored } from "./gitIgnored";
import { IGNORES_CASE, LOCAL_FILES } from "./localFiles";
import { defaultModelFolder } from "./models/modelFolder";
import { ModelStore } from "./models/modelStore";
import { nodeHttp } from "./models/nodeHttp";
import { SYSTEM_CLOCK } from "./systemClock";
import { engineAddress } from "./engine/wire/address";
import { bundledSource } from "./syntax/nodeSource";
import type { WindowChat } from "./vscode/chat/windowChat";
import { HearthWindow } from "./vscode/hearthWindow";
import { installedCatalog } from "./vscode/installedGrammars";
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
}

/** Composition root: spawns nothing; the engine starts with the first document that is worked in. */
export function activate(context: vscode.ExtensionContext): HearthApi {
  let source: SyntaxSource | undefined;
  const hearth = new HearthWindow({
    context,
    builtInModel: context.asAbsolutePath(join("models", "hearth-starter.gguf")),
    clock: SYSTEM_CLOCK,
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
    connect: (listeners, keepAliveMs) =>
      new EngineClient({
        ...listeners,
        name: `${vscode.env.appName} ${vscode.version}`,
        // Tests have an engine that says what they want.
        engineScript: process.env["HEARTH_ENGINE_SCRIPT"] ?? context.asAbsolutePath(join("dist", "engine.js")),
        keepAliveMs,
        hostPid: process.ppid,
      }),
  });
  return {
    status: () => hearth.status(),
    requests: () => [...hearth.engine.requests.records],
    ...(context.extensionMode === vscode.ExtensionMode.Test
      ? { chat: hearth.chat, provider: hearth.provider, syntax: source }
      : {}),
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
