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
  /** Cannot be loaded, as their headers tell. */
  refused = new Set<string>();
  readonly host = new ModelHost(({ kind }) => this.statuses.push(kind), {
    check: ({ path }) =>
      this.refused.has(path)
        ? Promise.reject(new EngineError("bad_model", `'${path}' is no model`))
        : Promise.resolve(),
    load: async (choice) => {
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
  });
}

const [ann, bob] = [{ who: "ann" }, { who: "bob" }];
const X: ModelChoice = { path: "/x" };
const Y: ModelChoice = { path: "/y" };

describe("ModelHost: the model's file", () => {
  interface FileFake {
    of: string;
    loads: number;
    fails: boolean;
    code: "bad_model" | "io";
    ms: number;
  }
  const files = (): { host: ModelHost; state: FileFake } => {
    const state: FileFake = { of: "a", loads: 0, fails: false, code: "bad_model", ms: 0 };
    const host = new ModelHost(() => undefined, {
      check: () => Promise.resolve(),
      fileState: () => Promise.resolve(state.of),
      now: () => state.ms,
      load: ({ path }) => {
        state.loads += 1;
        if (state.fails) {
          return Promise.reject(new EngineError(state.code, "half of it is missing"));
        }
        return Promise.resolve({ info: { path }, close: () => Promise.resolve() } as unknown as LoadedModel);
      },
    });
    host.choose(ann, X);
    host.choose(bob, X);
    return { host, state };
  };

  it("that could not be read, or was still written to, is tried again, and not at each request", async () => {
    const { host, state } = files();
    Object.assign(state, { fails: true, code: "io" });
    await assert.rejects(host.need(ann), { code: "io" });
    state.fails = false;
    state.ms = 1999;
    await assert.rejects(host.need(ann), { code: "io" });
    state.ms = 2000;
    assert.equal((await host.need(bob)).info.path, "/x");
    assert.equal(state.loads, 2);
  });

  it("is loaded again, once, when another one has taken its place", async () => {
    const { host, state } = files();
    const first = await host.need(ann);
    assert.equal(await host.need(ann), first);
    state.of = "b";
    const [a, b] = await Promise.all([host.need(ann), host.need(bob)]);
    assert.notEqual(a, first);
    assert.equal(a, b);
    assert.equal(state.loads, 2);
  });

  it("is refused by one sentence while it is damaged, and used once it is whole", async () => {
    const { host, state } = files();
    await host.need(ann);
    Object.assign(state, { of: "half", fails: true });
    await assert.rejects(host.need(ann), /half of it is missing/);
    await assert.rejects(host.need(bob), /half of it is missing/);
    assert.equal(state.loads, 2);
    Object.assign(state, { of: "whole", fails: false });
    await host.need(bob);
    assert.equal(state.loads, 3);
  });

  it("is used by who has it open when it was removed, and refused to who opens it", async () => {
    const { host, state } = files();
    const first = await host.need(ann);
    Object.assign(state, { of: "missing", fails: true });
    assert.equal(await host.need(ann), first);
    await assert.rejects(host.open(bob, X, false), /half of it is missing/);
  });
});

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
    assert.equal((await first).info.path, "/y");
    assert.equal(await second, await first);
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
    assert.equal(models.host.loadId, 3);
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

  it("gives who comes later what the others use, until somebody replaces it for all", async () => {
    const models = new Models();
    models.host.choose(ann, X);
    await models.host.need(ann);
    assert.equal((await models.host.open(bob, Y, false)).path, "/x");
    assert.deepEqual(await models.host.open(bob, Y, true), { path: "/y", loadId: 2 });
    assert.equal((await models.host.need(ann)).info.path, "/y");
    // What both have changed in their settings is loaded once.
    await models.host.open(ann, Y, true);
    // And a window that comes back from a pause with an earlier choice changes nothing.
    models.host.choose(ann, X);
    assert.equal((await models.host.need(ann)).info.path, "/y");
    assert.deepEqual(
      models.loaded.map(({ path }) => path),
      ["/x", "/y"],
    );
    assert.equal(models.most, 1);
  });

  it("loads with other options for all", async () => {
    const models = new Models();
    models.host.choose(ann, { ...X, load: { threads: 1 } });
    models.host.choose(bob, { ...X, load: { threads: 1 } });
    await models.host.need(ann);
    await models.host.open(bob, { ...X, load: { threads: 2 } }, true);
    assert.equal(await models.host.need(ann), models.host.ready);
    assert.deepEqual(
      models.loaded.map(({ load }) => load?.threads),
      [1, 2],
    );
  });

  it("goes on with the model before where another one is refused, or does not load", async () => {
    const models = new Models();
    models.host.choose(ann, X);
    models.host.choose(bob, X);
    const before = await models.host.need(ann);
    models.refused.add("/y");
    await assert.rejects(models.host.open(bob, Y, true), { code: "bad_model", message: /is no model/ });
    assert.equal(models.host.ready, before);
    assert.deepEqual(models.statuses, ["loading", "ready"]);
    models.refused.clear();
    models.failing.add("/y");
    await assert.rejects(models.host.open(bob, Y, true), { code: "bad_model", message: /cannot open/ });
    assert.equal((await models.host.need(ann)).info.path, "/x");
    assert.equal((await models.host.need(bob)).info.path, "/x");
    assert.deepEqual(models.statuses, ["loading", "ready", "loading", "failed", "loading", "ready"]);
    assert.equal(models.most, 1);
  });

  it("goes on loading a model where another one is refused meanwhile", async () => {
    const models = new Models();
    models.host.choose(ann, X);
    models.refused.add("/y");
    const loading = models.host.need(ann);
    await assert.rejects(models.host.open(ann, Y, true), { code: "bad_model", message: /is no model/ });
    assert.equal((await loading).info.path, "/x");
    assert.deepEqual(models.statuses, ["loading", "ready"]);
  });

  it("answers who waits for a model that is replaced meanwhile with the new one", async () => {
    const models = new Models();
    models.host.choose(ann, X);
    models.host.choose(bob, X);
    await models.host.need(ann);
    const [y, z] = [models.host.open(bob, Y, true), models.host.open(ann, { path: "/z" }, true)];
    assert.equal((await y).path, "/z");
    assert.equal((await z).path, "/z");
    assert.equal((await models.host.need(bob)).info.path, "/z");
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

describe("ModelHost: what a model is asked like", () => {
  it("is told again when it changes, of the same load", async () => {
    const told: EngineStatus[] = [];
    const model = { info: { path: "/x", traits: "before" }, close: () => Promise.resolve() };
    let changed = (): void => undefined;
    const onDidChangeInfo = (listener: () => void): void => {
      changed = listener;
    };
    const host = new ModelHost((status) => told.push(status), {
      check: () => Promise.resolve(),
      load: () =>
        Promise.resolve({
          ...model,
          onDidChangeInfo,
          get info() {
            return model.info;
          },
        } as unknown as LoadedModel),
    });
    host.choose(ann, X);
    await host.need(ann);
    model.info = { path: "/x", traits: "after" };
    changed();
    const ready = told.flatMap((status) => (status.kind === "ready" ? [status.model] : []));
    assert.deepEqual(ready, [
      { loadId: 1, path: "/x", traits: "before" },
      { loadId: 1, path: "/x", traits: "after" },
    ]);
    await host.close();
    changed();
    assert.equal(told.filter(({ kind }) => kind === "ready").length, 2);
  });
});
