import { createHash, randomBytes } from "node:crypto";
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, isAbsolute, join } from "node:path";
import { version } from "../../../package.json";
import { homeFolder } from "../../homeFolder";
import { makeFolderSync } from "../../makeFolder";
import { PROTOCOL_VERSION } from "../../protocol/engine";
import { EngineError, hasCode } from "../../protocol/errors";

/** Where the engine of this user and this version is to be found. */
export interface EngineAddress {
  /** Of a local socket, or of a named pipe. */
  readonly socketPath: string;
  /** What the first message must carry. */
  readonly token: string;
  /** Held by the engine that serves; see serverProcess.ts. */
  readonly lockPath: string;
  readonly logPath: string;
}

export const HEARTH_VERSION: string = version;

/** macOS has 104 bytes for a socket's path, Linux 108, both with a zero at the end. */
const SOCKET_PATH_BYTES_MAX = 103;
const TOKEN_BYTES = 32;
const TOKEN_FILE_BYTES_MAX = 1024;
const PERMISSION_BITS = 0o777;
const OTHERS_MAY = 0o077;
const OTHERS_MAY_WRITE = 0o022;
const STICKY = 0o1000;

/**
 * Finds or makes the folder and the token of this user's engine. An updated Hearth has another address, so that it does
 * not talk to an older engine.
 * Errors: EngineError `unsafe` if another user could read or replace its files.
 */
export function engineAddress(env: NodeJS.ProcessEnv = process.env): EngineAddress {
  const tag = `${HEARTH_VERSION}-${String(PROTOCOL_VERSION)}`;
  const folder = runtimeFolder(env, tag);
  const token = readOrMakeToken(join(folder, `${tag}.token`));
  return {
    socketPath: socketPath(folder, tag, token),
    token,
    lockPath: join(folder, `${tag}.lock`),
    logPath: join(folder, `${tag}.log`),
  };
}

function socketPath(folder: string, tag: string, token: string): string {
  if (process.platform === "win32") {
    // Pipes lie in no private folder: an unguessable name keeps other users from creating it first.
    return `\\\\.\\pipe\\hearth-${tag}-${createHash("sha256").update(`pipe ${token}`).digest("hex").slice(0, 32)}`;
  }
  return join(folder, `${tag}.sock`);
}

/** Before anything is made there. */
function checkName(folder: string, tag: string): void {
  // The engine has another working folder than who starts it.
  if (!isAbsolute(folder)) {
    throw new EngineError(
      "unsafe",
      `cannot put a socket in '${folder}': HEARTH_RUNTIME_DIR must be the whole path of a folder, from the root`,
    );
  }
  const path = join(folder, `${tag}.sock`);
  if (Buffer.byteLength(path) > SOCKET_PATH_BYTES_MAX) {
    throw new EngineError(
      "unsafe",
      `cannot put a socket at '${path}': systems allow ${String(SOCKET_PATH_BYTES_MAX)} bytes; ` +
        `set HEARTH_RUNTIME_DIR to a folder with a shorter name`,
    );
  }
}

/** Where the engine's socket and its like lie, whether that folder is there or not. */
export function runtimeFolderPath(env: NodeJS.ProcessEnv = process.env): string {
  const own = env["HEARTH_RUNTIME_DIR"];
  if (process.platform === "win32") {
    return own ?? join(env["LOCALAPPDATA"] ?? tmpdir(), "Hearth");
  }
  return own ?? defaultFolder(env, userId());
}

/** A folder that only this user may enter. */
function runtimeFolder(env: NodeJS.ProcessEnv, tag: string): string {
  const folder = runtimeFolderPath(env);
  if (process.platform === "win32") {
    // Private by its access control list, which mode bits do not show.
    makeFolderSync(folder);
    return folder;
  }
  const uid = userId();
  checkName(folder, tag);
  checkParent(dirname(folder), uid);
  try {
    mkdirSync(folder, { mode: 0o700 });
    // The umask may have taken more away than is useful.
    chmodSync(folder, 0o700);
  } catch (error) {
    if (!hasCode(error, "EEXIST")) {
      throw refusal(folder, `it cannot be made (${messageOf(error)})`);
    }
  }
  const info = lstatSync(folder);
  if (!info.isDirectory()) {
    throw refusal(folder, info.isSymbolicLink() ? "it is a symbolic link" : "it is not a folder");
  }
  checkOwned(folder, info, uid);
  if ((info.mode & PERMISSION_BITS) !== 0o700) {
    throw refusal(folder, `its mode is ${octal(info)}, not 700`);
  }
  return folder;
}

