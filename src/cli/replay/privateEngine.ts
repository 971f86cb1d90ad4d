import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { EngineClient } from "../../engine/client/client";
import { isAlive } from "../../processes";

/** If this process ends without a shutdown, its engine ends after this time. */
const KEEP_ALIVE_MS = 2000;
const END_LIMIT_MS = 5000;
const LOOK_MS = 20;

/** Runs `work` with an engine process of its own: it shares nothing with the engine that the user's windows use. */
export async function withPrivateEngine<T>(work: (client: EngineClient) => Promise<T>): Promise<T> {
  // Short: a socket's path is.
  const folder = await mkdtemp(join(tmpdir(), "hearth-"));
  const client = new EngineClient({
    name: "hearth replay",
    // Beside this program, in dist/.
    engineScript: join(__dirname, "engine.js"),
    keepAliveMs: KEEP_ALIVE_MS,
    env: { ...process.env, HEARTH_RUNTIME_DIR: join(folder, "run"), HEARTH_KEEP_ALIVE_MS: String(KEEP_ALIVE_MS) },
  });
  try {
    return await work(client);
  } finally {
    const { connection } = client;
    await client.shutdown("disabled").catch(() => undefined);
    client.dispose();
    if (connection.kind === "connected") {
      await ended(connection.hello.pid);
    }
    await rm(folder, { recursive: true, force: true });
  }
}

async function ended(pid: number): Promise<void> {
  const deadline = performance.now() + END_LIMIT_MS;
  while (performance.now() < deadline && isAlive(pid)) {
    await sleep(LOOK_MS);
  }
}
