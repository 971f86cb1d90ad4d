import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { constants, getPriority } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { engineAddress } from "../../src/engine/wire/address";
import {
  all,
  ENGINE,
  ended,
  inWorld,
  LONG_PROMPT,
  RawPeer,
  recorded,
  ROOT,
  runs,
  servingPid,
  soon,
  STARTER,
  text,
  until,
  WILD,
} from "./engines";

const SHORT = { priority: "completion", maxTokens: 4 } as const;
const ENDLESS = { ...SHORT, maxTokens: 2500, sampler: WILD };
const PROMPT = text("let x = ");
const QUICK = { max: 5, windowMs: 600_000, delayMs: 1 };

describe("the election", () => {
  it("of many that start at once leaves one", () =>
    inWorld(async (world) => {
      const starters = [1, 2, 3, 4].map(() => world.start());
      const client = world.client();
      const pid = await servingPid(client);
      const losers = starters.filter((starter) => starter.pid !== pid);
      assert.deepEqual(
        await Promise.all(losers.map(ended)),
        losers.map(() => 0),
      );
      // The window may have started one more.
      await until("the others have ended", () => world.pids().length === 1);
      assert.deepEqual(world.pids(), [pid]);
    }));

  it("of many windows that need an engine at once starts one", () =>
    inWorld(async (world) => {
      const clients = [1, 2, 3, 4].map(() => world.client());
      const pids = await Promise.all(clients.map(servingPid));
      assert.equal(new Set(pids).size, 1);
      await until("the others have ended", () => world.pids().length === 1);
      assert.equal((await clients[0]!.stats()).clients, 4);
    }));

  it("takes the place of an engine that was killed and left its socket", () =>
    inWorld(async (world) => {
      const { socketPath } = engineAddress(world.env);
      const client = world.client();
      const pid = await servingPid(client);
      client.dispose();
      process.kill(pid, "SIGKILL");
      await until("it is dead", () => !runs(pid));
      assert.ok(existsSync(socketPath), "the dead engine's socket is still there");
      const starters = [1, 2, 3].map(() => world.start());
      const next = await servingPid(world.client());
      assert.notEqual(next, pid);
      await Promise.all(starters.filter((starter) => starter.pid !== next).map(ended));
      await until("the others have ended", () => world.pids().length === 1);
      assert.deepEqual(world.pids(), [next]);
    }));

  it("is lost against an engine that answers, also where the lock was swept away", () =>
    inWorld(async (world) => {
      const { socketPath } = engineAddress(world.env);
      const other = createServer().listen(socketPath);
      await until("it listens", () => other.listening);
      assert.equal(await ended(world.start()), 0);
      other.close();
    }));

  it("is lost by a file in the socket's place", () =>
    inWorld(async (world) => {
      const { socketPath } = engineAddress(world.env);
      writeFileSync(socketPath, "not a socket");
      assert.ok(await servingPid(world.client()));
    }));
});

