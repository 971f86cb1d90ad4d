import { runEngineProcess } from "../../src/engine/serverProcess";
import { ScriptedModel } from "./scriptedModel";

/** The engine process as it is, but for its model; see script.ts. HEARTH_ENGINE_SCRIPT names it to the extension. */
runEngineProcess((...args) => ScriptedModel.load(...args));
