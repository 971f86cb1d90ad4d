import assert from "node:assert/strict";
import { copyFileSync, existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Ended, hearth, STARTER, withFolder } from "./hearth";

/** One sentence on stderr that says what was attempted and what to do; no stack, no signal, nothing on stdout. */
function assertRefused(ended: Ended, code: number, ...says: RegExp[]): void {
  assert.equal(ended.signal, null);
  assert.equal(ended.code, code, ended.stderr);
  assert.equal(ended.stdout, "");
  assert.match(ended.stderr, /^hearth: [^\n]+\n$/);
  assert.doesNotMatch(ended.stderr, /\n\s+at |internal error/);
  for (const pattern of says) {
    assert.match(ended.stderr, pattern);
  }
}

/** The commands that open a model. */
const COMMANDS: readonly (readonly [string, (model: string) => string[]])[] = [
  ["inspect", (model) => ["inspect", model]],
  ["tokenize", (model) => ["tokenize", model, "--text", "a"]],
  ["logits", (model) => ["logits", model, "--tokens", "1", "--out", "/dev/null"]],
  ["bench", (model) => ["bench", model]],
  ["trace", (model) => ["trace", model]],
  ["complete", (model) => ["complete", "package.json:1:1", "--model", model]],
  ["chat", (model) => ["chat", "--model", model, "--prompt", "hello"]],
  ["replay", (model) => ["replay", "bench/keystrokes/traces/one-line.json", "--model", model]],
];

describe("bad model files", () => {
  it("are refused by every command", async () => {
    for (const [, args] of COMMANDS) {
      assertRefused(await hearth(args("no/such/model.gguf")), 1, /cannot open model 'model.gguf'/, /no such file/);
    }
  });

  const cases: readonly (readonly [string, RegExp, (path: string) => void])[] = [
    [
      "an empty file",
      /empty|too short|ends/,
      (path) => {
        writeFileSync(path, "");
      },
    ],
    [
      "a web page",
      /not a GGUF/,
      (path) => {
        writeFileSync(path, "<!DOCTYPE html><html></html>");
      },
    ],
    [
      "a file cut in its header",
      /ends|truncated|cut|more than the rest of the file/,
      (path) => {
        copyFileSync(STARTER, path);
        truncateSync(path, 5000);
      },
    ],
    [
      "a file cut in its weights",
      /ends|truncated|past|outside|beyond/,
      (path) => {
        copyFileSync(STARTER, path);
        truncateSync(path, 2_000_000);
      },
    ],
    [
      "another architecture",
      /smallthinker|architecture/,
      (path) => {
        const bytes = readFileSync(STARTER);
        bytes.write("smallthinkes", bytes.indexOf("smallthinker"), "latin1");
        writeFileSync(path, bytes);
      },
    ],
  ];
  for (const [what, says, make] of cases) {
    it(what, async () => {
      await withFolder(async (folder) => {
        const path = join(folder, "bad.gguf");
        make(path);
        assertRefused(await hearth(["complete", "package.json:1:1", "--model", path]), 1, /bad\.gguf/, says);
      });
    });
  }

  it("a folder", async () => {
    await withFolder(async (folder) => {
      assertRefused(await hearth(["inspect", folder]), 1, /folder/);
    });
  });

  it("weights that are not numbers end the request and name the layer", async () => {
    await withFolder(async (folder) => {
      const path = join(folder, "nan.gguf");
      const { tensors } = await tensorsOf(STARTER);
      const place = tensors.find(({ name }) => name === "blk.2.attn_v.weight");
      assert.ok(place);
      const bytes = readFileSync(STARTER);
      // The scale of the first block: a half float that is NaN.
      bytes.writeUInt16LE(0x7e00, place.offset);
      writeFileSync(path, bytes);
      const ended = await hearth(["logits", path, "--tokens", "1,2,3", "--out", join(folder, "x.f32")]);
      assertRefused(ended, 1, /layer 2 /, /not a finite number/);
    });
  });
});

async function tensorsOf(path: string): Promise<{ tensors: readonly { name: string; offset: number }[] }> {
  const { openGgufFile } = await import("../../src/model/ggufFile");
  return (await openGgufFile(path)).spec;
}

const LOGITS = ["logits", "--tokens", "1", "--out"];

