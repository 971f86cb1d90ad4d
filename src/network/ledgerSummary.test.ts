import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { HttpPort } from "./http";
import { endpointsInUse, noteEndpointUse } from "./endpointUse";
import { type LedgerSummary, summariseLedger } from "./ledgerSummary";
import { openConnections, nodeHttp } from "./nodeHttp";
import { BatchedLedger, withLedger } from "./requestLedger";
import { DownloadWorld } from "../models/testing/downloads";

const signal = new AbortController().signal;
const URL_ASKED = new URL("https://user:word@hub/org/m.gguf?sig=secret");

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "hearth-ledger-"));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function ledgerAfter(folder: string, isRight: (ledger: LedgerSummary) => boolean): Promise<LedgerSummary> {
  for (;;) {
    const ledger = await summariseLedger(folder);
    if (isRight(ledger)) {
      return ledger;
    }
    await sleep(5);
  }
}

describe("the ledger of requests", () => {
  it("knows a request before it is sent, and its end", () =>
    inFolder(async (folder) => {
      let whileAsked: LedgerSummary | undefined;
      const http: HttpPort = async () => {
        whileAsked = await summariseLedger(folder);
        const body = (async function* () {
          yield await Promise.resolve(new Uint8Array(5));
        })();
        return { status: 206, header: () => undefined, body, discard: () => undefined };
      };
      const response = await withLedger(http, folder)({ method: "GET", url: URL_ASKED, headers: {}, signal });
      for await (const chunk of response.body) {
        assert.equal(chunk.length, 5);
      }
      const [before] = whileAsked?.entries ?? [];
      assert.deepEqual([before?.url, before?.ended], ["https://hub/org/m.gguf", false]);
      const { entries, requests, bytes } = await ledgerAfter(folder, (ledger) => ledger.entries[0]?.ended === true);
      assert.deepEqual([requests, bytes], [1, 5]);
      assert.equal(entries[0]?.status, 206);
      assert.ok(!JSON.stringify(entries).includes("secret") && !JSON.stringify(entries).includes("word"));
    }));

  it("notes what has come of an answer that is dropped in the middle", () =>
    inFolder(async (folder) => {
      let isDropped = false;
      const http: HttpPort = () => {
        const body = (async function* () {
          for (;;) {
            yield await Promise.resolve(new Uint8Array(5));
          }
        })();
        return Promise.resolve({ status: 206, header: () => undefined, body, discard: () => (isDropped = true) });
      };
      const response = await withLedger(http, folder)({ method: "GET", url: URL_ASKED, headers: {}, signal });
      let read = 0;
      for await (const chunk of response.body) {
        read += chunk.length;
        if (read === 15) {
          response.discard();
          break;
        }
      }
      assert.ok(isDropped);
      const { bytes } = await ledgerAfter(folder, (ledger) => ledger.entries[0]?.ended === true);
      assert.equal(bytes, 15);
    }));

  it("notes one without an answer", () =>
    inFolder(async (folder) => {
      const http = withLedger(() => Promise.reject(new Error("no route")), folder);
      await assert.rejects(http({ method: "HEAD", url: URL_ASKED, headers: {}, signal }), /no route/);
      const { entries } = await ledgerAfter(folder, (ledger) => ledger.entries[0]?.ended === true);
      assert.deepEqual([entries.length, entries[0]?.status, entries[0]?.method], [1, 0, "HEAD"]);
    }));

  it("has lines of earlier versions, and counts those that say nothing", () =>
    inFolder(async (folder) => {
      const earlier = { at: "2026-01-02", method: "GET", url: "https://a/x", status: 200, bytes: 3 };
      const text = [JSON.stringify(earlier), JSON.stringify(earlier), '{"url":"no address"}', '{"cut o', "null", ""];
      writeFileSync(join(folder, "requests.jsonl"), text.join("\n"));
      const { requests, bytes, damagedLines, hosts } = await summariseLedger(folder);
      assert.deepEqual([requests, bytes, damagedLines], [2, 6, 3]);
      assert.deepEqual(hosts, [{ host: "a", requests: 2, bytes: 6 }]);
    }));
});

