import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as vscode from "vscode";
import { EngineClient } from "../../src/engine/client/client";
import { SAYING_FILE } from "../scriptedEngine/script";
import { engineRuns, extension, leaveEngine, ready, status, until } from "./window";

/** This file is bundled to dist-test/host/. */
const ROOT = join(__dirname, "..", "..");
const BUNDLE = join(ROOT, "test", "scriptedEngine", "bundle.mjs");
const SCRIPTED_ENGINE = join(ROOT, "dist-test", "scriptedEngine", "engine.js");
/** The program may be Electron, which is Node.js only when told so. */
const NODE = { ...process.env, ELECTRON_RUN_AS_NODE: "1" };

/** A line in a message that tells the scripted engine what to say to it; see test/scriptedEngine/script.ts. */
export const script = (value: object): string => `\nscript: ${JSON.stringify(value)}\n`;

/** Windows of several versions run at a time. */
const SAYING = join(tmpdir(), `hearth-saying-${String(process.pid)}.txt`);

let scripted: ChildProcess | undefined;

/** What completions say from now on; undefined: what they always say. */
export function sayInCompletions(text: string | undefined): void {
  rmSync(SAYING, { force: true });
  if (text !== undefined) {
    writeFileSync(SAYING, text);
  }
}

/** Puts the scripted engine where this window's engine is to be found: the first process to bind the socket serves. */
export async function startScriptedEngine(): Promise<void> {
  execFileSync(process.execPath, [BUNDLE], { cwd: ROOT, env: NODE });
  assert.ok(existsSync(SCRIPTED_ENGINE));
  await endEngine();
  const env = { ...NODE, [SAYING_FILE]: SAYING };
  scripted = spawn(process.execPath, [SCRIPTED_ENGINE], { env, stdio: "ignore" });
  await until("the scripted engine serves", engineRuns);
  await vscode.commands.executeCommand("hearth.restartEngine");
  await until("the window uses it", async () => (await status()).details.join(" ").includes("Scripted model"));
  // Most tests are about changes beside their original, whatever their size.
  await reviewIn("diff");
}

/** Where changes are reviewed from now on; as the product decides where nothing is given. */
export async function reviewIn(place: "diff" | undefined): Promise<void> {
  await vscode.workspace.getConfiguration().update("hearth.edit.review", place, vscode.ConfigurationTarget.Global);
}

/** The window has its own engine again. */
export async function endScriptedEngine(): Promise<void> {
  await endEngine();
  scripted?.kill("SIGKILL");
  await reviewIn(undefined);
  await vscode.commands.executeCommand("hearth.restartEngine");
  await ready();
}

async function endEngine(): Promise<void> {
  leaveEngine();
  if (!(await engineRuns())) {
    return;
  }
  const client = new EngineClient({ name: "host tests", engineScript: `${extension().extensionPath}/dist/engine.js` });
  await client.start();
  await client.shutdown("requested");
  client.dispose();
  await until("no engine runs", async () => !(await engineRuns()));
  await until("the window knows", async () => ["error", "asleep", "off"].includes((await status()).state));
}
