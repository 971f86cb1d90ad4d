import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DownloadProgress } from "../protocol/models";
import { readRecord, removeModelFile } from "./modelFolder";
import { downloadModel } from "./download";
import { DownloadWorld, SHORT_LIMITS, MODEL_BYTES } from "./testing/downloads";
import { COMMIT, FILE, REPOSITORY } from "./testing/loopbackHub";

const inWorld = (work: (world: DownloadWorld) => Promise<void>) => (): Promise<void> => DownloadWorld.with(work);

describe("a download", () => {
  it(
    "gets a model by ranges, pinned to the commit, and says whose word its hash is",
    inWorld(async (world) => {
      const seen: DownloadProgress[] = [];
      const { path, already } = await world.download({ onProgress: (progress) => seen.push(progress) });
      assert.equal(path, world.target);
      assert.equal(already, false);
      world.assertComplete();
      const record = await readRecord(world.target);
      assert.equal(record?.sha256, world.hub.sha256);
      // The hub of the tests is not huggingface.co.
      assert.equal(record.hashSource, "mirror");
      assert.equal(record.commit, COMMIT);
      const ranges = world.hub.requests("content").map(({ range }) => range);
      assert.equal(ranges.length, Math.ceil(MODEL_BYTES.length / SHORT_LIMITS.pieceBytes));
      assert.ok(ranges.every((range) => range !== undefined));
      assert.equal(world.hub.sentBytes, MODEL_BYTES.length);
      const [first, ...others] = world.hub.requests("hub");
      assert.equal(first?.method, "HEAD");
      assert.match(first.url, /\/resolve\/main\//);
      assert.ok(
        others.every(({ url }) => url.includes(`/resolve/${COMMIT}/`)),
        "the commit is not pinned",
      );
      assert.deepEqual([...new Set(seen.map(({ phase }) => phase))], ["resolving", "downloading", "verifying"]);
      assert.deepEqual(seen.at(-1), {
        phase: "verifying",
        doneBytes: MODEL_BYTES.length,
        totalBytes: MODEL_BYTES.length,
      });
      const downloading = seen.filter(({ phase }) => phase === "downloading").map(({ doneBytes }) => doneBytes);
      assert.deepEqual(
        downloading,
        downloading.toSorted((a, b) => a - b),
      );
      // Requests at the same time do not count each other's bytes.
      assert.equal(downloading.at(-1), MODEL_BYTES.length);
    }),
  );

  it(
    "takes the hub's own word for the hub's",
    inWorld(async (world) => {
      await world.download({ hub: world.hub.endpoint });
      assert.equal((await readRecord(world.target))?.hashSource, "hub");
    }),
  );

  it(
    "asks nothing for what is there",
    inWorld(async (world) => {
      await world.download();
      const before = world.hub.seen.length;
      assert.equal((await world.download()).already, true);
      assert.equal(world.hub.seen.length, before);
    }),
  );

  it(
    "leaves a file that somebody else has put in its place",
    inWorld(async (world) => {
      await world.download();
      writeFileSync(world.target, "mine");
      await assert.rejects(world.download(), {
        code: "unchecked",
        message: /there already .* run "hearth models verify/,
      });
      assert.equal(readFileSync(world.target, "utf8"), "mine");
    }),
  );

  it(
    "sends a token to the hub, and to nobody that the hub redirects to",
    inWorld(async (world) => {
      await world.download({ token: "hf_secret" });
      assert.ok(world.hub.requests("hub").every(({ authorization }) => authorization === "Bearer hf_secret"));
      assert.ok(world.hub.requests("content").length > 0);
      assert.ok(world.hub.requests("content").every(({ authorization }) => authorization === undefined));
    }),
  );

  it(
    "follows a renamed repository's relative redirect, and keeps its query",
    inWorld(async (world) => {
      world.hub.onHub = (request, response) => {
        if (request.url?.startsWith("/PowerInfer/Old/resolve/main/") !== true) {
          return false;
        }
        response.writeHead(307, { location: `/${REPOSITORY}/resolve/main/${FILE}?from=old` }).end();
        return true;
      };
      const target = join(world.folder, "PowerInfer", "Old", FILE);
      await world.download({}, `PowerInfer/Old/${FILE}`);
      assert.ok(readFileSync(target).equals(MODEL_BYTES));
      assert.ok(
        world.hub.requests("hub", "HEAD").some(({ url }) => url.endsWith("?from=old") || url.includes("from=old")),
      );
      // From then on by its new name.
      assert.ok(
        world.hub.requests("hub", "GET").every(({ url }) => url.startsWith(`/${REPOSITORY}/resolve/${COMMIT}/`)),
      );
    }),
  );

  it(
    "works with a server that has the file itself, and says no hash",
    inWorld(async (world) => {
      world.hub.onHub = (request, response) => {
        const [start, end] = world.hub.rangeOf(request);
        response.writeHead(
          request.headers.range === undefined ? 200 : 206,
          world.hub.rangeHeaders(start, end, request),
        );
        response.end(request.method === "HEAD" ? undefined : world.hub.content.subarray(start, end));
        return true;
      };
      const { path } = await world.download({}, new URL("/files/my%20model.gguf", world.hub.endpoint).href);
      assert.match(path, /127\.0\.0\.1_\d+.my_model\.gguf$/);
      assert.ok(readFileSync(path).equals(MODEL_BYTES));
      const record = await readRecord(path);
      assert.equal(record?.hashSource, "none");
      assert.equal(record.sha256, world.hub.sha256);
    }),
  );

  it(
    "asks by GET where HEAD is refused",
    inWorld(async (world) => {
      world.hub.onHub = (request, response) => {
        if (request.method === "HEAD") {
          response.writeHead(405).end();
          return true;
        }
        return false;
      };
      await world.download();
      world.assertComplete();
    }),
  );

  it(
    "tries the other names of a repository",
    inWorld(async (world) => {
      const reference = { kind: "hub", repositories: ["No/Such", REPOSITORY], file: FILE } as const;
      const { path } = await downloadModel(reference, world.options());
      assert.equal(path, join(world.folder, "No", "Such", FILE));
    }),
  );
});

describe("what is known of a file", () => {
  it(
    "is pinned at the first visit: another content is refused later, and taken with --latest",
    inWorld(async (world) => {
      await world.download();
      const pins = JSON.parse(readFileSync(join(world.folder, "pins.json"), "utf8")) as {
        pins: Record<string, { commit: string }>;
      };
      assert.equal(pins.pins[`${REPOSITORY}/${FILE}`]?.commit, COMMIT);
      await removeModelFile(world.folder, world.target);
      world.hub.onHub = (request, response) => {
        assert.match(request.url ?? "", new RegExp(`/resolve/(${COMMIT}|main)/`));
        response.writeHead(200, { ...world.hub.facts(), "x-linked-etag": `"${"a".repeat(64)}"` }).end();
        return true;
      };
      await world.assertFails("changed", /now offers another content .* than at the first visit .* --latest/);
      assert.match(world.hub.seen.at(-1)?.url ?? "", new RegExp(COMMIT));
      world.hub.onHub = undefined;
      await world.download({ latest: true });
      world.assertComplete();
    }),
  );

  it(
    "is pinned by its length where nobody tells a hash",
    inWorld(async (world) => {
      let bytes = world.hub.content.length;
      world.hub.onHub = (_, response) => {
        response.writeHead(302, { "x-linked-size": String(bytes), location: `${world.hub.contentOrigin}/blob` }).end();
        return true;
      };
      world.hub.signatures.add("");
      await world.download();
      await removeModelFile(world.folder, world.target);
      bytes += 1;
      await world.assertFails("changed", /now offers another content \(\d+ bytes\) than at the first visit/);
    }),
  );

  it(
    "by the user is compared with what is announced, and with what comes",
    inWorld(async (world) => {
      await world.assertFails("content", /announces another file .* than you asked for/, { sha256: "b".repeat(64) });
      assert.equal(world.hub.requests("content").length, 0);
      await world.download({ sha256: world.hub.sha256.toUpperCase() });
      assert.equal((await readRecord(world.target))?.hashSource, "user");
      // Also where a file is there already.
      await assert.rejects(world.download({ sha256: "b".repeat(64) }), {
        code: "changed",
        message: /the file that is here has SHA-256 .* replace it with --latest/,
      });
      assert.equal((await world.download({ sha256: world.hub.sha256 })).already, true);
    }),
  );
});
