import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { all, inWorld, RawPeer, servingPid, soon, STARTER, text, until } from "./engines";

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

describe("a window that asks without end", () => {
  const request = (id: number, method: string, params: object): object => ({ jsonrpc: "2.0", id, method, params });
  const asked = (id: number, more: object): object =>
    request(id, "complete", { ...SHORT, request: id, document: `d${String(id)}`, prompt: text("let y = "), ...more });
  const residentMiB = (pid: number): number =>
    Number(/VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${String(pid)}/status`, "utf8"))?.[1]) / 1024;

  it("for the tokens of much text does not make another window wait for all of it", () =>
    inWorld(async (world) => {
      const client = world.client();
      client.chooseModel({ path: STARTER });
      await all(client.complete("a", text("let y = "), SHORT));
      const peer = new RawPeer(world);
      peer.hello(world);
      peer.send(request(2, "chooseModel", { path: STARTER }));
      await peer.answer(2);
      // No word of it comes twice: none is remembered.
      let words = 0;
      const long = (chars: number): string => {
        let value = "";
        while (value.length < chars) {
          value += (words++ * 7_919_777).toString(36);
        }
        return value;
      };
      const requests = 40;
      for (let id = 10; id < 10 + requests; id++) {
        peer.send(request(id, "count", { texts: [long(300_000)] }));
      }
      // All of them are under way.
      peer.send(request(9, "stats", {}));
      await peer.answer(9);
      const [count = 0] = await soon("an answer", client.count([long(300_000)]));
      assert.ok(count > 10_000);
      const answered = peer.messages.filter((message) => ((message as { id?: number }).id ?? 0) >= 10).length;
      assert.ok(answered < requests / 2, String(answered));
      await peer.answer(10 + requests - 1);
    }));

  const floods: Readonly<Record<string, (peer: RawPeer) => void>> = {
    "for thousands of completions": (peer) => {
      for (let id = 10; id < 8000; id++) {
        peer.send(asked(id, {}));
      }
    },
    "for what takes a look at all tokens, ten thousand times": (peer) => {
      peer.send(asked(10, { logprobs: true, watched: Array.from({ length: 10_000 }, () => " ") }));
      peer.send(asked(11, { stop: Array.from({ length: 400_000 }, (_, i) => `z${String(i)}`) }));
    },
    "for documents to be remembered": (peer) => {
      for (let id = 10; id < 20_000; id++) {
        peer.send(request(id, "remember", { document: "d".repeat(500) + String(id), source: "file", text: "" }));
      }
    },
  };
  for (const [what, flood] of Object.entries(floods)) {
    it(`${what} is refused some of it, and no other window waits for it`, () =>
      inWorld(async (world) => {
        const client = world.client();
        client.chooseModel({ path: STARTER, load: { threads: 1 } });
        const expected = await all(client.complete("a", text("let x = 1; let y = "), SHORT));
        const pid = await servingPid(client);
        const before = residentMiB(pid);
        const peer = new RawPeer(world);
        peer.hello(world);
        peer.send(request(2, "chooseModel", { path: STARTER, load: { threads: 1 } }));
        await peer.answer(2);
        flood(peer);
        const isRefused = (message: unknown): boolean =>
          /busy|bad_request/.test((message as { error?: { data: { code: string } } }).error?.data.code ?? "");
        const refused = await until("one is refused", () => peer.messages.find(isRefused));
        assert.match((refused as { error: { message: string } }).error.message, /^cannot [^\n]{20,}$/);
        for (let i = 0; i < 3; i++) {
          assert.equal((await all(client.complete("a", text("let x = 1; let y = "), SHORT))).text, expected.text);
        }
        assert.ok(residentMiB(pid) < before + 600, `${residentMiB(pid)} MiB, ${before} before`);
        assert.equal(await servingPid(client), pid);
      }));
  }
});
