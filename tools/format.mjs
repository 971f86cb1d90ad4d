// prettier and clang-format over the tree: `npm run format` rewrites, lint only looks.
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { filesBelow, run, runMain, runTool, StepError } from "./steps.mjs";

const PRETTIER_INPUTS = [
  "src/**/*.ts",
  "webview/**/*.{ts,css,json}",
  "test/**/*.{ts,mjs}",
  "bench/**/*.ts",
  "tools/**/*.{mjs,cjs}",
  "*.{mjs,json,md}",
  ".vscode/*.json",
  ".github/**/*.{md,yml}",
  "docs/**/*.md",
  "native/*.md",
];

/** The compiled program inside the clang-format package, without the package's start-up for each file. */
function clangFormat() {
  const folder = { linux: "linux_x64", darwin: "darwin_x64", win32: "win32" }[process.platform];
  const name = process.platform === "win32" ? "clang-format.exe" : "clang-format";
  return `node_modules/clang-format/bin/${folder}/${name}`;
}

export async function formatCpp(write) {
  const files = filesBelow("native", "test/fixtures/oracle").filter((file) => /\.(cc|h)$/.test(file));
  const wrong = [];
  for (const file of files) {
    const formatted = await run(clangFormat(), [file], { quiet: true });
    if (formatted === readFileSync(file, "utf8")) continue;
    if (write) writeFileSync(file, formatted);
    else wrong.push(file);
  }
  if (wrong.length > 0) throw new StepError(`not formatted: ${wrong.join(", ")}; run "npm run format"`);
}

export async function formatOthers(write) {
  await runTool("prettier", "prettier", ["--log-level=warn", write ? "--write" : "--check", ...PRETTIER_INPUTS]);
}

async function format() {
  await formatOthers(true);
  await formatCpp(true);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await runMain(format);
