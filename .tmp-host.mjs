import { bundleHostTests, runInHost, SUITE } from "./tools/vscode/hostTests.mjs";
import { installServer, NEWEST } from "./tools/vscode/install.mjs";
import { readdirSync, rmSync } from "node:fs";
import path from "node:path";
await bundleHostTests();
const keep = process.argv.slice(2);
for (const f of readdirSync(path.dirname(SUITE))) if (f.endsWith(".test.js") && !keep.includes(f.replace(".test.js",""))) rmSync(path.join(path.dirname(SUITE), f));
console.log(JSON.stringify(await runInHost({ label: "some", version: NEWEST }), null, 1));
