import assert from "node:assert/strict";
import { SuggestionLedger } from "./suggestionLedger";
import { FakeClock } from "./testing/fakeClock";

const LEFT = "const total = ";
const SUGGESTION = { documentId: "a", languageId: "typescript", offset: LEFT.length, text: "sum(items);" } as const;

function setUp() {
  const clock = new FakeClock();
  const counts: string[] = [];
  const ledger = new SuggestionLedger(clock, (languageId, what) => counts.push(`${what} ${languageId}`));
  const insert = (offset: number, inserted: string, removed = 0): void => {
    ledger.changed("a", [{ offset, removed, inserted }]);
  };
  return { clock, counts, ledger, insert };
}

describe("SuggestionLedger", () => {
  it("counts what stands long enough to be seen, once while it is typed along", async () => {
    const { clock, counts, ledger, insert } = setUp();
    const id = ledger.offered(SUGGESTION);
    await clock.advance(149);
    assert.deepEqual(counts, []);
    insert(LEFT.length, "s");
    assert.equal(ledger.offered({ ...SUGGESTION, offset: LEFT.length + 1, text: "um(items);" }), id);
    await clock.advance(400);
    assert.deepEqual(counts, ["offered typescript"]);
  });

  it("does not count what is gone sooner", async () => {
    const { clock, counts, ledger, insert } = setUp();
    ledger.offered(SUGGESTION);
    await clock.advance(100);
    insert(LEFT.length, "x");
    await clock.advance(400);
    ledger.offered(SUGGESTION);
    await clock.advance(100);
    ledger.withdrawn();
    await clock.advance(400);
    ledger.offered(SUGGESTION);
    ledger.offered({ ...SUGGESTION, text: "other" });
    await clock.advance(400);
    assert.deepEqual(counts, ["offered typescript"]);
  });

  it("counts an acceptance once, whether the change or the editor tells of it", async () => {
    const { counts, ledger, insert, clock } = setUp();
    const id = ledger.offered(SUGGESTION);
    insert(LEFT.length, SUGGESTION.text);
    ledger.acceptedWhole(id);
    assert.deepEqual(counts, ["offered typescript", "accepted typescript"]);
    const other = ledger.offered({ ...SUGGESTION, offset: 100 });
    ledger.acceptedWhole(other);
    assert.equal(counts.length, 4);
    await clock.advance(200);
    assert.equal(counts.length, 4);
  });

  it("takes several characters at once for an accepted part, and a pair that the editor closes for none", () => {
    const { counts, ledger, insert } = setUp();
    ledger.offered({ ...SUGGESTION, text: "() => {}" });
    insert(LEFT.length, "()");
    assert.deepEqual(counts, []);
    insert(LEFT.length + 2, " =>");
    insert(LEFT.length + 5, " {}");
    assert.deepEqual(counts, ["offered typescript", "accepted typescript"]);
  });

  it("counts as kept what is hardly changed half a minute later, wherever it stands then", async () => {
    const { clock, counts, ledger, insert } = setUp();
    ledger.acceptedWhole(ledger.offered(SUGGESTION));
    insert(0, "// above\n");
    insert(LEFT.length + 9 + 4, "", 1);
    await clock.advance(29_999);
    assert.equal(counts.length, 2);
    await clock.advance(1);
    assert.deepEqual(counts.slice(2), ["kept typescript"]);
  });

  it("does not count as kept what is taken back, or is in a document that is closed", async () => {
    const { clock, counts, ledger, insert } = setUp();
    ledger.acceptedWhole(ledger.offered(SUGGESTION));
    insert(LEFT.length, "", SUGGESTION.text.length);
    ledger.acceptedWhole(ledger.offered({ ...SUGGESTION, documentId: "b" }));
    ledger.forget("b");
    await clock.advance(60_000);
    assert.deepEqual(
      counts.filter((count) => count.startsWith("kept")),
      [],
    );
  });

  it("follows what stands through changes above it", async () => {
    const { clock, counts, ledger, insert } = setUp();
    ledger.offered(SUGGESTION);
    insert(0, "// above\n");
    insert(0, "", 3);
    insert(LEFT.length + 6, "sum(");
    await clock.advance(10);
    assert.deepEqual(counts, ["offered typescript", "accepted typescript"]);
  });
});
