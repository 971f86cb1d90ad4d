// Runs VS Code's server (see install.mjs) on loopback, with nothing of the user's around it.
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { root, run, StepError } from "../steps.mjs";
import { serverPlaces } from "./install.mjs";

const START_LIMIT_MS = 60_000;
/** Between asking the server's processes to end and ending them. */
const STOP_LIMIT_MS = 4000;

/** No welcome, no trust dialog, no other vendor's offers, no traffic. Everything else is as VS Code comes. */
const QUIET_SETTINGS = {
  "telemetry.telemetryLevel": "off",
  "update.mode": "none",
  "extensions.autoCheckUpdates": false,
  "extensions.autoUpdate": false,
  "workbench.startupEditor": "none",
  "workbench.tips.enabled": false,
  "workbench.enableExperiments": false,
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "security.workspace.trust.enabled": false,
  // Hides the chat that VS Code brings along; inline completions of extensions stay.
  "chat.disableAIFeatures": true,
  // The folder that is shown lies inside a repository that is not its own.
  "git.openRepositoryInParentFolders": "never",
  // Both would ask the npm registry for types.
  "typescript.disableAutomaticTypeAcquisition": true,
  "js/ts.tsserver.automaticTypeAcquisition.enabled": false,
};

/** What a surrounding VS Code, npm or Hearth has set is not for this one. */
const FOREIGN_VARIABLES = /^(VSCODE_|CODE_SERVER_|ELECTRON_|HEARTH_|npm_|PORT$|NODE_OPTIONS$)/;

