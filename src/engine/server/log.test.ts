import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ServerLog } from "./log";

describe("ServerLog", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "hearth-log-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it("keeps the newest lines, whole, in bounded space", () => {
    const path = join(folder, "log");
    const log = new ServerLog(path, 2000);
    for (let n = 0; n < 500; ++n) {
      log.line(`event ${String(n)}`);
      assert.ok(statSync(path).size <= 2000 + 100);
    }
    const lines = readFileSync(path, "utf8").trimEnd().split("\n");
    assert.ok(lines.length > 10);
    lines.forEach((line, i) => {
      assert.match(line, new RegExp(`^\\S+Z \\[\\d+\\] event ${String(500 - lines.length + i)}$`));
    });
    log.close();
  });

  it("goes on behind what is there, and indents what would look like another event", () => {
    const path = join(folder, "log");
    for (const text of ["first", "second\nwith more"]) {
      const log = new ServerLog(path);
      log.line(text);
      log.close();
    }
    assert.match(readFileSync(path, "utf8"), /^\S+ \S+ first\n\S+ \S+ second\n {4}with more\n$/);
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });

  it("does without a file where none can be written", () => {
    const nowhere = [join(folder, "no", "such", "folder"), folder];
    if (process.platform !== "win32") {
      // It would wait for somebody who reads once so much has been written.
      execFileSync("mkfifo", [join(folder, "pipe")]);
      nowhere.push(join(folder, "pipe"));
    }
    for (const path of nowhere) {
      const log = new ServerLog(path);
      log.line("x".repeat(200_000));
      log.bug("nowhere", new Error("either"));
      log.close();
    }
  });
});
