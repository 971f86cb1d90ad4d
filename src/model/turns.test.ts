import assert from "node:assert/strict";
import { setImmediate as nextTurn } from "node:timers/promises";
import { turnOf } from "./turns";

describe("turns of slices", () => {
  it("go from owner to owner, however much one of them has to do", async () => {
    const order: string[] = [];
    const [greedy, modest] = [{}, {}];
    const work = async (name: string, owner: object): Promise<void> => {
      for (let slice = 0; slice < 3; slice++) {
        await turnOf(owner);
        order.push(name);
      }
    };
    const much = Array.from({ length: 100 }, (_, i) => work(`greedy ${String(i)}`, greedy));
    await Promise.all([...much, work("modest", modest)]);
    assert.equal(order.length, 303);
    assert.ok(order.lastIndexOf("modest") < 6, String(order.lastIndexOf("modest")));
    // One owner's works take turns, too.
    const ofGreedy = order.filter((name) => name !== "modest");
    assert.deepEqual(ofGreedy.slice(0, 100), ofGreedy.slice(100, 200));
  });

  it("are one a turn of the event loop", async () => {
    let slices = 0;
    const owners = Array.from({ length: 7 }, () => ({}));
    const works = Array.from({ length: 50 }, async (_, i) => {
      await turnOf(owners[i % owners.length] ?? {});
      slices += 1;
    });
    let most = 0;
    for (let before = 0; slices < works.length; before = slices) {
      await nextTurn();
      most = Math.max(most, slices - before);
    }
    await Promise.all(works);
    assert.ok(most <= 2, String(most));
  });
});
