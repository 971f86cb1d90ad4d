import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openGgufFile } from "../../model/ggufFile";
import type { LayoutVerdict } from "../local/layoutTest";
import { LayoutStore } from "./layoutStore";

const STARTER = join(__dirname, "..", "..", "..", "models", "hearth-starter.gguf");
const VERDICT: LayoutVerdict = {
  layout: "suffix-comment",
  costs: { continuation: { bits: 500.5, cases: 20 }, "suffix-comment": { bits: 400, cases: 20 } },
};

describe("LayoutStore", () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "hearth-layout-"));
    file = join(folder, "model.gguf");
    copyFileSync(STARTER, file);
    utimesSync(file, 1000, 1000);
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it("keeps a verdict for a file's content and date, wherever it lies", async () => {
    const store = new LayoutStore(join(folder, "made"));
    const model = await openGgufFile(file);
    assert.equal(await store.read(model), undefined);
    await store.write(model, VERDICT);
    assert.deepEqual(await new LayoutStore(join(folder, "made")).read(model), VERDICT);
    const moved = join(folder, "moved.gguf");
    copyFileSync(file, moved);
    utimesSync(moved, 1000, 1000);
    assert.deepEqual(await store.read(await openGgufFile(moved)), VERDICT);
    utimesSync(moved, 1000, 1001);
    assert.equal(await store.read(await openGgufFile(moved)), undefined);
    assert.deepEqual(
      readdirSync(join(folder, "made")).filter((name) => !/^layout-[0-9a-f]{24}\.json$/.test(name)),
      [],
    );
  });

  it("tells files of one size and date by their headers", async () => {
    const store = new LayoutStore(folder);
    const model = await openGgufFile(file);
    await store.write(model, VERDICT);
    const other = join(folder, "other.gguf");
    copyFileSync(file, other);
    const { open } = await import("node:fs/promises");
    const handle = await open(other, "r+");
    // Within the vocabulary, which nothing checks.
    await handle.write(Buffer.from("q"), 0, 1, model.headerBytes - 200_000);
    await handle.close();
    utimesSync(other, 1000, 1000);
    const { identity, headerBytes } = model;
    assert.equal(await store.read({ identity: { ...identity, path: other }, headerBytes }), undefined);
  });

  it("takes nothing from a file that is damaged, and does without a folder that cannot be made", async () => {
    const store = new LayoutStore(folder);
    const model = await openGgufFile(file);
    await store.write(model, VERDICT);
    const [name] = readdirSync(folder).filter((each) => each.startsWith("layout-"));
    for (const text of ["", "{", "[]", "null", '{"layout":"peer","costs":{}}', '{"layout":"continuation"}']) {
      writeFileSync(join(folder, name!), text);
      assert.equal(await store.read(model), undefined, text);
    }
    writeFileSync(
      join(folder, name!),
      '{"layout":"continuation","costs":{"x":1,"chat-fill":{"bits":1,"cases":2},"continuation":null}}',
    );
    assert.deepEqual(await store.read(model), {
      layout: "continuation",
      costs: { "chat-fill": { bits: 1, cases: 2 } },
    });
    writeFileSync(join(folder, "file"), "");
    const nowhere = new LayoutStore(join(folder, "file", "inside"));
    await nowhere.write(model, VERDICT);
    assert.equal(await nowhere.read(model), undefined);
  });
});
