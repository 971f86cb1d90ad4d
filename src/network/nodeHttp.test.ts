import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DownloadWorld } from "../models/testing/downloads";

/** A server with a certificate that nobody has signed. */
async function withTls(work: (origin: URL) => Promise<void>, location?: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "hearth-tls-"));
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"];
  execFileSync(
    "openssl",
    ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", cert, ...subject],
    {
      stdio: "ignore",
    },
  );
  const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_, response) => {
    response.writeHead(302, { location: location ?? "" }).end();
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  try {
    await work(new URL(`https://127.0.0.1:${String((server.address() as AddressInfo).port)}`));
  } finally {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  }
}

describe("a connection with TLS", () => {
  before(function () {
    if (spawnSync("openssl", ["version"]).status !== 0) {
      // Nothing else here makes certificates.
      this.skip();
    }
  });

  it("is refused where nobody vouches for the certificate", () =>
    DownloadWorld.with((world) =>
      withTls((endpoint) => world.assertFails("network", /nobody vouches for its certificate/, { endpoint })),
    ));

  it("is not left for one without", () =>
    DownloadWorld.with(async (world) => {
      const before = process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
      process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
      try {
        await withTls(
          (endpoint) => world.assertFails("redirect", /redirects to a connection that is not encrypted/, { endpoint }),
          `${world.hub.contentOrigin}/blob`,
        );
      } finally {
        if (before === undefined) {
          delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
        } else {
          process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = before;
        }
      }
    }));
});
