import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hearth, withFolder } from "./hearth";

interface Report {
  readonly engine: { readonly seccomp: string; readonly sockets: readonly { readonly kind: string }[] } | null;
  readonly files: readonly { readonly path: string; readonly what: string; readonly mode: string }[];
  readonly requests: { readonly requests: number; readonly bytes: number; readonly hosts: readonly object[] };
  readonly problems: readonly string[];
}

describe("hearth doctor", () => {
  it("shows what is open and kept, each request ever made, and fails where something is open to others", () =>
    withFolder(async (folder) => {
      const runtime = join(folder, "run");
      const models = join(folder, "models");
      const env = { HEARTH_RUNTIME_DIR: runtime, HEARTH_MODELS: models };
      const examine = async (): Promise<{ code: number | null; report: Report }> => {
        const { code, stdout, stderr } = await hearth(["doctor", "--json"], { env });
        assert.equal(stderr, "");
        return { code, report: JSON.parse(stdout) as Report };
      };
      mkdirSync(models);
      const asked = (host: string, bytes: number): string =>
        JSON.stringify({ at: "2026-01-02T03:04:05.000Z", method: "GET", url: `https://${host}/x`, status: 206, bytes });
      writeFileSync(join(models, "requests.jsonl"), `${asked("a", 5)}\n${asked("b", 7)}\n{"cut o`);
      assert.equal((await hearth(["engine", "warm"], { env })).code, 0);
      try {
        const { code, report } = await examine();
        assert.deepEqual(report.problems, []);
        assert.equal(code, 0);
        assert.deepEqual([report.requests.requests, report.requests.bytes, report.requests.hosts.length], [2, 12, 2]);
        if (process.platform === "linux") {
          assert.equal(report.engine?.seccomp, "filter");
          assert.ok(report.engine.sockets.length > 0);
          assert.ok(report.engine.sockets.every(({ kind }) => kind === "local"));
        }
        const modes = Object.fromEntries(report.files.map(({ what, mode }) => [what, mode]));
        assert.equal(modes["the engine's folder"], "700");
        assert.equal(modes["the engine's token"], "600");
      } finally {
        await hearth(["engine", "stop"], { env });
      }
      const log = readdirSync(runtime).find((name) => name.endsWith(".log"));
      chmodSync(join(runtime, log ?? ""), 0o644);
      const { code, report } = await examine();
      assert.equal(code, 1);
      assert.match(report.problems.join(), /the engine's log '.*' is open to others \(mode 644\); remove it/);
      assert.equal((await hearth(["doctor", "everything"], { env })).code, 2);
    }));
});
