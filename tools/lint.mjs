// Every check that reads the code without running it. `npm run lint`.
import { pathToFileURL } from "node:url";
import { formatCpp, formatOthers } from "./format.mjs";
import { runAll, runMain, runTool, step } from "./steps.mjs";
import { checkTree } from "./tidy.mjs";

const CHECKS = {
  types: () => runTool("typescript", "tsc", ["--noEmit", "-p", "."]),
  "types of the chat view": () => runTool("typescript", "tsc", ["--noEmit", "-p", "webview"]),
  eslint: () => runTool("eslint", "eslint", ["--max-warnings=0", "src", "webview", "test", "bench"]),
  "imports of TypeScript": () =>
    runTool("dependency-cruiser", "depcruise", [
      ...["--config", "tools/imports.cjs", "--output-type", "err"],
      ...["src", "webview"],
    ]),
  "includes of C++, and the house's rules": checkTree,
  "format of C++": () => formatCpp(false),
  "format of everything else": () => formatOthers(false),
};

/** Runs all checks, so that one run tells everything that is to be mended; then fails if one did. */
export async function lint() {
  const steps = Object.entries(CHECKS).map(([name, check]) => [
    name,
    () =>
      step(name, async () => {
        await check();
      }),
  ]);
  await runAll(Object.fromEntries(steps));
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await runMain(lint);
