// The types of engineProcesses.mjs, for tests that use it.
export function enginePids(runtimeFolder: string): number[];
export function endEngines(runtimeFolder: string): Promise<void>;
