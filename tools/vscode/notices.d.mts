// The types of notices.mjs, for tests that use it.
/** Folders of the packages of which a bundle has code, `node_modules/…`. */
export function packagesIn(bundle: string): string[];
export function thirdPartyNotices(bundles: readonly string[]): string;
