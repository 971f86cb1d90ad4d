import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  copyFileSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { PATIENT_TEST_MS } from "../seam/engines";
import { hearth, ROOT, STARTER, withFolder } from "./hearth";

const CLI = join(ROOT, "dist", "cli.js");
const TERABYTE = 2 ** 40;

/** One sentence on standard error, without a stack. */
function assertOneSentence(stderr: string, what: RegExp): void {
  assert.match(stderr, what);
  assert.equal(stderr.trim().split("\n").length, 1, stderr);
  assert.doesNotMatch(stderr, /internal error|CHECK|\n\s+at /);
}

describe("hearth with files that are none", function () {
  this.timeout(PATIENT_TEST_MS);

  const commands: Readonly<Record<string, (file: string) => readonly string[]>> = {
    "a text": (file) => ["tokenize", "--file", file],
    "a document": (file) => ["complete", `${file}:1:1`],
    "a document to edit": (file) => ["edit", `${file}:1-1`, "--kind", "fix", "--answer=x"],
    "a model": (file) => ["inspect", file],
    tokens: (file) => ["logits", STARTER, "--tokens", `@${file}`, "--out", "/dev/null"],
    "a trace": (file) => ["replay", file],
  };
  const files: Readonly<Record<string, (folder: string) => string>> = {
    "an endless one": () => "/dev/zero",
    "a pipe that nobody writes to": (folder) => {
      execFileSync("mkfifo", [join(folder, "pipe")]);
      return join(folder, "pipe");
    },
    "a folder": (folder) => {
      mkdirSync(join(folder, "a.ts"));
      return join(folder, "a.ts");
    },
    "a terabyte of holes": (folder) => {
      writeFileSync(join(folder, "a.ts"), "");
      truncateSync(join(folder, "a.ts"), TERABYTE);
      return join(folder, "a.ts");
    },
  };
  for (const [as, command] of Object.entries(commands)) {
    for (const [what, make] of Object.entries(files)) {
      it(`refuses ${what} as ${as} in one sentence`, async function () {
        if (process.platform === "win32") {
          this.skip();
        }
        await withFolder(async (folder) => {
          const { code, stderr } = await hearth(command(make(folder)));
          assert.equal(code, 1, stderr);
          assertOneSentence(stderr, /^hearth: cannot /);
        });
      });
    }
  }

  it("ends in one sentence where its input has no end, and is one line", async function () {
    if (process.platform === "win32") {
      this.skip();
    }
    const endless = openSync("/dev/zero", "r");
    const child = spawn(process.execPath, [CLI, "chat", "--model", STARTER, "--try-anyway"], {
      stdio: [endless, "pipe", "pipe"],
    });
    let stderr = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    const [code] = (await once(child, "close")) as [number | null];
    assert.equal(code, 1, stderr);
    assertOneSentence(stderr, /hearth: cannot ask: a line has more than \d+ characters$/m);
  });

  it("keeps a link a link, and a program a program, where it writes", async function () {
    if (process.platform === "win32") {
      this.skip();
    }
    await withFolder(async (folder) => {
      const [file, link] = [join(folder, "run.sh"), join(folder, "link.sh")];
      writeFileSync(file, "#!/bin/sh\necho 1\n");
      chmodSync(file, 0o755);
      symlinkSync("run.sh", link);
      const answer = "```sh\necho 2\n```";
      const { code, stderr } = await hearth(["edit", `${link}:2-2`, "--kind", "fix", `--answer=${answer}`, "--write"]);
      assert.equal(code, 0, stderr);
      assert.equal(readFileSync(file, "utf8"), "#!/bin/sh\necho 2\n");
      assert.equal(statSync(file).mode & 0o777, 0o755);
      assert.ok(lstatSync(link).isSymbolicLink());
      assert.deepEqual(readdirSync(folder).sort(), ["link.sh", "run.sh"]);
    });
  });

  it("writes to no descriptor that is Node's own, and does not cut the model that is read", async function () {
    if (process.platform !== "linux") {
      this.skip();
    }
    await withFolder(async (folder) => {
      const model = join(folder, "model.gguf");
      copyFileSync(STARTER, model);
      for (let file = 3; file < 20; file++) {
        const out = `/${file % 2 === 0 ? "dev" : "proc/self"}/fd/${String(file)}`;
        const { code, signal, stdout, stderr } = await hearth(["logits", model, "--tokens", "5,6", "--out", out]);
        assert.deepEqual([code, signal, stdout], [1, null, ""], `${out}: ${stderr}`);
        assertOneSentence(stderr, /^hearth: cannot write '[^']+': (it|nothing) /);
      }
      assert.ok(readFileSync(model).equals(readFileSync(STARTER)));
    });
  });

  it("writes to descriptors that it was given, where they stand", async function () {
    if (process.platform !== "linux") {
      this.skip();
    }
    await withFolder(async (folder) => {
      const [plain, given] = [join(folder, "plain"), join(folder, "given")];
      assert.equal((await hearth(["logits", STARTER, "--tokens", "5,6", "--out", plain])).code, 0);
      const logits = readFileSync(plain);
      writeFileSync(given, "before ");
      const stdio = ["ignore", "pipe", "pipe", openSync(given, "a"), "pipe"] as const;
      const write = (file: number): ReturnType<typeof spawnSync> =>
        spawnSync(process.execPath, [CLI, "logits", STARTER, "--tokens=5,6", `--out=/dev/fd/${String(file)}`], {
          stdio: [...stdio],
        });
      assert.equal(write(3).status, 0);
      assert.ok(readFileSync(given).equals(Buffer.concat([Buffer.from("before "), logits])));
      assert.deepEqual(write(1).stdout, logits);
      assert.deepEqual(write(4).output[4], logits);
    });
  });

  it("does not replace a model by what it writes", async () => {
    await withFolder(async (folder) => {
      const [model, link] = [join(folder, "model.gguf"), join(folder, "link")];
      copyFileSync(STARTER, model);
      symlinkSync("model.gguf", link);
      for (const out of [model, link]) {
        const { code, stderr } = await hearth(["logits", model, "--tokens", "5,6", "--out", out]);
        assert.equal(code, 1);
        assertOneSentence(stderr, /^hearth: cannot write '[^']+': it is a model; choose another name$/m);
      }
      assert.ok(readFileSync(model).equals(readFileSync(STARTER)));
      assert.deepEqual(readdirSync(folder).sort(), ["link", "model.gguf"]);
    });
  });

  it("names a file of two lines in one", async () => {
    const { code, stderr } = await hearth(["complete", "a\nb\u001b[31m.py:1:1"]);
    assert.equal(code, 1);
    assertOneSentence(stderr, /^hearth: cannot complete in 'a b\[31m\.py': no such file/);
  });

  it("says that its output is full, and fails", async function () {
    if (process.platform !== "linux") {
      this.skip();
    }
    for (const args of [["--help"], ["inspect", STARTER, "--json"], ["tokenize", STARTER, "--text", "x = 1"]]) {
      const full = openSync("/dev/full", "w");
      const child = spawn(process.execPath, [CLI, ...args], { stdio: ["ignore", full, "pipe"] });
      let stderr = "";
      child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text));
      const [code] = (await once(child, "close")) as [number | null];
      assert.equal(code, 1, args.join(" "));
      assertOneSentence(stderr, /^hearth: cannot write the output: ENOSPC$/m);
    }
  });

  it("refuses a runtime folder that is relative or too long, and makes nothing there", async () => {
    await withFolder(async (folder) => {
      for (const given of ["relative", join(folder, "long".repeat(40))]) {
        const { code, stderr } = await hearth(["engine", "statistics"], {
          cwd: folder,
          env: { HEARTH_RUNTIME_DIR: given },
        });
        const started = await hearth(["engine", "warm"], { cwd: folder, env: { HEARTH_RUNTIME_DIR: given } });
        assert.deepEqual([code, started.code], [1, 1]);
        assertOneSentence(stderr, /^hearth: cannot put a socket /);
        assert.deepEqual(readdirSync(folder), []);
      }
    });
  });
});

