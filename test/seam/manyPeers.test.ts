import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { all, inWorld, RawPeer, servingPid, STARTER, text, until } from "./engines";

const SHORT = { priority: "completion", maxTokens: 4 } as const;

const descriptors = (pid: number): number => readdirSync(`/proc/${String(pid)}/fd`).length;

describe("many peers at once", () => {
  for (const [count, what, greet] of [
    ["a thousand", "that say nothing", false],
    ["two hundred", "that greet, ask for something and leave", true],
  ] as const) {
    it(`${count} ${what} keep no window from its answer, and leave no descriptor`, () =>
      inWorld(async (world) => {
        const client = world.client();
        client.chooseModel({ path: STARTER });
        const expected = await all(client.complete("a", text("let x = 1; let y = "), SHORT));
        const pid = await servingPid(client);
        const before = descriptors(pid);
        const n = greet ? 200 : 1000;
        // The system refuses what its queue has no room for; a window would try again.
        const peers = Array.from({ length: n }, () => new RawPeer(world));
        await until("each is connected or refused", () =>
          peers.every(({ closed, socket }) => closed || !socket.connecting),
        );
        const there = peers.filter(({ closed }) => !closed);
        assert.ok(there.length > n / 10, String(there.length));
        if (greet) {
          for (const [i, peer] of there.entries()) {
            peer.hello(world);
            peer.send({ jsonrpc: "2.0", id: 2, method: "chooseModel", params: { path: STARTER } });
            const params = {
              ...SHORT,
              priority: "prefill",
              request: i,
              document: "d",
              prompt: text(`let z${String(i)} = `),
            };
            peer.send({ jsonrpc: "2.0", id: 3, method: "complete", params });
          }
          await until("each is greeted", () => there.every(({ messages, closed }) => messages.length > 0 || closed));
        }
        const beside = await all(client.complete("a", text("let x = 1; let y = "), SHORT));
        assert.equal(beside.text, expected.text);
        if (greet) {
          for (const { socket } of there) {
            socket.destroy();
          }
        }
        await until("all are gone", () => peers.every(({ closed }) => closed));
        await until("their descriptors are closed", () => descriptors(pid) <= before);
        await until("no window is left but one", async () => (await client.stats()).clients === 1);
        assert.equal((await all(client.complete("a", text("let x = 1; let y = "), SHORT))).text, expected.text);
        assert.equal(await servingPid(client), pid);
      }));
  }
});
