import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { encodeFrame } from "./frames";
import { ClientPeer } from "./transport";

const TOKEN = "t".repeat(64);

describe("a client that never reads", function () {
  this.timeout(600_000);

  it("is dropped, and what was written for it is not kept", async () => {
    const folder = mkdtempSync(join(tmpdir(), "hearth-wire-"));
    const server = createServer();
    try {
      server.listen(join(folder, "s"));
      await once(server, "listening");
      const client = connect(join(folder, "s"));
      const [socket] = (await once(server, "connection")) as [Socket];
      const peer = new ClientPeer(socket, TOKEN, () => undefined);
      const seen = { closed: false };
      let reason = "";
      peer.onClose(() => (seen.closed = true));
      peer.onRefused(({ message }) => (reason = message));
      peer.onRequest("stats", () => ({}) as never);
      peer.listen();
      client.write(encodeFrame({ jsonrpc: "2.0", id: 1, method: "hello", params: { token: TOKEN } }));
      client.pause();
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
      client.destroy();
    } finally {
      server.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
