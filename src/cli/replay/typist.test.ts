import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { languageIdOfPath } from "../../core/language";
import { EditedDocument, type Key } from "./editedDocument";
import { Typist } from "./typist";

const ROOT = join(import.meta.dirname, "..", "..", "..");
const SNIPPETS = join(ROOT, "test", "fixtures", "tokenizer", "snippets");
const FILES = [
  ...readdirSync(SNIPPETS).map((name) => join(SNIPPETS, name)),
  ...["completionCache.ts", "gate.ts", "promptWindow.ts"].map((name) => join(ROOT, "src", "core", name)),
];

/** Types a text into a document and gives the keys. */
function typeInto(document: EditedDocument, text: string): Key[] {
  const typist = new Typist(document, text, true);
  const keys: Key[] = [];
  for (let key = typist.next(); key !== undefined; key = typist.next()) {
    document.press(key);
    keys.push(key);
    assert.ok(keys.length <= 3 * text.length + 10, `no end: ${document.text.slice(-200)}`);
  }
  return keys;
}

/** `|` is the cursor. */
function documentAt(marked: string, languageId = "typescript"): EditedDocument {
  const document = new EditedDocument("a", languageId, marked.replace("|", ""));
  document.moveTo(marked.indexOf("|"));
  return document;
}

function marked({ text, offset }: EditedDocument): string {
  return `${text.slice(0, offset)}|${text.slice(offset)}`;
}

function names(keys: readonly Key[]): string {
  return keys.map((key) => ("char" in key ? key.char : key.kind)).join(" ");
}

describe("Typist", () => {
  for (const file of FILES) {
    it(`types ${file.slice(ROOT.length + 1)} as it is, with fewer keys than characters`, () => {
      const text = readFileSync(file, "utf8").trimEnd();
      // The indentation of a file is known before its first line is.
      const document = new EditedDocument("a", languageIdOfPath(file), text);
      document.replace(0, text.length, "");
      const keys = typeInto(document, text);
      assert.equal(document.text, text);
      assert.equal(document.offset, text.length);
      assert.ok(keys.length < text.length, `${keys.length} keys for ${text.length} characters`);
    });

    it(`types a part of ${file.slice(ROOT.length + 1)} between the others`, () => {
      const lines = readFileSync(file, "utf8").split("\n");
      const from = Math.floor(lines.length / 3);
      const above = lines.slice(0, from).join("\n");
      const part = `\n${lines.slice(from, from + 12).join("\n")}`;
      const below = `\n${lines.slice(from + 12).join("\n")}`;
      const document = new EditedDocument("a", languageIdOfPath(file), lines.join("\n"));
      document.replace(0, lines.join("\n").length, above + below);
      document.moveTo(above.length);
      typeInto(document, part);
      assert.equal(document.text, above + part + below);
    });
  }

  it("lets the editor close and indent", () => {
    const document = documentAt("|");
    const keys = names(typeInto(document, "if (a) {\n    return f(1);\n}"));
    assert.equal(marked(document), "if (a) {\n    return f(1);\n}|");
    assert.equal(keys, "i f   ( a )   { enter r e t u r n   f ( 1 ) ; belowCloser");
  });

  it("takes what is shown where it is what would be typed", () => {
    const typist = new Typist(documentAt("|"), "return a;\n", false);
    assert.equal(typist.takes("return b"), false);
    assert.equal(typist.takes("return"), true);
    assert.deepEqual(typist.next(), { kind: "char", char: " " });
  });
});

describe("EditedDocument", () => {
  const cases: readonly (readonly [string, string, Key, string])[] = [
    ["closes a bracket", "f|", { kind: "char", char: "(" }, "f(|)"],
    ["closes no bracket before a word", "|f", { kind: "char", char: "(" }, "(|f"],
    ["closes no quote behind a word", "don|", { kind: "char", char: "'" }, "don'|"],
    ["closes no quote in a comment", "// |", { kind: "char", char: '"' }, '// "|'],
    ["indents a new line like the one before", "  a|", { kind: "enter" }, "  a\n  |"],
    ["takes back the indentation of a blank line", "  a\n  |", { kind: "enter" }, "  a\n\n  |"],
    ["takes back one level", "        |", { kind: "backspace" }, "    |"],
    ["indents to the next level", "      |", { kind: "tab" }, "        |"],
  ];
  for (const [what, before, key, after] of cases) {
    it(what, () => {
      const document = documentAt(before);
      document.press(key);
      assert.equal(marked(document), after);
    });
  }

  it("deletes the bracket that it has closed together with the one that opened it", () => {
    const document = documentAt("f|");
    document.press({ kind: "char", char: "(" });
    document.press({ kind: "backspace" });
    assert.equal(marked(document), "f|");
    const typed = documentAt("f(|)");
    typed.press({ kind: "backspace" });
    assert.equal(marked(typed), "f|)");
  });

  it("indents Python behind a colon", () => {
    const document = documentAt("def f():|", "python");
    document.press({ kind: "enter" });
    assert.equal(marked(document), "def f():\n    |");
  });
});
