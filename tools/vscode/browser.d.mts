// The types of browser.mjs, for tests that use it.
import type { Browser } from "playwright-core";

export function launchBrowser(): Promise<Browser>;
