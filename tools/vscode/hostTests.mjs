// Runs test/host inside the extension host of a real VS Code, on Hearth as it lies here or as it is packaged.
// `node tools/vscode/hostTests.mjs [--version V] [--vsix FILE]`
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { root, runMain, step, StepError } from "../steps.mjs";
import { launchBrowser } from "./browser.mjs";
import { endEngines } from "./engineProcesses.mjs";
import { installServer, NEWEST } from "./install.mjs";
import { installVsix, remoteUri, startServer, workbenchUrl } from "./server.mjs";

export const SUITE = path.join(root, "dist-test", "host", "index.js");
const HARNESS = path.join(root, "tools", "vscode", "harness");
/** An extension that is installed beside Hearth, where that is not packaged: a packaged one tells tests nothing of its grammars. */
const GRAMMARS = path.join(root, "tools", "vscode", "grammars");
/** Another one, which goes by the name of a completer. */
const OTHER_COMPLETER = path.join(root, "tools", "vscode", "otherCompleter");
const ARTEFACTS = path.join(root, ".cache", "test-artefacts");
/** A run takes two minutes; two go on at once. */
const RUN_LIMIT_MS = 900_000;
/** For the host to end after it said how the tests went. */
const HOST_END_LIMIT_MS = 20_000;

/** Ghost text without competition from IntelliSense; a test that wants both sets its own. */
export const TEST_SETTINGS = {
  "editor.quickSuggestions": { other: "off", comments: "off", strings: "off" },
  "editor.suggestOnTriggerCharacters": false,
  "editor.wordBasedSuggestions": "off",
  "workbench.reduceMotion": "on",
  "git.enabled": false,
  // One process for TypeScript instead of two, in each window; newer editors call it otherwise.
  "typescript.tsserver.useSyntaxServer": "never",
  "js/ts.tsserver.useSyntaxServer": "never",
  // Machines that run tests are busy.
  "hearth.completion.savePower": "off",
  // In the browser it is on by default.
  "files.autoSave": "off",
};

/** Each file is a bundle of its own, which the entry finds beside it. */
export async function bundleHostTests() {
  const { build } = await import("esbuild");
  const entries = readdirSync("test/host").filter((file) => file === "index.ts" || file.endsWith(".test.ts"));
  rmSync(path.dirname(SUITE), { recursive: true, force: true });
  await build({
    entryPoints: entries.map((file) => path.join("test", "host", file)),
    outdir: path.dirname(SUITE),
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node20",
    sourcemap: "inline",
    external: ["vscode", "mocha"],
    logLevel: "warning",
  });
}

/** What the suite told, line by line. */
export function readResult(file) {
  const lines = existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
  const told = lines.filter((line) => line !== "").map((line) => JSON.parse(line));
  return {
    passed: told.filter((line) => line.passed !== undefined),
    failed: told.filter((line) => line.failed !== undefined),
    skipped: told.filter((line) => line.skipped !== undefined),
    finished: told.some((line) => line.finished === true),
  };
}

const HOST_END = /Extension Host Process exited with code: ([^\n]*)/;

async function hostEnd(server) {
  const deadline = Date.now() + HOST_END_LIMIT_MS;
  for (;;) {
    const end = HOST_END.exec(server.log())?.[1];
    if (end !== undefined || Date.now() > deadline) return end?.trim();
    await sleep(50);
  }
}

/**
 * VS Code's exit code alone does not tell: it is 0 as well when the host has died of a signal. So the suite must have
 * said that it finished, and the host must have ended in order.
 * Returns why the run did not pass, or undefined.
 */
export function complaint({ exit, end, result }) {
  const { passed, failed, finished } = result;
  if (failed.length > 0) return `${failed.length} failed`;
  if (exit.timeout) return `no result in ${RUN_LIMIT_MS / 1000} s, after ${passed.length} that passed`;
  if (!finished) {
    const where = passed.length === 0 ? "before the first test ended" : `after '${passed.at(-1).passed}'`;
    return `the tests did not come to their end: the run ended with ${exit.code} ${where}`;
  }
  if (exit.code !== 0) return `VS Code ended the run with ${exit.code}`;
  if (passed.length === 0) return "no test ran";
  if (end === undefined) return "the extension host did not end";
  if (!/^0, signal: (null|undefined|unknown)/.test(end)) return `the extension host ended with code: ${end}`;
  return undefined;
}

/**
 * Runs a suite (default: test/host, which must have been bundled) in VS Code `version`, with `extension`, a folder, under
 * development, and `vsix` installed, if given. `label` names the run where it is told about; `leaveOut`: files of tests, by
 * their names.
 * Returns the titles that passed. Errors: StepError with what failed.
 */
