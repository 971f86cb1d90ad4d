import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { HttpPort } from "./http";
import { type LedgerSummary, summariseLedger } from "./ledgerSummary";
import { openConnections, nodeHttp } from "./nodeHttp";
import { withLedger } from "./requestLedger";
import { DownloadWorld } from "./testing/downloads";

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
});
