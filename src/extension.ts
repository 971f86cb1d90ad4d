import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as vscode from "vscode";
import type { RequestRecord } from "./core/requestLog";
import type { StatusLine } from "./core/statusLine";
import { EngineClient } from "./engine/client";
import { SYSTEM_CLOCK } from "./engine/systemClock";
import { engineAddress } from "./engine/transportAddress";
import { HearthWindow } from "./vscode/hearthWindow";

const LOG_TAIL_CHARS = 8000;

/** What other extensions, and tests, may know: never any text of a document. */
export interface HearthApi {
  readonly status: () => StatusLine;
  /** What became of the last requests, oldest first. */
  readonly requests: () => readonly RequestRecord[];
}

/** Composition root: spawns nothing; the engine starts with the first document that is worked in. */
export function activate(context: vscode.ExtensionContext): HearthApi {
  const hearth = new HearthWindow({
    context,
    builtInModel: context.asAbsolutePath(join("models", "hearth-starter.gguf")),
    clock: SYSTEM_CLOCK,
    engineLog,
    connect: (listeners, stayMs) =>
      new EngineClient({
        ...listeners,
        name: `${vscode.env.appName} ${vscode.version}`,
        engineScript: context.asAbsolutePath(join("dist", "engine.js")),
        stayMs,
        hostPid: process.ppid,
      }),
  });
  return { status: () => hearth.status(), requests: () => [...hearth.engine.requests.records] };
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
