import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { realDisk } from "./disk";
import { DownloadWorld, SHORT_LIMITS, MODEL_BYTES } from "./testing/downloads";

const inWorld = (work: (world: DownloadWorld) => Promise<void>) => (): Promise<void> => DownloadWorld.with(work);

describe("the drive", () => {
  it(
    "has too little room: nothing is begun, and the sentence says how much to free",
    inWorld(async (world) => {
      const disk = { ...realDisk, freeBytes: () => Promise.resolve(1_000_000) };
      const limits = { ...SHORT_LIMITS, reserveBytes: 2_000_000 };
      await world.assertFails("diskFull", /only 1 MB are free .* free 2 MB, or choose another folder/, {
        disk,
        limits,
      });
      assert.equal(world.hub.requests("content").length, 0);
    }),
  );

  it(
    "becomes full: what was downloaded is kept, and gone on with",
    inWorld(async (world) => {
      let room = 150_000;
      const full = Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
      const disk: typeof realDisk = {
        ...realDisk,
        write: (file, bytes, position) => {
          room -= bytes.length;
          return room < 0 ? Promise.reject(full) : realDisk.write(file, bytes, position);
        },
      };
      await world.assertFails(
        "diskFull",
        /the drive is full; free some space and start again, what was downloaded is kept/,
        {
          disk,
        },
      );
      const kept = world.savedBytes();
      assert.ok(kept > 100_000, String(kept));
      const before = world.hub.sentBytes;
      await world.download();
      world.assertComplete();
      assert.equal(world.hub.sentBytes - before, MODEL_BYTES.length - kept);
    }),
  );

  it(
    "lets nobody write: told with what to do",
    inWorld(async (world) => {
      writeFileSync(join(world.folder, "Tiiny"), "a file where a folder should be");
      await assert.rejects(world.download(), {
        code: "disk",
        message: /cannot write .*: a part of the path is a file, not a folder; choose another folder/,
      });
    }),
  );
});

describe("a download that is stopped", () => {
  it(
    "keeps what has come, and goes on from there",
    inWorld(async (world) => {
      const stop = new AbortController();
      await world.assertFails("stopped", /what was downloaded is kept/, {
        signal: stop.signal,
        onProgress: ({ doneBytes }) => {
          if (doneBytes > 100_000) {
            stop.abort();
          }
        },
      });
      const kept = world.savedBytes();
      assert.ok(kept > 100_000);
      const before = world.hub.sentBytes;
      await world.download();
      world.assertComplete();
      assert.equal(world.hub.sentBytes - before, MODEL_BYTES.length - kept);
    }),
  );

  it(
    "while it waits for a server ends at once",
    inWorld(async (world) => {
      world.hub.onHub = (_, response) => {
        response.writeHead(429, { "retry-after": "2" }).end();
        return true;
      };
      const stop = new AbortController();
      const started = performance.now();
      await world.assertFails("stopped", /stopped/, {
        signal: stop.signal,
        onProgress: ({ phase }) => {
          if (phase === "waiting") {
            stop.abort();
          }
        },
      });
      assert.ok(performance.now() - started < 1500);
    }),
  );

  it(
    "and of which the hub has another content by now begins anew",
    inWorld(async (world) => {
      const stop = new AbortController();
      await world.assertFails("stopped", /stopped/, {
        signal: stop.signal,
        onProgress: ({ doneBytes }) => {
          if (doneBytes > 50_000) {
            stop.abort();
          }
        },
      });
      const saved = JSON.parse(readFileSync(`${world.target}.part.json`, "utf8")) as object;
      writeFileSync(`${world.target}.part.json`, JSON.stringify({ ...saved, sha256: "c".repeat(64) }));
      await world.download();
      world.assertComplete();
    }),
  );

  for (const damage of ["", "{", '{"version":1}', "null", '{"version":1,"bytes":1,"url":"x","done":[[0,9]]}']) {
    it(
      `with a sidecar of '${damage}' begins anew`,
      inWorld(async (world) => {
        const stop = new AbortController();
        await world.assertFails("stopped", /stopped/, {
          signal: stop.signal,
          onProgress: ({ doneBytes }) => {
            if (doneBytes > 0) {
              stop.abort();
            }
          },
        });
        writeFileSync(`${world.target}.part.json`, damage);
        await world.download();
        world.assertComplete();
      }),
    );
  }
});

describe("two processes", () => {
  const child = (world: DownloadWorld) => {
    const script = join(import.meta.dirname, "testing", "downloadChild.ts");
    return spawn(process.execPath, ["--import", "tsx", script, world.folder, world.hub.endpoint.href], {
      stdio: ["ignore", "pipe", "inherit"],
    });
  };

  it("that download one file: the second is told who does", async () => {
    await DownloadWorld.with(async (world) => {
      let release: () => void = () => undefined;
      const released = new Promise<void>((resolve) => (release = resolve));
      const begun = new Promise<void>((resolve) => {
        world.hub.onContent = (request, response) => {
          resolve();
          void released.then(() => {
            world.hub.answerContent(request, response);
          });
          return true;
        };
      });
      const first = world.download({ limits: { ...SHORT_LIMITS, answerMs: 20_000 } });
      await begun;
      const second = child(world);
      let said = "";
      second.stdout.on("data", (data: Buffer) => (said += data.toString()));
      await once(second, "close");
      assert.match(said, new RegExp(`process ${String(process.pid)} does already; wait for it`));
      release();
      await first;
      world.assertComplete();
    });
  });

  for (const moment of [0, 1, 50_000, 150_000, 250_000, MODEL_BYTES.length]) {
    it(`one of which was killed when ${String(moment)} bytes had been sent: the next goes on`, async () => {
      await DownloadWorld.with(async (world) => {
        const victim = child(world);
        world.hub.onContent = (request, response) => {
          if (world.hub.sentBytes >= moment) {
            victim.kill("SIGKILL");
            return true;
          }
          if (world.hub.sentBytes + 8192 >= MODEL_BYTES.length && moment === MODEL_BYTES.length) {
            setTimeout(() => victim.kill("SIGKILL"), 15);
          }
          // Slowly enough that something of it is saved.
          setTimeout(() => {
            world.hub.answerContent(request, response);
          }, 12);
          return true;
        };
        await once(victim, "close");
        if (existsSync(world.target)) {
          world.assertComplete();
          return;
        }
        world.assertNothingToLoad();
        world.hub.onContent = undefined;
        const before = world.hub.sentBytes;
        await world.download();
        world.assertComplete();
        if (moment >= 150_000) {
          assert.ok(world.hub.sentBytes - before < MODEL_BYTES.length, "nothing was gone on with");
        }
      });
    });
  }
});
