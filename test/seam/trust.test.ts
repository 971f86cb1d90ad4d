import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { engineAddress } from "../../src/engine/wire/address";
import { PROTOCOL_VERSION } from "../../src/protocol/engine";
import { all, ended, inWorld, RawPeer, ROOT, servingPid, STARTER, text, type World } from "./engines";

const SHORT = { priority: "completion", maxTokens: 4 } as const;
const PROMPT = text("let x = ");

/** A peer does something wrong; it is cut off, and a window that was there before notices nothing. */
async function cutOff(world: World, misbehave: (peer: RawPeer) => void): Promise<RawPeer> {
  const client = world.client();
  client.chooseModel({ path: STARTER });
  await all(client.complete("a", PROMPT, SHORT));
  const pid = await servingPid(client);
  const peer = new RawPeer(world);
  misbehave(peer);
  await peer.untilClosed();
  assert.equal((await all(client.complete("a", PROMPT, SHORT))).result.finish, "limit");
  assert.equal(await servingPid(client), pid);
  return peer;
}

describe("a peer", () => {
  it("with a wrong token is cut off", () =>
    inWorld(async (world) => {
      const peer = await cutOff(world, (raw) => {
        raw.hello(world, { token: randomBytes(32).toString("hex") });
      });
      assert.deepEqual(peer.messages, []);
    }));

  it("without a token is cut off", () =>
    inWorld(async (world) => {
      const peer = await cutOff(world, (raw) => {
        raw.hello(world, { token: undefined });
      });
      assert.deepEqual(peer.messages, []);
    }));

  it("that does not begin with hello is cut off, whatever it asks", () =>
    inWorld(async (world) => {
      const { token } = engineAddress(world.env);
      const peer = await cutOff(world, (raw) => {
        raw.send({ jsonrpc: "2.0", id: 1, method: "shutdown", params: { reason: "disabled", token } });
      });
      assert.deepEqual(peer.messages, []);
    }));

  it("that says more than a hello before it is known is cut off", () =>
    inWorld((world) =>
      cutOff(world, (raw) => {
        raw.hello(world, { client: "x".repeat(10_000) });
      }).then(() => undefined),
    ));

  it("that announces an oversized frame is cut off before it is sent", () =>
    inWorld((world) =>
      cutOff(world, (raw) => {
        raw.hello(world);
        const length = Buffer.alloc(4);
        length.writeUInt32BE(0x7fff_ffff);
        raw.socket.write(length);
      }).then(() => undefined),
    ));

  const malformed: readonly (readonly [string, string])[] = [
    ["no JSON", "{"],
    ["no object", "[1]"],
    ["no JSON-RPC", '{"hello":1}'],
    ["parameters that are a list", '{"jsonrpc":"2.0","id":2,"method":"stats","params":[]}'],
    ["a request without an identity", '{"jsonrpc":"2.0","id":null,"method":"stats","params":{}}'],
    ["a cancellation of nothing", '{"jsonrpc":"2.0","method":"$/cancelRequest"}'],
    ["no UTF-8", "\udcff"],
  ];
  for (const [what, body] of malformed) {
    it(`that sends a malformed frame is cut off: ${what}`, () =>
      inWorld((world) =>
        cutOff(world, (raw) => {
          raw.hello(world);
          const bytes = what === "no UTF-8" ? Buffer.from([0xff, 0xfe]) : Buffer.from(body);
          const length = Buffer.alloc(4);
          length.writeUInt32BE(bytes.length);
          raw.socket.write(Buffer.concat([length, bytes]));
        }).then(() => undefined),
      ));
  }

  it("that asks for what there is not, or not rightly, is told so and stays", () =>
    inWorld(async (world) => {
      const client = world.client();
      await client.start();
      const peer = new RawPeer(world);
      peer.hello(world);
      assert.ok((await peer.answer(1)).result);
      peer.send({ jsonrpc: "2.0", id: 2, method: "frobnicate", params: {} });
      assert.ok((await peer.answer(2)).error);
      const wrong = { request: 1, document: 7, prompt: "x", priority: "completion", maxTokens: "many" };
      peer.send({ jsonrpc: "2.0", id: 3, method: "complete", params: wrong });
      assert.equal((await peer.answer(3)).error?.data.code, "bad_request");
      peer.send({ jsonrpc: "2.0", id: 4, method: "stats" });
      assert.ok((await peer.answer(4)).result);
      assert.equal(peer.closed, false);
      peer.socket.destroy();
    }));

  it("of another protocol is told so, and cut off", () =>
    inWorld(async (world) => {
      await world.client().start();
      const peer = new RawPeer(world);
      peer.hello(world, { protocol: 999 });
      assert.match((await peer.answer(1)).error!.message, /protocol 999/);
      await peer.untilClosed();
    }));
});

