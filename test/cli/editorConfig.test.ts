import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hearthJson, withFolder } from "./hearth";

describe("hearth complete in a folder with an .editorconfig", () => {
  it("indents by it where no line of the file says, and by the lines where they do", async () => {
    await withFolder(async (folder) => {
      writeFileSync(
        join(folder, ".editorconfig"),
        "root = true\n[*.ts]\nindent_style = tab\n[own/**]\nindent_style = space\n",
      );
      mkdirSync(join(folder, "own"));
      const answer = "--answer=    return 1;\n}";
      const completed = async (name: string, text: string, line: number): Promise<string> => {
        const file = join(folder, name);
        writeFileSync(file, text);
        const place = `${file}:${String(line)}:1`;
        return (await hearthJson<{ readonly document: string }>(["complete", place, answer])).document;
      };
      const open = "function f() {\n\n";
      assert.equal(await completed("a.ts", open, 2), "function f() {\n\treturn 1;\n}\n");
      assert.equal(await completed("own/a.ts", open, 2), "function f() {\n    return 1;\n}\n");
      const spaced = `function g() {\n    a();\n}\n\n${open}`;
      assert.equal(
        await completed("b.ts", spaced, 6),
        `function g() {\n    a();\n}\n\nfunction f() {\n    return 1;\n}\n`,
      );
    });
  });
});
