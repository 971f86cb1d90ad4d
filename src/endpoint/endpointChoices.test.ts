import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { nodeHttp } from "../network/nodeHttp";
import type { EndpointModel } from "../protocol/engine";
import { EndpointEngine, type EndpointEngineOptions } from "./endpointEngine";
import { ModelServer } from "./testing/modelServer";

const LIMITS = {
  headMs: 2000,
  idleMs: 2000,
  backOffMs: 60_000,
  listMs: 1000,
  absentMs: 60_000,
  absentMaxMs: 60_000,
  restMs: 1000,
  backOffMaxMs: 60_000,
};

describe("an endpoint that was chosen before another one", () => {
  let server: ModelServer;
  let other: ModelServer;
  let engine: EndpointEngine;

  const start = (options: Partial<EndpointEngineOptions> = {}): EndpointEngine =>
    new EndpointEngine({ http: nodeHttp, key: () => Promise.resolve(undefined), limits: LIMITS, ...options });
  const open = ({ url }: ModelServer, by = engine): Promise<EndpointModel> =>
    by.open({ endpoint: url, model: "", format: "auto" });
  const OVERTAKEN = { code: "endpoint", message: "the endpoint is not in use any more" };

  beforeEach(async () => {
    server = await ModelServer.start();
    other = await ModelServer.start();
    engine = start();
  });

  afterEach(async () => {
    engine.dispose();
    await Promise.all([server.stop(), other.stop()]);
  });

  it("opens nothing, however late it answers", async () => {
    let answer: (() => void) | undefined;
    server.on = (_, response, asked) => {
      answer = () => void server.answer(response, asked);
      return true;
    };
    const refused = assert.rejects(open(server), OVERTAKEN);
    while (answer === undefined) {
      await sleep(5);
    }
    const model = await open(other);
    answer();
    await refused;
    assert.ok(other.url.endsWith(model.host));
    const stream = engine.generate("d", [{ kind: "text", text: "a" }], { priority: "completion", maxTokens: 5 });
    assert.equal((await stream.next()).done, false);
    assert.deepEqual([server.asked.length, other.asked.length], [0, 1]);
  });

  it("is not asked at all where it was left before its key was there", async () => {
    let give: (key: string | undefined) => void = () => undefined;
    const slow = start({ key: () => new Promise((done) => (give = done)) });
    const refused = assert.rejects(open(server, slow), OVERTAKEN);
    slow.leave();
    give("sk-secret");
    await refused;
    assert.deepEqual(server.seen, []);
  });

  it("does not answer for it with its own failure", async () => {
    server.on = (_, response) => {
      server.fail(response, 500, "broken");
      return true;
    };
    await assert.rejects(open(server), /refuses the request/);
    await open(other);
    assert.equal(other.seen.length, 1);
  });
});
