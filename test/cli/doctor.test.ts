import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join, sep } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { noteEndpointUse } from "../../src/network/endpointUse";
import { hearth, ROOT, withFolder } from "./hearth";

interface Report {
  readonly engine: {
    readonly pid: number;
    readonly seccomp: string;
    readonly sockets: readonly { readonly kind: string }[];
  } | null;
  readonly model: { readonly path: string; readonly sha256: string; readonly checked: string | null } | null;
  readonly starter: { readonly sha256: string };
  readonly host: { readonly connections: readonly object[] };
  readonly files: readonly { readonly path: string; readonly what: string; readonly mode: string }[];
  readonly requests: {
    readonly requests: number;
    readonly bytes: number;
    readonly hosts: readonly object[];
    readonly entries: readonly { readonly url: string; readonly bytes: number; readonly ended: boolean }[];
    readonly damagedLines: number;
  };
  readonly unproved: readonly string[];
  readonly problems: readonly string[];
}

describe("hearth doctor", () => {
  it("fails where an editor sends code to an endpoint, and lists what was sent", () =>
    withFolder(async (folder) => {
      const env = { HEARTH_RUNTIME_DIR: join(folder, "run"), HEARTH_MODELS: folder };
      const use = {
        editor: "An Editor",
        origin: "https://box:8000",
        model: "coder",
        since: "2026-01-02T03:04:05.000Z",
      };
      await noteEndpointUse(folder, use.editor, use);
      const asked = { id: "1", at: use.since, method: "POST", url: "https://box:8000/v1/completions" };
      const end = { ...asked, purpose: "endpoint", status: 200, bytes: 10, count: 3, sent: 5000 };
      writeFileSync(join(folder, "requests.jsonl"), `${JSON.stringify(asked)}\n${JSON.stringify(end)}\n`);
      const { code, stdout } = await hearth(["doctor"], { env });
      assert.equal(code, 1);
      assert.match(
        stdout,
        /endpoints that code is sent to:\n {2}https:\/\/box:8000, model 'coder', by An Editor since 20/,
      );
      assert.match(stdout, /An Editor sends code to the endpoint https:\/\/box:8000/);
      assert.match(stdout, /POST https:\/\/box:8000\/v1\/completions {2}200, 3 requests, 10 bytes, 5 kB sent\n/);
      await noteEndpointUse(folder, use.editor, undefined);
      assert.equal((await hearth(["doctor"], { env })).code, 0);
    }));

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
        assert.deepEqual(
          report.requests.entries.map(({ url, bytes, ended }) => [url, bytes, ended]),
          [
            ["https://a/x", 5, true],
            ["https://b/x", 7, true],
          ],
        );
        assert.equal(report.requests.damagedLines, 1);
        assert.match(report.unproved.join(), /what 1 line of the ledger '.*requests\.jsonl' said/);
        assert.deepEqual(report.host.connections, []);
        assert.equal(report.model?.sha256, report.starter.sha256);
        const text = await hearth(["doctor"], { env });
        assert.match(text.stdout, /GET https:\/\/b\/x {2}206, 1 request, 7 bytes\n/);
        assert.match(text.stdout, /\nHearth has nothing open but local sockets\n$/);
        if (process.platform === "linux") {
          assert.equal(report.engine?.seccomp, "filter");
          assert.ok(report.engine.sockets.length > 0);
          assert.ok(report.engine.sockets.every(({ kind }) => kind === "local"));
        }
        const modes = Object.fromEntries(report.files.map(({ what, mode }) => [what, mode]));
        assert.equal(modes["the engine's folder"], "700");
        assert.equal(modes["the engine's token"], "600");
        assert.ok("the engine's socket" in modes);
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

  it("fails where the engine has a socket open that is not local", function () {
    if (process.platform !== "linux") {
      // No other system lists a process's sockets in files.
      this.skip();
    }
    return withFolder(async (folder) => {
      const env = { HEARTH_RUNTIME_DIR: join(folder, "run"), HEARTH_MODELS: join(folder, "models") };
      // Before the engine has the system refuse it such sockets.
      const opener = join(folder, "open.cjs");
      const script = JSON.stringify(join(ROOT, "dist", "engine.js"));
      writeFileSync(opener, `require("node:net").createServer().listen(0, "127.0.0.1", () => require(${script}));`);
      const engine = spawn(process.execPath, [opener], { env: { ...process.env, ...env }, stdio: "ignore" });
      try {
        while ((await hearth(["engine", "statistics"], { env })).stdout === "no engine is running\n") {
          assert.equal(engine.exitCode, null, "the engine has ended");
          await sleep(100);
        }
        const { code, stdout } = await hearth(["doctor"], { env });
        assert.equal(code, 1);
        assert.match(
          stdout,
          /PROBLEM: the engine \(process \d+\) has a socket open that is not local: tcp 127\.0\.0\.1:\d+\n/,
        );
        assert.match(stdout, /\nNot proved: 1 problem\n$/);
      } finally {
        engine.kill("SIGKILL");
      }
    });
  });

  it("deletes everything that was stored, models only when asked, and what others put there never", () =>
    withFolder(async (folder) => {
      const runtime = join(folder, "run");
      const models = join(folder, "models");
      const repository = join(models, "org", "repo");
      const env = { HEARTH_RUNTIME_DIR: runtime, HEARTH_MODELS: models };
      mkdirSync(repository, { recursive: true });
      mkdirSync(join(models, "by-hand"));
      const record = { version: 1, reference: "org/repo/m.gguf", url: "https://a/m.gguf", bytes: 4, sha256: "00" };
      const own = [
        ["m.gguf", "GGUF"],
        ["m.gguf.json", JSON.stringify(record)],
        ["n.gguf.part", "GG"],
        ["n.gguf.part.json", "{}"],
      ] as const;
      for (const [name, text] of own) {
        writeFileSync(join(repository, name), text);
      }
      writeFileSync(join(models, "by-hand", "x.gguf"), "GGUF");
      writeFileSync(join(models, "by-hand", "letter.txt"), "Dear all");
      writeFileSync(join(models, "requests.jsonl"), "");
      writeFileSync(join(models, "pins.json"), "{}");
      writeFileSync(join(models, "adopted.json"), "{}");
      assert.equal((await hearth(["engine", "warm"], { env })).code, 0);
      const { stdout } = await hearth(["doctor", "--json"], { env });
      const pid = (JSON.parse(stdout) as Report).engine?.pid ?? 0;
      // Nobody is there who could be asked.
      assert.equal((await hearth(["doctor", "--delete"], { env })).code, 2);
      assert.ok(existsSync(join(models, "pins.json")));
      const first = await hearth(["doctor", "--delete", "--yes"], { env });
      assert.deepEqual([first.code, first.stderr], [0, ""]);
      assert.match(first.stdout, /kept: .*m\.gguf, 4 bytes; --models deletes it, too/);
      assert.match(first.stdout, /kept: .*x\.gguf, which Hearth did not download/);
      assert.throws(() => process.kill(pid, 0), { code: "ESRCH" }, "the engine goes on");
      assert.equal(existsSync(runtime), false);
      assert.deepEqual(filesBelow(models), [
        "by-hand/letter.txt",
        "by-hand/x.gguf",
        ...own.map(([name]) => `org/repo/${name}`),
      ]);
      const second = await hearth(["doctor", "--delete", "--models", "--yes", "--json"], { env });
      assert.equal(second.code, 0, second.stderr);
      assert.equal((JSON.parse(second.stdout) as { readonly files: number }).files, own.length);
      assert.deepEqual(filesBelow(models), ["by-hand/letter.txt", "by-hand/x.gguf"]);
      assert.equal(existsSync(join(models, "org")), false);
      assert.equal(existsSync(runtime), false, "looking made it anew");
      assert.equal((await hearth(["doctor", "--models"], { env })).code, 2);
    }));
});

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => statSync(join(folder, path)).isFile())
    .map((path) => path.split(sep).join("/"))
    .sort();
}