/**
 * What a script prints in namespaces of its own, where it is root and may mount (unshare(1)); undefined where the system
 * does not let it.
 */
function unshared(script: string): string | undefined {
  const run = (text: string): ReturnType<typeof spawnSync> =>
    spawnSync("unshare", ["--user", "--map-root-user", "--mount", "sh", "-c", text], { encoding: "utf8" });
  if (run("mount -t tmpfs none /proc").status !== 0) {
    return undefined;
  }
  const { stdout, stderr } = run(script);
  return `${String(stdout)}${String(stderr)}`;
}

describe("hearth in odd places", function () {
  this.timeout(PATIENT_TEST_MS);
  const node = `'${process.execPath}' '${CLI}'`;

  it("works for a user who has no home and is in no list of users", async function () {
    if (process.platform !== "linux" || process.getuid?.() !== 0) {
      this.skip();
    }
    await withFolder((folder) => {
      chmodSync(folder, 0o1777);
      const asNobody = (args: readonly string[]): ReturnType<typeof spawnSync> => {
        const own = [
          "HOME",
          "XDG_RUNTIME_DIR",
          "XDG_CACHE_HOME",
          "XDG_DATA_HOME",
          "HEARTH_RUNTIME_DIR",
          "HEARTH_MODELS",
        ];
        const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.includes(name)));
        const options = { env: { ...env, TMPDIR: folder }, uid: 54_321, gid: 54_321, encoding: "utf8" } as const;
        return spawnSync(process.execPath, [CLI, ...args], options);
      };
      for (const args of [
        ["inspect", "--json"],
        ["doctor", "--json"],
        ["engine", "warm"],
        ["engine", "stop"],
      ]) {
        const { status, stderr } = asNobody(args);
        assert.equal(status, 0, `${args.join(" ")}: ${String(stderr)}`);
      }
      // What it keeps is its own.
      assert.deepEqual(readdirSync(folder), ["hearth-54321"]);
      assert.equal(statSync(join(folder, "hearth-54321")).mode & 0o777, 0o700);
      return Promise.resolve();
    });
  });

  it("says in one sentence that its folder is gone, or does without it", async () => {
    await withFolder((folder) => {
      writeFileSync(join(folder, "a.py"), "def f(x):\n    return x\n\n\n");
      const gone = (args: string): string => {
        const script = `mkdir '${folder}/gone' && cd '${folder}/gone' && rmdir '${folder}/gone'; ${node} ${args}; echo "code $?"`;
        const { stdout, stderr } = spawnSync("sh", ["-c", script], { encoding: "utf8" });
        return `${stdout}${stderr}`;
      };
      assert.match(gone(`complete '${folder}/a.py:4:1' --json`), /^code 0$/m);
      assert.match(
        gone("inspect --reads a.py"),
        /^code 1\nhearth: the current folder has been deleted; change to one that is there\n$/,
      );
      return Promise.resolve();
    });
  });

  it("completes without /proc", async function () {
    await withFolder((folder) => {
      const file = join(folder, "a.py");
      writeFileSync(file, "def f(x):\n    return x\n\n\n");
      const out = unshared(`mount -t tmpfs none /proc; ${node} complete '${file}:4:1' --json; echo "code $?"`);
      if (out === undefined) {
        this.skip();
      }
      assert.match(out, /^code 0$/m, out);
      assert.doesNotMatch(out, /error|ENOENT/);
      return Promise.resolve();
    });
  });

  it("leaves nothing half-written where its folder is full", async function () {
    await withFolder((folder) => {
      // Room for a token, then for nothing more: neither the log nor the experts of the model can be written.
      const out = unshared(`
        mount -t tmpfs -o size=16k none '${folder}' && cd '${folder}' && mkdir -m 700 r
        export HEARTH_RUNTIME_DIR='${folder}/r'
        ${node} engine statistics >/dev/null 2>&1
        dd if=/dev/zero of=fill bs=1k count=64 2>/dev/null
        ${node} engine warm; echo "warm $?"
        ${node} engine stop; echo "stop $?"
        for i in 1 2 3 4 5 6 7 8 9 10; do ls r | grep -qE 'sock|tmp' || break; sleep 1; done
        echo "left: $(ls r | grep -Ev '\\.(lock|log|token)$' | tr '\\n' ' ')"`);
      if (out === undefined) {
        this.skip();
      }
      assert.match(out, /^warm 0$/m, out);
      assert.match(out, /^stop 0$/m, out);
      assert.match(out, /^left: $/m, out);
      return Promise.resolve();
    });
  });

  it("says in one sentence that there is no room for its token, and leaves nothing", async function () {
    await withFolder((folder) => {
      const out = unshared(`
        mount -t tmpfs -o size=8k none '${folder}' && cd '${folder}' && mkdir -m 700 r
        dd if=/dev/zero of=fill bs=1k count=64 2>/dev/null
        HEARTH_RUNTIME_DIR='${folder}/r' ${node} engine warm; echo "code $? left: $(ls r)"`);
      if (out === undefined) {
        this.skip();
      }
      assert.match(out, /^code 1 left: $/m);
      assert.match(out, /^hearth: cannot keep the engine's socket at [^\n]+: it cannot be written \(ENOSPC[^\n]+$/m);
      return Promise.resolve();
    });
  });
});

