import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { openGgufFile } from "../src/model/ggufFile";
import { Tokenizer } from "../src/model/tokenizer";
async function main() {
  const { spec, vocab } = await openGgufFile("/tmp/4b.gguf");
  const addon = createRequire(__filename)(process.argv[4] ?? "/work/main/build/addon/Release/hearth.node");
  const engine = await addon.loadEngine(spec, { threads: Number(process.argv[3] ?? 2), promptLookup: false });
  const text = new Tokenizer(vocab).encodeText(readFileSync("bench/text.txt", "utf8"));
  const s = engine.newSession();
  await s.sync(Int32Array.from(text.slice(0, 1500)), { sampler: { temperature: 0, topK: 0, topP: 1, minP: 0, seed: 0 }, banned: new Int32Array() });
  console.log("begin", process.pid);
  const end = Date.now() + 12000;
  if (process.argv[2] === "prefill") {
    for (let i = 0; Date.now() < end; ++i) { await s.sync(Int32Array.from([i, ...text.slice(0, 511)]), {}); }
  } else {
    let n = 0; const t = performance.now();
    await s.sync(Int32Array.from(text.slice(0, 10)), { sampler: { temperature: 1, topK: 0, topP: 1, minP: 0, seed: 0 }, banned: new Int32Array() });
    while (Date.now() < end) { await s.next(); ++n; }
    console.log(n * 1000 / (performance.now() - t), "tok/s");
  }
  process.exit(0);
}
void main();
