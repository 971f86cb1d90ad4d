import assert from "node:assert/strict";
import { machineFacts } from "./machine";

describe("this machine", () => {
  it("has memory, cores and a drive, also for a folder that is not there yet", async () => {
    const facts = await machineFacts("/no/such/folder/at/all");
    assert.ok(facts.memoryBytes > 2 ** 27 && facts.cores > 0 && facts.freeDiskBytes > 0);
  });
});
