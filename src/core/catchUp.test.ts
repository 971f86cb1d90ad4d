import assert from "node:assert/strict";
import { CatchUp } from "./catchUp";

describe("The request that catches up", () => {
  it("is the one for its document and version, whatever is asked before it", () => {
    const catchUp = new CatchUp();
    catchUp.expect("a", 3);
    assert.equal(catchUp.take("b", 3), false);
    assert.equal(catchUp.take("a", 4), false);
    assert.equal(catchUp.take("a", 3), true);
  });

  it("comes once: what is asked after it is asked by hand", () => {
    const catchUp = new CatchUp();
    catchUp.expect("a", 3);
    catchUp.take("a", 3);
    assert.equal(catchUp.take("a", 3), false);
  });

  it("is no longer expected where the editor has not made it", () => {
    const catchUp = new CatchUp();
    const end = catchUp.expect("a", 3);
    end();
    assert.equal(catchUp.take("a", 3), false);
  });

  it("is still expected where only an earlier one has ended", () => {
    const catchUp = new CatchUp();
    const end = catchUp.expect("a", 3);
    catchUp.expect("b", 1);
    end();
    assert.equal(catchUp.take("b", 1), true);
  });
});
