import assert from "node:assert/strict";
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { bundleHostTests, runOnVsix, SUITE } from "../../tools/vscode/hostTests.mjs";
import { canRunServer, installServer, NEWEST } from "../../tools/vscode/install.mjs";

/** Beside the real suite, where node_modules is found. */
const TRAPS = join(dirname(dirname(SUITE)), "traps");

/** What the runner of host tests says of a suite with this test file, in VS Code without Hearth. */
async function verdict(name: string, testFile: string): Promise<string> {
  const folder = join(TRAPS, name);
  mkdirSync(folder, { recursive: true });
  cpSync(SUITE, join(folder, "index.js"));
  writeFileSync(join(folder, "trap.test.js"), testFile);
  try {
    const { passed } = await runOnVsix({ label: `trap ${name}`, suite: join(folder, "index.js") });
    return `${String(passed.length)} passed`;
  } catch (error) {
    return (error as Error).message;
  }
}

const PASSES = "it('passes', () => undefined);";

describe("the runner of tests in the extension host", () => {
  before(async function () {
    if (!canRunServer()) {
      this.skip();
    }
    await installServer(NEWEST);
    await bundleHostTests();
  });

  after(() => {
    rmSync(TRAPS, { recursive: true, force: true });
  });

  it("lets a suite pass that passes", async () => {
    assert.equal(await verdict("pass", PASSES), "1 passed");
  });

  it("tells of a test that fails", async () => {
    const told = await verdict("fail", `${PASSES} it('fails', () => { throw new Error('on purpose'); });`);
    assert.match(told, /1 failed\n {2}fails\n {4}Error: on purpose/);
  });

  it("tells of a suite that does not load", async () => {
    assert.match(
      await verdict("load", "throw new Error('on purpose');"),
      /did not come to their end[^]*Error: on purpose/,
    );
  });

  it("tells of a host that was killed, of which VS Code says that all is well", async () => {
    const kill = "it('kills', () => new Promise(() => process.kill(process.pid, 'SIGKILL')));";
    assert.match(await verdict("kill", `${PASSES} ${kill}`), /did not come to their end: .* after 'passes'/);
  });

  it("tells of a suite without tests", async () => {
    assert.match(await verdict("none", "describe('nothing', () => undefined);"), /no test ran/);
  });
});
