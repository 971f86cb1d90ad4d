import assert from "node:assert/strict";
import { requestAt } from "../core/testing/cursorAt";
import { completeWith } from "./givenAnswer";
import { processorMs } from "../../test/fixtures/processorTime";

describe("completeWith", () => {
  it("gives what would be inserted, and the document after accepting it", async () => {
    assert.deepEqual(await completeWith(requestAt("const a = |;\nb();"), "compute(1);\nc();"), {
      shown: true,
      text: "compute(1)",
      document: "const a = compute(1);\nb();",
    });
  });

  it("takes the place of closers, as the editor does", async () => {
    const outcome = await completeWith(requestAt("if (|)"), "a, b) {\n");
    assert.deepEqual(outcome, { shown: true, text: "a, b) {", document: "if (a, b) {" });
  });

  it("keeps line ends", async () => {
    const outcome = await completeWith(requestAt("if (a) {|\r\n}\r\n"), "\n  b();\n}");
    assert.equal(outcome.document, "if (a) {\r\n  b();\r\n}\r\n");
  });

  it("says why nothing would be, and leaves the document", async () => {
    const cases = [
      ["const a = |\n", "", "manual", "empty"],
      ["const a = 1;|\n", " // one", "automatic", "lineComplete"],
      ["a| b\n", "c", "automatic", "midLine"],
    ] as const;
    for (const [marked, answer, trigger, reason] of cases) {
      const document = marked.replace("|", "");
      const outcome = await completeWith(requestAt(marked, { trigger }), answer);
      assert.deepEqual(outcome, { shown: false, text: "", reason, document });
    }
  });

  it("asks an empty document by hand only", async () => {
    assert.equal((await completeWith(requestAt("|", { trigger: "manual" }), "a();")).text, "a();");
    assert.equal((await completeWith(requestAt("|"), "a();")).shown, false);
  });

  it("waits for nothing", async () => {
    const started = processorMs();
    for (let i = 0; i < 20; ++i) {
      await completeWith(requestAt("function f() {|\n}", { trigger: "manual" }), "\n  return 1;\n");
    }
    assert.ok(processorMs() - started < 2000);
  });
});
