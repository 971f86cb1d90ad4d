/**
 * What a batch of n tokens costs beside a single one, at a depth of some hundred: what a keystroke, a draft and a prompt cost.
 *
 *     npx tsx bench/batches.ts MODEL [--threads N] [--addon FILE,FILE…] [--runs 9] [--isa I]
 *
 * With several addons (builds to compare) they take turns.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { loadNativeAddon, type NativeAddon, type NativeSession } from "../src/engine/local/native";
import { openGgufFile } from "../src/model/ggufFile";
import { Tokenizer } from "../src/model/tokenizer";
import type { Isa } from "../src/protocol/engineOptions";
import { type Cell, machine, markdownTable, median } from "./report";

const KNOWN_TOKENS = 300;
const SIZES = [1, 2, 4, 8, 16, 32, 128, 512];
/** Long ones are steady. */
const FEW_RUNS_FROM = 128;
const FEW_RUNS = 3;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      threads: { type: "string", default: "2" },
      addon: { type: "string" },
      runs: { type: "string", default: "9" },
      isa: { type: "string" },
    },
  });
  const [path] = positionals;
  if (path === undefined) {
    throw new Error("which model?");
  }
  const { spec, vocab } = await openGgufFile(path);
  const text = new Tokenizer(vocab).encodeText(readFileSync(join(__dirname, "text.txt"), "utf8"));
  const from = (at: number, n: number): Int32Array =>
    Int32Array.from([...text.slice(0, KNOWN_TOKENS), ...text.slice(at, at + n)]);
  const files = values.addon?.split(",") ?? [undefined];
  const sessions: NativeSession[] = [];
  for (const file of files) {
    const addon = file === undefined ? loadNativeAddon() : (createRequire(__filename)(resolve(file)) as NativeAddon);
    const engine = await addon.loadEngine(spec, {
      threads: Number(values.threads),
      ...(values.isa === undefined ? {} : { isa: values.isa as Isa }),
    });
    const session = engine.newSession();
    // All experts are read.
    await session.sync(Int32Array.from(text.slice(0, 1500)), {});
    sessions.push(session);
  }
  const times = sessions.map(() => new Map(SIZES.map((n): [number, number[]] => [n, []])));
  let at = KNOWN_TOKENS + 100;
  for (let run = 0; run < Number(values.runs); ++run) {
    for (const n of SIZES.filter((size) => size < FEW_RUNS_FROM || run < FEW_RUNS)) {
      for (const [i, session] of sessions.entries()) {
        await session.sync(from(0, 0), {});
        const started = performance.now();
        await session.sync(from(at, n), {});
        times[i]?.get(n)?.push(performance.now() - started);
      }
      at = KNOWN_TOKENS + 100 + ((at + n) % 1500);
    }
  }
  const rows = SIZES.map((n): Cell[] => [
    n,
    ...times.flatMap((own) => {
      const all = own.get(n) ?? [];
      const single = median(own.get(1) ?? []);
      const ms = median(all);
      const spread = `${Math.min(...all).toFixed(1)}–${Math.max(...all).toFixed(1)}`;
      return [`${ms.toFixed(1)} (${spread})`, (ms / single).toFixed(2), ((1000 * n) / ms).toFixed(1)];
    }),
  ]);
  const head = ["tokens", ...times.flatMap(() => ["ms: median (spread)", "decode steps", "tokens a second"])];
  process.stdout.write(`${machine()}; ${values.threads} threads\n\n${markdownTable(head, rows)}`);
  process.exit(0);
}

void main();