export async function runInHost({
  label,
  version = NEWEST,
  extension = root,
  vsix,
  suite = SUITE,
  settings = {},
  leaveOut = [],
}) {
  const folder = mkdtempSync(path.join(tmpdir(), "hh-"));
  const runtime = path.join(folder, "engine");
  const workspace = path.join(folder, "workspace");
  const resultFile = path.join(folder, "result.jsonl");
  cpSync(path.join(root, "media", "sample"), workspace, { recursive: true });
  let server;
  let browser;
  try {
    const extensions = path.join(folder, "extensions");
    if (vsix === undefined) {
      cpSync(GRAMMARS, path.join(extensions, "hearth.hearth-test-grammars-0.0.1"), { recursive: true });
      cpSync(OTHER_COMPLETER, path.join(extensions, "ggml-org.llama-vscode-0.0.0"), { recursive: true });
    } else await installVsix(version, extensions, vsix);
    server = await startServer({
      version,
      folder,
      extensions,
      settings: { ...TEST_SETTINGS, ...settings },
      env: {
        HEARTH_RUNTIME_DIR: runtime,
        HEARTH_MODELS: path.join(folder, "models"),
        HEARTH_TEST_RESULT: resultFile,
        HEARTH_TEST_LEAVE_OUT: leaveOut.join(","),
        HEARTH_ANSWERS: process.env.HEARTH_ANSWERS,
      },
      driver: true,
    });
    browser = await launchBrowser();
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    const exit = await runToEnd(page, server, workspace, extension, suite);
    const result = readResult(resultFile);
    const end = exit.timeout ? undefined : await hostEnd(server);
    const problem = complaint({ exit, end, result });
    if (problem === undefined) return result;
    const artefacts = await keepArtefacts(label, page, server, resultFile);
    const failures = result.failed.map(({ failed, error }) => `\n  ${failed}\n    ${error.replaceAll("\n", "\n    ")}`);
    const said = exit.messages === "" ? "" : `\n${exit.messages}`;
    throw new StepError(`${label}: ${problem}${failures.join("")}${said}\n  more in ${artefacts}`);
  } finally {
    await browser?.close();
    await server?.stop();
    await endEngines(runtime);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

/** A service worker that code-server's own front brings, and VS Code's server alone does not have. */
const EXPECTED_ERROR = /^\[Service Worker\] registration/;

/** Opens the workbench, which runs the suite, and waits for what VS Code says of it. */
async function runToEnd(page, server, workspace, extension, suite) {
  let end;
  const exit = new Promise((resolve) => (end = resolve));
  const errors = [];
  // The workbench calls both by these names.
  await page.exposeFunction("codeAutomationExit", (code) => end({ code, messages: errors.join("\n") }));
  await page.exposeFunction("codeAutomationLog", (type, args) => {
    const text = args.join(" ");
    if (type === "error" && !EXPECTED_ERROR.test(text)) errors.push(`    ${text}`);
  });
  const limit = setTimeout(() => end({ timeout: true, messages: errors.join("\n") }), RUN_LIMIT_MS);
  const payload = [
    ["extensionDevelopmentPath", remoteUri(server, extension)],
    ["extensionTestsPath", remoteUri(server, suite)],
    ["skipWelcome", "true"],
  ];
  await page.goto(workbenchUrl(server, workspace, payload));
  return exit.finally(() => clearTimeout(limit));
}

async function keepArtefacts(label, page, server, resultFile) {
  const place = path.join(ARTEFACTS, label.replaceAll(/[^\w.-]+/g, "-"));
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place, { recursive: true });
  await page.screenshot({ path: path.join(place, "end.png") }).catch(() => undefined);
  cpSync(server.logFile, path.join(place, "server.log"));
  if (existsSync(resultFile)) cpSync(resultFile, path.join(place, "result.jsonl"));
  return path.relative(root, place);
}

/** The same suite on the packaged extension: what is under development is then an empty one. */
export function runOnVsix(options) {
  return runInHost({ ...options, extension: HARNESS });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  runMain(async () => {
    const { values } = parseArgs({ options: { version: { type: "string" }, vsix: { type: "string" } } });
    const { version = NEWEST, vsix } = values;
    await step(`install VS Code ${version}`, () => installServer(version));
    await step("bundle the tests", bundleHostTests);
    const label = `${vsix ?? "source"} in VS Code ${version}`;
    await step(label, async () => {
      const result = await (vsix === undefined ? runInHost : runOnVsix)({ label, version, vsix });
      for (const { passed, ms } of result.passed) console.log(`    ${passed} (${ms} ms)`);
      return `${result.passed.length} passed`;
    });
  });
}
