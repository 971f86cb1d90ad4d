// Bundles the TypeScript into dist/ and puts the native addon and data files beside it.
import { copyFileSync, existsSync, mkdirSync, renameSync } from "node:fs";
import { build } from "esbuild";
import { layOutSyntax, loadGrammarList } from "./tools/syntaxData.mjs";

/** Instead of tsconfig.json, whose base comes with the packages that only checks need. */
const tsconfigRaw = { compilerOptions: { target: "es2022", verbatimModuleSyntax: true } };

const node = {
  tsconfigRaw,
  bundle: true,
  platform: "node",
  format: "cjs",
  target: "node20",
  sourcemap: true,
  // Smaller to download; names stay, and lines are short enough for the stacks of a log.
  minifyWhitespace: true,
  minifySyntax: true,
  lineLimit: 200,
  logLevel: "warning",
};

mkdirSync("dist", { recursive: true });
await build({
  ...node,
  entryPoints: { chatTemplateWorker: "src/model/chatTemplateWorker.ts" },
  outdir: "dist",
});
await build({ ...node, entryPoints: { cli: "src/cli.ts" }, outdir: "dist", banner: { js: "#!/usr/bin/env node" } });
await build({ ...node, entryPoints: { engine: "src/engine/server/main.ts" }, outdir: "dist" });
await build({
  ...node,
  entryPoints: { extension: "src/extension.ts", web: "src/web.ts" },
  outdir: "dist",
  external: ["vscode"],
});

await build({
  tsconfigRaw,
  entryPoints: { chat: "webview/chat/main.ts" },
  outdir: "dist",
  bundle: true,
  platform: "browser",
  format: "iife",
  // The browser inside the oldest VS Code that package.json admits.
  target: "chrome138",
  minify: true,
  // Beside the bundle, for the notices of its packages; the page does not look for it.
  sourcemap: "external",
  loader: { ".ttf": "file" },
  assetNames: "[name]",
  logLevel: "warning",
});

const addon = "build/addon/Release/hearth.node";
if (existsSync(addon)) {
  // Into place by a rename: an engine that runs has the old file mapped, and would die if that were overwritten.
  const draft = `dist/hearth.node.${process.pid}.tmp`;
  copyFileSync(addon, draft);
  renameSync(draft, "dist/hearth.node");
}
await loadGrammarList();
layOutSyntax("dist/syntax");
copyFileSync("bench/text.txt", "dist/bench-text.txt");
