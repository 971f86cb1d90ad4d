import assert from "node:assert/strict";
import type { EngineStatus, ModelChoice } from "../../protocol/engine";
import { EngineError } from "../../protocol/errors";
import type { LoadedModel } from "./loadedModel";
import { ModelHost } from "./modelHost";

/** Models that load and close on demand. Counts those in memory. */
class Models {
  inMemory = 0;
  most = 0;
  readonly loaded: ModelChoice[] = [];
  readonly statuses: EngineStatus["kind"][] = [];
  failing = new Set<string>();
  readonly host = new ModelHost(
    ({ kind }) => this.statuses.push(kind),
    async (choice) => {
      await new Promise(setImmediate);
      if (this.failing.has(choice.path)) {
        throw new EngineError("bad_model", `cannot open '${choice.path}'`);
      }
      this.loaded.push(choice);
      this.inMemory += 1;
      this.most = Math.max(this.most, this.inMemory);
      const close = async (): Promise<void> => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        this.inMemory -= 1;
      };
      return { info: { path: choice.path }, close } as unknown as LoadedModel;
    },
  );
}

const [ann, bob] = [{ who: "ann" }, { who: "bob" }];
const X: ModelChoice = { path: "/x" };
const Y: ModelChoice = { path: "/y" };

describe("ModelHost", () => {
  it("loads once for all who ask at the same time", async () => {
    const models = new Models();
    models.host.choose(ann, X);
    models.host.choose(bob, X);
    const [a, b] = await Promise.all([models.host.need(ann), models.host.need(bob)]);
    assert.equal(a, b);
    assert.deepEqual(models.statuses, ["loading", "ready"]);
  });

  it("never has two models in memory, whatever is asked while it loads and closes", async () => {
    const models = new Models();
    models.host.choose(ann, X);
    const first = models.host.need(ann);
    models.host.choose(ann, Y);
    const second = models.host.need(ann);
    await assert.rejects(first, { code: "bad_request", message: /another model was chosen/ });
    assert.equal((await second).info.path, "/y");
    const released = models.host.release(ann);
    models.host.choose(ann, X);
    const third = models.host.need(ann);
    await released;
    assert.equal((await third).info.path, "/x");
    assert.equal(models.host.ready, await third);
    assert.equal(models.most, 1);
    assert.deepEqual(
      models.loaded.map(({ path }) => path),
      ["/x", "/y", "/x"],
    );
    assert.equal(models.statuses.at(-1), "ready");
  });

  it("shares a model as the first one wanted it loaded, and loads it otherwise for a single user", async () => {
    const models = new Models();
    models.host.choose(ann, { ...X, load: { threads: 1 } });
    models.host.choose(bob, { ...X, load: { threads: 2 } });
    assert.equal(await models.host.need(ann), await models.host.need(bob));
    models.host.leave(ann);
    models.host.choose(bob, { ...X, load: { threads: 2 } });
    await models.host.need(bob);
    assert.deepEqual(
      models.loaded.map(({ load }) => load?.threads),
      [1, 2],
    );
    assert.equal(models.most, 1);
  });

  it("refuses another model while somebody else uses the first, who keeps what was chosen before", async () => {
    const models = new Models();
    models.host.choose(ann, X);
    models.host.choose(bob, X);
    assert.throws(
      () => {
        models.host.choose(bob, Y);
      },
      { code: "busy" },
    );
    assert.equal((await models.host.need(bob)).info.path, "/x");
    models.host.leave(ann);
    models.host.choose(bob, Y);
    assert.equal((await models.host.need(bob)).info.path, "/y");
  });

  it("keeps a failure until somebody asks anew", async () => {
    const models = new Models();
    models.failing.add("/x");
    models.host.choose(ann, X);
    await assert.rejects(models.host.need(ann), { code: "bad_model" });
    models.failing.clear();
    await assert.rejects(models.host.need(ann), { code: "bad_model" });
    assert.equal((await models.host.need(ann, true)).info.path, "/x");
    assert.deepEqual(models.statuses, ["loading", "failed", "loading", "ready"]);
  });

  it("has nothing for who chose nothing", async () => {
    await assert.rejects(new Models().host.need(ann), { code: "bad_request", message: /no model is chosen/ });
  });
});
