import { join, resolve } from "node:path";
import { EngineClient } from "../engine/client/client";
import { isEngineRunning } from "../engine/client/engineProcess";
import { terminalText } from "../core/visibleText";
import type { LoadOptions } from "../protocol/engine";
import { EngineError } from "../protocol/errors";
import { type Arguments, engineOptions, flagOption, usageError, wholeOption } from "./options";
import { modelPath, printJson, Progress } from "./session";

/** `stay-minutes` is what 0.1 called `keep-alive-minutes`, and `figures` what it called `statistics`. */
export const engineCommandOptions = {
  "keep-alive-minutes": { type: "string" },
  "stay-minutes": { type: "string" },
} as const;

const ACTIONS = { warm, statistics, figures: statistics, stop };

/** `hearth engine warm|statistics|stop`: the process that all of the user's windows share. */
export async function engine(args: Arguments): Promise<void> {
  const [action] = args.positionals;
  if (args.positionals.length !== 1 || action === undefined || !Object.hasOwn(ACTIONS, action)) {
    throw usageError("engine takes one of warm, statistics and stop");
  }
  if (action !== "warm" && !(await isEngineRunning(process.env))) {
    process.stdout.write("no engine is running\n");
    return;
  }
  const keepAliveMinutes = ["keep-alive-minutes", "stay-minutes"]
    .map((name) => wholeOption(args, name, 1, 1440))
    .find((minutes) => minutes !== undefined);
  const progress = new Progress("loading model");
  const client = new EngineClient({
    name: "command line",
    engineScript: engineScript(),
    ...(keepAliveMinutes === undefined ? {} : { keepAliveMs: keepAliveMinutes * 60_000 }),
    onStatus: (status) => {
      if (status.kind === "loading") {
        progress.show(status.part);
      }
    },
  });
  try {
    await ACTIONS[action as keyof typeof ACTIONS](client, args);
  } finally {
    progress.clear();
    client.dispose();
  }
}

/** Loads the model, so that the first window need not wait for it. */
async function warm(client: EngineClient, args: Arguments): Promise<void> {
  const load: LoadOptions = engineOptions(args);
  const path = resolve(modelPath(args));
  const info = await client.openModel({ path, load });
  if (info.path !== path) {
    throw new EngineError(
      "busy",
      `cannot load '${path}': windows use '${info.path}', and the engine holds one model; choose it in one of them`,
    );
  }
  if (flagOption(args, "json")) {
    printJson(info);
    return;
  }
  process.stdout.write(
    `${terminalText(info.title)} is ready: ${info.quantLabel}, ${info.isa}, ${String(info.threads)} threads, ` +
      `${String(Math.round(info.plannedBytes / 1e6))} MB planned\n`,
  );
}

async function statistics(client: EngineClient): Promise<void> {
  await client.start();
  const stats = await client.stats();
  // As 0.1 called the field.
  printJson({ ...stats, figures: stats.statistics });
}

async function stop(client: EngineClient): Promise<void> {
  await client.start();
  await client.shutdown("requested");
  process.stdout.write("the engine is stopping\n");
}

/** Beside the bundle, or in dist/ when run from source. */
function engineScript(): string {
  return __dirname.endsWith("cli") ? join(__dirname, "..", "..", "dist", "engine.js") : join(__dirname, "engine.js");
}