describe("connections to other machines", () => {
  it("are known while they are open, with the port by which the system lists them", () =>
    DownloadWorld.with(async ({ hub }) => {
      assert.deepEqual(openConnections(), []);
      const url = new URL("/slow?sig=secret", hub.endpoint);
      const asked = nodeHttp({ method: "GET", url, headers: {}, signal });
      assert.equal(openConnections()[0]?.url, `${hub.endpoint.origin}/slow`);
      const response = await asked;
      assert.ok((openConnections()[0]?.localPort ?? 0) > 0);
      response.discard();
      while (openConnections().length > 0) {
        await sleep(5);
      }
    }));

  it("has requests to an endpoint in batches: begun before the first is sent, with what was sent and what came", () =>
    inFolder(async (folder) => {
      const seen: LedgerSummary[] = [];
      let status = 200;
      const http: HttpPort = async () => {
        seen.push(await summariseLedger(folder));
        if (status === 0) {
          throw new Error("nobody is there");
        }
        const body = (async function* () {
          yield await Promise.resolve(new Uint8Array(10));
        })();
        return { status, header: () => undefined, body, discard: () => undefined };
      };
      const ledger = new BatchedLedger(http, folder);
      const url = new URL("https://box/v1/completions?x=secret");
      const ask = async (): Promise<void> => {
        const asked = { method: "POST", url, headers: {}, body: "größe", purpose: "endpoint", signal } as const;
        const { body } = await ledger.http(asked);
        const pieces: Uint8Array[] = [];
        for await (const piece of body) {
          pieces.push(piece);
        }
        assert.ok(pieces.length <= 1);
      };
      await ask();
      await ask();
      status = 0;
      await assert.rejects(ask);
      assert.deepEqual(
        [seen[0]?.requests, seen[0]?.entries[0]?.ended, seen[0]?.entries[0]?.purpose],
        [1, false, "endpoint"],
      );
      ledger.close();
      const { entries, requests, bytes, sent, hosts } = await summariseLedger(folder);
      assert.deepEqual(
        entries.map((entry) => [entry.status, entry.count, entry.sent, entry.bytes, entry.ended, entry.url]),
        [
          [200, 2, 14, 20, true, "https://box/v1/completions"],
          [0, 1, 7, 0, true, "https://box/v1/completions"],
        ],
      );
      assert.deepEqual([requests, bytes, sent, hosts[0]?.sent], [3, 20, 21, 21]);
      // What ends later is noted with what comes then.
      status = 200;
      await ask();
      ledger.close();
      assert.equal((await summariseLedger(folder)).requests, 4);
    }));

  it("knows which editors use an endpoint, since when, and forgets it with the last", () =>
    inFolder(async (folder) => {
      const use = { origin: "https://box", model: "m" };
      await noteEndpointUse(folder, "Code", use, 1000);
      await noteEndpointUse(folder, "Codium", { ...use, origin: "https://other" }, 2000);
      // The model becomes known; nothing has begun anew.
      await noteEndpointUse(folder, "Code", { ...use, model: "n" }, 3000);
      const since = new Date(1000).toISOString();
      assert.deepEqual(
        (await endpointsInUse(folder)).find(({ editor }) => editor === "Code"),
        { editor: "Code", origin: "https://box", model: "n", since },
      );
      await noteEndpointUse(folder, "Code", undefined);
      assert.deepEqual(
        (await endpointsInUse(folder)).map(({ editor }) => editor),
        ["Codium"],
      );
      await noteEndpointUse(folder, "Codium", undefined);
      assert.deepEqual(readdirSync(folder), []);
      writeFileSync(join(folder, "endpoints.json"), "{broken");
      assert.deepEqual(await endpointsInUse(folder), []);
    }));
});
