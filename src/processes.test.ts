import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mock } from "node:test";
import { isAlive, startTime } from "./processes";

describe("processes", () => {
  const { pid: gone } = spawnSync(process.execPath, ["-e", ""]);

  it("live until they have ended", () => {
    assert.deepEqual([isAlive(process.pid), isAlive(gone)], [true, false]);
  });

  it("of another user live, too", () => {
    // Root may send a signal to any, so the answer that others get is given in the place of the system.
    mock.method(process, "kill", () => {
      throw Object.assign(new Error("kill EPERM"), { code: "EPERM" });
    });
    try {
      assert.equal(isAlive(gone), true);
    } finally {
      mock.restoreAll();
    }
  });

  it("are told apart by when they were started", function () {
    const own = startTime(process.pid);
    if (process.platform !== "linux") {
      this.skip();
    }
    assert.match(own ?? "", /^[0-9a-f-]{36}\/\d+$/);
    assert.equal(startTime(process.pid), own);
    assert.notEqual(startTime(process.ppid), own);
    assert.equal(startTime(gone), undefined);
  });
});
