import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { findOtherPrograms } from "./otherPrograms";

describe("models of other programs", () => {
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), "hearth-home-"));
  });
  afterEach(() => {
    rmSync(home, { recursive: true });
  });

  const put = (path: string, text = "GGUF"): string => {
    const full = join(home, path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, text);
    return full;
  };
  const HASH = "a".repeat(64);

  it("are found in the cache of Hugging Face, a blob once, with the hash in its name", async () => {
    const blob = put(`.cache/huggingface/hub/models--Org--My-Repo/blobs/${HASH}`);
    for (const commit of ["c1", "c2"]) {
      const folder = join(home, ".cache/huggingface/hub/models--Org--My-Repo/snapshots", commit);
      mkdirSync(folder, { recursive: true });
      symlinkSync(blob, join(folder, "m.gguf"));
    }
    put(".cache/huggingface/hub/models--Org--My-Repo/snapshots/c1/config.json");
    put(".cache/huggingface/hub/datasets--x--y/snapshots/c1/m.gguf");
    assert.deepEqual(await findOtherPrograms({ HOME: home }), [
      {
        path: join(home, ".cache/huggingface/hub/models--Org--My-Repo/snapshots/c1/m.gguf"),
        program: "huggingface",
        reference: "Org/My-Repo/m.gguf",
        sha256: HASH,
      },
    ]);
  });

  it("are looked for where the environment says that the cache is", async () => {
    const path = put("elsewhere/models--a--b/snapshots/c/x.gguf");
    const places: readonly NodeJS.ProcessEnv[] = [
      { HF_HUB_CACHE: join(home, "elsewhere") },
      { HUGGINGFACE_HUB_CACHE: join(home, "elsewhere") },
    ];
    for (const env of places) {
      assert.deepEqual(
        (await findOtherPrograms({ HOME: home, ...env })).map((file) => file.path),
        [path],
      );
    }
    put("hf/hub/models--a--b/snapshots/c/y.gguf");
    assert.equal((await findOtherPrograms({ HOME: home, HF_HOME: join(home, "hf") })).length, 1);
  });

  it("are found in LM Studio's folder", async () => {
    const path = put(".lmstudio/models/pub/repo/m.Q4_0.gguf");
    put(".lmstudio/models/pub/repo/mmproj-m.gguf");
    assert.deepEqual(await findOtherPrograms({ HOME: home }), [
      { path, program: "lmstudio", reference: "pub/repo/m.Q4_0.gguf" },
    ]);
  });

  it("are found where LM Studio's own notes say that they are", async () => {
    const moved = put("moved/models/pub/repo/a.gguf");
    const elsewhere = put("drive/pub/repo/b.gguf");
    put(".lmstudio-home-pointer", `${join(home, "moved")}\n`);
    put("moved/settings.json", JSON.stringify({ downloadsFolder: join(home, "drive") }));
    put(".lmstudio/settings.json", "{");
    const found = await findOtherPrograms({ HOME: home });
    assert.deepEqual(
      found.map(({ path, reference }) => [path, reference]),
      [
        [elsewhere, "pub/repo/b.gguf"],
        [moved, "pub/repo/a.gguf"],
      ],
    );
    put(".lmstudio-home-pointer", "not a path");
    put("moved/settings.json", JSON.stringify({ downloadsFolder: 5 }));
    assert.deepEqual(await findOtherPrograms({ HOME: home }), []);
  });

  it("are found in Ollama's by its manifests, whose digest is the hash", async () => {
    const layers = [
      { mediaType: "application/vnd.ollama.image.template", digest: `sha256:${"b".repeat(64)}` },
      { mediaType: "application/vnd.ollama.image.model", digest: `sha256:${HASH}` },
    ];
    put(".ollama/models/manifests/registry.ollama.ai/library/small/4b", JSON.stringify({ layers }));
    put(".ollama/models/manifests/registry.ollama.ai/me/other/latest", "{");
    put(
      ".ollama/models/manifests/registry.ollama.ai/library/gone/1b",
      JSON.stringify({ layers: [{ ...layers[1], digest: `sha256:${"c".repeat(64)}` }] }),
    );
    const path = put(`.ollama/models/blobs/sha256-${HASH}`);
    assert.deepEqual(await findOtherPrograms({ HOME: home }), [
      { path, program: "ollama", reference: "small:4b", sha256: HASH },
    ]);
  });

  it("are none where no program is", async () => {
    assert.deepEqual(await findOtherPrograms({ HOME: home, OLLAMA_MODELS: join(home, "no") }), []);
  });
});