describe("bad requests", () => {
  const wrongUsage: readonly (readonly [string, string[]])[] = [
    ["an unknown command", ["frobnicate"]],
    ["an unknown option", ["inspect", "--frobnicate"]],
    ["no place", ["complete"]],
    ["a place without a column", ["complete", "package.json:1"]],
    ["neither text nor file", ["tokenize", STARTER]],
    ["text and file", ["tokenize", STARTER, "--text", "a", "--file", "b"]],
    ["no output", ["logits", STARTER, "--tokens", "1"]],
    ["tokens that are no numbers", ["logits", STARTER, "--tokens", "a,b", "--out", "/dev/null"]],
    ["an empty token", ["logits", STARTER, "--tokens", "1,,2", "--out", "/dev/null"]],
    ["no tokens", ["logits", STARTER, "--tokens", "", "--out", "/dev/null"]],
    ["a conversation as one JSON value", ["chat", "--json"]],
    ["no threads", ["bench", "--threads", "0"]],
    ["half a thread", ["bench", "--threads", "1.5"]],
    ["an unknown instruction set", ["bench", "--isa", "sse9"]],
    ["a budget without a size", ["bench", "--memory-budget", "much"]],
    ["prefetch that is no mode", ["bench", "--prefetch", "maybe"]],
    ["an eviction policy that is none", ["bench", "--eviction", "fifo"]],
    ["a threshold that is no number", ["bench", "--approximate-head=some"]],
    ["no trace", ["replay"]],
    ["a negative temperature", ["complete", "package.json:1:1", "--temperature", "-1"]],
  ];
  for (const [what, args] of wrongUsage) {
    it(`${what}: exit code 2`, async () => {
      assertRefused(await hearth(args), 2, /hearth --help/);
    });
  }

  const refused: readonly (readonly [string, string[], RegExp])[] = [
    ["a document that is not there", ["complete", "no/such/file.ts:1:1"], /no such file/],
    ["a document that is a folder", ["complete", "src:1:1"], /folder/],
    ["a line behind the end", ["complete", "package.json:99999:1"], /has \d+ lines/],
    ["line 0", ["complete", "package.json:0:1"], /counted from 1/],
    ["a column behind the end", ["complete", "package.json:1:99"], /columns 1 to 2/],
    ["a document that is not text", ["complete", `${STARTER}:1:1`], /not UTF-8/],
    ["a token outside the vocabulary", ["logits", "--tokens", "1,99999999", "--out", "/dev/null"], /vocabulary/],
    ["output that cannot be written", ["logits", "--tokens", "1", "--out", "/no/such/folder/x"], /cannot write/],
    [
      "a routing trace that cannot be written",
      [...LOGITS, "/dev/null", "--trace-routing", "/no/such/x"],
      /cannot write/,
    ],
    ["more tokens than the text has", ["bench", "--prompt", "1000000"], /the text has/],
    [
      "an approximate head without a predictor",
      ["bench", "--approximate-head"],
      /starter.* has no tensor .*switch it off/,
    ],
    ["a budget that is too small", ["bench", "--memory-budget", "20MiB"], /the smallest that works is \d+ MiB/],
    ["a trace that is not there", ["replay", "no/such/trace.json"], /no such file/],
    ["a trace that is none", ["replay", "package.json"], /has no 'name'/],
    ["a chat with a model that only completes", ["chat", "--prompt", "hello"], /--try-anyway/],
  ];
  for (const [what, args, says] of refused) {
    it(`${what}: exit code 1`, async () => {
      assertRefused(await hearth(args), 1, says);
    });
  }

  it("a full disk, whichever way logits are written", async function () {
    if (!existsSync("/dev/full")) {
      this.skip();
    }
    assertRefused(await hearth([...LOGITS, "/dev/full"]), 1, /the disk is full/);
    assertRefused(await hearth([...LOGITS, "/dev/full", "--all"]), 1, /the disk is full/);
  });

  it("a refused request leaves an earlier output as it was", async () => {
    await withFolder(async (folder) => {
      const out = join(folder, "x.f32");
      writeFileSync(out, "earlier");
      assertRefused(await hearth(["logits", "--tokens", "99999999", "--out", out]), 1, /vocabulary/);
      assert.equal(readFileSync(out, "utf8"), "earlier");
      assert.deepEqual(readdirSync(folder), ["x.f32"]);
    });
  });

  it("a model's name never reaches the terminal as it is", async () => {
    await withFolder(async (folder) => {
      const path = join(folder, "name.gguf");
      const bytes = readFileSync(STARTER);
      const at = bytes.indexOf("Hearth Starter");
      assert.ok(at > 0);
      bytes.write("\u001b[31m\nhearth:d", at, "latin1");
      writeFileSync(path, bytes);
      const { stdout, code } = await hearth(["inspect", path]);
      assert.equal(code, 0);
      assert.doesNotMatch(stdout, /[\u0000-\u0009\u000b-\u001f]/);
      assert.match(stdout, /^name +\?\[31m\?hearth:d/);
    });
  });
});