function defaultFolder(env: NodeJS.ProcessEnv, uid: number): string {
  const runtime = env["XDG_RUNTIME_DIR"];
  // Under `su` the variable may still name another user's folder.
  if (runtime !== undefined && isAbsolute(runtime) && ownsFolder(runtime, uid)) {
    return join(runtime, "hearth");
  }
  return join(tmpdir(), `hearth-${String(uid)}`);
}

/** The system's cache folder. An engine with a runtime folder of its own keeps everything there. */
export function cacheFolder(env: NodeJS.ProcessEnv): string {
  const runtime = env["HEARTH_RUNTIME_DIR"];
  if (runtime !== undefined) {
    return runtime;
  }
  if (process.platform === "win32") {
    return join(env["LOCALAPPDATA"] ?? homeFolder(), "Hearth");
  }
  if (process.platform === "darwin") {
    return join(homeFolder(), "Library", "Caches", "hearth");
  }
  const cache = env["XDG_CACHE_HOME"];
  return join(cache === undefined || cache === "" ? join(homeFolder(), ".cache") : cache, "hearth");
}

function ownsFolder(path: string, uid: number): boolean {
  try {
    const info = lstatSync(path);
    return info.isDirectory() && info.uid === uid;
  } catch {
    return false;
  }
}

/** A user who may rename entries of the parent could replace our folder. */
function checkParent(parent: string, uid: number): void {
  let info: Stats;
  try {
    // Followed where it is a link: /tmp is one on macOS.
    info = statSync(parent);
  } catch (error) {
    throw refusal(parent, `it cannot be read (${messageOf(error)})`);
  }
  if (info.uid !== uid && info.uid !== 0) {
    throw refusal(parent, "it belongs to another user");
  }
  if ((info.mode & OTHERS_MAY_WRITE) !== 0 && (info.mode & STICKY) === 0) {
    throw refusal(parent, `others may rename what is in it (mode ${octal(info)})`);
  }
}

/** One token for all engines of a version: the first process creates it, atomically. */
function readOrMakeToken(path: string): string {
  const known = readToken(path);
  if (known !== undefined) {
    return known;
  }
  const draft = `${path}.${String(process.pid)}-${randomBytes(6).toString("hex")}`;
  try {
    writeFileSync(draft, randomBytes(TOKEN_BYTES).toString("hex"), { mode: 0o600, flag: "wx" });
    // Unlike a rename, a link fails where another process was first; its token then counts.
    linkSync(draft, path);
  } catch (error) {
    if (!hasCode(error, "EEXIST")) {
      throw refusal(path, `it cannot be written (${messageOf(error)})`);
    }
  } finally {
    rmSync(draft, { force: true });
  }
  const made = readToken(path);
  if (made === undefined) {
    throw refusal(path, "it vanished while it was being made");
  }
  return made;
}

function readToken(path: string): string | undefined {
  let info: Stats;
  try {
    info = lstatSync(path);
  } catch (error) {
    if (hasCode(error, "ENOENT")) {
      return undefined;
    }
    throw error;
  }
  if (!info.isFile()) {
    throw refusal(path, "it is not a regular file");
  }
  if (process.platform !== "win32") {
    checkOwned(path, info, userId());
    if ((info.mode & OTHERS_MAY) !== 0) {
      throw refusal(path, `its mode is ${octal(info)}, not 600`);
    }
  }
  if (info.size > TOKEN_FILE_BYTES_MAX) {
    throw refusal(path, "it holds no token");
  }
  const token = readFileSync(path, "utf8");
  if (!/^[0-9a-f]{64}$/.test(token)) {
    throw refusal(path, "it holds no token");
  }
  return token;
}

function checkOwned(path: string, info: Stats, uid: number): void {
  if (info.uid !== uid) {
    throw refusal(path, "it belongs to another user");
  }
}

function userId(): number {
  if (process.getuid === undefined) {
    throw new Error("only Windows has no user ids");
  }
  return process.getuid();
}

function refusal(path: string, why: string): EngineError {
  return new EngineError(
    "unsafe",
    `cannot keep the engine's socket at '${path}': ${why}; remove it, or set HEARTH_RUNTIME_DIR to another folder`,
  );
}

function octal(info: Stats): string {
  return (info.mode & PERMISSION_BITS).toString(8);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
