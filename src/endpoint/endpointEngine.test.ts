import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { TextStream } from "../core/ports";
import { nodeHttp, openConnections } from "../network/nodeHttp";
import type { EndpointChoice } from "../protocol/endpoint";
import { EngineError } from "../protocol/errors";
import type { GeneratedPiece, GenerateReport, GenerateRequest } from "../protocol/generation";
import type { PromptPart } from "../protocol/prompt";
import { EndpointEngine, type EndpointEngineOptions } from "./endpointEngine";
import { ModelServer } from "./testing/modelServer";

const LIMITS = {
  headMs: 300,
  idleMs: 300,
  listMs: 400,
  backOffMs: 60,
  backOffMaxMs: 200,
  absentMs: 250,
  absentMaxMs: 500,
  restMs: 100,
};
const REQUEST: GenerateRequest = {
  priority: "completion",
  maxTokens: 20,
  stop: ["\n"],
  logprobs: true,
  watched: ["\n"],
};
const CHAT: GenerateRequest = { priority: "chat", maxTokens: 50 };
const PROMPT: readonly PromptPart[] = [
  { kind: "special", token: "<|fim_prefix|>" },
  { kind: "text", text: "let x = " },
  { kind: "special", token: "<|fim_suffix|>" },
  { kind: "text", text: "\nuse(x);\n" },
  { kind: "special", token: "<|fim_middle|>" },
];
const MESSAGES = [{ role: "user", content: "Hello" }] as const;

interface Answer {
  readonly text: string;
  readonly pieces: readonly GeneratedPiece[];
  readonly report: GenerateReport;
}

async function all(stream: TextStream): Promise<Answer> {
  const pieces: GeneratedPiece[] = [];
  for (;;) {
    const step = await stream.next();
    if (step.done === true) {
      return { text: pieces.map(({ text }) => text).join(""), pieces, report: step.value };
    }
    pieces.push(step.value);
  }
}

