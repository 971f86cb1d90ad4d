import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { DownloadWorld, SHORT_LIMITS, MODEL_BYTES } from "./testing/downloads";
import type { HttpPort } from "../network/http";

const inWorld = (work: (world: DownloadWorld) => Promise<void>) => (): Promise<void> => DownloadWorld.with(work);

describe("a server that misbehaves:", () => {
  const cuts = [0, 1, 3, 100, 4096, 30_001];
  for (const bytes of cuts) {
    it(
      `the connection is cut after ${String(bytes)} bytes, and nothing is asked for twice`,
      inWorld(async (world) => {
        world.hub.onContent = (request, response, count) => {
          if (count % 2 === 0) {
            return false;
          }
          world.hub.cutAfter(request, response, bytes, "destroy");
          return true;
        };
        await world.download();
        world.assertComplete();
        // A connection may break before what was sent has been read.
        assert.ok(world.hub.sentBytes < MODEL_BYTES.length * 1.3, String(world.hub.sentBytes));
      }),
    );
  }

  it(
    "a body that stalls is given up and gone on with",
    inWorld(async (world) => {
      const notes: string[] = [];
      world.hub.onContent = (request, response, count) => {
        if (count > 2) {
          return false;
        }
        world.hub.cutAfter(request, response, 10_000, "hang");
        return true;
      };
      await world.download({ onProgress: ({ note }) => note !== undefined && notes.push(note) });
      world.assertComplete();
      assert.match(notes.join("\n"), /nothing came for/);
    }),
  );

  it(
    "a trickle counts as a stall, and a download of trickles gives up without losing anything",
    inWorld(async (world) => {
      world.hub.onContent = (request, response, count) => {
        if (count === 1) {
          return false;
        }
        const [start, end] = world.hub.rangeOf(request);
        response.writeHead(206, world.hub.rangeHeaders(start, end, request));
        let at = start;
        const drip = setInterval(() => {
          response.write(world.hub.content.subarray(at, at + 1));
          at += 1;
        }, 40);
        response.on("close", () => {
          clearInterval(drip);
        });
        return true;
      };
      await world.assertFails("network", /times in a row .* what was downloaded is kept, check the network/);
      assert.ok(world.savedBytes() >= SHORT_LIMITS.pieceBytes);
      world.hub.onContent = undefined;
      const before = world.hub.sentBytes;
      await world.download();
      world.assertComplete();
      assert.ok(world.hub.sentBytes - before <= MODEL_BYTES.length - SHORT_LIMITS.pieceBytes);
    }),
  );

  it(
    "no answer at all is told with what to do",
    inWorld(async (world) => {
      world.hub.onHub = () => true;
      await world.assertFails("network", /no answer for .* set a mirror, or import a file/, {
        limits: { ...SHORT_LIMITS, answerMs: 50 },
      });
    }),
  );

  it(
    "a host that is not there is told with what to do",
    inWorld(async (world) => {
      await world.assertFails("network", /127\.0\.0\.1:1 \(it refuses connections\); check the network and the proxy/, {
        endpoint: new URL("http://127.0.0.1:1"),
      });
    }),
  );

  it(
    "200 to a Range: all of it is got in one answer, and what was there is not overwritten",
    inWorld(async (world) => {
      world.hub.onContent = (request, response, count) => {
        if (count <= 2) {
          return false;
        }
        delete request.headers.range;
        world.hub.answerContent(request, response);
        return true;
      };
      await world.download();
      world.assertComplete();
    }),
  );

  it(
    "200 to a Range, cut off: the whole is asked for again",
    inWorld(async (world) => {
      world.hub.onContent = (request, response, count) => {
        delete request.headers.range;
        if (count === 2) {
          response.writeHead(200, { "content-length": String(MODEL_BYTES.length) });
          response.write(MODEL_BYTES.subarray(0, 20_000), () => setTimeout(() => response.destroy(), 5));
          return true;
        }
        world.hub.answerContent(request, response);
        return true;
      };
      await world.download();
      world.assertComplete();
    }),
  );

  const wrongRanges: readonly (readonly [string, (start: number, end: number, size: number) => string])[] = [
    ["another start", (start, end, size) => `bytes ${start + 1}-${end}/${size}`],
    ["another end", (start, end, size) => `bytes ${start}-${end - 2}/${size}`],
    ["another size", (start, end, size) => `bytes ${start}-${end - 1}/${size + 1}`],
    ["no size", (start, end) => `bytes ${start}-${end - 1}/*`],
    ["nonsense", () => "lines 1-2/3"],
  ];
  for (const [what, header] of wrongRanges) {
    it(
      `a Content-Range with ${what} is not used`,
      inWorld(async (world) => {
        world.hub.onContent = (request, response, count) => {
          if (count !== 2) {
            return false;
          }
          const [start, end] = world.hub.rangeOf(request);
          response.writeHead(206, { "content-range": header(start, end, MODEL_BYTES.length) });
          response.end(Buffer.alloc(end - start, 1));
          return true;
        };
        await world.download();
        world.assertComplete();
      }),
    );
  }

  it(
    "wrong ranges again and again are told, and what came before is kept",
    inWorld(async (world) => {
      world.hub.onContent = (_, response, count) => {
        if (count === 1) {
          return false;
        }
        response.writeHead(206, { "content-range": "bytes 0-0/1" }).end("x");
        return true;
      };
      await world.assertFails("content", /instead of 'bytes .* is kept, choose another mirror/);
      assert.equal(world.savedBytes(), SHORT_LIMITS.pieceBytes);
    }),
  );

  it(
    "a body longer or shorter than its range is not believed",
    inWorld(async (world) => {
      world.hub.onContent = (request, response, count) => {
        if (count !== 2 && count !== 3) {
          return false;
        }
        const [start, end] = world.hub.rangeOf(request);
        const { "content-range": range = "" } = world.hub.rangeHeaders(start, end, request);
        response.writeHead(206, { "content-range": range });
        response.end(
          count === 2 ? world.hub.content.subarray(start, end + 10) : world.hub.content.subarray(start, end - 10),
        );
        return true;
      };
      await world.download();
      world.assertComplete();
    }),
  );

  it(
    "a web page instead of the file is told, at the hub and at its content server",
    inWorld(async (world) => {
      world.hub.onHub = (_, response) => {
        response.writeHead(200, { "content-type": "text/html", "content-length": "15" }).end("<html>Hi</html>");
        return true;
      };
      await world.assertFails("content", /sends a web page instead of the file; open http/);
      world.hub.onHub = undefined;
      world.hub.onContent = (request, response) => {
        const [start, end] = world.hub.rangeOf(request);
        response.writeHead(206, { ...world.hub.rangeHeaders(start, end, request), "content-type": "text/html" });
        response.end(Buffer.alloc(end - start, "<p>"));
        return true;
      };
      await world.assertFails("content", /a web page instead of the file, .* choose another mirror/);
      assert.equal(existsSync(`${world.target}.part`), true);
      assert.equal(world.savedBytes(), 0);
    }),
  );

  it("something that is no GGUF is noticed by its first bytes, and nothing is kept", () =>
    DownloadWorld.with(
      async (world) => {
        await world.assertFails("content", /not a GGUF file; choose another mirror/);
        assert.equal(world.hub.requests("content").length <= 1 + SHORT_LIMITS.parallel, true);
        assert.equal(existsSync(`${world.target}.part`), false);
        assert.equal(existsSync(`${world.target}.part.json`), false);
      },
      Buffer.alloc(300_000, "no model "),
    ));

  it("a GGUF that is no model Hearth can run is told, and not kept", () => {
    const other = Buffer.from(MODEL_BYTES);
    other.write("smallthinkez", other.indexOf("smallthinker"), "latin1");
    return DownloadWorld.with(async (world) => {
      await world.assertFails("unusable", /is not a model that Hearth can use, and was not kept: /);
      assert.equal(existsSync(`${world.target}.part`), false);
    }, other);
  });

  it("a truncated model, as long as announced, is told", async () =>
    DownloadWorld.with(
      async (world) => {
        await world.assertFails("unusable", /not a model that Hearth can use/);
      },
      MODEL_BYTES.subarray(0, 200_000),
    ));

  it(
    "another content than its hash: nothing of it is kept or loaded",
    inWorld(async (world) => {
      world.hub.onContent = (request, response) => {
        const [start, end] = world.hub.rangeOf(request);
        const body = Buffer.from(world.hub.content.subarray(start, end));
        if (end === MODEL_BYTES.length) {
          body[body.length - 1] = (body.at(-1) ?? 0) ^ 1;
        }
        response.writeHead(206, world.hub.rangeHeaders(start, end, request)).end(body);
        return true;
      };
      await world.assertFails(
        "content",
        /has SHA-256 \w{12}… instead of \w{12}….* nothing of it was kept, download it again/,
      );
      assert.equal(existsSync(`${world.target}.part`), false);
      world.hub.onContent = undefined;
      await world.download();
      world.assertComplete();
    }),
  );

  it(
    "another length than announced is told",
    inWorld(async (world) => {
      world.hub.onHub = (request, response) => {
        const signature = "s";
        world.hub.signatures.add(signature);
        const facts = { ...world.hub.facts(), "x-linked-size": String(MODEL_BYTES.length + 5) };
        response.writeHead(302, { ...facts, location: `${world.hub.contentOrigin}/blob?sig=${signature}` }).end();
        return request.url !== undefined;
      };
      await world.assertFails("content", /instead of 'bytes .*\/\d+'/);
    }),
  );

  it(
    "a file of no announced length is not begun",
    inWorld(async (world) => {
      world.hub.onHub = (_, response) => {
        response.writeHead(200, { "transfer-encoding": "chunked" }).end();
        return true;
      };
      await world.assertFails("content", /does not say how long the file is; choose another mirror/);
    }),
  );

  it(
    "redirects in circles, at the hub and at its content server",
    inWorld(async (world) => {
      world.hub.onHub = (request, response) => {
        response.writeHead(302, { location: request.url ?? "" }).end();
        return true;
      };
      await world.assertFails("redirect", /redirects in circles; choose another mirror/);
      assert.ok(world.hub.seen.length <= SHORT_LIMITS.hopsMax);
      world.hub.onHub = undefined;
      world.hub.onContent = (request, response) => {
        response.writeHead(302, { location: request.url ?? "" }).end();
        return true;
      };
      await world.assertFails("redirect", /redirects in circles/);
    }),
  );

  for (const location of ["file:///etc/passwd", "ftp://127.0.0.1/x.gguf", "data:text/plain,GGUF"]) {
    it(
      `a redirect to ${location} is not followed`,
      inWorld(async (world) => {
        world.hub.onHub = (_, response) => {
          response.writeHead(302, { ...world.hub.facts(), location }).end();
          return true;
        };
        await world.assertFails("redirect", /none of the web; choose another mirror/);
      }),
    );
  }

  it(
    "an expired signature is asked for again, and the download goes on where it was",
    inWorld(async (world) => {
      world.hub.onContent = (_, __, count) => {
        if (count === 3) {
          world.hub.signatures.clear();
          world.hub.signatures.add("0");
        }
        return false;
      };
      await world.download();
      world.assertComplete();
      assert.equal(world.hub.sentBytes, MODEL_BYTES.length);
      assert.ok(world.hub.requests("hub", "GET").length > 1);
    }),
  );

  for (const [name, value, waited] of [
    ["retry-after", "1", 900],
    ["ratelimit", '"resolver";r=0;t=1', 900],
  ] as const) {
    it(
      `429 with ${name} is waited for as long as it says`,
      inWorld(async (world) => {
        let refused = 0;
        world.hub.onHub = (_, response) => {
          if (refused > 0) {
            return false;
          }
          refused += 1;
          response.writeHead(429, { [name]: value }).end();
          return true;
        };
        const notes: string[] = [];
        const started = performance.now();
        await world.download({ onProgress: ({ note }) => note !== undefined && notes.push(note) });
        assert.ok(performance.now() - started >= waited);
        assert.match(notes.join(), /answers 429; trying again/);
        world.assertComplete();
      }),
    );
  }

  it(
    "429 for longer than anybody waits, or 500 for ever, is told",
    inWorld(async (world) => {
      for (const [status, headers, says] of [
        [429, { "retry-after": "100000" }, /too many requests from here \(429\); try again in 27 h 47 min, or choose/],
        [500, {}, /overloaded \(500\); try again later, or choose another mirror/],
      ] as const) {
        world.hub.onHub = (_, response) => {
          response.writeHead(status, headers).end();
          return true;
        };
        await world.assertFails("refused", says);
      }
    }),
  );

  it(
    "429 of the content server is waited for",
    inWorld(async (world) => {
      world.hub.onContent = (_, response, count) => {
        if (count % 3 !== 0) {
          return false;
        }
        response.writeHead(429, { "retry-after": "0" }).end();
        return true;
      };
      await world.download();
      world.assertComplete();
    }),
  );

  for (const [status, code, says] of [
    [401, "GatedRepo", /accept its terms on its page, and set a token/],
    [403, "", /wants to know who asks \(403\); set a token/],
  ] as const) {
    it(
      `${String(status)} ${code} names the way to log in`,
      inWorld(async (world) => {
        world.hub.onHub = (_, response) => {
          response.writeHead(status, { "x-error-code": code }).end();
          return true;
        };
        await world.assertFails("login", says);
      }),
    );
  }

  it(
    "401 in spite of a token names that, and a token goes nowhere where others read along",
    inWorld(async (world) => {
      world.hub.onHub = (_, response) => {
        response.writeHead(401).end();
        return true;
      };
      await world.assertFails("login", /refuses the token for this file \(401\); set another token/, { token: "t" });
      const sent: (string | undefined)[] = [];
      const http: HttpPort = ({ headers }) => {
        sent.push(headers["authorization"]);
        const body = (async function* () {
          yield await Promise.resolve(new Uint8Array());
        })();
        return Promise.resolve({ status: 401, header: () => undefined, body, discard: () => undefined });
      };
      const endpoint = new URL("http://mirror.example");
      await world.assertFails("login", /give the mirror an https address, and set a token/, {
        token: "t",
        http,
        endpoint,
      });
      assert.deepEqual(sent, [undefined]);
    }),
  );

  it(
    "401 for a repository that does not exist is told as that",
    inWorld(async (world) => {
      world.hub.onHub = (_, response) => {
        response.writeHead(401, { "x-error-code": "RepoNotFound" }).end();
        return true;
      };
      await world.assertFails("notFound", /has no such file; check the name/);
    }),
  );

  it(
    "an encoded body is not taken for the file",
    inWorld(async (world) => {
      world.hub.onContent = (request, response, count) => {
        if (count !== 2) {
          return false;
        }
        const [start, end] = world.hub.rangeOf(request);
        response.writeHead(206, { ...world.hub.rangeHeaders(start, end, request), "content-encoding": "gzip" });
        response.end(world.hub.content.subarray(start, end));
        return true;
      };
      await world.download();
      world.assertComplete();
    }),
  );
});
