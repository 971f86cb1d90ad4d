import { runEngineProcess } from "./serverProcess";

/** dist/engine.js. */
runEngineProcess();
