import { runEngineProcess } from "./process";

/** dist/engine.js. */
runEngineProcess();
