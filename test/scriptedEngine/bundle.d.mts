// The types of bundle.mjs, for tests that use it.
/** Where the bundle is. */
export const SCRIPTED_ENGINE: string;
export function bundleScriptedEngine(): Promise<void>;
