import { terminalText } from "../core/visibleText";
import type { EndpointUse } from "../network/endpointUse";
import type { LedgerEntry } from "../network/ledgerSummary";
import { formatBytes } from "../models/size";
import type { DoctorReport, EngineFacts, HostFacts } from "./examination";
import { counted } from "./judgement";

interface Section {
  readonly title: string;
  readonly lines: readonly string[];
}

/** Of the text that a terminal shows. */
export function reportText(report: DoctorReport): string {
  const sections = sectionsOf(report).flatMap(({ title, lines }) => [
    `${title}:`,
    ...lines.map((line) => `  ${line}`),
    "",
  ]);
  return [...headLines(report), "", ...sections, ...verdictLines(report)].join("\n");
}

/** The same as Markdown: what comes from outside stands in blocks of code, where it means nothing. */
export function reportMarkdown(report: DoctorReport): string {
  const { problems, unproved } = report;
  return [
    `# ${verdict(report)}`,
    ...(problems.length === 0 ? [] : ["## Problems", block(problems)]),
    ...(unproved.length === 0 ? [] : ["## What cannot be proved on this system", block(unproved)]),
    "## This program",
    block(headLines(report)),
    ...sectionsOf(report).flatMap(({ title, lines }) => [
      `## ${title.slice(0, 1).toUpperCase()}${title.slice(1)}`,
      block(lines),
    ]),
    "This report describes this moment. None of it was sent anywhere.",
    "",
  ].join("\n\n");
}

function block(lines: readonly string[]): string {
  const text = lines.map((line) => terminalText(line)).join("\n");
  const longest = Math.max(2, ...(text.match(/`+/g) ?? []).map((run) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}text\n${text}\n${fence}`;
}

function verdict({ problems }: DoctorReport): string {
  return problems.length === 0
    ? "Hearth has nothing open but local sockets"
    : `Not proved: ${counted(problems.length, "problem")}`;
}

function verdictLines(report: DoctorReport): string[] {
  const { problems, unproved } = report;
  return [
    ...unproved.map((what) => `not proved: ${what}`),
    ...problems.map((what) => `PROBLEM: ${what}`),
    verdict(report),
  ];
}

function headLines({ version, node, platform, isa, memory, starter, model }: DoctorReport): string[] {
  const limit = memory.by === "machine" ? "" : " (its control group's)";
  return [
    `Hearth ${version}, Node ${node}, ${platform}, ${isa === null ? "kernels not known until an engine has loaded a model" : `${isa} kernels`}`,
    `memory: ${formatBytes(memory.bytes)}${limit}, an engine takes at most ${formatBytes(memory.defaultBudgetBytes)} unless you set a budget`,
    `starter model: SHA-256 ${starter.sha256}`,
    ...(model === null || model.path === starter.path
      ? []
      : [
          `loaded model: ${model.path}`,
          `  SHA-256 ${model.sha256}, ${model.checked === null ? "computed just now" : `computed on ${model.checked}; the file's size and date have not changed since`}`,
        ]),
  ];
}

function sectionsOf(report: DoctorReport): Section[] {
  const { engine, host, files, editor, requests, endpoints } = report;
  return [
    { title: "endpoints that code is sent to", lines: endpointLines(endpoints) },
    { title: "engine", lines: engine === null ? ["not running"] : engineLines(engine) },
    { title: host.kind === "shared" ? "extension host" : "this process", lines: hostLines(host) },
    {
      title: "files",
      lines: files.map(({ mode, path, what, bytes }) => `${mode}  ${path}  ${what}, ${formatBytes(bytes)}`),
    },
    ...(editor.length === 0
      ? []
      : [
          {
            title: "kept by the editor in its own database and key store",
            lines: editor.map(({ where, names }) => `${where}: ${names.length === 0 ? "nothing" : names.join(", ")}`),
          },
        ]),
    { title: "requests to other machines", lines: requestLines(requests.entries, requests.path) },
  ];
}

function endpointLines(endpoints: readonly EndpointUse[]): string[] {
  return endpoints.length === 0
    ? ["none"]
    : endpoints.map(({ editor, origin, model, since }) => `${origin}, model '${model}', by ${editor} since ${since}`);
}

function engineLines({ pid, model, sockets, seccomp }: EngineFacts): string[] {
  return [
    `process ${String(pid)}, ${model ?? "no model loaded"}`,
    `network sockets: ${seccomp === "filter" ? "denied by the system (seccomp filter)" : "not denied by the system"}`,
    ...(sockets === null
      ? ["sockets: not listed by this system"]
      : sockets.map(({ kind, what }) => `${kind}: ${what}`)),
  ];
}

function hostLines({ pid, kind, sockets, connections }: HostFacts): string[] {
  const [own, others] = [
    (sockets ?? []).filter(({ hearth }) => hearth),
    (sockets ?? []).filter(({ hearth }) => !hearth),
  ];
  const network = others.filter((socket) => socket.kind !== "local");
  return [
    `process ${String(pid)}${kind === "shared" ? ", shared with other extensions and the editor" : ""}`,
    `Hearth's connections to other machines:${connections.length === 0 ? " none" : ""}`,
    ...connections.map(({ url }) => `  ${url}`),
    ...own.map(({ what }) => `  as the system lists it: ${what}`),
    ...(sockets === null
      ? ["sockets: not listed by this system"]
      : [`local sockets: ${String(others.length - network.length)}, including Hearth's to the engine while that runs`]),
    ...network.map(({ what }) => `${kind === "shared" ? "someone else's" : "of the program that started it"}: ${what}`),
  ];
}

/** Ranges of one file are one line: what is asked for in a row, with the same answer. */
function requestLines(entries: readonly LedgerEntry[], path: string): string[] {
  if (entries.length === 0) {
    return ["none, ever"];
  }
  const rows: { first: LedgerEntry; last: LedgerEntry; count: number; bytes: number; sent: number }[] = [];
  for (const entry of entries) {
    const row = rows.find(({ first }) => isAlike(first, entry));
    const { count = 1, sent = 0 } = entry;
    if (row === undefined) {
      rows.push({ first: entry, last: entry, count, bytes: entry.bytes, sent });
    } else {
      row.count += count;
      row.bytes += entry.bytes;
      row.sent += sent;
      row.last = entry;
    }
  }
  const total = entries.reduce((sum, { count = 1 }) => sum + count, 0);
  return [
    `${counted(total, "request")}, each for a download that you started or to an endpoint that you set ` +
      `(one by one: --json, or '${path}'):`,
    ...rows.map(({ first, last, count, bytes, sent }) => {
      const when = last.at === first.at ? first.at : `${first.at} to ${last.at}`;
      const answer = !first.ended ? "end not known" : first.status === 0 ? "no answer" : String(first.status);
      return `${when}  ${first.method} ${first.url}  ${answer}, ${counted(count, "request")}, ${formatBytes(bytes)}${amountSent(sent)}`;
    }),
  ];
}

function amountSent(bytes: number): string {
  return bytes === 0 ? "" : `, ${formatBytes(bytes)} sent`;
}

function isAlike(a: LedgerEntry, b: LedgerEntry): boolean {
  return (
    a.url === b.url &&
    a.method === b.method &&
    a.status === b.status &&
    a.ended === b.ended &&
    a.at.slice(0, 10) === b.at.slice(0, 10)
  );
}
