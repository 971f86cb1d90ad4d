// `npm start`: from a fresh clone to typing in a real VS Code with Hearth in it. Builds what is not up to date, and runs
// VS Code's server for the browser, with nothing of the user's own VS Code; Ctrl-C ends everything.
// `npm start -- --desktop` takes the VS Code that is installed instead. Options: see USAGE.
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { constants, tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { buildAddon, bundle } from "./build.mjs";
import { setUp } from "./setup.mjs";
import { root, run, runMain, step, StepError } from "./steps.mjs";
import { endEngines } from "./vscode/engineProcesses.mjs";
import { installedName, layOutExtension } from "./vscode/extensionFolder.mjs";
import { canRunServer, installServer, NEWEST, serverPlaces } from "./vscode/install.mjs";
import { remoteUri, startServer, workbenchUrl } from "./vscode/server.mjs";

const USAGE = `npm start -- [--port N] [--open] [--desktop]
  --port N    serve the editor on this port; otherwise on a free one
  --open      open the browser
  --desktop   use the VS Code that is installed ('code' on the PATH)`;

/** The files to play with: a copy, so that playing does not change the repository. */
const SAMPLE = path.join(root, ".cache", "sample");
const SAMPLE_FILE = path.join(SAMPLE, "cart.ts");
/** Beside the sample file; read by src/extension.ts. */
const WALKTHROUGH = { HEARTH_WALKTHROUGH: "beside" };
const TYPE_HERE = /type here/i;
/** Words of the file, which the editor lists until TypeScript has started: of a name that is only being made they know nothing. */
const SETTINGS = { "editor.wordBasedSuggestions": "off" };

function options() {
  try {
    const { values } = parseArgs({
      options: { port: { type: "string" }, open: { type: "boolean" }, desktop: { type: "boolean" } },
    });
    const port = values.port === undefined ? undefined : Number(values.port);
    if (port !== undefined && !(Number.isInteger(port) && port > 0 && port < 65536)) {
      throw new Error(`'${values.port}' is not a port`);
    }
    return { ...values, port };
  } catch (error) {
    throw new StepError(`${error.message}\n${USAGE}`);
  }
}

/** What is to be ended, the newest last. */
const running = [];
let ending;

/** Ends everything that runs, in the order that avoids restarts: what uses something before what it uses. */
function endAll() {
  ending ??= (async () => {
    for (const end of running.splice(0).reverse()) await end();
  })();
  return ending;
}

/** The last is what a closed terminal sends. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"];

async function endWith(signal) {
  if (ending === undefined && running.length > 0) console.log("\nending ...");
  await endAll();
  process.exit(128 + constants.signals[signal]);
}

function endWhenAsked() {
  for (const signal of SIGNALS) process.on(signal, () => endWith(signal));
  // A terminal that is gone takes no more output.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
  // npm does not hand on a signal that only it gets.
  const parent = process.ppid;
  const watch = setInterval(() => process.ppid === parent || endWith("SIGHUP"), 1000);
  watch.unref();
}

async function checkPort(port) {
  if (port === undefined) return;
  await new Promise((resolve, reject) => {
    const probe = createServer().once("error", (error) => {
      reject(new StepError(`cannot serve on port ${port} (${error.code}); choose another one: npm start -- --port N`));
    });
    probe.listen(port, "127.0.0.1", () => probe.close(resolve));
  });
}

/** Copies the sample. Returns the place to type at, as FILE:LINE:COLUMN: the end of the line below the one that says so. */
function prepareSample() {
  rmSync(SAMPLE, { recursive: true, force: true });
  cpSync(path.join("media", "sample"), SAMPLE, { recursive: true });
  const lines = readFileSync(SAMPLE_FILE, "utf8").split("\n");
  const index = lines.findIndex((line) => TYPE_HERE.test(line)) + 1;
  return `${SAMPLE_FILE}:${index + 1}:${lines[index].length + 1}`;
}

/** Both take their time, and do not need each other. */
async function buildBesideServer() {
  const works = [buildAddon(), step(`install VS Code ${NEWEST} for the browser`, () => installServer(NEWEST))];
  const failed = (await Promise.allSettled(works)).find(({ status }) => status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

/** A short name: sockets lie below it. */
function makeFolder() {
  const folder = mkdtempSync(path.join(tmpdir(), "hearth-"));
  running.push(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));
  return folder;
}

/** The same engine, of the same extension, that the editor will ask. */
async function warmEngine(node, extension, env) {
  const command = (name) => run(node, [path.join(extension, "dist", "cli.js"), "engine", name], { env, quiet: true });
  running.push(async () => {
    await command("stop").catch(() => undefined);
    await endEngines(env.HEARTH_RUNTIME_DIR);
  });
  return (await command("warm")).trim();
}

async function startInBrowser({ port, open }) {
  if (!canRunServer()) {
    throw new StepError(
      `VS Code for the browser runs on Linux x86-64 with glibc only; use the VS Code that is installed here: ` +
        `npm start -- --desktop`,
    );
  }
  await checkPort(port);
  await setUp({ toRun: true });
  await buildBesideServer();
  await bundle();
  const folder = makeFolder();
  const extensions = path.join(folder, "extensions");
  const extension = path.join(extensions, installedName());
  // A copy, as an installed extension is one: "Uninstall" in the editor deletes it.
  layOutExtension(extension, ["dist/cli.js"]);
  const env = { HEARTH_RUNTIME_DIR: path.join(folder, "engine"), ...WALKTHROUGH };
  await step("warm the engine", () => warmEngine(serverPlaces(NEWEST).node, extension, env));
  let server;
  await step("start VS Code", async () => {
    const onSpawn = (stop) => running.push(stop);
    server = await startServer({
      version: NEWEST,
      folder,
      extensions,
      env,
      settings: SETTINGS,
      withToken: true,
      port,
      onSpawn,
    });
  });
  const place = prepareSample();
  const url = workbenchUrl(server, SAMPLE, [
    ["openFile", remoteUri(server, place)],
    ["gotoLineMode", "true"],
  ]);
  console.log(`\nOpen this address, and type where the file says so. Ctrl-C ends everything.\n\n  ${url}\n`);
  if (open) await run(process.platform === "darwin" ? "open" : "xdg-open", [url], { quiet: true });
  const reason = await server.ended;
  if (ending === undefined)
    throw new StepError(`VS Code's server has ended (${reason}):\n${server.log().slice(-3000)}`);
}

async function startOnDesktop() {
  try {
    await run("code", ["--version"], { quiet: true });
  } catch {
    throw new StepError(
      "there is no 'code' on the PATH to start VS Code with; install VS Code (https://code.visualstudio.com; on macOS " +
        "then run 'Shell Command: Install code command in PATH' in it), or leave out --desktop",
    );
  }
  await setUp({ toRun: true });
  await buildAddon();
  await bundle();
  const place = prepareSample();
  await step("start VS Code", () =>
    run("code", [`--extensionDevelopmentPath=${root}`, SAMPLE, "--goto", place], { env: WALKTHROUGH }).then(
      () => undefined,
    ),
  );
}

endWhenAsked();
await runMain(async () => {
  const chosen = options();
  try {
    await (chosen.desktop ? startOnDesktop() : startInBrowser(chosen));
  } finally {
    await endAll();
  }
});
