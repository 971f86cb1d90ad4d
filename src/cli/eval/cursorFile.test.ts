import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { readCursorFile } from "./cursorFile";

const LINE = {
  docs: [{ path: "b.py", text: "b = 1\n" }],
  cases: [{ path: "a.py", language: "python", text: "a = b + 1\nc = 2\n", offset: 4, rest: "b + 1" }],
  ignored: true,
};
const READ = { path: "a.py", language: "python", text: "a = \nc = 2\n", offset: 4, rest: "b + 1" };

describe("readCursorFile", () => {
  let folder = "";
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "hearth-cursors-"));
  });
  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const written = (name: string, content: string | Uint8Array): string => {
    const file = join(folder, name);
    writeFileSync(file, content);
    return file;
  };
  const jsonl = (value: object): string => `${JSON.stringify(LINE)}\n\n${JSON.stringify(value)}\n`;

  it("reads lines, plain and packed, and hides the rest of the cursor's line", async () => {
    const text = jsonl(LINE);
    const files = [written("a.jsonl", text), written("a.jsonl.gz", gzipSync(text))];
    const xz = spawnSync("xz", ["--compress", "--stdout"], { input: text });
    if (xz.error === undefined) {
      files.push(written("a.jsonl.xz", xz.stdout));
    }
    for (const file of files) {
      const workspaces = await readCursorFile(file);
      assert.equal(workspaces.length, 2, file);
      assert.deepEqual(workspaces[1], { docs: LINE.docs, cases: [READ] });
    }
  });

  it("reads carriage returns as line ends, and offsets in front of them", async () => {
    const [case0] = LINE.cases;
    const crlf = { ...case0, text: "x\r\na = b + 1\r\nc = 2\r\n", offset: 7 };
    const [, workspace] = await readCursorFile(written("crlf.jsonl", jsonl({ cases: [crlf] })));
    assert.deepEqual(workspace, { docs: [], cases: [{ ...READ, text: "x\na = \nc = 2\n", offset: 6 }] });
  });

  it("needs no line below the cursor's", async () => {
    const [case0] = LINE.cases;
    const [, workspace] = await readCursorFile(
      written("end.jsonl", jsonl({ cases: [{ ...case0, text: "a = b + 1" }] })),
    );
    assert.equal(workspace?.cases[0]?.text, "a = ");
  });

  it("says what is wrong, and where", async () => {
    const refused = async (name: string, content: string | Uint8Array, message: RegExp): Promise<void> => {
      await assert.rejects(readCursorFile(written(name, content)), { code: "bad_request", message });
    };
    const [case0] = LINE.cases;
    await refused("1.jsonl", "{\n", /'.*1\.jsonl', line 1: it is not JSON/);
    await refused("2.jsonl", jsonl([]), /line 3: a line is a JSON object/);
    await refused("3.jsonl", jsonl({ docs: [] }), /line 3: 'cases' is a list/);
    await refused("4.jsonl", jsonl({ cases: [{ ...case0, offset: 99 }] }), /'offset' is .* 16$/);
    await refused("5.jsonl", jsonl({ cases: [{ ...case0, rest: undefined }] }), /'rest' is a text/);
    await refused("6.jsonl.gz", "no gzip", /cannot unpack '.*6\.jsonl\.gz'/);
    await refused("7.jsonl.xz", "no xz", /cannot unpack '.*7\.jsonl\.xz'/);
    await assert.rejects(readCursorFile(join(folder, "none.jsonl")), /no such file/);
  });

  it("says what to do where the system cannot unpack xz", async () => {
    const file = written("8.jsonl.xz", "whatever");
    const path = process.env["PATH"];
    process.env["PATH"] = folder;
    try {
      await assert.rejects(readCursorFile(file), { code: "bad_request", message: /'xz' is not installed; install it/ });
    } finally {
      process.env["PATH"] = path;
    }
  });
});
