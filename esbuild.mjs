// Bundles the TypeScript into dist/ and puts the native addon and data files beside it.
import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { build } from "esbuild";

const node = {
  bundle: true,
  platform: "node",
  format: "cjs",
  target: "node20",
  sourcemap: true,
  logLevel: "warning",
};

mkdirSync("dist", { recursive: true });
await build({
  ...node,
  entryPoints: { chatTemplateWorker: "src/model/chatTemplateWorker.ts" },
  outdir: "dist",
});
await build({ ...node, entryPoints: { cli: "src/cli.ts" }, outdir: "dist", banner: { js: "#!/usr/bin/env node" } });

const addon = "build/addon/Release/hearth.node";
if (existsSync(addon)) copyFileSync(addon, "dist/hearth.node");
copyFileSync("bench/text.txt", "dist/bench-text.txt");