function isolatedEnvironment(folder, extra) {
  const home = path.join(folder, "home");
  // Sockets lie here, and a socket's path is short.
  const temporary = path.join(folder, "t");
  mkdirSync(home, { recursive: true });
  mkdirSync(temporary, { recursive: true, mode: 0o700 });
  const kept = Object.entries(process.env).filter(([name]) => !FOREIGN_VARIABLES.test(name));
  return {
    ...Object.fromEntries(kept),
    HOME: home,
    XDG_CONFIG_HOME: path.join(home, "config"),
    XDG_DATA_HOME: path.join(home, "data"),
    XDG_CACHE_HOME: path.join(home, "cache"),
    XDG_RUNTIME_DIR: temporary,
    TMPDIR: temporary,
    // Else it asks for news of extensions at every start.
    EXTENSIONS_GALLERY: '{"serviceUrl":""}',
    ...extra,
  };
}

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer().on("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

const commonArgs = (main, folder, extensions) => [
  main,
  "--accept-server-license-terms",
  "--server-data-dir",
  path.join(folder, "server"),
  "--extensions-dir",
  extensions,
];

const INSTALLED = path.join(root, ".cache", "installed");

/**
 * A new folder of extensions, `extensions`, with a .vsix in it, installed as a user would. That is done once for each package
 * and VS Code, whose start it takes; what came of it is copied.
 */
export async function installVsix(version, extensions, vsix) {
  const content = createHash("sha256").update(readFileSync(vsix)).digest("hex").slice(0, 16);
  const installed = path.join(INSTALLED, `${version}-${content}`);
  if (!existsSync(installed)) await installOnce(version, installed, vsix);
  cpSync(installed, extensions, { recursive: true });
  // The list names each extension's folder in full.
  const list = path.join(extensions, LIST);
  writeFileSync(list, readFileSync(list, "utf8").replaceAll(TAKEN_FROM, extensions));
}

const LIST = "extensions.json";
/** Stands in the list for the folder that has been copied. */
const TAKEN_FROM = "<extensions>";

async function installOnce(version, installed, vsix) {
  const { node, main } = serverPlaces(version);
  const folder = mkdtempSync(path.join(tmpdir(), "hi-"));
  const draft = `${installed}.${process.pid}.part`;
  const args = [...commonArgs(main, folder, draft), "--install-extension", path.resolve(vsix)];
  try {
    await run(node, args, { quiet: true, env: isolatedEnvironment(folder, {}) });
    const list = path.join(draft, LIST);
    writeFileSync(list, readFileSync(list, "utf8").replaceAll(draft, TAKEN_FROM));
    // Of packages before this one.
    const all = readdirSync(INSTALLED).filter((name) => name.startsWith(`${version}-`) && !name.endsWith(".part"));
    const others = all.map((name) => path.join(INSTALLED, name)).filter((other) => other !== installed);
    for (const other of others) rmSync(other, { recursive: true, force: true });
    // Another run may have been first.
    if (!existsSync(installed)) renameSync(draft, installed);
  } finally {
    for (const left of [folder, draft]) rmSync(left, { recursive: true, force: true });
  }
}

/** A user's settings, before a VS Code with this data folder starts: `settings` over the quiet ones. */
export function writeUserSettings(dataFolder, settings) {
  const user = path.join(dataFolder, "User");
  mkdirSync(user, { recursive: true });
  writeFileSync(path.join(user, "settings.json"), JSON.stringify({ ...QUIET_SETTINGS, ...settings }, null, 2));
}

/**
 * Starts VS Code `version` with everything it writes below `folder`, which must have a short name.
 * - `extensions`: folder of installed extensions; none by default
 * - `settings`: the user's, over the quiet ones
 * - `env`: for the server, and so for extensions and what they start
 * - `withToken`: requires the token in `url`
 * - `driver`: takes extensions under test from the page's address, and shows no notifications
 * - `onSpawn`: is given the function that stops the server, before it is known to answer
 */
export async function startServer({
  version,
  folder,
  extensions = path.join(folder, "extensions"),
  settings = {},
  env = {},
  withToken = false,
  driver = false,
  port,
  onSpawn = () => undefined,
}) {
  const { node, main } = serverPlaces(version);
  mkdirSync(extensions, { recursive: true });
  writeUserSettings(path.join(folder, "server", "data"), settings);
  const token = withToken ? randomBytes(16).toString("base64url") : undefined;
  // In a file: other users see the arguments of a process.
  const tokenFile = path.join(folder, "token");
  if (withToken) writeFileSync(tokenFile, token, { mode: 0o600 });
  const address = { host: "127.0.0.1", port: port ?? (await freePort()) };
  const args = [
    ...commonArgs(main, folder, extensions),
    ...["--host", address.host, "--port", String(address.port)],
    ...(withToken ? ["--connection-token-file", tokenFile] : ["--without-connection-token"]),
    ...(driver ? ["--enable-smoke-test-driver"] : []),
    ...["--disable-telemetry", "--telemetry-level", "off", "--disable-workspace-trust"],
  ];
  const logFile = path.join(folder, "server.log");
  const log = openSync(logFile, "a");
  // A group of its own, so that whatever it starts can be ended with it.
  const child = spawn(node, args, {
    env: isolatedEnvironment(folder, env),
    stdio: ["ignore", log, log],
    detached: true,
  });
  closeSync(log);
  const ended = new Promise((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  const server = {
    origin: `http://${address.host}:${address.port}`,
    host: `${address.host}:${address.port}`,
    token,
    logFile,
    log: () => readFileSync(logFile, "utf8"),
    /** Resolves with the reason. */
    ended,
    stop: () => endGroup(child.pid),
  };
  onSpawn(server.stop);
  await answers(server);
  return server;
}

async function answers(server) {
  const deadline = Date.now() + START_LIMIT_MS;
  const end = server.ended.then((reason) => ({ reason }));
  for (;;) {
    const version = fetch(`${server.origin}/version`).then(
      (response) => response.ok,
      () => sleep(50).then(() => false),
    );
    const answer = await Promise.race([version, end]);
    if (answer === true) return;
    const why = answer.reason ?? (Date.now() > deadline ? `no answer in ${START_LIMIT_MS / 1000} s` : undefined);
    if (why !== undefined) {
      await server.stop();
      throw new StepError(`VS Code's server did not start on ${server.origin} (${why}):\n${server.log().slice(-3000)}`);
    }
  }
}

/** Asks every process of a group to end, and ends those that do not. */
async function endGroup(group) {
  if (group === undefined) return;
  const deadline = Date.now() + STOP_LIMIT_MS;
  for (let signal = "SIGTERM"; signalGroup(group, signal); signal = Date.now() > deadline ? "SIGKILL" : 0) {
    await sleep(20);
  }
}

/** Whether any process received it. */
function signalGroup(group, signal) {
  try {
    process.kill(-group, signal);
    return true;
  } catch (error) {
    if (error.code === "ESRCH") return false;
    throw error;
  }
}

/** Like encodeURIComponent, but for what an address may carry as it is: it is read and copied by people. */
function encodeQuery(text) {
  return encodeURIComponent(text).replaceAll(/%(2F|3A|2C)/g, decodeURIComponent);
}

/** The address of a folder, or of a workspace file, in the workbench; `payload`: pairs that the workbench takes from its address. */
export function workbenchUrl({ origin, token }, folder, payload = []) {
  const query = [
    ...(token === undefined ? [] : [`tkn=${token}`]),
    `${folder.endsWith(".code-workspace") ? "workspace" : "folder"}=${encodeQuery(folder)}`,
    ...(payload.length === 0 ? [] : [`payload=${encodeQuery(JSON.stringify(payload))}`]),
  ];
  return `${origin}/?${query.join("&")}`;
}

/** A file of the server's machine, as the workbench names it. */
export function remoteUri({ host }, file) {
  return `vscode-remote://${host}${file}`;
}
