import assert from "node:assert/strict";
import { inEnglish } from "../protocol/translate";
import { shownTitle } from "./modelTitle";

describe("a model's title", () => {
  const german = (message: string): string => (message === "Starter model" ? "Startmodell" : message);

  it("is that of its file, but for the model that comes with Hearth", () => {
    assert.equal(shownTitle("SmallThinker 4B", german), "SmallThinker 4B");
    assert.equal(shownTitle("mellum", inEnglish), "mellum");
    assert.equal(shownTitle("Hearth starter model", inEnglish), "Starter model");
    assert.equal(shownTitle("Hearth starter model", german), "Startmodell");
  });
});
