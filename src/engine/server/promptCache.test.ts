import assert from "node:assert/strict";
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removePrompts } from "../wire/promptFiles";
import { BLOCK_TOKENS, type CachedPlace, CACHE_LIMITS, PromptCache } from "./promptCache";

const PLACE = { workspace: "file:///home/u/project", document: "file:///home/u/project/a.ts" };
const IDENTITY = { model: "m1", engine: "e1", settings: "{}" };
const TOKEN_BYTES = 8;
const PROMPT = {
  tokens: Int32Array.from({ length: 150 }, (_, i) => i * 3),
  note: '{"suffix":"}"}',
  hotExperts: [4, 1],
};
const TMP = "prompt-0123456789abcdef-0123456789abcdef01234567.kv";

/** As a session gives them: none like another. */
function keysOf(begin: number, end: number): Promise<Uint8Array> {
  return Promise.resolve(
    Uint8Array.from({ length: (end - begin) * TOKEN_BYTES }, (_, i) => (begin * 7 + i * 13) % 251),
  );
}

async function keysIn(cache: PromptCache, place: CachedPlace = PLACE): Promise<number[] | undefined> {
  const opened = await cache.open(place, IDENTITY);
  if (opened === undefined) {
    return undefined;
  }
  const keys: number[] = [];
  for (let block = await opened.next(); block !== undefined; block = await opened.next()) {
    assert.ok(block.end - block.begin <= BLOCK_TOKENS);
    assert.deepEqual([...block.keys], [...(await keysOf(block.begin, block.end))]);
    keys.push(...block.keys);
  }
  await opened.close();
  return keys;
}

