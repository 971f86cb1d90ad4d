import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Keystroke } from "../../src/cli/replay/keystroke";
import type { Summary } from "../../src/cli/replay/summary";
import { hearth, hearthJson, ROOT, withFolder } from "./hearth";

const TEXT = readFileSync(join(ROOT, "bench", "keystrokes", "files", "completionCache.ts.txt"), "utf8");
/** A line in the middle of a file, which is typed again. */
const LINE = 69;
const DOCUMENT = {
  path: "src/core/completionCache.ts",
  languageId: "typescript",
  text: TEXT,
  hole: { line: LINE, lines: 1 },
};

interface Replay {
  readonly summary: Summary;
  readonly keystrokes: readonly Keystroke[];
}

/** With the built-in model. */
async function replay(...steps: readonly object[]): Promise<Replay> {
  const replayed: Replay[] = [];
  await withFolder(async (folder) => {
    const file = join(folder, "trace.json");
    writeFileSync(file, JSON.stringify({ documents: [DOCUMENT], steps }));
    replayed.push(await hearthJson<Replay>(["replay", file, "--threads", "1"]));
  });
  return replayed[0]!;
}

const count = (keystrokes: readonly Keystroke[], of: (each: Keystroke) => number): number =>
  keystrokes.reduce((sum, each) => sum + of(each), 0);

describe("hearth replay", () => {
  it("asks the engine nothing while what is shown is typed, nor when keys are taken back", async () => {
    const { keystrokes, summary } = await replay(
      { pauseMs: 300 },
      { type: "\n      return und" },
      { untilShownMs: 20_000 },
      { typeShown: 5, msPerKey: 100 },
      { pauseMs: 300 },
      { delete: 3, msPerKey: 100 },
      { pauseMs: 1000 },
    );
    const along = keystrokes.filter(({ step }) => step === 4);
    const back = keystrokes.filter(({ step }) => step === 6);
    assert.deepEqual([along.length, back.length], [5, 3]);
    assert.ok(along.every(({ kept }) => kept));
    assert.equal(
      count([...along, ...back], ({ engineCalls }) => engineCalls),
      0,
    );
    assert.ok((back.at(-1)?.shownChars ?? 0) > 3, "it is shown again");
    assert.ok(summary.engineCalls > 0 && summary.shown > 0);
  });

  it("finds that a key on a line costs a few new tokens", async () => {
    const text = TEXT.split("\n")[LINE - 1]!;
    const { summary } = await replay(
      { pauseMs: 2500 },
      { type: `\n${text.slice(0, 55)}`, msPerKey: 110 },
      { delete: 8, msPerKey: 110 },
      { type: text.slice(47, 60), msPerKey: 110 },
      { pauseMs: 1000 },
    );
    const { newTokens, keystrokes, prefills } = summary;
    assert.ok(newTokens !== null && newTokens.p50 <= 4 && newTokens.p95 <= 40, JSON.stringify(newTokens));
    assert.ok(newTokens.count >= 3 && newTokens.count < keystrokes, String(newTokens.count));
    // The document was prefilled while the typist was idle.
    assert.ok(prefills >= 1);
    const earlierNames = { readings: prefills, readTokens: summary.prefillTokens, fromFlight: summary.fromInFlight };
    assert.deepEqual({ ...summary, ...earlierNames }, summary);
  });

  it("tells people a table, and leaves no engine and no folder behind", async () => {
    await withFolder(async (folder) => {
      const file = join(folder, "trace.json");
      const document = { path: "a.py", languageId: "python", text: "def add(a, b):\n    return a" };
      const steps = [{ moveTo: { after: "return a" } }, { trigger: "manual" }, { untilShownMs: 2000 }];
      writeFileSync(file, JSON.stringify({ about: "A short one", documents: [document], steps }));
      const temporary = join(folder, "tmp");
      mkdirSync(temporary);
      const { code, stdout, stderr } = await hearth(["replay", file], { env: { TMPDIR: temporary } });
      assert.equal(code, 0, stderr);
      assert.match(stdout, /^A short one\n\nkeys pressed +1\nasked by the editor +1: /);
      assert.match(stdout, /\nskip reasons /);
      assert.deepEqual(readdirSync(temporary), []);
      assert.deepEqual(enginesIn(temporary), []);
    });
  });

  it("refuses what is no trace, in one sentence", async () => {
    await withFolder(async (folder) => {
      const file = join(folder, "trace.json");
      writeFileSync(
        file,
        JSON.stringify({ documents: [{ ...DOCUMENT, text: undefined, file: "none.ts" }], steps: [{ pauseMs: 1 }] }),
      );
      const ended = await hearth(["replay", file]);
      assert.equal(ended.code, 1);
      assert.match(
        ended.stderr,
        /^hearth: cannot replay '[^']+': document 1: cannot read 'none\.ts': no such file[^\n]*\n$/,
      );
      writeFileSync(file, JSON.stringify({ documents: [{ ...DOCUMENT, hole: undefined }], steps: [{ fill: true }] }));
      const unfilled = await hearth(["replay", file]);
      assert.equal(unfilled.code, 1);
      assert.match(unfilled.stderr, /^hearth: cannot do step 1: [^\n]+ has no hole to fill\n$/);
    });
    const none = await hearth(["replay"]);
    assert.equal(none.code, 2);
    assert.match(none.stderr, /takes one trace.*hearth --help/);
  });
});

/** Processes that have their runtime folder there. */
function enginesIn(folder: string): string[] {
  const ids = existsSync("/proc") ? readdirSync("/proc").filter((name) => Number(name) > 0) : [];
  return ids.filter((id) => {
    try {
      return readFileSync(`/proc/${id}/environ`, "utf8").includes(`HEARTH_RUNTIME_DIR=${folder}`);
    } catch {
      return false;
    }
  });
}
