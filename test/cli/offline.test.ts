import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { ROOT, withFolder } from "./hearth";
import type { Journey } from "./offlineJourney";

/** With and without a namespace of users, which lets one who is not root have a network of his own. */
const WAYS = [["-n"], ["-rn"]];

/** Options of unshare(1) with which this system allows a network namespace; undefined where none does. */
function allowedWay(): readonly string[] | undefined {
  return WAYS.find((options) => spawnSync("unshare", [...options, "true"]).status === 0);
}

describe("without a network", () => {
  const way = allowedWay();

  before(function () {
    if (way === undefined) {
      process.stdout.write(
        "SKIPPED a machine without a route: this system allows no network namespace (unshare -rn)\n",
      );
      this.skip();
    }
  });

  it("completion, chat and edits work, from the command line and from the engine process", async function () {
    this.timeout(240_000);
    await withFolder(async (folder) => {
      const script = ["--import", "tsx", join(ROOT, "test", "cli", "offlineJourney.ts"), folder];
      const { stdout } = await promisify(execFile)("unshare", [...(way ?? []), process.execPath, ...script], {
        cwd: ROOT,
        maxBuffer: 2 ** 24,
      });
      const { connectError, interfaces, ...done } = JSON.parse(stdout) as Journey;
      // The test would prove nothing where there is a way out.
      assert.match(connectError, /^(ENETUNREACH|EHOSTUNREACH)$/);
      assert.deepEqual(interfaces, []);
      for (const name of ["complete", "chat", "rewrite", "doctor"] as const) {
        assert.deepEqual([done[name].code, done[name].stderr], [0, ""], name);
      }
      const { text } = JSON.parse(done.complete.stdout) as { readonly text: string };
      assert.notEqual(text.trim(), "");
      assert.match(done.chat.stdout, /^\{.*"text":"[^"]+/);
      // What so small a model writes need not be code; it has been asked.
      assert.doesNotMatch(done.edit.stderr, /internal error|cannot/);
      assert.match(done.rewrite.stdout, /const sum = a \+ b;\n {2}return sum;/);
      assert.equal(done.engineNetwork, "denied");
      assert.notEqual(done.engineCompletion.text.trim(), "");
      assert.equal(done.engineChat.finish, "limit");
      const report = JSON.parse(done.doctor.stdout) as {
        readonly problems: readonly string[];
        readonly engine: { readonly seccomp: string } | null;
        readonly requests: { readonly requests: number };
      };
      assert.deepEqual(report.problems, []);
      assert.equal(report.engine?.seccomp, "filter");
      assert.equal(report.requests.requests, 0);
    });
  });
});
