import { join, resolve } from "node:path";
import { EngineClient } from "../engine/client/client";
import { isEngineRunning } from "../engine/client/engineProcess";
import type { LoadOptions } from "../protocol/engine";
import { type Arguments, engineOptions, flagOption, usageError, wholeOption } from "./options";
import { modelPath, printJson, Progress } from "./session";

export const engineCommandOptions = { "stay-minutes": { type: "string" } } as const;

/** `hearth engine warm|figures|stop`: the process that all of the user's windows share. */
export async function engine(args: Arguments): Promise<void> {
  const [action] = args.positionals;
  if (args.positionals.length !== 1 || (action !== "warm" && action !== "figures" && action !== "stop")) {
    throw usageError("engine takes one of warm, figures and stop");
  }
  if (action !== "warm" && !(await isEngineRunning(process.env))) {
    process.stdout.write("no engine is running\n");
    return;
  }
  const stayMinutes = wholeOption(args, "stay-minutes", 1, 1440);
  const progress = new Progress("loading model");
  const client = new EngineClient({
    name: "command line",
    engineScript: engineScript(),
    ...(stayMinutes === undefined ? {} : { stayMs: stayMinutes * 60_000 }),
    onStatus: (status) => {
      if (status.kind === "loading") {
        progress.show(status.part);
      }
    },
  });
  try {
    await { warm, figures, stop }[action](client, args);
  } finally {
    progress.clear();
    client.dispose();
  }
}

/** Loads the model, so that the first window need not wait for it. */
async function warm(client: EngineClient, args: Arguments): Promise<void> {
  const load: LoadOptions = engineOptions(args);
  const info = await client.openModel({ path: resolve(modelPath(args)), load });
  if (flagOption(args, "json")) {
    printJson(info);
    return;
  }
  process.stdout.write(
    `${info.title} is ready: ${info.quantLabel}, ${info.isa}, ${String(info.threads)} threads, ` +
      `${String(Math.round(info.plannedBytes / 1e6))} MB planned\n`,
  );
}

async function figures(client: EngineClient): Promise<void> {
  await client.start();
  printJson(await client.stats());
}

async function stop(client: EngineClient): Promise<void> {
  await client.start();
  await client.shutdown("requested");
  process.stdout.write("the engine ends\n");
}

/** Beside the bundle, or in dist/ when run from source. */
function engineScript(): string {
  return __dirname.endsWith("cli") ? join(__dirname, "..", "..", "dist", "engine.js") : join(__dirname, "engine.js");
}
