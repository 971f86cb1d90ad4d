import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { encodeFrame } from "./frames";
import { ClientPeer } from "./transport";
import { REQUEST_BYTES_MAX } from "./unanswered";

const TOKEN = "t".repeat(64);

/** Runs a test with an engine's end of a connection, which has been greeted, and the socket of a client that does not read. */
async function withSilentReader(
  work: (peer: ClientPeer, client: Socket, socket: Socket) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "hearth-wire-"));
  const server = createServer();
  const sockets: Socket[] = [];
  try {
    server.listen(join(folder, "s"));
    await once(server, "listening");
    const client = connect(join(folder, "s")).on("error", () => undefined);
    const [socket] = (await once(server, "connection")) as [Socket];
    sockets.push(client, socket);
    client.write(encodeFrame({ jsonrpc: "2.0", id: 1, method: "hello", params: { token: TOKEN } }));
    client.pause();
    await work(new ClientPeer(socket, TOKEN, () => undefined), client, socket);
  } finally {
    for (const socket of sockets) {
      socket.destroy();
    }
    server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

describe("a client that never reads", function () {
  this.timeout(600_000);

  it("is dropped, and what was written for it is not kept", () =>
    withSilentReader(async (peer, _, socket) => {
      const seen = { closed: false };
      let reason = "";
      peer.onClose(() => (seen.closed = true));
      peer.onRefused(({ message }) => (reason = message));
      peer.onRequest("stats", () => ({}) as never);
      peer.listen();
      const text = "x".repeat(100_000);
      let most = 0;
      for (let i = 0; i < 2000 && !seen.closed; i++) {
        peer.notify("text", { request: 1, text });
        await nextTurn();
        most = Math.max(most, socket.writableLength);
      }
      assert.equal(seen.closed, true);
      assert.ok(most < 20_000_000, String(most));
      assert.match(reason, /bytes were not read/);
    }));

  it("is dropped for many short messages, too", () =>
    withSilentReader(async (peer, _, socket) => {
      const seen = { closed: false };
      peer.onClose(() => (seen.closed = true));
      peer.onRequest("stats", () => ({}) as never);
      peer.listen();
      for (let i = 0; i < 120_000 && !seen.closed; i++) {
        peer.notify("text", { request: 1, text: "x" });
        if (i % 1000 === 0) {
          await nextTurn();
        }
      }
      assert.equal(seen.closed, true);
      assert.ok(socket.bytesWritten < 12_000_000, String(socket.bytesWritten));
    }));

  it("is refused more than what may be unanswered, as what it asked is kept until it reads", () =>
    withSilentReader(async (peer, client) => {
      let handled = 0;
      peer.onRequest("stats", () => {
        handled += 1;
        return {} as never;
      });
      peer.listen();
      const requests = 4000;
      const text = "x".repeat(50_000);
      for (let id = 2; id < 2 + requests; id++) {
        client.write(encodeFrame({ jsonrpc: "2.0", id, method: "stats", params: { text } }));
      }
      while (client.writableLength > 0) {
        await sleep(10);
      }
      const chunks: Buffer[] = [];
      client.on("data", (chunk: Buffer) => chunks.push(chunk)).resume();
      const count = (what: string): number => Buffer.concat(chunks).toString("latin1").split(what).length - 1;
      // One is the answer to the greeting.
      while (count('"id"') < 1 + requests) {
        await sleep(10);
      }
      // The system takes some hundred answers before the client reads.
      const most = REQUEST_BYTES_MAX / text.length + 1000;
      assert.ok(handled > 100 && handled < most, String(handled));
      assert.equal(count('"busy"'), requests - handled);
    }));
});
