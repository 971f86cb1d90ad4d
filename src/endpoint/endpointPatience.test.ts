import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { TextStream } from "../core/ports";
import { nodeHttp } from "../network/nodeHttp";
import type { EndpointChoice } from "../protocol/endpoint";
import { EngineError } from "../protocol/errors";
import type { GenerateReport, GenerateRequest } from "../protocol/generation";
import { EndpointEngine } from "./endpointEngine";
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
const REQUEST: GenerateRequest = { priority: "completion", maxTokens: 20, stop: ["\n"] };
const CHAT: GenerateRequest = { priority: "chat", maxTokens: 50 };
const MESSAGES = [{ role: "user", content: "Hello" }] as const;

interface Answer {
  readonly text: string;
  readonly pieces: number;
  readonly report: GenerateReport;
}

async function all(stream: TextStream): Promise<Answer> {
  let text = "";
  for (let pieces = 0; ; pieces += 1) {
    const step = await stream.next();
    if (step.done === true) {
      return { text, pieces, report: step.value };
    }
    text += step.value.text;
  }
}

/** What a server does that is not what it should, and how long it is then left alone. */
describe("an endpoint", () => {
  let server: ModelServer;
  let engine: EndpointEngine;
  let failures: EngineError[];

  beforeEach(async () => {
    server = await ModelServer.start();
    failures = [];
    engine = new EndpointEngine({
      http: nodeHttp,
      key: () => Promise.resolve(undefined),
      onFailure: (error) => failures.push(error),
      limits: LIMITS,
    });
    await open();
  });

  afterEach(async () => {
    engine.dispose();
    await server.stop();
  });

  const open = (more: Partial<EndpointChoice> = {}): ReturnType<EndpointEngine["open"]> =>
    engine.open({ endpoint: server.url, model: "", format: "auto", ...more });
  const complete = (request = REQUEST): Promise<Answer> =>
    all(engine.generate("d", [{ kind: "text", text: "let x = " }], request));
  const refuses = async (work: () => Promise<unknown>, message: RegExp): Promise<void> => {
    await assert.rejects(work, (error) => {
      assert.ok(error instanceof EngineError, String(error));
      assert.equal(error.code, "endpoint");
      assert.match(error.message, message);
      return true;
    });
  };

  it("that has no completions is not asked for one at each key, and chats go on", async () => {
    let isThere = false;
    server.on = (_, response, { path }) => {
      if (!isThere && path === "/v1/completions") {
        server.fail(response, 404, "Not Found");
      }
      return !isThere && path === "/v1/completions";
    };
    const completions = (): number => server.asked.filter(({ path }) => path === "/v1/completions").length;
    await refuses(() => complete(), /has no \/completions for this model \(404/);
    assert.match(engine.unasked?.message ?? "", /has no \/completions/);
    for (let key = 0; key < 5; key += 1) {
      await refuses(() => complete(), /has no \/completions/);
    }
    assert.equal(completions(), 1, "it was asked at each key");
    assert.equal((await all(engine.chat("c", MESSAGES, CHAT))).text, "value;");
    assert.match(engine.unasked?.message ?? "", /has no/, "a chat is no completion");
    // By hand, or with another choice: at once.
    engine.forgetFailures();
    assert.equal(engine.unasked, undefined);
    await refuses(() => complete(), /has no \/completions/);
    await open({ format: "qwen" });
    await refuses(() => complete(), /has no \/completions/);
    assert.equal(completions(), 3);
    isThere = true;
    await sleep(270);
    assert.equal((await complete()).text, "value;");
    assert.equal(engine.unasked, undefined);
    assert.deepEqual(failures, [], "the endpoint as a whole works");
  });

  it("that refuses one completion after another is left alone, one that refuses some is not", async () => {
    let refusing = true;
    server.on = (_, response, { path }) => {
      if (refusing && path === "/v1/completions") {
        server.fail(response, 400, "the prompt is too long");
      }
      return refusing && path === "/v1/completions";
    };
    await refuses(() => complete(), /refuses the request \(400, it says: the prompt/);
    await refuses(() => complete(), /400/);
    assert.equal(engine.unasked, undefined);
    refusing = false;
    await complete();
    refusing = true;
    for (let key = 0; key < 9; key += 1) {
      await refuses(() => complete(), /400/);
    }
    assert.equal(server.asked.length, 6, "it was asked at each key");
    refusing = false;
    await sleep(80);
    assert.equal((await complete()).text, "value;");
  });

  it("that is busy says for how long", async () => {
    for (const [after, says] of [
      ["", /is busy \(429, it says: later\); try again in a moment/],
      ["30", /try again in 30 s/],
      ["100000", /try again in 10 min/],
    ] as const) {
      server.on = (_, response) => {
        server.fail(response, 429, "later", after === "" ? {} : { "retry-after": after });
        return true;
      };
      engine.forgetFailures();
      await refuses(() => complete(), says);
    }
  });

  it("that does not end is left: after an answer, in the words of a failure, in a list, in a line", async () => {
    const forEver = (response: ServerResponse, text: string): void => {
      const timer = setInterval(() => response.write(text), 10);
      response.on("close", () => {
        clearInterval(timer);
      });
    };
    const events = { "content-type": "text/event-stream" };
    server.on = (_, response) => {
      response.writeHead(200, events).write(server.events(false).join(""));
      response.write('data: {"choices": [{"text": "", "finish_reason": "stop"}]}\n\n');
      forEver(response, ": still here\n\n");
      return true;
    };
    assert.equal((await complete()).text, "value;");
    await sleep(200);
    assert.equal(server.left, 1, "its answer is still read");

    server.on = (_, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      forEver(response, " ");
      return true;
    };
    await refuses(() => open(), /does not say within 1 s which models it has/);
    engine.forgetFailures();
    server.on = undefined;
    await open();

    server.on = (_, response) => {
      response.writeHead(500, { "content-type": "text/plain" });
      forEver(response, "x");
      return true;
    };
    const startedMs = performance.now();
    await refuses(() => complete(), /refuses the request \(500/);
    assert.ok(performance.now() - startedMs < 2000);
    engine.forgetFailures();

    server.on = (_, response, { path }) => {
      if (path === "/v1/models") {
        return false;
      }
      response.writeHead(200, events);
      forEver(response, `data: ${"x".repeat(1 << 18)}`);
      return true;
    };
    await open();
    await refuses(() => complete(), /has no end/);

    server.on = (_, response) => {
      response.writeHead(200, events);
      forEver(response, server.events(false)[0] ?? "");
      return true;
    };
    const { report, pieces } = await complete({ ...REQUEST, stop: [], maxTokens: 4 });
    assert.equal(report.finish, "limit");
    assert.ok(pieces < 20);
  });
});
