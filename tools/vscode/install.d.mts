// The types of install.mjs, for tests that use it.
export const NEWEST: string;
export const OLDEST: string;
export function canRunServer(): boolean;
export function installServer(version: string): Promise<string | undefined>;