describe("a crash", () => {
  it("in the middle of a request is told, and the engine comes back", () =>
    inWorld(async (world) => {
      const { states, onConnection } = recorded();
      const client = world.client({ onConnection });
      client.chooseModel({ path: STARTER });
      const pieces = client.complete("a", LONG_PROMPT, ENDLESS);
      await soon("text", pieces.next());
      const pid = await servingPid(client);
      process.kill(pid, "SIGKILL");
      await assert.rejects(all(pieces), { code: "disconnected" });
      // The next request waits for the new engine, and that one knows the model.
      assert.equal((await all(client.complete("a", PROMPT, SHORT))).result.finish, "limit");
      assert.notEqual(await servingPid(client), pid);
      assert.deepEqual(
        states.map(({ kind }) => kind),
        ["starting", "connected", "disconnected", "starting", "connected"],
      );
    }));

  it("too often is given up, once, until somebody tries again", () =>
    inWorld(async (world) => {
      const { states, onConnection } = recorded();
      const client = world.client({ onConnection, restartLimits: QUICK });
      await client.start();
      for (let crash = 0; crash <= QUICK.max; ++crash) {
        await until("it is there", () => client.connection.kind === "connected");
        const pid = await servingPid(client);
        process.kill(pid, "SIGKILL");
        await until("it is missed", () => client.connection.kind !== "connected");
      }
      assert.equal(client.connection.kind, "gaveUp");
      const count = (kind: string): number => states.filter((state) => state.kind === kind).length;
      assert.deepEqual([count("connected"), count("disconnected"), count("gaveUp")], [6, 5, 1]);
      await assert.rejects(client.stats(), { code: "disconnected", message: /restart/ });
      await assert.rejects(client.stats(), { code: "disconnected" });
      assert.equal(count("gaveUp"), 1);
      assert.deepEqual(world.pids(), []);
      await client.restart();
      assert.ok(await servingPid(client));
    }));

  it("at every start is given up too", () =>
    inWorld(async (world) => {
      const script = join(world.folder, "..", "broken.js");
      writeFileSync(script, "process.exit(3)");
      const { states, onConnection } = recorded();
      const client = world.client({ onConnection, restartLimits: QUICK, engineScript: script });
      await assert.rejects(client.start(), { code: "disconnected", message: /exit code 3/ });
      await until("it is given up", () => client.connection.kind === "gaveUp");
      assert.equal(states.filter(({ kind }) => kind === "starting").length, QUICK.max + 1);
    }));

  it("is none where the process that was started has found another engine, and that one ends", () =>
    inWorld(async (world) => {
      // Serves as another engine would that ends before it answers, and ends as one does that another has come before.
      const script = join(world.folder, "..", "overtaken.js");
      const { socketPath } = engineAddress(world.env);
      const done = join(world.folder, "..", "overtaken");
      writeFileSync(
        script,
        `const { existsSync, writeFileSync } = require("node:fs");
        if (existsSync(${JSON.stringify(done)})) {
          process.argv[1] = ${JSON.stringify(ENGINE)};
          require(${JSON.stringify(ENGINE)});
        } else {
          const server = require("node:net").createServer((socket) => {
            writeFileSync(${JSON.stringify(done)}, "");
            socket.destroy();
            server.close(() => process.exit(0));
          });
          server.listen(${JSON.stringify(socketPath)});
        }`,
      );
      const { states, onConnection } = recorded();
      const client = world.client({ onConnection, engineScript: script });
      const { pid } = await soon("an engine", client.stats());
      try {
        assert.ok(existsSync(done));
        assert.deepEqual(
          states.map(({ kind }) => kind),
          ["starting", "connected"],
        );
      } finally {
        client.dispose();
        process.kill(pid, "SIGKILL");
      }
    }));

  it("of one window's engine is the others' too, and they share the next", () =>
    inWorld(async (world) => {
      const [a, b] = [world.client(), world.client()];
      const pid = await servingPid(a);
      await b.start();
      process.kill(pid, "SIGKILL");
      await until("both miss it", () => a.connection.kind !== "connected" && b.connection.kind !== "connected");
      assert.equal(await servingPid(a), await servingPid(b));
    }));
});