describe("the engine's folder", () => {
  it("is this user's alone, and so is the token", () =>
    inWorld(async (world) => {
      await world.client().start();
      const mode = (path: string): number => lstatSync(path).mode & 0o777;
      assert.equal(mode(world.folder), 0o700);
      const { token, logPath } = engineAddress(world.env);
      assert.match(token, /^[0-9a-f]{64}$/);
      const tokenPath = logPath.replace(/\.log$/, ".token");
      assert.equal(mode(tokenPath), 0o600);
      assert.equal(mode(logPath), 0o600);
      assert.equal(engineAddress(world.env).token, token);
    }));

  const refused: readonly (readonly [string, RegExp, (folder: string) => void])[] = [
    [
      "others may enter",
      /its mode is 755/,
      (folder) => {
        mkdirSync(folder);
        chmodSync(folder, 0o755);
      },
    ],
    [
      "it is a symbolic link",
      /symbolic link/,
      (folder) => {
        mkdirSync(`${folder}-real`, { mode: 0o700 });
        symlinkSync(`${folder}-real`, folder);
      },
    ],
    [
      "it is a file",
      /not a folder/,
      (folder) => {
        writeFileSync(folder, "");
      },
    ],
    [
      "others may rename it",
      /others may rename/,
      (folder) => {
        chmodSync(join(folder, ".."), 0o777);
      },
    ],
  ];
  for (const [what, says, make] of refused) {
    it(`is refused by both sides where ${what}`, () =>
      inWorld(async (world) => {
        make(world.folder);
        const client = world.client();
        await assert.rejects(client.start(), { code: "unsafe", message: says });
        assert.equal(client.connection.kind, "gaveUp");
        const child = world.start();
        let stderr = "";
        child.stderr!.setEncoding("utf8").on("data", (data: string) => (stderr += data));
        assert.equal(await ended(child), 1);
        assert.match(stderr, says);
        assert.deepEqual(world.pids(), []);
      }));
  }

  it("is refused where somebody else owns it", function () {
    if (process.getuid?.() !== 0) {
      // Only root can give a folder away.
      this.skip();
    }
    return inWorld(async (world) => {
      mkdirSync(world.folder, { mode: 0o700 });
      chownSync(world.folder, 65534, 65534);
      await assert.rejects(world.client().start(), { code: "unsafe", message: /belongs to another user/ });
      chownSync(world.folder, 0, 0);
    });
  });

  it("is refused with a token that others can read, or that is none", () =>
    inWorld(async (world) => {
      const { logPath } = engineAddress(world.env);
      const tokenPath = logPath.replace(/\.log$/, ".token");
      chmodSync(tokenPath, 0o644);
      await assert.rejects(world.client().start(), { code: "unsafe", message: /its mode is 644/ });
      chmodSync(tokenPath, 0o600);
      writeFileSync(tokenPath, "open sesame");
      await assert.rejects(world.client().start(), { code: "unsafe", message: /holds no token/ });
    }));

  it("is refused where a socket's path would be too long", () => {
    const root = mkdtempSync(join(tmpdir(), "hs-"));
    const folder = join(root, "x".repeat(100));
    assert.throws(() => engineAddress({ HEARTH_RUNTIME_DIR: folder }), { code: "unsafe", message: /103 bytes/ });
    rmSync(root, { recursive: true });
  });

  it("holds another socket for every version, so that an updated Hearth talks to no older engine", () => {
    const root = mkdtempSync(join(tmpdir(), "hs-"));
    const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
    const { socketPath, lockPath } = engineAddress({ HEARTH_RUNTIME_DIR: join(root, "r") });
    assert.equal(socketPath, join(root, "r", `${version}-${String(PROTOCOL_VERSION)}.sock`));
    assert.equal(lockPath, join(root, "r", `${version}-${String(PROTOCOL_VERSION)}.lock`));
    rmSync(root, { recursive: true });
  });

  it("lies in the runtime folder of the user", () => {
    const root = mkdtempSync(join(tmpdir(), "hs-"));
    assert.equal(join(engineAddress({ XDG_RUNTIME_DIR: root }).logPath, ".."), join(root, "hearth"));
    rmSync(root, { recursive: true });
  });

  it("lies among the temporary files where the user has no runtime folder, or somebody else's", () => {
    const root = mkdtempSync(join(tmpdir(), "hs-"));
    const before = process.env["TMPDIR"];
    process.env["TMPDIR"] = root;
    try {
      const { logPath } = engineAddress({ XDG_RUNTIME_DIR: "/no/such/folder" });
      assert.equal(join(logPath, ".."), join(root, `hearth-${String(process.getuid?.())}`));
    } finally {
      if (before === undefined) {
        delete process.env["TMPDIR"];
      } else {
        process.env["TMPDIR"] = before;
      }
      rmSync(root, { recursive: true });
    }
  });
});
