import assert from "node:assert/strict";
import {
  closeSync,
  copyFileSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LocalEngine } from "./localEngine";

const STARTER = join(__dirname, "..", "..", "..", "models", "hearth-starter.gguf");

describe("a model's file that changes", function () {
  this.timeout(600_000);
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "hearth-changed-"));
    path = join(folder, "model.gguf");
    copyFileSync(STARTER, path);
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const changes: Record<string, () => void> = {
    "by a file that takes its place": () => {
      copyFileSync(STARTER, `${path}.new`);
      renameSync(`${path}.new`, path);
    },
    "by zeros in place": () => {
      const file = openSync(path, "r+");
      writeSync(file, new Uint8Array(4096), 0, 4096, 2_000_000);
      closeSync(file);
    },
    "by being cut": () => {
      const file = openSync(path, "r+");
      ftruncateSync(file, 1_000_000);
      closeSync(file);
    },
  };
  for (const [how, change] of Object.entries(changes)) {
    it(`is noticed: ${how}`, async () => {
      const engine = await LocalEngine.open(path, { threads: 1 });
      assert.equal(await engine.hasChanged(), false);
      change();
      assert.equal(await engine.hasChanged(), true);
      engine.close();
    });
  }

  it("is no change while it is only read, or removed", async () => {
    const engine = await LocalEngine.open(path, { threads: 1 });
    copyFileSync(path, `${path}.copy`);
    assert.equal(await engine.hasChanged(), false);
    rmSync(path);
    assert.equal(await engine.hasChanged(), false);
    engine.close();
  });

  it("is refused while a program has it open for writing", async function () {
    if (process.platform !== "linux") {
      this.skip();
    }
    const writer = openSync(path, "r+");
    await assert.rejects(LocalEngine.open(path, { threads: 1 }), {
      code: "io",
      message: /a program is still writing to it; try again when it has finished/,
    });
    closeSync(writer);
    (await LocalEngine.open(path, { threads: 1 })).close();
  });

  it("is refused where it has its whole size and not its whole content", async () => {
    const { size } = statSync(path);
    for (const written of [0.4, 0.97]) {
      const file = openSync(path, "r+");
      ftruncateSync(file, Math.round(size * written));
      ftruncateSync(file, size);
      closeSync(file);
      await assert.rejects(LocalEngine.open(path, { threads: 1 }), {
        code: "bad_model",
        message:
          /its tensor '[a-z0-9_.]+' is nothing but zeros: the file has not been written to its end; download it again$/,
      });
      copyFileSync(STARTER, path);
    }
  });
});
