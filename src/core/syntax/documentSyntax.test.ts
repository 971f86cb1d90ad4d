import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { Clock } from "../ports";
import { FakeClock } from "../testing/fakeClock";
import { SyntaxCache } from "./cursorSyntax";
import { DocumentSyntax } from "./documentSyntax";
import { PLAIN_SOURCE } from "./languages";
import type { LineReading, SyntaxReader, SyntaxState } from "./reader";
import { arePlacesEqual, openList } from "./structure";
import { processorMs } from "../../../test/fixtures/processorTime";

/** Counts the lines that are read. */
class CountingReader implements SyntaxReader {
  readonly languageId = "typescript";
  readonly #reader = PLAIN_SOURCE.readerNow("typescript").reader;
  readonly start = this.#reader.start;
  lines = 0;
  onLine: () => void = () => undefined;

  configuration(languageId: string): ReturnType<SyntaxReader["configuration"]> {
    return this.#reader.configuration(languageId);
  }

  readLine(line: string, state: SyntaxState): LineReading {
    this.lines += 1;
    this.onLine();
    return this.#reader.readLine(line, state);
  }
}

function random(seed: number): (below: number) => number {
  let x = seed;
  return (below) => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return Math.floor((x / 2 ** 32) * below);
  };
}

const PIECES = ["(", ")", "{", "}\n", "/*", "*/", "`", '"', "a\n", "\n", "x = 1;\n", "// c\n", " "];

describe("DocumentSyntax", () => {
  it("knows after any edits what it would know of the text alone", () => {
    const next = random(7);
    for (let round = 0; round < 60; ++round) {
      const reader = new CountingReader();
      let text = Array.from({ length: 30 }, () => PIECES[next(PIECES.length)]).join("");
      const document = new DocumentSyntax(reader, text);
      for (let edit = 0; edit < 30; ++edit) {
        const at = next(text.length + 1);
        const removed = next(4) === 0 ? next(30) : next(2);
        const inserted = Array.from({ length: next(4) }, () => PIECES[next(PIECES.length)]).join("");
        text = text.slice(0, at) + inserted + text.slice(at + removed);
        document.update(text);
        document.advance(next(document.lineCount));
        const fresh = new DocumentSyntax(new CountingReader(), text);
        fresh.advance(fresh.lineCount);
        assert.equal(document.lineCount, text.split("\n").length);
        for (let line = 0; line <= document.known; ++line) {
          const [is, should] = [document.placeAt(line), fresh.placeAt(line)];
          assert.ok(is !== undefined && should !== undefined && arePlacesEqual(is, should), `line ${String(line)}`);
          assert.equal(document.line(line), text.split("\n")[line]);
        }
      }
    }
  });

  it("reads no further than to a line that begins as it did before", () => {
    const reader = new CountingReader();
    const lines = Array.from({ length: 5000 }, (_, i) => `f(${String(i)}); // why`);
    const document = new DocumentSyntax(reader, lines.join("\n"));
    assert.ok(document.advance(4999));
    assert.equal(reader.lines, 4999);
    reader.lines = 0;
    // What a block comment and its end do to the lines between is undone.
    for (const line of ["f(2500);", "f(2500); /*", "f(2500); /* */"]) {
      lines[2500] = line;
      document.update(lines.join("\n"));
      document.advance(2503);
    }
    assert.ok(document.advance(4999));
    assert.ok(reader.lines <= 10, String(reader.lines));
  });

  it("does not know what it has not reached", () => {
    const document = new DocumentSyntax(new CountingReader(), "{\n".repeat(100));
    let left = 10;
    assert.equal(
      document.advance(50, () => left-- > 0),
      false,
    );
    assert.equal(document.known, 10);
    assert.equal(document.placeAt(11), undefined);
    assert.equal(openList(document.placeAt(10)?.open).length, 10);
  });

  it("hands long lines on without reading them", () => {
    const text = `/*\n${"x".repeat(10_000_000)}*/\n(`;
    const started = processorMs();
    const document = new DocumentSyntax(PLAIN_SOURCE.readerNow("typescript").reader, text);
    assert.ok(document.advance(2));
    assert.equal(document.placeAt(2)?.open?.kind, "comment");
    document.update(`${text}a`);
    assert.ok(document.advance(2));
    assert.ok(processorMs() - started < 500);
  });
});

describe("SyntaxCache", () => {
  it("reads what takes longer than a key may cost in slices, and guesses until it has reached the cursor", async () => {
    const timers = new FakeClock();
    let workedMs = 0;
    const clock: Clock = {
      nowMs: () => timers.nowMs() + workedMs,
      after: (ms, callback) => timers.after(ms, callback),
    };
    const reader = new CountingReader();
    const cache = new SyntaxCache(
      { readerNow: () => ({ reader, isFinal: true }), load: () => Promise.resolve(reader) },
      clock,
    );
    const text = `function f() {\n${"  g(); // x\n".repeat(10_000)}`;
    const place = { documentId: "a", languageId: "typescript", text, offset: text.length };
    let sliceMs = 0;
    let longestMs = 0;
    reader.onLine = () => {
      workedMs += 0.1;
      sliceMs += 0.1;
      longestMs = Math.max(longestMs, sliceMs);
    };
    const first = cache.at(place);
    longestMs = 0;
    assert.equal(first.isKnown, false);
    // The line at which the guess began is not the function's.
    assert.equal(first.lineStart.open, undefined);
    assert.ok(reader.lines < 1000);
    for (let i = 0; i < 1000 && reader.lines < 11_000; ++i) {
      sliceMs = 0;
      await timers.advance(6);
    }
    assert.ok(longestMs <= 8, String(longestMs));
    const then = cache.at(place);
    assert.equal(then.isKnown, true);
    assert.equal(then.lineStart.open?.text, "{");
    reader.lines = 0;
    assert.ok(cache.at({ ...place, text: `${text}  h(`, offset: text.length + 4 }).isKnown);
    assert.ok(reader.lines <= 2);
  });

  it("does not take for known what a makeshift reader says", () => {
    const reader = new CountingReader();
    const source = { readerNow: () => ({ reader, isFinal: false }), load: () => Promise.resolve(reader) };
    const cache = new SyntaxCache(source, new FakeClock());
    assert.equal(cache.at({ documentId: "a", languageId: "x", text: "a\nb", offset: 3 }).isKnown, false);
  });
});