describe("the end", () => {
  it("comes a while after the last window left, and leaves no socket", () =>
    inWorld(async (world) => {
      const [a, b] = [world.client({ keepAliveMs: 50 }), world.client({ keepAliveMs: 50 })];
      const pid = await servingPid(a);
      await b.start();
      a.dispose();
      await until("one window is left", async () => (await b.stats()).clients === 1);
      // Several times what it would stay without any window.
      await sleep(300);
      assert.ok(runs(pid));
      b.dispose();
      await until("it ends", () => !runs(pid));
      assert.equal(existsSync(engineAddress(world.env).socketPath), false);
      assert.match(world.log(), /ends: idle/);
    }));

  it("does not come when a window is back in time", () =>
    inWorld(async (world) => {
      const pid = await servingPid(world.client({ keepAliveMs: 20_000 }));
      const reloaded = world.client({ keepAliveMs: 50 });
      assert.equal(await servingPid(reloaded), pid);
    }));

  it("comes soon where the editor runs on without Hearth: it was disabled, removed or updated", () =>
    inWorld(async (world) => {
      world.env["HEARTH_RETURN_MS"] = "50";
      const client = world.client({ keepAliveMs: 20_000, hostPid: process.pid });
      const pid = await servingPid(client);
      client.dispose();
      await until("it ends", () => !runs(pid));
      assert.match(world.log(), /runs on without Hearth/);
    }));

  it("does not come soon where the editor has ended too: it may be opened again", () =>
    inWorld(async (world) => {
      world.env["HEARTH_RETURN_MS"] = "50";
      const editor = spawn(process.execPath, ["--eval", ""], { stdio: "ignore" });
      await ended(editor);
      const client = world.client({ keepAliveMs: 20_000, hostPid: editor.pid! });
      const pid = await servingPid(client);
      client.dispose();
      // Several times what a window may take to come back.
      await sleep(400);
      assert.ok(runs(pid));
    }));

  it("does not come over a window that has connected and is yet to be heard", () =>
    inWorld(async (world) => {
      const engine = world.start({ HEARTH_KEEP_ALIVE_MS: "400" });
      const { socketPath } = engineAddress(world.env);
      await until("it listens", () => existsSync(socketPath));
      const peer = new RawPeer(world);
      await until("it is connected", () => !peer.socket.connecting);
      // As a window whose machine gives it no turn between the connection and its first message.
      await sleep(1500);
      assert.ok(runs(engine.pid!));
      peer.hello(world);
      assert.equal((await peer.answer(1)).error, undefined);
      peer.socket.destroy();
      assert.equal(await ended(engine), 0);
    }));

  it("comes where nobody ever connects", () =>
    inWorld(async (world) => {
      assert.equal(await ended(world.start({ HEARTH_KEEP_ALIVE_MS: "50" })), 0);
    }));

  for (const reason of ["updated", "disabled", "removed", "requested"] as const) {
    it(`comes when Hearth is ${reason}: all windows are told, and none starts it again`, () =>
      inWorld(async (world) => {
        const [a, b] = [world.client(), world.client()];
        a.chooseModel({ path: STARTER });
        const pieces = a.complete("a", PROMPT, ENDLESS);
        await soon("text", pieces.next());
        const pid = await servingPid(b);
        await b.shutdown(reason);
        await until("it ends", () => !runs(pid));
        for (const client of [a, b]) {
          await until("the window knows", () => client.connection.kind === "ended");
          assert.deepEqual(client.connection, { kind: "ended", reason });
          await assert.rejects(client.stats(), { code: "disconnected", message: /restart it/ });
        }
        await assert.rejects(all(pieces), { code: "disconnected" });
        assert.deepEqual(world.pids(), []);
        await a.restart();
        assert.equal((await all(a.complete("a", PROMPT, SHORT))).result.finish, "limit");
      }));
  }

  it("comes on SIGTERM, cleanly, also in the middle of a request", () =>
    inWorld(async (world) => {
      const child = world.start();
      await until("it serves", () => world.log().includes("serves at"));
      const client = world.client();
      client.chooseModel({ path: STARTER });
      assert.equal(await servingPid(client), child.pid);
      const pieces = client.complete("a", LONG_PROMPT, ENDLESS);
      await soon("text", pieces.next());
      child.kill("SIGTERM");
      assert.equal(await ended(child), 0);
      await assert.rejects(all(pieces), { code: "disconnected" });
      assert.deepEqual(client.connection, { kind: "ended", reason: "terminated" });
      assert.equal(existsSync(engineAddress(world.env).socketPath), false);
    }));

  it("of a window may come while it is still connecting", () =>
    inWorld(async (world) => {
      const client = world.client();
      const starting = client.start();
      client.dispose();
      await assert.rejects(starting, { code: "disconnected" });
      assert.equal(client.connection.kind, "off");
    }));

  it("of a window ends its requests and nothing else", () =>
    inWorld(async (world) => {
      const client = world.client();
      client.chooseModel({ path: STARTER });
      const pieces = client.complete("a", PROMPT, ENDLESS);
      await soon("text", pieces.next());
      const pid = await servingPid(client);
      client.dispose();
      assert.equal((await all(pieces)).result.finish, "cancelled");
      await assert.rejects(client.stats(), { code: "disconnected" });
      assert.equal(await servingPid(world.client()), pid);
    }));
});

