import assert from "node:assert/strict";
import type { EndpointChoice } from "../protocol/endpoint";
import type { EndpointModel, ModelInfo } from "../protocol/engine";
import { ChosenEngine, type EndpointPort } from "./chosenEngine";
import type { LocalEnginePort } from "./enginePort";

const choice = (endpoint: string): EndpointChoice => ({ endpoint, model: "", format: "auto" });
const HERE = { path: "/m.gguf" };

/** Both engines, as lists of what they were told; `release` is what the engine of this machine takes its time for. */
function both(): { engine: ChosenEngine; told: string[]; released: () => void } {
  const told: string[] = [];
  let released: () => void = () => undefined;
  const local = {
    forgetDocuments: () => told.push("here: forget"),
    releaseModel: () => {
      told.push("here: release");
      return new Promise<void>((done) => (released = done));
    },
    openModel: () => {
      told.push("here: open");
      return Promise.resolve({} as ModelInfo);
    },
    count: (_: readonly string[], cancel?: object) => {
      told.push(`here: count${cancel === undefined ? "" : ", to be cancelled"}`);
      return Promise.resolve([]);
    },
  } as unknown as LocalEnginePort;
  const endpoint = {
    open: ({ endpoint: url }: EndpointChoice) => {
      told.push(`${url}: open`);
      return Promise.resolve({} as EndpointModel);
    },
    leave: () => told.push("endpoint: leave"),
    forgetFailures: () => undefined,
  } as unknown as EndpointPort;
  const listeners = {
    onConnection: () => undefined,
    onStatus: () => undefined,
    onStatistics: () => undefined,
    onEndpointFailure: () => undefined,
  };
  const engine = new ChosenEngine(listeners, { local: () => local, endpoint: () => endpoint });
  return {
    engine,
    told,
    released: () => {
      released();
    },
  };
}

const OVERTAKEN = { code: "endpoint", message: "the endpoint is not in use any more" };

describe("the engine that was chosen", () => {
  it("is the endpoint once this machine's has let go of what it was told", async () => {
    const { engine, told, released } = both();
    const opened = engine.openModel(choice("a"));
    released();
    await opened;
    assert.deepEqual(told, ["here: forget", "here: release", "a: open"]);
  });

  it("asks no endpoint that was left for this machine before it was asked", async () => {
    const { engine, told, released } = both();
    const refused = assert.rejects(engine.openModel(choice("a")), OVERTAKEN);
    await engine.openModel(HERE);
    released();
    await refused;
    assert.deepEqual(told, ["here: forget", "here: release", "endpoint: leave", "here: open"]);
  });

  it("asks no endpoint that another one took the place of", async () => {
    const { engine, told, released } = both();
    const refused = assert.rejects(engine.openModel(choice("a")), OVERTAKEN);
    await engine.openModel(choice("b"));
    released();
    await refused;
    assert.deepEqual(told, ["here: forget", "here: release", "b: open"]);
  });

  it("is told when a count is not wanted any more", async () => {
    const { engine, told } = both();
    await engine.count(["a"], {
      isCancellationRequested: false,
      onCancellationRequested: () => ({ dispose: () => undefined }),
    });
    assert.deepEqual(told, ["here: count, to be cancelled"]);
  });
});
