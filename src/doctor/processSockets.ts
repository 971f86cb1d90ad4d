import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** A socket that a process has open. */
export interface OpenSocket {
  /** `local`: to processes of this machine by a path (AF_UNIX), which leads nowhere else. */
  readonly kind: "local" | "network" | "unknown";
  /** e.g. "tcp 127.0.0.1:80", "unix /run/user/0/hearth/x.sock". */
  readonly what: string;
  /** Of a socket of the network. */
  readonly localPort?: number;
}

/** Of seccomp(2), as /proc/PID/status says: 2 is a filter, which Hearth's engine sets against sockets of the network. */
export type SeccompState = "off" | "strict" | "filter";

const TABLES = ["tcp", "tcp6", "udp", "udp6", "udplite", "udplite6", "raw", "raw6", "packet", "netlink"] as const;
const SECCOMP: Readonly<Record<string, SeccompState>> = { "0": "off", "1": "strict", "2": "filter" };

/**
 * The sockets of a process as the system lists them: /proc/PID/fd against the tables in /proc/PID/net (proc(5)).
 * Undefined where the system does not tell: not Linux, or another user's process.
 */
export function socketsOf(pid: number): readonly OpenSocket[] | undefined {
  const root = `/proc/${String(pid)}`;
  let inodes: string[];
  try {
    inodes = readdirSync(`${root}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`${root}/fd/${fd}`))?.[1] ?? [];
      } catch {
        // Closed meanwhile.
        return [];
      }
    });
  } catch {
    return undefined;
  }
  const known = new Map<string, OpenSocket>();
  for (const line of rows(`${root}/net/unix`)) {
    // Num RefCount Protocol Flags Type St Inode Path
    const [, , , , , , inode = "", path = "(unnamed)"] = line.trim().split(/\s+/);
    known.set(inode, { kind: "local", what: `unix ${path}` });
  }
  for (const table of TABLES) {
    for (const line of rows(`${root}/net/${table}`)) {
      const columns = line.trim().split(/\s+/);
      const inode = columns[table === "packet" ? 8 : 9] ?? "";
      known.set(inode, networkSocket(table, columns[1] ?? "", columns[2] ?? ""));
    }
  }
  return inodes.map((inode) => known.get(inode) ?? { kind: "unknown", what: `socket ${inode}` });
}

export function seccompOf(pid: number): SeccompState | undefined {
  try {
    const status = readFileSync(`/proc/${String(pid)}/status`, "latin1");
    return SECCOMP[/^Seccomp:\s*(\d)/m.exec(status)?.[1] ?? ""];
  } catch {
    return undefined;
  }
}

function networkSocket(table: string, local: string, remote: string): OpenSocket {
  const localPort = Number.parseInt(local.split(":")[1] ?? "", 16);
  // 0.0.0.0:0: it is connected to nothing, e.g. because it listens.
  const to = /^0*:0*$/.test(remote) || !remote.includes(":") ? "" : ` to ${addressIn(remote)}`;
  return {
    kind: "network",
    what: `${table} ${addressIn(local)}${to}`,
    ...(Number.isNaN(localPort) ? {} : { localPort }),
  };
}

function rows(path: string): string[] {
  try {
    return readFileSync(path, "latin1")
      .split("\n")
      .slice(1)
      .filter((line) => line.trim() !== "");
  } catch {
    return [];
  }
}

/** "0100007F:1F90" → "127.0.0.1:8080": each word of the address is in the machine's byte order. */
function addressIn(hex: string): string {
  const [address = "", port = ""] = hex.split(":");
  const bytes = (address.match(/.{8}/g) ?? []).flatMap((word) => (word.match(/../g) ?? []).reverse());
  const shown =
    bytes.length === 4 ? bytes.map((byte) => String(Number.parseInt(byte, 16))).join(".") : `[${bytes.join("")}]`;
  return `${shown}:${String(Number.parseInt(port, 16))}`;
}
