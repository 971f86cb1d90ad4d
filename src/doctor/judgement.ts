import type { EndpointUse } from "../network/endpointUse";
import type { LedgerSummary } from "../network/ledgerSummary";
import type { EngineFacts, HostFacts } from "./examination";
import type { StoredFile } from "./storedFiles";

export interface Findings {
  readonly engine: EngineFacts | null;
  readonly host: HostFacts;
  readonly files: readonly StoredFile[];
  readonly requests: LedgerSummary;
  readonly endpoints: readonly EndpointUse[];
}

export interface Judgement {
  /** One sentence each; any of them means: not proved to be offline. */
  readonly problems: readonly string[];
  readonly unproved: readonly string[];
}

/** What of the findings should not be, and what cannot be told from them. */
export function judge({ engine, host, files, requests, endpoints }: Findings): Judgement {
  const ofEngine = engine === null ? { problems: [], unproved: [] } : judgeEngine(engine);
  const ofHost = judgeHost(host);
  return {
    problems: [...endpoints.map(ofEndpoint), ...ofEngine.problems, ...ofHost.problems, ...openToOthers(files)],
    unproved: [...ofEngine.unproved, ...ofHost.unproved, ...ledgerGaps(requests)],
  };
}

/** Switched on by the user, and yet: who asks whether Hearth is offline wants to know. */
function ofEndpoint({ editor, origin, since }: EndpointUse): string {
  return (
    `${editor} sends code to the endpoint ${origin} (hearth.endpoint.url, since ${since}); ` +
    `"Hearth: Compute on This Machine" turns it off`
  );
}

function judgeEngine({ pid, sockets, seccomp, network }: EngineFacts): Judgement {
  const open = (sockets ?? []).filter(({ kind }) => kind !== "local");
  return {
    problems: [
      ...open.map(({ what }) => `the engine (process ${String(pid)}) has a socket open that is not local: ${what}`),
      ...(network === "denied" && seccomp !== null && seccomp !== "filter"
        ? ["the engine says that the system denies it network sockets, but the system does not confirm that"]
        : []),
    ],
    unproved: [
      ...(sockets === null ? ["this system does not list the engine's sockets to other programs"] : []),
      ...(seccomp === "filter"
        ? []
        : [
            "this system does not prevent the engine from opening network sockets; the engine contains no code that opens any",
          ]),
    ],
  };
}

function judgeHost({ pid, kind, sockets, connections }: HostFacts): Judgement {
  const process = kind === "shared" ? `the extension host (process ${String(pid)})` : `this process (${String(pid)})`;
  const others = (sockets ?? []).filter((socket) => socket.kind !== "local" && !socket.hearth);
  const opener = kind === "shared" ? "the editor or another extension" : "the program that started it";
  return {
    problems: connections.map(({ url, purpose }) =>
      purpose === "endpoint"
        ? `Hearth has a connection open in ${process}, to the endpoint that you set: ${url}`
        : `Hearth has a connection open in ${process}, for a download that you started: ${url}; pause it to be offline`,
    ),
    unproved: [
      ...(sockets === null ? [`this system does not list the sockets of ${process}`] : []),
      ...(others.length === 0
        ? []
        : [
            `who opened ${counted(others.length, "other socket")} in ${process}: the system lists sockets by process only. Hearth's only ` +
              `module with network access did not open ${others.length === 1 ? "it" : "them"}, so ` +
              `${others.length === 1 ? "it belongs" : "they belong"} to ${opener}`,
          ]),
      ...(kind === "shared"
        ? [
            `that Hearth's code has no other way to the network: ${process} is shared and may open sockets. That only this module ` +
              `imports http and https, and only the engine's client imports net, is checked when Hearth is built (npm run lint), not here`,
          ]
        : []),
    ],
  };
}

function ledgerGaps({ damagedLines, entries, path }: LedgerSummary): string[] {
  const unfinished = entries.filter(({ ended }) => !ended).length;
  return [
    ...(damagedLines === 0
      ? []
      : [`what ${counted(damagedLines, "line")} of the ledger '${path}' said: cut off by a crash, or changed by hand`]),
    ...(unfinished === 0
      ? []
      : [
          `how much ${counted(unfinished, "request")} read: the process was ended before the ledger said, or it goes on`,
        ]),
  ];
}

const SECRET = /^the engine's (folder|token|log)$/;

/** What only this user may read. Windows has access control lists instead of modes. */
function openToOthers(files: readonly StoredFile[]): string[] {
  return process.platform === "win32"
    ? []
    : files
        .filter(({ what, mode }) => SECRET.test(what) && !mode.endsWith("00"))
        .map(
          ({ path, what, mode }) =>
            `${what} '${path}' is open to others (mode ${mode}); remove it, Hearth makes it anew`,
        );
}

export function counted(count: number, what: string): string {
  return `${String(count)} ${what}${count === 1 ? "" : "s"}`;
}
