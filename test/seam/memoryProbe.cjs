// Loaded before the engine by `npm run soak -- --collected`: from time to time all garbage is collected, and what is left is written down.
const { appendFileSync } = require("node:fs");

const EVERY_MS = 5000;
const file = process.env.HEARTH_MEMORY_FILE;

setInterval(() => {
  globalThis.gc();
  const { heapUsed, external, rss } = process.memoryUsage();
  appendFileSync(file, `${JSON.stringify({ at: Date.now(), heapUsed, external, rss })}\n`);
}, EVERY_MS).unref();
