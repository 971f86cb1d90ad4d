import assert from "node:assert/strict";
import { runAll, StepError } from "../../tools/steps.mjs";

describe("checks that do not need each other", () => {
  it("all run, and those that failed are named at the end", async () => {
    const ran: string[] = [];
    const check = (name: string, error?: Error) => () => {
      ran.push(name);
      return error === undefined ? Promise.resolve() : Promise.reject(error);
    };
    const checks = {
      types: check("types", new StepError("two errors")),
      imports: check("imports"),
      format: check("format", new StepError("one file")),
    };
    await assert.rejects(runAll(checks), new StepError("failed: types; format"));
    assert.deepEqual(ran, ["types", "imports", "format"]);
    await runAll({ imports: checks.imports });
  });

  it("end at once where it is the checking that is broken", async () => {
    const ran: string[] = [];
    const broken = (): never => {
      throw new TypeError("not a function");
    };
    await assert.rejects(runAll({ broken, other: () => ran.push("other") }), TypeError);
    assert.deepEqual(ran, []);
  });
});
