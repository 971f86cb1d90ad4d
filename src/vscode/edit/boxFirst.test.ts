import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { boxFirst } from "./boxFirst";

/** An input that a test answers. */
function box(): {
  open: (closing: Promise<void>) => Promise<string | undefined>;
  say: (text?: string) => void;
  isShown: () => boolean;
} {
  let isShown = false;
  let say: (text?: string) => void = () => undefined;
  const answered = new Promise<string | undefined>((resolve) => {
    say = (text) => {
      isShown = false;
      resolve(text);
    };
  });
  return {
    open: (closing) => {
      isShown = true;
      void closing.then(() => {
        say();
      });
      return answered;
    },
    say: (text) => {
      say(text);
    },
    isShown: () => isShown,
  };
}

function later<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: Error) => void } {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

describe("an input that is shown first", () => {
  it("is there before anything that takes its time, and waits for that once it is answered", async () => {
    const { open, say, isShown } = box();
    const model = later<string | undefined>();
    const asked = boxFirst<[string, number]>(open, model.promise, Promise.resolve(1));
    assert.ok(isShown());
    say("Do it.");
    await turn();
    model.resolve("model");
    assert.deepEqual(await asked, { answer: "Do it.", needed: ["model", 1] });
  });

  it("closes where something that is needed is not there", async () => {
    const { open, isShown } = box();
    const spot = later<string | undefined>();
    const asked = boxFirst<[string, string]>(open, spot.promise, later<string | undefined>().promise);
    spot.resolve(undefined);
    await turn();
    assert.ok(!isShown());
    assert.equal(await asked, undefined);
  });

  it("closes where something fails, and says so", async () => {
    const { open, isShown } = box();
    const model = later<string | undefined>();
    const asked = boxFirst<[string]>(open, model.promise);
    model.reject(new Error("no engine"));
    await assert.rejects(asked, /no engine/);
    assert.ok(!isShown());
  });

  it("waits for nothing where the user closes it", async () => {
    const { open, say } = box();
    const asked = boxFirst<[string]>(open, later<string | undefined>().promise);
    say();
    assert.equal(await asked, undefined);
  });
});
