import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Browser } from "playwright-core";
import { launchBrowser } from "../../tools/vscode/browser.mjs";
import { ROOT, Workbench } from "./workbench";

const START_LIMIT_MS = 300_000;

/** `npm start`, as far as its output goes. */
class Started {
  output = "";
  readonly ended: Promise<number | null>;

  constructor(readonly child: ChildProcess) {
    const add = (data: Buffer) => {
      this.output += data.toString();
    };
    child.stdout?.on("data", add);
    child.stderr?.on("data", add);
    this.ended = new Promise((resolve) => child.once("close", resolve));
  }

  async url(): Promise<string> {
    const deadline = Date.now() + START_LIMIT_MS;
    for (;;) {
      const found = /http:\S+/.exec(this.output)?.[0];
      if (found !== undefined) {
        return found;
      }
      assert.ok(this.child.exitCode === null && Date.now() < deadline, this.output);
      await sleep(50);
    }
  }
}

/** The parent of a process; 0 where it has ended. */
function parentOf(pid: number): number {
  try {
    return Number(/^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${String(pid)}/status`, "utf8"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

function isBelow(pid: number, ancestor: number): boolean {
  return pid > 1 && (pid === ancestor || isBelow(parentOf(pid), ancestor));
}

/** Command lines of the processes that have `folder` in theirs; of those that `ancestor` has started where it is given. */
function processesWith(folder: string, ancestor?: number): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && (ancestor === undefined || isBelow(Number(name), ancestor)))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
      } catch {
        return "";
      }
    })
    .filter((line) => line.includes(folder));
}

describe("npm start", () => {
  let started: Started | undefined;
  let browser: Browser | undefined;

  after(async function () {
    this.timeout(600_000);
    await browser?.close();
    // It ends what it has started, if it is asked.
    started?.child.kill("SIGTERM");
    await started?.ended;
  });

  it("opens an editor at the place to type at, and ends without a trace", async function () {
    this.timeout(START_LIMIT_MS + 120_000);
    started = new Started(
      spawn(process.execPath, ["tools/start.mjs"], { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] }),
    );
    const url = await started.url();
    const token = new URL(url).searchParams.get("tkn")!;
    const stranger = await fetch(new URL("/", url));
    assert.equal(stranger.status, 403);

    browser = await launchBrowser();
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    page.setDefaultTimeout(120_000);
    const editor = new Workbench("start", page, new URL(url).host);
    await page.goto(url);
    await page.locator(".editor-instance .monaco-editor.focused").waitFor();
    const sample = readFileSync(join(ROOT, ".cache", "sample", "cart.ts"), "utf8").split("\n");
    const line = sample.findIndex((text) => text.includes("Type here")) + 2;
    await editor.until("the cursor is there", async () =>
      (await editor.cursor()).startsWith(`Ln ${String(line)}, Col 5`),
    );
    await editor.ready();
    await editor.type("for (const item");
    assert.match(await editor.ghost().finally(() => editor.screenshot("ghost")), /^ of( this\.items|$)/);
    assert.deepEqual(await editor.toasts().allTextContents(), []);
    assert.deepEqual(editor.complaints, []);
    await browser.close();

    // Another Hearth may run on this machine.
    const [serverLine] = processesWith("--connection-token-file", started.child.pid);
    const folder = dirname(/--connection-token-file (\S+)/.exec(serverLine!)![1]!);
    assert.equal(readFileSync(join(folder, "token"), "utf8"), token);
    assert.ok(processesWith(folder).some((line) => line.includes("engine.js")));
    started.child.kill("SIGINT");
    assert.equal(await started.ended, 130);
    assert.deepEqual(processesWith(folder), []);
    assert.ok(!existsSync(folder));
  });
});
