import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EngineError } from "../../protocol/errors";
import { answerAt } from "./cursors";
import { readDefinitionFile } from "./definitionFile";
import { scriptedSubject } from "./testing/scriptedSubject";

const LAMP = { name: "Lamp", path: "src/lamp.ts", text: "export class Lamp {}\n" };

describe("readDefinitionFile", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "hearth-definitions-"));
  });
  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const written = (text: string): string => {
    const file = join(folder, "definitions.json");
    writeFileSync(file, text);
    return file;
  };

  it("gives what was recorded at a cursor, and puts it into prompts for models that know other files", async () => {
    const recorded = [{ path: "src/a.ts", offset: 11, definitions: [LAMP] }];
    const definitionsAt = await readDefinitionFile(written(JSON.stringify(recorded)));
    assert.deepEqual(definitionsAt({ path: "src/a.ts", offset: 11 }), [LAMP]);
    assert.deepEqual(definitionsAt({ path: "src/b.ts", offset: 11 }), []);
    assert.deepEqual(definitionsAt({ path: "src/a.ts", offset: 12 }), []);
    const scripted = scriptedSubject(() => "Lamp();");
    const traits = { fimLayouts: ["suffix-first"], fileHeader: true, otherFiles: true } as const;
    const cursor = { path: "src/a.ts", language: "typescript", text: "let x = new\n", offset: 11, rest: " Lamp();" };
    await answerAt({ ...scripted, traits, definitionsAt }, cursor);
    const block = "<|file_sep|>src/lamp.ts\nexport class Lamp {}\n<|file_sep|>src/a.ts\n";
    assert.ok(scripted.prompts.length === 2 && scripted.prompts.every((prompt) => prompt.startsWith(block)));
    const without = scriptedSubject(() => "Lamp();");
    await answerAt({ ...without, definitionsAt }, cursor);
    assert.ok(without.prompts.every((prompt) => !prompt.includes("lamp.ts")));
  });

  it("says what is wrong", async () => {
    for (const text of [
      "{",
      "{}",
      '[{"path":"a"}]',
      '[{"path":"a","offset":1,"definitions":[{"name":"x"}]}]',
      "[null]",
    ]) {
      await assert.rejects(readDefinitionFile(written(text)), (error) => error instanceof EngineError, text);
    }
    await assert.rejects(readDefinitionFile(join(folder, "none.json")), EngineError);
  });
});
