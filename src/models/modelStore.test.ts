import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { CatalogueModel } from "../protocol/models";
import { FileLock } from "../fileLock";
import { type LedgerEntry, summariseLedger } from "../network/ledgerSummary";
import { installedPath } from "./installedPath";
import { ModelStore } from "./modelStore";
import { nodeHttp } from "../network/nodeHttp";
import { DownloadWorld, MODEL_BYTES, SHORT_LIMITS } from "./testing/downloads";
import { FILE, REPOSITORY } from "./testing/loopbackHub";

const REFERENCE = `${REPOSITORY}/${FILE}`;
const HASH = createHash("sha256").update(MODEL_BYTES).digest("hex");
const signal = new AbortController().signal;

const MODEL: CatalogueModel = {
  id: "small",
  title: "Small",
  description: "A test's.",
  goodFor: ["complete", "chat", "edit"],
  fillsIn: false,
  licence: "MIT",
  contextTokens: 4096,
  file: {
    repositories: ["Moved/Away", REPOSITORY],
    name: FILE,
    bytes: MODEL_BYTES.length,
    bytesExact: true,
    bytesPerToken: 1_000_000,
    sha256: HASH,
    memory: { wanted: 2_000_000, least: 1_000_000 },
  },
};

/** Of a user; not in the folder of models. */
function homeOf(world: DownloadWorld): string {
  return `${world.folder}-home`;
}

function storeIn(world: DownloadWorld, own: Partial<ConstructorParameters<typeof ModelStore>[0]> = {}): ModelStore {
  return new ModelStore({
    folder: world.folder,
    http: nodeHttp,
    endpoint: world.hub.endpoint.href,
    env: { HOME: homeOf(world) },
    limits: SHORT_LIMITS,
    catalogue: [],
    ...own,
  });
}

/** Requests are noted behind their answers. */
async function readLedger(world: DownloadWorld): Promise<readonly LedgerEntry[]> {
  await sleep(100);
  const { entries, damagedLines } = await summariseLedger(world.folder);
  assert.equal(damagedLines, 0);
  return entries;
}

const inWorld = (work: (world: DownloadWorld, store: ModelStore) => Promise<void>) => (): Promise<void> =>
  DownloadWorld.with((world) =>
    work(world, storeIn(world)).finally(() => {
      rmSync(homeOf(world), { recursive: true, force: true });
    }),
  );

