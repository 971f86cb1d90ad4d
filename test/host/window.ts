import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import * as vscode from "vscode";
import type { NewRecord, RequestRecord } from "../../src/core/requestLog";
import type { StatusLine } from "../../src/core/statusLine";
import { EngineClient } from "../../src/engine/client/client";
import { isEngineRunning } from "../../src/engine/client/engineProcess";
import type { HearthApi } from "../../src/extension";
import type { EngineStats } from "../../src/protocol/engine";

/** The window that the tests run in, and the engine process behind it. */

const WAIT_LIMIT_MS = 15_000;

export const EXTENSION_ID = "hearth.hearth";

export function extension(): vscode.Extension<HearthApi> {
  const found = vscode.extensions.getExtension<HearthApi>(EXTENSION_ID);
  assert.ok(found, "Hearth is not installed in this window");
  return found;
}

export async function hearth(): Promise<HearthApi> {
  return extension().activate();
}

export async function status(): Promise<StatusLine> {
  return (await hearth()).status();
}

/** What stands as a notification because of a problem that lasts; undefined in a packaged Hearth, which tells nobody. */
export async function notices(): Promise<readonly string[] | undefined> {
  return (await hearth()).notices?.();
}

export async function requests(): Promise<readonly RequestRecord[]> {
  return (await hearth()).requests();
}

/** Waits until `condition` gives something; fails after a generous while, with what `state` says then. */
export async function until<T>(
  what: string,
  condition: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  const deadline = Date.now() + WAIT_LIMIT_MS;
  for (;;) {
    const found = await condition();
    if (found !== undefined && found !== false) {
      return found;
    }
    if (Date.now() > deadline) {
      const last = (await requests()).slice(-5);
      throw new Error(
        `waited in vain until ${what}; status ${JSON.stringify(await status())}, last requests ${JSON.stringify(last)}`,
      );
    }
    await sleep(20);
  }
}

export async function ready(): Promise<void> {
  await until("the model is ready", async () => ["ready", "thinking"].includes((await status()).state));
}

export const engineRuns = (): Promise<boolean> => isEngineRunning(process.env);

let client: EngineClient | undefined;

/** Of the engine that serves this window. The tests are one more of its clients. */
export async function stats(): Promise<EngineStats> {
  client ??= new EngineClient({ name: "host tests", engineScript: `${extension().extensionPath}/dist/engine.js` });
  return client.stats();
}

export function leaveEngine(): void {
  client?.dispose();
  client = undefined;
}

/** Generations that the engine has begun and ended, however, when nothing has been asked for a while and none has ended. */
export async function generations(): Promise<number> {
  let before: readonly number[] = [];
  return until("nothing is asked any more", async () => {
    const { finished } = await stats();
    const ended = Object.values(finished).reduce((sum, each) => sum + each, 0);
    const now = [(await requests()).at(-1)?.id ?? 0, ended];
    const isQuiet = now.every((each, i) => each === before[i]);
    before = now;
    if (!isQuiet) {
      // What comes after a suggestion is asked for when it has stood for a while.
      await sleep(500);
    }
    return isQuiet ? ended : undefined;
  });
}

/** Shows a document with the cursor at `|`. */
export async function open(marked: string, language: string): Promise<vscode.TextEditor> {
  const document = await vscode.workspace.openTextDocument({ content: marked.replace("|", ""), language });
  return show(document, marked.indexOf("|"));
}

export async function show(document: vscode.TextDocument, offset: number): Promise<vscode.TextEditor> {
  const editor = await vscode.window.showTextDocument(document);
  const cursor = document.positionAt(offset);
  editor.selection = new vscode.Selection(cursor, cursor);
  return editor;
}

/** As a keyboard does: a key at a time. */
export async function typeKeys(text: string): Promise<void> {
  for (const key of text) {
    await vscode.commands.executeCommand("type", { text: key });
    await sleep(15);
  }
}

/** Does something and waits for the next request that answers it; `match` chooses among them. */
export async function requestAfter(
  work: () => unknown,
  match: (record: NewRecord) => boolean = ({ outcome }) => outcome !== "cancelled",
): Promise<RequestRecord> {
  const before = (await requests()).at(-1)?.id ?? 0;
  await work();
  return until("a request is answered", async () =>
    (await requests()).find((record) => record.id > before && record.reason !== "superseded" && match(record)),
  );
}

export const trigger = (): Thenable<unknown> => vscode.commands.executeCommand("editor.action.inlineSuggest.trigger");
export const accept = (): Thenable<unknown> => vscode.commands.executeCommand("editor.action.inlineSuggest.commit");
export const hide = (): Thenable<unknown> => vscode.commands.executeCommand("editor.action.inlineSuggest.hide");

/** How often a suggestion is tried to be accepted before it is asked for again. */
const LOOKS_AT_ONE = 40;

/** Asks by hand until something is shown, and accepts it. Returns what was inserted. */
export async function completed(editor: vscode.TextEditor): Promise<string> {
  const before = editor.document.getText();
  let looks = 0;
  await until("the suggestion is accepted", async () => {
    // A busy editor may be late, and then take it away for a request of its own: it is asked for anew.
    if (looks++ % LOOKS_AT_ONE === 0) {
      await requestAfter(trigger, ({ outcome }) => outcome === "text");
    }
    await accept();
    await sleep(50);
    return editor.document.getText() !== before;
  });
  const after = editor.document.getText();
  return after.slice(0, after.length - before.length + 1) === before ? "" : difference(before, after);
}

function difference(before: string, after: string): string {
  let start = 0;
  while (start < before.length && before[start] === after[start]) {
    start += 1;
  }
  let end = 0;
  while (end < before.length - start && before.at(-1 - end) === after.at(-1 - end)) {
    end += 1;
  }
  return after.slice(start, after.length - end);
}

/** Changes a setting for a test and puts it back. */
export async function withSetting(key: string, value: unknown, work: () => Promise<void>): Promise<void> {
  const configuration = vscode.workspace.getConfiguration();
  const before: unknown = configuration.inspect(key)?.globalValue;
  await configuration.update(key, value, vscode.ConfigurationTarget.Global);
  try {
    await work();
  } finally {
    await vscode.workspace.getConfiguration().update(key, before, vscode.ConfigurationTarget.Global);
  }
}

export async function closeAll(): Promise<void> {
  await vscode.commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
  await vscode.commands.executeCommand("workbench.action.closeAllEditors");
}
