import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseTrace } from "./trace";

const TRACES = join(import.meta.dirname, "..", "..", "..", "bench", "keystrokes", "traces");
const DOCUMENT = { path: "a.ts", languageId: "typescript", text: "one\ntwo\nthree\n" };

function noFile(path: string): string {
  throw Object.assign(new Error("no"), { code: "ENOENT", path });
}

function parse(trace: object, readFile = noFile) {
  return parseTrace(JSON.stringify(trace), "my.json", readFile);
}

const withSteps = (...steps: readonly unknown[]) => parse({ documents: [DOCUMENT], steps });

describe("parseTrace", () => {
  it("reads every step, with the trace's pace or its own", () => {
    const { steps } = parse({
      msPerKey: 80,
      documents: [DOCUMENT],
      steps: [
        { type: "a\r\nb", accepts: true },
        { fill: true, msPerKey: 30 },
        { typeShown: 3 },
        { delete: 2 },
        { pauseMs: 0 },
        { untilShownMs: 500 },
        { accept: true },
        { acceptWord: true },
        { trigger: "manual" },
        { moveTo: { line: 2 } },
        { moveTo: { after: "two" } },
        { open: "a.ts" },
      ],
    });
    assert.deepEqual(steps, [
      { kind: "type", text: "a\nb", msPerKey: 80, accepts: true },
      { kind: "fill", msPerKey: 30, accepts: false },
      { kind: "typeShown", chars: 3, msPerKey: 80 },
      { kind: "delete", chars: 2, msPerKey: 80 },
      { kind: "pause", ms: 0 },
      { kind: "untilShown", limitMs: 500 },
      { kind: "accept", part: "all", msPerKey: 80 },
      { kind: "accept", part: "word", msPerKey: 80 },
      { kind: "trigger", msPerKey: 80 },
      { kind: "moveTo", place: { kind: "line", line: 2, column: 1 } },
      { kind: "moveTo", place: { kind: "after", text: "two" } },
      { kind: "open", path: "a.ts" },
    ]);
  });

  it("takes lines out of a document", () => {
    const { documents } = parse({
      documents: [{ ...DOCUMENT, hole: { line: 2, lines: 2 } }],
      steps: [{ fill: true }],
    });
    assert.deepEqual(documents, [
      { path: "a.ts", languageId: "typescript", text: "one\n", hole: { offset: 3, text: "\ntwo\nthree" } },
    ]);
  });

  it("finds files beside the trace, and line ends of any kind", () => {
    const document = { path: "a.ts", languageId: "typescript", file: "../files/a.txt" };
    const { documents } = parseTrace(
      JSON.stringify({ documents: [document], steps: [{ pauseMs: 1 }] }),
      join("bench", "traces", "my.json"),
      (path) => {
        assert.equal(path, join("bench", "files", "a.txt"));
        return "a\r\nb";
      },
    );
    assert.equal(documents[0]!.text, "a\nb");
  });

  for (const name of readdirSync(TRACES)) {
    it(`reads ${name}`, () => {
      const file = join(TRACES, name);
      const { documents, steps, about } = parseTrace(readFileSync(file, "utf8"), file, (path) =>
        readFileSync(path, "utf8"),
      );
      assert.ok(documents.length > 0 && steps.length > 0 && about !== "");
    });
  }
});

describe("parseTrace refuses", () => {
  const refused = (what: RegExp, work: () => unknown): void => {
    assert.throws(work, (error: Error & { code: string }) => {
      assert.equal(error.code, "bad_request");
      assert.match(error.message, /^cannot replay 'my\.json': [^\n]+$/);
      assert.match(error.message, what);
      return true;
    });
  };

  it("what is no JSON, and what is no trace", () => {
    refused(/not JSON/, () => parseTrace("{", "my.json", noFile));
    refused(/the trace is an object, not \[\]/, () => parseTrace("[]", "my.json", noFile));
    refused(/'documents' is a list of 1 to 32, not nothing/, () => parse({ steps: [] }));
    refused(/'steps' is a list/, () => parse({ documents: [DOCUMENT], steps: [] }));
    refused(/the trace has no 'speed'; it may have about, /, () => parse({ speed: 2 }));
    refused(/'msPerKey' is a whole number from 1 to 60000, not "fast"/, () => parse({ msPerKey: "fast" }));
  });

  it("documents that are not there, not whole, or there twice", () => {
    const withDocument = (document: object) => parse({ documents: [document], steps: [{ pauseMs: 1 }] });
    const { path, languageId } = DOCUMENT;
    refused(/document 1: give either 'file' or 'text'/, () => withDocument({ path, languageId }));
    refused(/document 1: cannot read 'no\.txt': no such file/, () =>
      withDocument({ path, languageId, file: "no.txt" }),
    );
    refused(/document 1: 'languageId' is a text, not nothing/, () => withDocument({ path, text: "" }));
    refused(/document 1: 'line' is a whole number from 2 to 4, not 9/, () =>
      withDocument({ ...DOCUMENT, hole: { line: 9 } }),
    );
    refused(/two documents have the path 'a\.ts'/, () =>
      parse({ documents: [DOCUMENT, DOCUMENT], steps: [{ pauseMs: 1 }] }),
    );
  });

  it("steps that say nothing, too much, or something wrong, and tells which", () => {
    const first = { pauseMs: 1 };
    refused(/step 2: a step has exactly one of type, fill, /, () => withSteps(first, {}));
    refused(/step 2: a step has exactly one of/, () => withSteps(first, { type: "a", delete: 1 }));
    refused(/step 2 has no 'tpye'/, () => withSteps(first, { tpye: "a" }));
    refused(/step 1 is an object, not "a"/, () => withSteps("a"));
    refused(/step 1: 'type' is a text, not 3/, () => withSteps({ type: 3 }));
    refused(/step 1: 'delete' is a whole number from 1 to 10000, not -1/, () => withSteps({ delete: -1 }));
    refused(/step 1: 'accept' is true, not "yes"/, () => withSteps({ accept: "yes" }));
    refused(/step 1: 'accepts' is true or false, not 1/, () => withSteps({ type: "a", accepts: 1 }));
    refused(/step 1: 'trigger' is "manual"/, () => withSteps({ trigger: "automatic" }));
    refused(/step 1: 'moveTo': 'line' is a whole number .*, not nothing/, () => withSteps({ moveTo: {} }));
    refused(/step 1: no document has the path 'b\.ts'/, () => withSteps({ open: "b.ts" }));
  });
});