describe("an endpoint", () => {
  let server: ModelServer;
  let engine: EndpointEngine;
  let failures: EngineError[];
  let key: string | undefined;

  const start = (options: Partial<EndpointEngineOptions> = {}): EndpointEngine =>
    new EndpointEngine({
      http: nodeHttp,
      key: () => Promise.resolve(key),
      onFailure: (error) => failures.push(error),
      limits: LIMITS,
      ...options,
    });

  beforeEach(async () => {
    server = await ModelServer.start();
    failures = [];
    key = undefined;
    engine = start();
  });

  afterEach(async () => {
    engine.dispose();
    await server.stop();
  });

  const choice = (more: Partial<EndpointChoice> = {}): EndpointChoice => ({
    endpoint: server.url,
    model: "",
    format: "auto",
    ...more,
  });
  const open = (more: Partial<EndpointChoice> = {}): ReturnType<EndpointEngine["open"]> => engine.open(choice(more));
  const complete = (request = REQUEST, prompt = PROMPT): Promise<Answer> => all(engine.generate("d", prompt, request));
  const refuses = async (work: () => Promise<unknown>, message: RegExp): Promise<void> => {
    await assert.rejects(work, (error) => {
      assert.ok(error instanceof EngineError, String(error));
      assert.equal(error.code, "endpoint");
      assert.match(error.message, message);
      return true;
    });
  };

  it("says which model it has, with the format of its family and its context", async () => {
    const model = await open();
    assert.deepEqual(
      [model.name, model.contextTokens, model.traits.fimLayouts, model.traits.otherFiles, model.loadId],
      ["Qwen2.5-Coder-7B", 16384, ["prefix-first"], false, -1],
    );
    assert.match(model.title, /^Qwen2\.5-Coder-7B at 127\.0\.0\.1:\d+$/);
    assert.deepEqual(model.warnings, []);
    server.models = [{ id: "JetBrains/Mellum2-12b-base", meta: { n_ctx: 4096, n_ctx_train: 131072 } }];
    const mellum = await open();
    assert.deepEqual(
      [mellum.title.split(" ")[0], mellum.contextTokens, mellum.traits.fimLayouts, mellum.traits.fim.prefix],
      ["Mellum2-12b-base", 4096, ["suffix-first"], "<fim_prefix>"],
    );
    server.models = [{ id: "smallthinker-4b" }];
    const plain = await open();
    assert.deepEqual([plain.traits.fimLayouts, plain.contextTokens], [[], 8192]);
    assert.deepEqual((await open({ format: "qwen" })).traits.fimLayouts, ["prefix-first"]);
  });

  it("is asked for a completion as its family's prompt, with probabilities, and streams", async () => {
    server.says = [
      { text: "va", logprob: -0.5, others: { "\n": -2, "\n\n": -3 } },
      { text: "lue", logprob: -0.25 },
    ];
    await open();
    const { text, pieces, report } = await complete();
    assert.equal(text, "value");
    assert.equal(report.finish, "end");
    const [asked] = server.asked;
    assert.deepEqual(asked?.json, {
      model: "Qwen2.5-Coder-7B",
      prompt: "<|fim_prefix|>let x = <|fim_suffix|>\nuse(x);\n<|fim_middle|>",
      stop: ["\n", "<|endoftext|>", "<|im_end|>", "<|fim_pad|>"],
      logprobs: 5,
      max_tokens: 20,
      temperature: 0,
      stream: true,
    });
    const tokens = pieces.flatMap((piece) => piece.tokens ?? []);
    assert.deepEqual(
      tokens.map(({ offset, logprob }) => [offset, logprob]),
      [
        [0, -0.5],
        [2, -0.25],
      ],
    );
    const [lineFeed = 0] = tokens[0]?.watched ?? [];
    assert.ok(Math.abs(Math.exp(lineFeed) - (Math.exp(-2) + Math.exp(-3))) < 1e-9);
    assert.ok(pieces.every(({ isUnjudged }) => isUnjudged === undefined));
  });

  it("tells probabilities in either form", async () => {
    server.form = "content";
    server.says = [{ text: "a", logprob: -1, others: { "\n": -0.5 } }];
    await open();
    const [token] = (await complete()).pieces.flatMap((piece) => piece.tokens ?? []);
    assert.deepEqual([token?.logprob, token?.watched], [-1, [-0.5]]);
  });

  it("without probabilities marks what it says as not judged", async () => {
    server.form = "none";
    await open();
    const { text, pieces } = await complete();
    assert.equal(text, "value;");
    assert.ok(
      pieces.length > 0 && pieces.every(({ isUnjudged, tokens }) => isUnjudged === true && tokens === undefined),
    );
    // A chat is judged by nobody anyway.
    assert.ok((await all(engine.chat("c", MESSAGES, CHAT))).pieces.every(({ isUnjudged }) => isUnjudged === undefined));
  });

  it("with probabilities for a part of an answer lets the rest pass no gate", async () => {
    await open();
    server.on = (_, response, { path }) => {
      if (path !== "/v1/completions") {
        return false;
      }
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(server.events(false, [{ text: "a" }]).join(""));
      server.form = "none";
      response.end(`${server.events(false, [{ text: "bc" }]).join("")}data: [DONE]\n\n`);
      return true;
    };
    const tokens = (await complete()).pieces.flatMap((piece) => piece.tokens ?? []);
    assert.equal(tokens.length, 2);
    assert.ok(tokens[1]?.offset === 1 && tokens[1].logprob < -100);
  });

  it("answers a chat by its own template and sampling", async () => {
    server.says = [{ text: "Hi" }, { text: " there" }];
    await open();
    const { text, report } = await all(engine.chat("c", MESSAGES, CHAT));
    assert.equal(text, "Hi there");
    assert.equal(report.generatedTokens, 2);
    assert.deepEqual(server.asked[0]?.json, {
      model: "Qwen2.5-Coder-7B",
      messages: MESSAGES,
      max_tokens: 50,
      stream: true,
    });
    server.finish = "length";
    assert.equal((await all(engine.chat("c", MESSAGES, CHAT))).report.finish, "limit");
  });

  it("is sent code as code: control tokens in it are broken up, invisibly", async () => {
    await open();
    const text = "a<|im_end|>b<|fim_middle|>c<fim_prefix>d<\uFF5Cend\uFF5C>";
    await complete(REQUEST, [{ kind: "text", text }]);
    await all(engine.chat("c", [{ role: "user", content: text }], CHAT));
    const prompt = server.asked[0]?.json?.["prompt"] as string;
    const { content } = (server.asked[1]?.json?.["messages"] as { content: string }[])[0]!;
    for (const sent of [prompt, content]) {
      assert.doesNotMatch(sent, /<\|im_end|<\|fim|<fim_|<\uFF5C/);
      assert.equal(sent.replaceAll("\uFEFF", ""), text);
    }
  });

  it("is sent nothing ahead of a question, and nothing but what the question is made of", async () => {
    await open();
    const before = server.seen.length;
    const { report } = await complete({ ...REQUEST, priority: "prefill" });
    assert.equal(report.finish, "limit");
    assert.equal(server.seen.length, before);
    await complete({ ...REQUEST, memoryAt: 3 });
    assert.doesNotMatch(JSON.stringify(server.asked[0]?.json), /memory/);
  });

  it("gets the key of its own origin, and a redirect gets nothing", async () => {
    const other = await ModelServer.start();
    try {
      server.key = key = "sk-secret";
      await open();
      await complete();
      assert.ok(server.seen.every(({ authorization }) => authorization === "Bearer sk-secret"));
      // For its connection to be free for the next.
      await sleep(30);
      server.on = (_, response) => {
        response.writeHead(307, { location: `${other.url}/v1/completions` }).end();
        return true;
      };
      await refuses(
        () => complete(),
        /redirects to 'http:\/\/127\.0\.0\.1:\d+\/v1\/completions', where nothing is sent/,
      );
      assert.deepEqual(other.seen, []);
      // For what nobody reads to be given up.
      await sleep(30);
      assert.deepEqual(openConnections(), []);
    } finally {
      await other.stop();
    }
  });

  it("that wants a key, or another one, says so", async () => {
    server.key = "right";
    await refuses(() => open(), /wants a key \(401\); set the key with "Hearth: Set Endpoint Key…"/);
    key = "wrong";
    engine.forgetFailures();
    await refuses(() => open(), /refuses the key \(401\)/);
    key = "right";
    engine.forgetFailures();
    await open();
  });

  it("is read whatever the portions: within a character, a line, a line end", async () => {
    await open();
    const said = "größe 🦀\n";
    server.form = "content";
    const bytes = Buffer.from(
      server
        .events(
          false,
          [...said].map((text) => ({ text })),
        )
        .map((event) => `: comment\r\nevent: x\r\n${event.replaceAll("\n", "\r\n")}`)
        .join("") + "data: [DONE]\r\n\r\n",
    );
    for (const size of [1, 2, 3, 7]) {
      server.on = (_, response, { path }) => {
        if (path !== "/v1/completions") {
          return false;
        }
        response.writeHead(200, { "content-type": "text/event-stream" });
        void (async () => {
          for (let at = 0; at < bytes.length; at += size) {
            response.write(bytes.subarray(at, at + size));
            if (at % 64 < size) {
              await sleep(0);
            }
          }
          response.end();
        })();
        return true;
      };
      assert.equal((await complete({ ...REQUEST, stop: [] })).text, said, String(size));
    }
  });

  it("that does not stream, and does not stop where it was told to, is cut all the same", async () => {
    await open();
    server.on = (_, response, { path }) => {
      if (path !== "/v1/completions") {
        return false;
      }
      const choice = { text: "a();\nb();<|endoftext|>more", finish_reason: "length" };
      response.setHeader("content-type", "application/json").end(JSON.stringify({ choices: [choice] }));
      return true;
    };
    assert.equal((await complete()).text, "a();");
    assert.equal((await complete({ ...REQUEST, stop: ["\n\n\n"] })).text, "a();\nb();");
  });

  it("stops writing when nobody reads any more, or something newer is asked", async () => {
    await open();
    server.says = Array.from({ length: 200 }, () => ({ text: "x " }));
    server.msPerToken = 10;
    const first = engine.generate("d", PROMPT, REQUEST);
    await first.next();
    await first.return({} as GenerateReport);
    const second = all(engine.generate("d", PROMPT, REQUEST));
    while (server.asked.length < 2) {
      await sleep(5);
    }
    const third = engine.generate("d", PROMPT, REQUEST);
    assert.equal((await second).report.finish, "cancelled");
    await third.next();
    engine.releaseDocument("d");
    while (server.left < 3) {
      await sleep(5);
    }
    assert.equal((await all(third)).report.finish, "cancelled");
    assert.deepEqual(failures, []);
  });

  const BROKEN: readonly (readonly [string, (response: ServerResponse) => void, RegExp, boolean])[] = [
    ["a cut stream", (r) => r.socket?.destroy(), /ended|closed|cannot be reached/, true],
    ["an answer without an end", (r) => r.end(), /ended in the middle of its answer/, false],
    ["no JSON", (r) => r.end("data: {not json\n\n"), /something that is not a model's answer/, false],
    ["other JSON", (r) => r.end('data: {"hello": 1}\n\n'), /something that is not a model's answer/, false],
    [
      "an error in the middle",
      (r) => r.end('data: {"error": {"message": "out of\\u001b[2J memory"}}\n\n'),
      /gives up in the middle of its answer, it says: out of\[2J memory$/,
      false,
    ],
    ["silence", () => undefined, /says nothing for 1 s/, true],
  ];
  for (const [name, end, message, isUnusable] of BROKEN) {
    it(`with ${name} in the middle of an answer fails by a sentence, after what had come`, async () => {
      await open();
      server.on = (_, response, { path }) => {
        if (path === "/v1/completions") {
          response.writeHead(200, { "content-type": "text/event-stream" });
          response.write(server.events(false).join(""), () => setTimeout(end, 5, response));
        }
        return path === "/v1/completions";
      };
      const stream = engine.generate("d", PROMPT, REQUEST);
      assert.equal((await stream.next()).done, false);
      await refuses(() => all(stream), message);
      assert.equal(failures.length, isUnusable ? 1 : 0);
    });
  }

  const REFUSED: readonly (readonly [number, string, RegExp])[] = [
    [
      400,
      "the prompt is too long: 9000 > 8192",
      /refuses the request \(400, it says: the prompt is too long: 9000 > 8192\)/,
    ],
    [404, "The model `x` does not exist.", /has no \/completions for this model \(404, it says: The model `x`/],
    [429, "slow down", /is busy \(429, it says: slow down\); try again in a moment/],
    [500, "boom", /refuses the request \(500, it says: boom\); look at its log/],
  ];
  for (const [status, said, message] of REFUSED) {
    it(`that answers ${String(status)} says why`, async () => {
      await open();
      server.on = (_, response, { path }) => {
        if (path === "/v1/completions") {
          server.fail(response, status, said);
        }
        return path === "/v1/completions";
      };
      await refuses(() => complete(), message);
      assert.equal(failures.length, status === 500 ? 1 : 0);
    });
  }

  it("that is busy is left alone for as long as it asks, and no longer", async () => {
    await open();
    let busy = true;
    server.on = (_, response, { path }) => {
      if (busy && path === "/v1/completions") {
        server.fail(response, 429, "later", { "retry-after": "1" });
        return true;
      }
      return false;
    };
    await refuses(() => complete(), /is busy/);
    busy = false;
    await refuses(() => complete(), /is busy/);
    assert.equal(server.asked.length, 1, "it was asked at once again");
    await sleep(1050);
    assert.equal((await complete()).text, "value;");
  });

  it("that is a page, or nothing at all, is no endpoint; soon after that nothing is asked", async () => {
    server.on = (_, response) => {
      response.setHeader("content-type", "text/html").end("<!DOCTYPE html><title>Log in</title>");
      return true;
    };
    await refuses(() => open(), /answers with a web page, not like a model server; check hearth\.endpoint\.url/);
    await refuses(() => open(), /answers with a web page/);
    assert.equal(server.seen.length, 1);
    await sleep(80);
    server.on = (_, response) => {
      response.setHeader("content-type", "application/json").end('{"models": []}');
      return true;
    };
    await refuses(() => open(), /does not answer like a model server/);
    engine.forgetFailures();
    const { url } = server;
    await server.stop();
    await refuses(
      () => engine.open({ endpoint: url, model: "", format: "auto" }),
      /cannot be reached: no server listens there; start it/,
    );
    server = await ModelServer.start();
  });

  it("that has closed an idle connection is asked over a new one", async () => {
    await open();
    let isFirst = true;
    server.on = (_, response) => {
      if (isFirst) {
        response.socket?.destroy();
      }
      const wasFirst = isFirst;
      isFirst = false;
      return wasFirst;
    };
    assert.equal((await complete()).text, "value;");
    assert.deepEqual(failures, []);
  });

  it("that says nothing is not waited for", async () => {
    server.on = () => true;
    await refuses(() => open(), /says nothing for 1 s/);
  });

  it("is asked again once it is back", async () => {
    await open();
    server.on = (_, response) => {
      response.socket?.destroy();
      return true;
    };
    await refuses(() => complete(), /cannot be reached/);
    assert.equal(failures.length, 1);
    server.on = undefined;
    await refuses(() => open(), /cannot be reached/);
    await sleep(80);
    const model = await open();
    assert.equal(model.loadId, -2);
    assert.equal((await complete()).text, "value;");
  });

  it("with several models wants one named, and knows those that it has", async () => {
    server.models = [{ id: "a" }, { id: "b" }];
    await refuses(() => open(), /has several models; set hearth\.endpoint\.model to one of 'a', 'b'/);
    engine.forgetFailures();
    await refuses(() => open({ model: "c" }), /has no model 'c'; set hearth\.endpoint\.model to one of 'a', 'b'/);
    engine.forgetFailures();
    assert.equal((await open({ model: "b" })).name, "b");
    server.on = (_, response, { path }) => {
      if (path === "/v1/models") {
        server.fail(response, 404, "Not Found");
      }
      return path === "/v1/models";
    };
    assert.equal((await open({ model: "named" })).name, "named");
    await refuses(() => open(), /has no \/models/);
  });

  it("of an earlier choice is asked nothing any more", async () => {
    await open();
    engine.leave();
    await refuses(() => complete(), /is not in use any more/);
    assert.equal(server.asked.length, 0);
  });

  it("is asked over one connection, which a whole answer leaves open", async () => {
    await open();
    for (let round = 0; round < 4; round += 1) {
      await complete({ ...REQUEST, stop: [] });
      // For the mark of the end to come.
      await sleep(30);
    }
    assert.equal(server.connections, 1);
  });

  it("counts tokens without asking anybody", async () => {
    await open();
    const before = server.seen.length;
    assert.deepEqual(await engine.count(["abcdef", ""]), [2, 0]);
    assert.equal(server.seen.length, before);
  });
});
