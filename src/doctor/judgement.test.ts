import assert from "node:assert/strict";
import type { LedgerSummary } from "../network/ledgerSummary";
import type { EngineFacts, HostFacts } from "./examination";
import { judge } from "./judgement";

const LEDGER: LedgerSummary = {
  path: "/m/requests.jsonl",
  requests: 0,
  bytes: 0,
  hosts: [],
  entries: [],
  damagedLines: 0,
};
const ENGINE: EngineFacts = {
  pid: 7,
  model: null,
  isa: null,
  network: "denied",
  seccomp: "filter",
  sockets: [{ kind: "local", what: "unix /run/x.sock" }],
};
const HOST: HostFacts = { pid: 8, kind: "own", seccomp: "off", sockets: [], connections: [] };
const TCP = { kind: "network", what: "tcp 10.0.0.1:5", localPort: 5 } as const;

const judged = (
  engine: Partial<EngineFacts>,
  host: Partial<HostFacts> = {},
  requests: Partial<LedgerSummary> = {},
): ReturnType<typeof judge> =>
  judge({
    engine: { ...ENGINE, ...engine },
    host: { ...HOST, ...host },
    files: [],
    requests: { ...LEDGER, ...requests },
    endpoints: [],
  });

describe("what doctor finds", () => {
  it("is no problem where all is local, and proves all of an own process", () => {
    assert.deepEqual(judged({}), { problems: [], unproved: [] });
  });

  it("is a problem for each socket of the engine that is not local, also one that nobody knows", () => {
    const { problems } = judged({ sockets: [TCP, { kind: "unknown", what: "socket 99" }] });
    assert.deepEqual(problems, [
      "the engine (process 7) has a socket open that is not local: tcp 10.0.0.1:5",
      "the engine (process 7) has a socket open that is not local: socket 99",
    ]);
  });

  it("is a problem where the engine says of itself what the system does not", () => {
    assert.equal(judged({ seccomp: "off" }).problems.length, 1);
    assert.equal(judged({ seccomp: "off", network: "unsupported" }).problems.length, 0);
    assert.equal(judged({ seccomp: "off", network: "unsupported" }).unproved.length, 1);
  });

  it("is a problem where Hearth itself has a connection, and only told where others have", () => {
    const connection = { url: "https://hub/m.gguf", localPort: 5 };
    const own = judged({}, { connections: [connection], sockets: [{ ...TCP, hearth: true }] });
    assert.match(own.problems.join(), /for a download that you started: https:\/\/hub\/m\.gguf; pause it/);
    const others = judged({}, { kind: "shared", sockets: [{ ...TCP, hearth: false }] });
    assert.deepEqual(others.problems, []);
    assert.match(
      others.unproved.join("\n"),
      /^who opened 1 other socket in the extension host \(process 8\): .*another extension$/m,
    );
    assert.match(others.unproved.join("\n"), /^that Hearth's code has no other way to the network/m);
  });

  it("is a problem where an editor sends code to an endpoint, though the user wants that", () => {
    const endpoint = { editor: "Code", origin: "https://box", model: "m", since: "2026-01-01" };
    const { problems } = judge({ engine: null, host: HOST, files: [], requests: LEDGER, endpoints: [endpoint] });
    assert.match(problems.join(), /^Code sends code to the endpoint https:\/\/box .*"Hearth: Compute on This Machine"/);
    const connection = { url: "https://box/v1/completions", purpose: "endpoint", localPort: 5 } as const;
    assert.match(judged({}, { connections: [connection] }).problems.join(), /to the endpoint that you set: https:/);
  });

  it("says what a system does not list, and what a ledger does not say", () => {
    assert.equal(judged({ sockets: null, seccomp: null }, { sockets: null }).unproved.length, 3);
    const entry = { at: "", method: "GET", url: "https://a/", status: 0, bytes: 0, ended: false };
    assert.equal(judged({}, {}, { entries: [entry], damagedLines: 2 }).unproved.length, 2);
  });
});
