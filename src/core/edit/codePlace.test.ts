import assert from "node:assert/strict";
import { placeCode } from "./codePlace";
import { englishSentence } from "./sentence";

const DOCUMENT = `import { b } from "./b";

/** Adds. */
export function add(a: number, b: number): number {
    return a + b;
}

class Shape {
    area(): number {
        return this.width * this.height;
    }

    draw(): void {
        add(1, 2);
        this.area();
    }
}
`;

function place(code: string, cursorLine = 0, selection?: { start: number; end: number }): string {
  const lines = DOCUMENT.split("\n");
  const indentation = { style: "spaces", size: 4 } as const;
  const target = { lines, languageId: "typescript", indentation, cursorLine, selection };
  const placed = placeCode({ lines: code.split("\n"), info: "ts" }, target);
  return placed.kind === "placed"
    ? placed.lines.join("\n")
    : placed.kind === "unchanged"
      ? DOCUMENT
      : `${placed.kind}: ${englishSentence(placed.reason)}`;
}

describe("placeCode", () => {
  it("takes the place of the selection", () => {
    assert.equal(place("return b + a;", 4, { start: 4, end: 5 }), DOCUMENT.replace("a + b", "b + a"));
  });

  it("takes the place of the function of the same name, with its comment", () => {
    const code = "/** Sums. */\nfunction add(...n: number[]): number {\n  return sum(n);\n}";
    const expected = "/** Sums. */\nfunction add(...n: number[]): number {\n    return sum(n);\n}";
    const old = /\/\*\* Adds[^]*?\n\}/;
    assert.equal(place(code), DOCUMENT.replace(old, expected));
  });

  it("takes the place of a method, as deep as that", () => {
    const code = "area(): number {\n    return 0;\n}";
    assert.equal(place(code), DOCUMENT.replace("this.width * this.height", "0"));
  });

  it("takes the places of several, and keeps the members that it does not have", () => {
    const code = "export function add() {\n    return 1;\n}\n\nclass Shape {\n    area = 2;\n}";
    const old = /\/\*\* Adds[^]*?\n\}/;
    const method = /area\(\)[^]*?\n {4}\}/;
    assert.equal(
      place(code),
      DOCUMENT.replace(old, "/** Adds. */\nexport function add() {\n    return 1;\n}").replace(method, "area = 2;"),
    );
  });

  it("is put beside what the cursor is in, as deep as it is written", () => {
    const code = "const c = 1;";
    assert.equal(place(code, 4), DOCUMENT.replace("\nclass", "\nconst c = 1;\n\nclass"));
    assert.equal(place(code, 13), `${DOCUMENT}\n${code}\n`);
    const method = "name(): string {\n    return '';\n}";
    const indented = "\n\n    name(): string {\n        return '';\n    }";
    assert.equal(
      place(method, 9),
      DOCUMENT.replace(".height;\n    }", (end) => end + indented),
    );
  });

  it("is put at the end of the document", () => {
    assert.equal(place("const c = 1;", 17), `${DOCUMENT}\nconst c = 1;\n`);
  });

  it("is not put between the lines of a function", () => {
    assert.match(place("draw();\nerase();", 13), /^nowhere: The code fits nowhere/);
  });

  it("is not put where several have the name", () => {
    const lines = "class A {\n  f() {\n  }\n}\n\nclass B {\n  f() {\n  }\n}\n".split("\n");
    const indentation = { style: "spaces", size: 2 } as const;
    const target = { lines, languageId: "typescript", indentation, cursorLine: 4 };
    const block = { lines: ["f() {", "  return 1;", "}"], info: "" };
    const placed = placeCode(block, target);
    assert.match(placed.kind === "nowhere" ? englishSentence(placed.reason) : "", /called 'f'/);
    const inB = placeCode(block, { ...target, cursorLine: 6 });
    assert.equal(inB.kind === "placed" && inB.lines[7], "    return 1;");
  });
});