describe("hearth and the network", () => {
  it("has none in a command that does not download", async function () {
    this.timeout(60_000);
    if (process.platform !== "linux") {
      this.skip();
    }
    // Of models only a download needs it.
    const probe = join(ROOT, "test", "cli", "filterAtExit.cjs");
    const removal = spawnSync(process.execPath, ["--require", probe, CLI, "models", "remove", "no/such/model.gguf"]);
    assert.match(String(removal.stderr), /Seccomp:\s*2/);
    const child = spawn(process.execPath, [CLI, "chat", "--model", STARTER, "--try-anyway"], {
      stdio: ["pipe", "ignore", "ignore"],
    });
    try {
      const filterOf = (): string =>
        /^Seccomp:\s*(\d)/m.exec(readFileSync(`/proc/${String(child.pid)}/status`, "utf8"))?.[1] ?? "";
      for (let i = 0; i < 500 && filterOf() !== "2"; i++) {
        await sleep(100);
      }
      assert.equal(filterOf(), "2");
    } finally {
      child.kill("SIGKILL");
    }
  });

  it("leaves JavaScript no way to it either", function () {
    this.timeout(60_000);
    if (process.platform !== "linux") {
      this.skip();
    }
    const program = `
      require(${JSON.stringify(join(ROOT, "dist", "hearth.node"))}).denyNetwork();
      const tries = {
        tcp: (done) => require("net").connect(9, "127.0.0.1").on("error", done),
        udp: (done) => require("dgram").createSocket("udp4").on("error", done).bind(0),
        listen: (done) => require("net").createServer().on("error", done).listen(0, "127.0.0.1"),
        http: (done) => require("http").get("http://127.0.0.1:18099/").on("error", done),
        fetch: (done) => fetch("http://127.0.0.1:18099/").catch((error) => done(error.cause ?? error)),
        child: (done) => require("child_process").execFile(process.execPath, ["-e",
          "require('net').connect(9,'127.0.0.1').on('error',(e)=>{console.log(e.code)})"],
          (_, out) => done({ code: out.trim() })),
      };
      for (const [name, attempt] of Object.entries(tries)) {
        try { attempt((error) => console.log(name, error.code)); } catch (error) { console.log(name, error.code); }
      }`;
    const out = execFileSync(process.execPath, ["-e", program], { encoding: "utf8" });
    assert.deepEqual(out.trim().split("\n").sort(), [
      "child EACCES",
      "fetch EACCES",
      "http EACCES",
      "listen EACCES",
      "tcp EACCES",
      "udp EACCES",
    ]);
  });
});

describe("what is shipped", () => {
  it("does not name folders of the machine that it was built on", () => {
    for (const name of ["hearth.node", "cli.js", "engine.js", "extension.js", "chatTemplateWorker.js", "chat.js"]) {
      const bytes = readFileSync(join(ROOT, "dist", name));
      for (const folder of [ROOT, homedir()].filter((path) => path.length > 5)) {
        assert.equal(bytes.includes(folder), false, `${name} names ${folder}`);
      }
    }
  });
});
