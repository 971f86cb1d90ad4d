// Runs test/host in a desktop VS Code: the one that VSCODE_EXECUTABLE names, else one that @vscode/test-electron downloads
// (VSCODE_VERSION: stable unless set). Exit code 77 where there is none. Wants a display: on Linux, xvfb-run.
// `npm run build && node tools/vscode/desktopTests.mjs`
import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { downloadAndUnzipVSCode, runTests } from "@vscode/test-electron";
import { root, runMain, step, StepError } from "../steps.mjs";
import { endEngines } from "./engineProcesses.mjs";
import { bundleHostTests, complaint, readResult, SUITE, TEST_SETTINGS } from "./hostTests.mjs";
import { writeUserSettings } from "./server.mjs";

const NO_VSCODE = 77;
const DOWNLOAD_LIMIT_MS = 30_000;

/** Undefined: there is none to be had. */
async function findVsCode() {
  const chosen = process.env.VSCODE_EXECUTABLE;
  if (chosen !== undefined) {
    if (!existsSync(chosen)) throw new StepError(`VSCODE_EXECUTABLE names '${chosen}', which is not there`);
    return chosen;
  }
  const version = process.env.VSCODE_VERSION ?? "stable";
  try {
    return await downloadAndUnzipVSCode({ version, cachePath: ".cache/vscode-desktop", timeout: DOWNLOAD_LIMIT_MS });
  } catch (error) {
    console.error(
      `no desktop VS Code to test in: '${version}' cannot be downloaded (${error.message}); set VSCODE_EXECUTABLE to an ` +
        `installed one, or run the same tests in VS Code's server: npm test -- --only host`,
    );
    return undefined;
  }
}

async function runOnDesktop(vscodeExecutablePath) {
  const folder = mkdtempSync(path.join(tmpdir(), "hd-"));
  const runtime = path.join(folder, "engine");
  const workspace = path.join(folder, "workspace");
  const resultFile = path.join(folder, "result.jsonl");
  const profile = path.join(folder, "profile");
  cpSync(path.join(root, "media", "sample"), workspace, { recursive: true });
  writeUserSettings(profile, TEST_SETTINGS);
  try {
    const code = await runTests({
      vscodeExecutablePath,
      extensionDevelopmentPath: root,
      extensionTestsPath: SUITE,
      extensionTestsEnv: { HEARTH_RUNTIME_DIR: runtime, HEARTH_TEST_RESULT: resultFile },
      launchArgs: [
        workspace,
        ...["--user-data-dir", profile, "--extensions-dir", path.join(folder, "extensions")],
        ...["--disable-extensions", "--disable-workspace-trust", "--disable-gpu", "--no-sandbox"],
      ],
    }).catch((error) => error.code ?? error.message);
    const result = readResult(resultFile);
    // Electron waits for its host: its end shows in the exit code.
    const problem = complaint({ exit: { code }, end: "0, signal: null", result });
    if (problem === undefined) return `${result.passed.length} passed`;
    const failures = result.failed.map(({ failed, error }) => `\n  ${failed}\n    ${error}`);
    throw new StepError(`desktop VS Code: ${problem}${failures.join("")}`);
  } finally {
    await endEngines(runtime);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

await runMain(async () => {
  const executable = await findVsCode();
  if (executable === undefined) {
    process.exitCode = NO_VSCODE;
    return;
  }
  await step("bundle the tests", bundleHostTests);
  await step(`source in ${executable}`, () => runOnDesktop(executable));
});
