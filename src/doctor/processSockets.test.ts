import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seccompOf, socketsOf } from "./processSockets";

describe("the sockets of a process", function () {
  before(function () {
    if (process.platform !== "linux") {
      // Only Linux lists them in files.
      this.skip();
    }
  });

  it("are told apart: those of the network, with their address, and local ones", async () => {
    const folder = mkdtempSync(join(tmpdir(), "hearth-sockets-"));
    const path = join(folder, "x.sock");
    const before = socketsOf(process.pid)?.filter(({ kind }) => kind === "network").length;
    const servers = [
      createServer().listen(0, "127.0.0.1"),
      createServer().listen(0, "::1"),
      createServer().listen(path),
    ];
    await Promise.all(servers.map((server) => new Promise((done) => server.once("listening", done))));
    const [v4] = servers.map((server) => server.address());
    const port = typeof v4 === "object" && v4 !== null ? String(v4.port) : "";
    const sockets = socketsOf(process.pid) ?? [];
    for (const server of servers) {
      server.close();
    }
    rmSync(folder, { recursive: true });
    assert.ok(
      sockets.some(({ kind, what }) => kind === "network" && what === `tcp 127.0.0.1:${port}`),
      JSON.stringify(sockets),
    );
    assert.ok(sockets.some(({ kind, what }) => kind === "network" && what.startsWith("tcp6 ")));
    assert.ok(sockets.some(({ kind, what }) => kind === "local" && what === `unix ${path}`));
    assert.equal(sockets.filter(({ kind }) => kind === "network").length, (before ?? 0) + 2);
  });

  it("are not told of a process that is not there", () => {
    assert.equal(socketsOf(2 ** 22 + 1), undefined);
    assert.equal(seccompOf(2 ** 22 + 1), undefined);
    assert.ok(["off", "filter"].includes(seccompOf(process.pid) ?? ""));
  });
});
