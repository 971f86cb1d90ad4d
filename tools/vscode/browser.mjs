// A Chromium for playwright: $CHROME, else the system's, else the one that comes inside an npm package, unpacked once.
import { createReadStream, createWriteStream, existsSync, mkdirSync, renameSync } from "node:fs";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress } from "node:zlib";
import { root, StepError } from "../steps.mjs";

const SYSTEM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const PACKED = path.join(root, "node_modules/@sparticuz/chromium/bin/chromium.br");
const UNPACKED = path.join(root, ".cache/browser/chromium");

const ARGS = [
  // Chromium's own sandbox wants rights that containers, and root, do not have.
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--disable-dev-shm-usage",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
  // Whatever a page asks for beyond this machine fails, and shows in the test.
  "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
];

async function chromiumPath() {
  const chosen = process.env.CHROME;
  if (chosen !== undefined) {
    if (!existsSync(chosen)) throw new StepError(`CHROME names '${chosen}', which is not there`);
    return chosen;
  }
  const installed = SYSTEM.find((file) => existsSync(file));
  if (installed !== undefined) return installed;
  if (existsSync(UNPACKED)) return UNPACKED;
  // Two runs may want it at once.
  unpacking ??= unpack();
  return unpacking;
}

let unpacking;

async function unpack() {
  if (!existsSync(PACKED)) {
    throw new StepError(`no Chromium to drive VS Code with: install it, set CHROME to one, or run 'npm run setup'`);
  }
  mkdirSync(path.dirname(UNPACKED), { recursive: true });
  const draft = `${UNPACKED}.${process.pid}.part`;
  await pipeline(createReadStream(PACKED), createBrotliDecompress(), createWriteStream(draft, { mode: 0o755 }));
  renameSync(draft, UNPACKED);
  return UNPACKED;
}

export async function launchBrowser() {
  const { chromium } = await import("playwright-core");
  return chromium.launch({ executablePath: await chromiumPath(), args: ARGS });
}
