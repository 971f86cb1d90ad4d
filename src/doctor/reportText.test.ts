import assert from "node:assert/strict";
import type { DoctorReport } from "./examination";
import { reportMarkdown, reportText } from "./reportText";

const REPORT: DoctorReport = {
  version: "0.2.0",
  node: "v20",
  platform: "linux-x64",
  isa: "avx2",
  memory: { bytes: 8e9, by: "machine", defaultBudgetBytes: 6e9 },
  starter: { path: "/s.gguf", sha256: "aa" },
  model: { path: "/m/```\n# Nothing is open\n\u001b[2J.gguf", sha256: "bb", checked: null },
  engine: null,
  host: { pid: 1, kind: "shared", seccomp: "off", sockets: [], connections: [] },
  files: [{ path: "/run/x.token", kind: "engine", what: "the engine's token", mode: "600", bytes: 64 }],
  editor: [{ where: "for you", names: ["hearth.snoozedUntil"] }],
  requests: {
    path: "/m/requests.jsonl",
    requests: 3,
    bytes: 30,
    hosts: [],
    entries: ["08:00", "09:00", "10:00"].map((time) => ({
      at: `2026-01-02T${time}`,
      method: "GET",
      url: "https://hub/m.gguf",
      status: time === "10:00" ? 403 : 206,
      bytes: 10,
      ended: true,
    })),
    damagedLines: 0,
  },
  endpoints: [],
  problems: [],
  unproved: ["what nobody tells"],
};

describe("doctor's report", () => {
  it("puts ranges of a file together, and what has another answer apart", () => {
    const lines = reportText(REPORT).split("\n");
    const requests = lines.filter((line) => line.includes("https://hub/m.gguf"));
    assert.deepEqual(
      requests.map((line) => line.trim()),
      [
        "2026-01-02T08:00 to 2026-01-02T09:00  GET https://hub/m.gguf  206, 2 requests, 20 bytes",
        "2026-01-02T10:00  GET https://hub/m.gguf  403, 1 request, 10 bytes",
      ],
    );
    assert.equal(lines.at(-1), "Hearth has nothing open but local sockets");
    assert.ok(lines.includes("not proved: what nobody tells"));
  });

  it("begins with the verdict, and lets no name out of its block", () => {
    assert.match(reportMarkdown(REPORT), /^# Hearth has nothing open but local sockets\n/);
    const failing = reportMarkdown({ ...REPORT, problems: ["a socket"] });
    assert.match(failing, /^# Not proved: 1 problem\n\n## Problems\n\n```text\na socket\n```\n/);
    // Of headings outside blocks there are only Hearth's.
    const outside = failing.replace(/^(`{3,})text\n[^]*?\n\1$/gm, "");
    assert.ok(!outside.includes("# Nothing is open") && !failing.includes("\u001b"), outside);
    assert.ok(outside.includes("## Requests to other machines"));
  });
});
