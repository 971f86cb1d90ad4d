// Builds dist/: the native addon and the bundles. `npm run build`; skips what is up to date.
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { pathToFileURL } from "node:url";
import { setUp } from "./setup.mjs";
import { run, runMain, runTool, step, unlessUpToDate } from "./steps.mjs";

export const NATIVE_INPUTS = ["native", "CMakeLists.txt", "CMakePresets.json"];
const ADDON = "build/addon/Release/hearth.node";

/** Tells of a quarter at a time; ninja counts files, make counts per cent. */
function quarters() {
  let told = 0;
  return (line) => {
    const [, done, all] = /^\[(?: *(\d+)%|(\d+)\/(\d+))\]/.exec(line)?.filter((part) => part !== undefined) ?? [];
    const quarter = Math.floor((4 * Number(done)) / Number(all ?? 100));
    if (!(quarter > told)) return;
    told = quarter;
    if (quarter < 4) console.log(`    native engine: ${quarter * 25} %`);
  };
}

export function buildAddon() {
  return step("build the native engine", () =>
    unlessUpToDate("addon", [...NATIVE_INPUTS, "package.json"], ADDON, () =>
      runTool("cmake-js", "cmake-js", ["compile", "-O", "build/addon"], {
        quiet: true,
        // make, unlike ninja, compiles one file at a time unless it is told.
        env: { CMAKE_BUILD_PARALLEL_LEVEL: process.env.CMAKE_BUILD_PARALLEL_LEVEL ?? String(availableParallelism()) },
        onLine: quarters(),
      }).then(() => undefined),
    ),
  );
}

export function bundle() {
  return step("bundle", async () => {
    await run(process.execPath, ["esbuild.mjs"]);
    if (!existsSync("dist/hearth.node")) throw new Error("esbuild.mjs copies the addon");
  });
}

export async function build() {
  await setUp();
  await buildAddon();
  await bundle();
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await runMain(build);
