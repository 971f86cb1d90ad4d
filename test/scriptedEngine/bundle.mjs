// Bundles the scripted engine, for tests: `node test/scriptedEngine/bundle.mjs`, or import it.
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const ROOT = path.dirname(path.dirname(HERE));
export const SCRIPTED_ENGINE = path.join(ROOT, "dist-test", "scriptedEngine", "engine.js");

export async function bundleScriptedEngine() {
  const { build } = await import("esbuild");
  await build({
    absWorkingDir: ROOT,
    tsconfigRaw: { compilerOptions: { target: "es2022", verbatimModuleSyntax: true } },
    entryPoints: [path.join(HERE, "main.ts")],
    outfile: SCRIPTED_ENGINE,
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node20",
    sourcemap: "inline",
    logLevel: "warning",
  });
}

// Not awaited: tests load this file as CommonJS.
if (import.meta.url === pathToFileURL(process.argv[1]).href) bundleScriptedEngine();