describe("PromptCache", () => {
  let folder: string;
  let cache: PromptCache;
  beforeEach(() => {
    folder = join(mkdtempSync(join(tmpdir(), "hearth-prompts-")), "cache");
    cache = new PromptCache(folder);
  });
  afterEach(() => {
    rmSync(join(folder, ".."), { recursive: true });
  });

  const write = (place: CachedPlace = PLACE, tokens = PROMPT.tokens): Promise<boolean> =>
    cache.write(place, IDENTITY, { ...PROMPT, tokens }, keysOf);
  const files = (): string[] => readdirSync(folder);
  const only = (): string => {
    const [name, ...others] = files();
    assert.deepEqual(others, []);
    return join(folder, name ?? "");
  };

  it("gives back what was written, from a file that only the user may read and that names nothing", async () => {
    assert.equal(await cache.open(PLACE, IDENTITY), undefined);
    assert.ok(await write());
    assert.equal(statSync(only()).mode & 0o777, 0o600);
    assert.equal(statSync(folder).mode & 0o777, 0o700);
    const bytes = readFileSync(only(), "latin1");
    assert.ok(!bytes.includes("project") && !only().includes("project"));
    const opened = await cache.open(PLACE, IDENTITY);
    assert.deepEqual([...(opened?.tokens ?? [])], [...PROMPT.tokens]);
    assert.deepEqual([opened?.note, opened?.hotExperts], [PROMPT.note, PROMPT.hotExperts]);
    await opened?.close();
    assert.equal((await keysIn(cache))?.length, 150 * TOKEN_BYTES);
    for (const other of [
      { ...PLACE, document: "b.ts" },
      { ...PLACE, workspace: "w2" },
    ]) {
      assert.equal(await cache.open(other, IDENTITY), undefined);
    }
    assert.equal(files().length, 1);
  });

  it("removes what another version, model's file or setting has written, and what is another document's", async () => {
    for (const other of [{ engine: "e2" }, { settings: '{"contextTokens":1}' }]) {
      assert.ok(await write());
      assert.equal(await cache.open(PLACE, { ...IDENTITY, ...other }), undefined);
      assert.deepEqual(files(), []);
    }
    await write();
    const own = only();
    const place = { ...PLACE, document: "file:///home/u/project/b.ts" };
    await write(place);
    const foreign = files().find((name) => join(folder, name) !== own) ?? "";
    renameSync(own, join(folder, foreign));
    assert.equal(await cache.open(place, IDENTITY), undefined);
    assert.deepEqual(files(), []);
  });

  it("uses no byte of a damaged block, and removes the file, wherever the damage is", async () => {
    await write();
    const whole = readFileSync(only());
    const cuts = [0, 5, 20, whole.length - 1].map((length) => whole.subarray(0, length));
    const flips = Array.from({ length: 30 }, (_, i) => {
      const damaged = Buffer.from(whole);
      const at = Math.floor((i * whole.length) / 30);
      damaged[at] = (damaged[at] ?? 0) ^ (1 << (i % 8));
      return damaged;
    });
    for (const damaged of [...cuts, ...flips, Buffer.concat([whole, Buffer.from("x")]), Buffer.alloc(whole.length)]) {
      await write();
      writeFileSync(only(), damaged);
      // keysIn compares every block that it gets with what was written.
      const keys = await keysIn(cache);
      assert.ok((keys?.length ?? 0) < 150 * TOKEN_BYTES);
      assert.deepEqual(files(), []);
    }
  });

  it("does not follow a link, wait for a pipe or read what others may write", async () => {
    await write();
    const path = only();
    const elsewhere = join(folder, "..", "elsewhere");
    renameSync(path, elsewhere);
    symlinkSync(elsewhere, path);
    assert.equal(await cache.open(PLACE, IDENTITY), undefined);
    assert.deepEqual(files(), []);
    assert.ok(statSync(elsewhere).isFile());
    linkSync(elsewhere, path);
    chmodSync(path, 0o644);
    assert.equal(await cache.open(PLACE, IDENTITY), undefined);
    assert.deepEqual(files(), []);
    assert.equal(spawnSync("mkfifo", [path]).status, 0);
    assert.equal(await cache.open(PLACE, IDENTITY), undefined);
    assert.deepEqual(files(), []);
    mkdirSync(path);
    assert.equal(await cache.open(PLACE, IDENTITY), undefined);
    assert.equal(await write(), false);
    assert.ok(statSync(path).isDirectory());
    assert.equal(files().length, 1);
  });

  it("leaves nothing of a file that could not be written to its end", async () => {
    const failing = async (begin: number, end: number): Promise<Uint8Array> => {
      if (begin > 0) {
        throw new Error("the keys are gone");
      }
      return keysOf(begin, end);
    };
    assert.equal(await cache.write(PLACE, IDENTITY, PROMPT, failing), false);
    assert.deepEqual(files(), []);
    // The one before stays whole.
    await write();
    assert.equal(await cache.write(PLACE, IDENTITY, PROMPT, failing), false);
    assert.equal((await keysIn(cache))?.length, 150 * TOKEN_BYTES);
    assert.equal(await new PromptCache(only()).write(PLACE, IDENTITY, PROMPT, keysOf), false);
  });

  it("keeps within its limits: what was used longest ago makes way, and what is old", async () => {
    const size = 150 * TOKEN_BYTES;
    cache = new PromptCache(folder, { ...CACHE_LIMITS, files: 3, bytes: 20 * size });
    const place = (i: number): CachedPlace => ({ ...PLACE, document: `d${String(i)}` });
    for (let i = 0; i < 5; ++i) {
      assert.ok(await write(place(i)));
      // Times have milliseconds, writes take less.
      const before = new Date(Date.now() - 10_000 + i * 1000);
      for (const name of files()) {
        if (statSync(join(folder, name)).mtimeMs > Date.now() - 5000) {
          utimesSync(join(folder, name), before, before);
        }
      }
      // Read now and then: it stays.
      await (await cache.open(place(0), IDENTITY))?.close();
    }
    assert.equal(files().length, 3);
    const found = await cache.open(place(0), IDENTITY);
    assert.ok(found !== undefined);
    await found.close();
    assert.equal(await cache.open(place(1), IDENTITY), undefined);
    for (const name of files()) {
      utimesSync(join(folder, name), new Date(0), new Date(0));
    }
    await write(place(9));
    assert.equal(files().length, 1);
    // Of one prompt no more than half of all.
    cache = new PromptCache(folder, { ...CACHE_LIMITS, bytes: 2 * (TOKEN_BYTES + 32) * 100 });
    await write();
    const opened = await cache.open(PLACE, IDENTITY);
    assert.equal(opened?.tokens.length, 100);
    await opened.close();
  });

  it("removes what a process that is gone has left, and all of a workspace where that is wanted", async () => {
    mkdirSync(folder);
    // No process has so high an id.
    writeFileSync(join(folder, `${TMP}.999999999.tmp`), "x");
    writeFileSync(join(folder, "prompt-notes.txt"), "somebody's");
    await write();
    await write({ ...PLACE, document: "b.ts" });
    await write({ ...PLACE, workspace: "w2" });
    assert.equal(files().length, 4);
    await removePrompts(folder, PLACE.workspace);
    assert.equal(files().length, 2);
    assert.equal((await keysIn(cache, { ...PLACE, workspace: "w2" }))?.length, 150 * TOKEN_BYTES);
    await removePrompts(join(folder, "nowhere"), PLACE.workspace);
  });
});
