import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as vscode from "vscode";
import {
  closeAll,
  completed,
  engineRuns,
  leaveEngine,
  notices,
  open,
  ready,
  requestAfter,
  stats,
  status,
  trigger,
  until,
  withSetting,
} from "./window";

const DOCUMENT = "def add(a, b):\n    return a + b\n\n\ndef subtract(a, b):\n    return |\n";

/** Stays open beside it: a copy of the line that is to be completed would be remembered as it is, unfinished. */
const OTHER = "import os\n\n|\n";

describe("an engine", () => {
  beforeEach(async () => {
    // A chat that is looked at keeps the model, and so does an edit that waits for an answer.
    await vscode.commands.executeCommand("notifications.clearAll");
    await vscode.commands.executeCommand("workbench.action.closeAuxiliaryBar");
    await open(OTHER, "python");
    await ready();
  });

  afterEach(closeAll);

  it("that is killed comes back by itself, with the model", async () => {
    const { pid } = await stats();
    process.kill(pid, "SIGKILL");
    await until("the window knows", async () => (await status()).state !== "ready");
    await ready();
    assert.notEqual((await stats()).pid, pid);
    assert.notEqual(await completed(await open(DOCUMENT, "python")), "");
  });

  it("holds no model while completion is off everywhere, and has it back when it is on again", async () => {
    leaveEngine();
    await withSetting("hearth.completion.mode", "off", async () => {
      assert.equal((await status()).state, "off");
      await until("the memory is given back", async () => (await stats()).status.kind === "empty");
    });
    await ready();
    assert.notEqual(await completed(await open(DOCUMENT, "python")), "");
  });

  it("takes another number of threads at once, without a reload of the window", async () => {
    const threads = async (): Promise<number | undefined> => {
      const { status: model } = await stats();
      return model.kind === "ready" ? model.model.threads : undefined;
    };
    const own = await threads();
    leaveEngine();
    await withSetting("hearth.engine.threads", 1, async () => {
      await until("it has one thread", async () => (await threads()) === 1);
      await ready();
    });
    await until("it has its own choice again", async () => own !== undefined && (await threads()) === own);
    await ready();
  });

  it("goes on with the model before where another one is refused, and says what is wrong where there is none", async () => {
    await ready();
    const file = join(tmpdir(), "not-a-model.gguf");
    writeFileSync(file, "<!DOCTYPE html><title>Not found</title>");
    await withSetting("hearth.model.path", file, async () => {
      // A request that is under way while the choice is tried ends.
      await sleep(1000);
      assert.notEqual(await completed(await open(DOCUMENT, "python")), "");
      const { status: model } = await stats();
      assert.match(model.kind === "ready" ? model.model.path : model.kind, /hearth-starter\.gguf$/);
      await closeAll();
      await open(DOCUMENT, "python");
      await vscode.commands.executeCommand("hearth.restartEngine");
      const line = await until("the model is refused", async () => {
        const now = await status();
        return now.state === "error" && now;
      });
      assert.match(line.details.join(" "), /not-a-model\.gguf/);
      const record = await requestAfter(trigger);
      assert.equal(record.reason, "bad_model");
    });
    await ready();
    // A copy that is open would be remembered as it is, unfinished.
    await closeAll();
    assert.notEqual(await completed(await open(DOCUMENT, "python")), "");
  });

  it("tells of a problem as long as it lasts: a choice that was refused, an engine that has failed", async function () {
    if ((await notices()) === undefined) {
      this.skip();
    }
    const told = async (what: RegExp): Promise<boolean> => (await notices())?.some((text) => what.test(text)) === true;
    const file = join(tmpdir(), "no](command:evil)model.gguf");
    writeFileSync(file, "<!DOCTYPE html><title>Not found</title>");
    await withSetting("hearth.model.path", file, async () => {
      await until("the refusal is told, with what may help", () =>
        told(/model\.gguf.*Choose Model….*Use the Starter Model/),
      );
      assert.ok(!(await told(/\]\(command:evil/)), "a file's name makes a link");
      assert.equal((await status()).state === "error", false, "the model before does not go on");
      // Not an error of the window any more, but of the engine.
      await vscode.commands.executeCommand("hearth.restartEngine");
      await until(
        "the failure is told once",
        async () => (await status()).state === "error" && (await notices())?.length === 1,
      );
    });
    await ready();
    assert.deepEqual(await notices(), []);
    await withSetting("hearth.model.path", file, async () => {
      await until("it is told again", () => told(/model\.gguf/));
    });
    await until("it is gone with the setting", async () => (await notices())?.length === 0);
    await ready();
  });

  it("runs below normal priority and off the network", async () => {
    assert.ok(await engineRuns());
    const { pid } = await stats();
    const { getPriority } = await import("node:os");
    assert.ok(getPriority(pid) > 0);
  });
});