describe("the process", () => {
  it("runs below normal priority, with all its threads", () =>
    inWorld(async (world) => {
      const client = world.client();
      client.chooseModel({ path: STARTER });
      await all(client.complete("a", PROMPT, SHORT));
      const pid = await servingPid(client);
      const below = constants.priority.PRIORITY_BELOW_NORMAL;
      assert.ok(getPriority(pid) >= below);
      const threads = readdirSync(`/proc/${String(pid)}/task`).map(Number);
      assert.ok(threads.length > 4);
      assert.deepEqual(
        threads.filter((thread) => getPriority(thread) < below),
        [],
      );
    }));

  it("costs no processor time while nobody asks for anything", () =>
    inWorld(async (world) => {
      const client = world.client();
      client.chooseModel({ path: STARTER });
      await all(client.complete("a", PROMPT, SHORT));
      const pid = await servingPid(client);
      // The optimising compiler and the collector may still have something to finish.
      await until("a second without any work", async () => {
        const before = [processorTicks(pid), wakeUps(pid)];
        await sleep(1000);
        return [processorTicks(pid), wakeUps(pid)].every((now, i) => now === before[i]);
      });
    }));

  it("logs an error that nobody expected, and ends with 70", () =>
    inWorld(async (world) => {
      const script = join(world.folder, "..", "bug.cjs");
      writeFileSync(script, 'setTimeout(() => Promise.reject(new Error("a bug")), 300);');
      assert.equal(await ended(world.start({ NODE_OPTIONS: `--require ${script}` })), 70);
      assert.match(world.log(), /nobody expected: Error: a bug\n {4,}at .*bug\.cjs/);
      // Its socket is no obstacle.
      assert.ok(await servingPid(world.client()));
    }));

  it("leaves what Node or the system says at its end in the log", () =>
    inWorld(async (world) => {
      const script = join(world.folder, "..", "abort.js");
      writeFileSync(script, 'console.error("last words"); process.abort();');
      const client = world.client({ engineScript: script, restartLimits: { ...QUICK, max: 0 } });
      await assert.rejects(client.start(), { code: "disconnected" });
      assert.match(world.log(), /last words/);
    }));

  it("cannot reach the network, and neither can its threads and children", () =>
    inWorld(async (world) => {
      const states = recorded();
      const client = world.client(states);
      const pid = await servingPid(client);
      const connected = states.states.find(({ kind }) => kind === "connected");
      assert.ok(connected?.kind === "connected");
      assert.equal(connected.hello.network, "denied");
      for (const thread of readdirSync(`/proc/${String(pid)}/task`)) {
        const status = readFileSync(`/proc/${String(pid)}/task/${thread}/status`, "utf8");
        assert.match(status, /^Seccomp:\s2$/m);
        assert.match(status, /^NoNewPrivs:\s1$/m);
      }
    }));

  it("is refused network sockets, and allowed local ones and children, by what it calls at its start", async () => {
    const script = `
      const addon = require(${JSON.stringify(join(ROOT, "dist", "hearth.node"))});
      const net = require("node:net"), os = require("node:os"), path = require("node:path"), fs = require("node:fs");
      const attempt = (options) => new Promise((resolve) => {
        const socket = net.connect(options, () => resolve("connected"));
        socket.on("error", (error) => resolve(error.code));
      });
      (async () => {
        const before = await attempt({ host: "127.0.0.1", port: 1 });
        const said = addon.denyNetwork();
        const after = [await attempt({ host: "127.0.0.1", port: 1 }), await attempt({ host: "::1", port: 1 })];
        const child = require("node:child_process").execFileSync(process.execPath, ["-e",
          "require('node:net').connect(1, '127.0.0.1').on('error', (error) => console.log(error.code))"]);
        const folder = fs.mkdtempSync(path.join(os.tmpdir(), "hs-"));
        const server = net.createServer().listen(path.join(folder, "s"), async () => {
          const local = await attempt({ path: path.join(folder, "s") });
          fs.rmSync(folder, { recursive: true });
          console.log(JSON.stringify([before, said, ...after, child.toString().trim(), local]));
          process.exit(0);
        });
      })();`;
    const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (data: string) => (stdout += data));
    assert.equal(await ended(child), 0);
    assert.deepEqual(JSON.parse(stdout), ["ECONNREFUSED", "denied", "EACCES", "EACCES", "EACCES", "connected"]);
  });

  it("logs what happens, and not a word of what it was asked", () =>
    inWorld(async (world) => {
      const client = world.client({ name: "a window" });
      client.chooseModel({ path: STARTER });
      await all(client.complete("secretDocument", text("let secretName = "), SHORT));
      const peer = new RawPeer(world);
      peer.hello(world, { token: "secretToken" });
      await peer.untilClosed();
      const log = world.log();
      assert.match(log, /serves at/);
      assert.match(log, /client 1 is 'a window'; 1 now/);
      assert.match(log, /is ready/);
      assert.match(log, /cut off: a peer without the token/);
      assert.doesNotMatch(log, /secret/);
    }));
});

/** How often any thread of a process has gone to sleep: it was awake before. A timer shows here before it shows in time. */
function wakeUps(pid: number): number {
  const counts = readdirSync(`/proc/${String(pid)}/task`).map((thread) => {
    const status = readFileSync(`/proc/${String(pid)}/task/${thread}/status`, "utf8");
    return Number(/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(status)?.[1]);
  });
  return counts.reduce((sum, count) => sum + count, 0);
}

/** User and system time of a process, all threads together, in clock ticks. */
function processorTicks(pid: number): number {
  const fields = readFileSync(`/proc/${String(pid)}/stat`, "utf8")
    .split(") ")
    .at(-1)!
    .split(" ");
  // The third field of all comes first here; utime and stime are the 14th and 15th.
  return Number(fields[11]) + Number(fields[12]);
}
