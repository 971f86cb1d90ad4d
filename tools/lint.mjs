// Every check that reads the code without running it. `npm run lint`.
import { pathToFileURL } from "node:url";
import { checkFormat } from "./format.mjs";
import { runMain, runTool, step } from "./steps.mjs";
import { checkTree } from "./tidy.mjs";

export async function lint() {
  await step("types", () => runTool("typescript", "tsc", ["--noEmit", "-p", "."]).then(() => undefined));
  await step("types of the chat view", () =>
    runTool("typescript", "tsc", ["--noEmit", "-p", "webview"]).then(() => undefined),
  );
  await step("eslint", () =>
    runTool("eslint", "eslint", ["--max-warnings=0", "src", "webview", "test", "bench"]).then(() => undefined),
  );
  await step("imports of TypeScript", () =>
    runTool("dependency-cruiser", "depcruise", [
      ...["--config", "tools/imports.cjs", "--output-type", "err"],
      ...["src", "webview"],
    ]).then(() => undefined),
  );
  await step("includes of C++, and the house's rules", checkTree);
  await step("format", checkFormat);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await runMain(lint);
