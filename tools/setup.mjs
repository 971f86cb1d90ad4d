// Checks what must be on the machine and installs the rest from the npm registry. `npm run setup`; called by the others.
import { existsSync, readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { forget, isUpToDate, run, runMain, step, StepError, unlessUpToDate } from "./steps.mjs";
import { loadGrammarList } from "./syntaxData.mjs";

const HINTS = {
  linux:
    "on Debian or Ubuntu: sudo apt-get install -y g++ make cmake; on Fedora: sudo dnf install -y gcc-c++ make cmake",
  darwin: "xcode-select --install && brew install cmake",
  win32: "winget install Kitware.CMake Microsoft.VisualStudio.2022.BuildTools",
};

async function works(command, args = ["--version"]) {
  try {
    await run(command, args, { quiet: true });
    return true;
  } catch {
    return false;
  }
}

async function cmakeVersion() {
  try {
    const [, major, minor] = /version (\d+)\.(\d+)/.exec(await run("cmake", ["--version"], { quiet: true })) ?? [];
    return [Number(major ?? 0), Number(minor ?? 0)];
  } catch {
    return [0, 0];
  }
}

function isAtLeast([major, minor], [wantedMajor, wantedMinor]) {
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

/** Quietly: our own message reports a missing program. */
async function firstThatWorks(commands) {
  for (const command of commands) if (command && (await works(command))) return command;
  return undefined;
}

async function checkPrerequisites() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 17)) {
    throw new StepError(`Node ${process.version} is too old: Hearth needs Node 20.17 or newer (https://nodejs.org)`);
  }
  const hint = HINTS[process.platform] ?? "install them with your system's package manager";
  if (!isAtLeast(await cmakeVersion(), [3, 21])) throw new StepError(`CMake 3.21 or newer is not on the PATH; ${hint}`);
  if (process.platform === "win32") return;
  if ((await firstThatWorks([process.env.CXX, "c++", "g++", "clang++"])) === undefined) {
    throw new StepError(`no C++20 compiler is on the PATH; ${hint}`);
  }
  if ((await firstThatWorks(["ninja", "make"])) === undefined) {
    throw new StepError(`neither make nor ninja is on the PATH; ${hint}`);
  }
}

/** The npm that runs us, else the one on the PATH. */
export function runNpm(args, options) {
  const npm = process.env.npm_execpath;
  const all = [...args, "--no-audit", "--no-fund", "--loglevel=error"];
  if (npm !== undefined && existsSync(npm)) return run(process.execPath, [npm, ...all], options);
  return run("npm", all, options);
}

function hasDevPackages() {
  try {
    const { packages } = JSON.parse(readFileSync("node_modules/.package-lock.json", "utf8"));
    return Object.values(packages).some((installed) => installed.dev === true);
  } catch {
    return false;
  }
}

const LOCK = ["package-lock.json"];
/** A package that only a full install has. */
const FULL_OUTPUT = "node_modules/mocha/package.json";

async function installAll() {
  forget("install-to-run");
  await runNpm(["ci", "--include=dev"]);
}

/** What building and running need. An install that is already there with the packages for development keeps them. */
async function installToRun() {
  if (isUpToDate("install", LOCK, FULL_OUTPUT)) return "up to date";
  if (hasDevPackages()) return unlessUpToDate("install", LOCK, FULL_OUTPUT, installAll);
  return unlessUpToDate("install-to-run", LOCK, "node_modules/.package-lock.json", async () => {
    forget("install");
    await runNpm(["ci", "--omit=dev"]);
  });
}

/** `toRun`: without the packages that only tests and checks need. */
export async function setUp({ toRun = false } = {}) {
  await step("check Node, CMake and compiler", checkPrerequisites);
  await step("install npm packages", () =>
    toRun ? installToRun() : unlessUpToDate("install", LOCK, FULL_OUTPUT, installAll),
  );
  await loadGrammarList();
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) runMain(() => setUp());
