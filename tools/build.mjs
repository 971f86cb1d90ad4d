// Builds dist/: the native addon and the bundles. `npm run build`; skips what is up to date.
import { existsSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { setUp } from "./setup.mjs";
import { run, runMain, runTool, step, unlessUpToDate } from "./steps.mjs";

export const NATIVE_INPUTS = ["native", "CMakeLists.txt", "CMakePresets.json"];
const ADDON = "build/addon/Release/hearth.node";

export async function build() {
  await setUp();
  await step("build the native engine", () =>
    unlessUpToDate("addon", [...NATIVE_INPUTS, "package.json"], ADDON, () =>
      runTool("cmake-js", "cmake-js", ["compile", "-O", "build/addon"], { quiet: true }).then(() => undefined),
    ),
  );
  await step("bundle", async () => {
    await run(process.execPath, ["esbuild.mjs"]);
    if (!existsSync("dist/hearth.node")) throw new Error("esbuild.mjs copies the addon");
  });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await runMain(build);