describe("the store of models", () => {
  it(
    "lists what was downloaded, finds it by name, and removes it with its folders",
    inWorld(async (world, store) => {
      assert.deepEqual((await store.list()).installed, []);
      await store.download(REFERENCE, { signal });
      const [model] = (await store.list()).installed;
      assert.equal(model?.reference, REFERENCE);
      assert.equal(model.bytes, MODEL_BYTES.length);
      assert.equal(model.problem, undefined);
      assert.equal(await store.pathOf(REFERENCE), world.target);
      assert.equal(installedPath(REFERENCE, world.folder), world.target);
      assert.deepEqual(await store.remove(REFERENCE), { reference: REFERENCE, deletedBytes: MODEL_BYTES.length });
      assert.equal(existsSync(dirname(dirname(world.target))), false);
      assert.equal(installedPath(REFERENCE, world.folder), undefined);
      await assert.rejects(store.remove(REFERENCE), { code: "notFound" });
    }),
  );

  it("downloads from the catalogue by an id, from the name that has it, and calls it verified", () =>
    DownloadWorld.with(async (world) => {
      const store = storeIn(world, { catalogue: [MODEL] });
      const { path, record } = await store.download("small", { signal });
      assert.equal(record.hashSource, "catalogue");
      assert.equal(path, join(world.folder, "Moved", "Away", FILE));
      const { installed, available } = await store.list();
      assert.equal(installed[0]?.title, "Small");
      assert.equal(installed[0].catalogueId, "small");
      assert.equal(available[0]?.recommended, true);
      assert.equal(await store.pathOf("small"), path);
    }));

  it("refuses what a mirror offers instead of the catalogue's file, before anything of it comes", () =>
    DownloadWorld.with(async (world) => {
      const wrongHash = { ...MODEL, file: { ...MODEL.file, sha256: "d".repeat(64) } };
      await assert.rejects(storeIn(world, { catalogue: [wrongHash] }).download("small", { signal }), {
        code: "content",
        message: /announces another file \(SHA-256 .* than Hearth knows .*; choose another mirror/,
      });
      const wrongSize = { ...MODEL, file: { ...MODEL.file, bytes: 5 } };
      await assert.rejects(storeIn(world, { catalogue: [wrongSize] }).download("small", { signal }), {
        code: "content",
        message: /announces \d+ bytes, and the file has 5/,
      });
      assert.equal(world.hub.requests("content").length, 0);
    }));

  it(
    "downloads the one file of a repository, and asks which where there are several",
    inWorld(async (world, store) => {
      await store.download(REPOSITORY, { signal });
      world.assertComplete();
      world.hub.onHub = (_, response) => {
        response.end(JSON.stringify(["a", "b"].map((name) => ({ path: `${name}.gguf`, size: 2_000_000_000 }))));
        return true;
      };
      const before = (await readLedger(world)).length;
      await assert.rejects(store.download("x/y", { signal }), {
        code: "reference",
        message: /name one of them: x\/y\/a\.gguf \(2\.0 GB\), x\/y\/b\.gguf/,
      });
      assert.equal((await readLedger(world)).length, before + 1, "the list was asked for and not noted");
    }),
  );

  it(
    "shows a download that was stopped, and which process is at it; removes it on request",
    inWorld(async (world, store) => {
      const stop = new AbortController();
      await assert.rejects(
        store.download(REFERENCE, {
          signal: stop.signal,
          onProgress: ({ doneBytes }) => {
            if (doneBytes > 100_000) {
              stop.abort();
            }
          },
        }),
        { code: "stopped" },
      );
      const [unfinished] = (await store.list()).unfinished;
      assert.equal(unfinished?.reference, REFERENCE);
      assert.equal(unfinished.totalBytes, MODEL_BYTES.length);
      assert.ok(unfinished.doneBytes > 100_000 && unfinished.pid === undefined);
      const lock = await FileLock.take(`${world.target}.lock`, "x");
      assert.equal((await store.list()).unfinished[0]?.pid, process.pid);
      await assert.rejects(store.remove(REFERENCE), { code: "busy" });
      await lock.release();
      await store.remove(REFERENCE);
      assert.deepEqual((await store.list()).unfinished, []);
      assert.equal(existsSync(dirname(world.target)), false);
    }),
  );

  it(
    "verifies: finds a changed bit, and a file that nobody had checked",
    inWorld(async (world, store) => {
      await store.download(REFERENCE, { signal });
      assert.equal((await store.verify(REFERENCE, signal)).compared, true);
      const damaged = Buffer.from(MODEL_BYTES);
      damaged[damaged.length - 100]! ^= 1;
      const { mtime } = statSync(world.target);
      writeFileSync(world.target, damaged);
      utimesSync(world.target, mtime, mtime);
      await assert.rejects(store.verify(REFERENCE, signal), { code: "content", message: /damaged or was changed/ });
      const own = join(world.folder, "mine", "m.gguf");
      mkdirSync(dirname(own));
      writeFileSync(own, MODEL_BYTES);
      const [, mine] = (await store.list()).installed;
      assert.equal(mine?.reference, "mine/m.gguf");
      assert.equal(mine.problem, "it was never checked");
      const { model, compared } = await store.verify("mine/m.gguf", signal);
      assert.equal(compared, false);
      assert.equal(model.problem, undefined);
      assert.equal(model.sha256, HASH);
      writeFileSync(own, "no model any more");
      assert.match((await store.list()).installed[1]?.problem ?? "", /changed since/);
    }),
  );

  it(
    "adopts another program's file in place, and forgets it without touching it",
    inWorld(async (world, store) => {
      const blob = join(homeOf(world), `.cache/huggingface/hub/models--a--b/blobs/${HASH}`);
      const link = join(homeOf(world), ".cache/huggingface/hub/models--a--b/snapshots/c/m.gguf");
      for (const path of [blob, link]) {
        mkdirSync(dirname(path), { recursive: true });
      }
      writeFileSync(blob, MODEL_BYTES);
      symlinkSync(blob, link);
      const other = join(homeOf(world), ".lmstudio/models/p/r/other.gguf");
      mkdirSync(dirname(other), { recursive: true });
      writeFileSync(other, "of another architecture");
      const found = await store.findOthers();
      assert.deepEqual(
        found.map(({ path }) => path),
        [link],
      );
      const adopted = await store.adopt(found[0]!, signal);
      assert.deepEqual(
        [adopted.reference, adopted.owned, adopted.sha256, adopted.hashSource],
        ["a/b/m.gguf", false, HASH, "program"],
      );
      assert.equal(installedPath("a/b/m.gguf", world.folder), link);
      assert.equal((await store.verify("a/b/m.gguf", signal)).compared, true);
      assert.deepEqual(await store.remove("a/b/m.gguf"), { reference: "a/b/m.gguf", deletedBytes: 0 });
      assert.ok(readFileSync(link).equals(MODEL_BYTES));
      assert.equal(installedPath("a/b/m.gguf", world.folder), undefined);
    }),
  );

  it(
    "refuses to adopt what is no model, what is damaged and what is not there",
    inWorld(async (world, store) => {
      const path = join(world.folder, "x.txt");
      writeFileSync(path, "text");
      await assert.rejects(store.adopt(path, signal), { code: "unusable", message: /not a model that Hearth can use/ });
      await assert.rejects(store.adopt(join(world.folder, "none.gguf"), signal), { code: "disk" });
      writeFileSync(path, MODEL_BYTES);
      const found = { path, program: "ollama", reference: "x:1", sha256: "e".repeat(64) } as const;
      await assert.rejects(store.adopt(found, signal), { code: "content", message: /so it is damaged/ });
      assert.deepEqual((await store.list()).installed, []);
    }),
  );

  it(
    "knows what a name means, and which models a repository has, and asks for no file with a strange name",
    inWorld(async (world, store) => {
      assert.deepEqual(store.named(` ${REFERENCE} `), { kind: "file", name: REFERENCE });
      assert.deepEqual(store.named("https://h:1/a/b.gguf?sig=1"), { kind: "file", name: "h_1/b.gguf" });
      assert.deepEqual(store.named("a/b"), { kind: "repository", name: "a/b" });
      assert.deepEqual(store.named("/m.gguf"), { kind: "path", name: "/m.gguf" });
      assert.deepEqual(await store.filesOf(REPOSITORY, signal), [{ reference: REFERENCE, bytes: MODEL_BYTES.length }]);
      const lists: readonly (readonly [number, unknown, string, RegExp])[] = [
        [
          200,
          [
            { path: "../../x.gguf", size: 1 },
            { path: "a\u001b[31m\n.gguf", size: 1 },
          ],
          "reference",
          /no GGUF file/,
        ],
        [200, [null, 1, { path: 5 }, { path: "a.gguf" }], "reference", /no GGUF file; choose another/],
        [200, "<html>", "content", /no list of 'Tiiny\/Model-GGUF' that can be read; name the file too/],
        [200, {}, "content", /no list/],
        [404, "", "notFound", /has no list of .*; check the name, or name the file too/],
        [401, "", "login", /wants to know who asks \(401\); set a token/],
        [302, "", "refused", /answers 302/],
        [500, "", "refused", /overloaded \(500\)/],
      ];
      for (const [status, body, code, says] of lists) {
        world.hub.onHub = (_, response) => {
          response.writeHead(status).end(typeof body === "string" ? body : JSON.stringify(body));
          return true;
        };
        await assert.rejects(store.filesOf(REPOSITORY, signal), (error: { code?: string; message: string }) => {
          assert.equal(error.code, code, error.message);
          assert.match(error.message, says);
          return true;
        });
      }
    }),
  );

  it(
    "goes on with a download from an address by the name that it has in lists, and takes no other address for it",
    inWorld(async (world, store) => {
      world.hub.onHub = (request, response) => {
        world.hub.signatures.add("");
        world.hub.answerContent(request, response);
        return true;
      };
      const at = (folder: string): string => new URL(`/${folder}/own.gguf`, world.hub.endpoint).href;
      const ending = new AbortController();
      const begun = store.download(at("a"), {
        signal: ending.signal,
        onProgress: ({ doneBytes }) => {
          if (doneBytes > 0) {
            ending.abort();
          }
        },
      });
      await assert.rejects(begun, { code: "stopped" });
      const [unfinished] = (await store.list()).unfinished;
      assert.match(unfinished?.reference ?? "", /^127\.0\.0\.1_\d+\/own\.gguf$/);
      assert.ok((unfinished?.doneBytes ?? 0) > 0);
      const { record } = await store.download(unfinished?.reference ?? "", { signal });
      assert.equal(record.url, at("a"));
      await assert.rejects(store.download(at("b"), { signal }), {
        code: "reference",
        message: /here already, from http/,
      });
    }),
  );

  it(
    "says what of Hearth's own cannot be written, and not that the file cannot be read",
    inWorld(async (world) => {
      const path = join(homeOf(world), "m.gguf");
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, MODEL_BYTES);
      const notFolder = join(world.folder, "a-file");
      writeFileSync(notFolder, "");
      await assert.rejects(storeIn(world, { folder: notFolder }).adopt(path, signal), {
        code: "disk",
        message: /^cannot write '.*a-file': a part of the path is a file/,
      });
    }),
  );

  it(
    "verifies a file for several at once",
    inWorld(async (_, store) => {
      await store.download(REFERENCE, { signal });
      const all = await Promise.all(Array.from({ length: 6 }, () => store.verify(REFERENCE, signal)));
      assert.ok(all.every(({ compared }) => compared));
    }),
  );

  it(
    "keeps a ledger of each request: where, when and how much, without signatures",
    inWorld(async (world, store) => {
      await store.download(REFERENCE, { signal });
      const entries = await readLedger(world);
      assert.equal(entries.length, world.hub.seen.length);
      assert.equal(
        entries.reduce((sum, { bytes }) => sum + bytes, 0),
        MODEL_BYTES.length,
      );
      assert.ok(entries.every(({ url }) => !url.includes("sig=")));
      assert.ok(entries.every(({ at }) => Math.abs(Date.now() - Date.parse(at)) < 60_000));
    }),
  );

  it("asks the mirror of HF_ENDPOINT where none is set, and refuses what is no address", () =>
    DownloadWorld.with(async (world) => {
      const env = { HOME: world.folder, HF_ENDPOINT: world.hub.endpoint.href };
      await storeIn(world, { endpoint: "", env }).download(REFERENCE, { signal });
      for (const endpoint of ["hf-mirror.com", "file:///x"]) {
        await assert.rejects(storeIn(world, { endpoint }).download(REFERENCE, { signal }), {
          code: "mirror",
          message: /is not the address of a mirror/,
        });
      }
    }));
});
