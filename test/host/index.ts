import { appendFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import Mocha from "mocha";

/**
 * What VS Code calls in its extension host to run the tests; see tools/vscode/hostTests.mjs. It tells of each test at
 * once, in a line of JSON: a host may die in the middle, and VS Code then says that all is well.
 */
export async function run(): Promise<void> {
  const resultFile = process.env["HEARTH_TEST_RESULT"];
  const tell = (line: object) => {
    if (resultFile !== undefined) {
      appendFileSync(resultFile, `${JSON.stringify(line)}\n`);
    }
  };
  const mocha = new Mocha({ ui: "bdd", timeout: 60_000, color: false, forbidOnly: true });
  const leftOut = (process.env["HEARTH_TEST_LEAVE_OUT"] ?? "").split(",").map((name) => `${name}.test.js`);
  for (const file of readdirSync(__dirname).sort()) {
    if (file.endsWith(".test.js") && !leftOut.includes(file)) {
      mocha.addFile(join(__dirname, file));
    }
  }
  const failures = await new Promise<number>((resolve) => {
    const runner = mocha.run(resolve);
    runner.on("pass", (test) => {
      tell({ passed: test.fullTitle(), ms: test.duration });
    });
    runner.on("fail", (test, error: Error) => {
      tell({ failed: test.fullTitle(), error: error.stack ?? error.message });
    });
    runner.on("pending", (test) => {
      tell({ skipped: test.fullTitle() });
    });
  });
  tell({ finished: true, failures });
  if (failures > 0) {
    throw new Error(`${String(failures)} failed`);
  }
}
