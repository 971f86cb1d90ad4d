import assert from "node:assert/strict";
import { placeCode } from "./codePlace";
import { applyHunks } from "./lineDiff";

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
  return applyHunks(lines, placeCode(code.split("\n"), target)).join("\n");
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

  it("takes the places of several", () => {
    const code = "export function add() {\n    return 1;\n}\n\nclass Shape {\n    area = 2;\n}";
    const result = place(code);
    assert.match(
      result,
      /^import .*\n\nexport function add\(\) \{\n {4}return 1;\n\}\n\nclass Shape \{\n {4}area = 2;\n\}\n$/,
    );
  });

  it("is inserted where one of them is nowhere", () => {
    const code = "const c = 1;";
    assert.equal(place(code, 1), DOCUMENT.replace("\n\n/**", "\nconst c = 1;\n/**"));
    assert.equal(place(code, 13), DOCUMENT.replace("add(1, 2);", "add(1, 2);\n        const c = 1;"));
  });

  it("is inserted at the end of the document", () => {
    assert.equal(place("const c = 1;", 17), `${DOCUMENT}const c = 1;\n`);
  });

  it("is not put where several have the name", () => {
    const code = "constructor() {\n}";
    assert.equal(place(code, 1), DOCUMENT.replace("\n\n/**", "\nconstructor() {\n}\n/**"));
  });
});
