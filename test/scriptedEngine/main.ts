import { appendFileSync } from "node:fs";
import { runEngineProcess } from "../../src/engine/server/process";
import type { ChatMessage } from "../../src/protocol/engine";
import { ScriptedModel } from "./scriptedModel";

/**
 * The engine process as it is, but for its model; see script.ts. HEARTH_ENGINE_SCRIPT names it to the extension.
 * HEARTH_ASKED_FILE names a file to which it adds the messages of each question, as a line of JSON.
 */
const askedFile = process.env["HEARTH_ASKED_FILE"];

function keepAsked(messages: readonly ChatMessage[]): void {
  if (askedFile !== undefined) {
    appendFileSync(askedFile, `${JSON.stringify(messages)}\n`);
  }
}

runEngineProcess((choice, onPart) => ScriptedModel.load(choice, onPart, keepAsked));
