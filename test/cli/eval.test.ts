import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hearth, hearthJson, withFolder } from "./hearth";

const CODE = `export function add(a: number, b: number): number {
  return a + b;
}

export function subtract(a: number, b: number): number {
  return a - b;
}
`;
const TYPING_FIELDS = [
  ...["pauses", "shown", "right", "trivial", "partial", "wrong"],
  ...["keystrokes", "keystrokes_saved", "suggestions_per_100_keys"],
];
const CURSOR_FIELDS = ["n", "exact", "first_word", "bits_per_byte", "shown", "shown_right", "shown_wrong"];

type Figures = Readonly<Record<string, number>> & { readonly by_language: Readonly<Record<string, Figures>> };

function cursorFile(folder: string): string {
  const offset = CODE.lastIndexOf("- b;");
  const cases = [{ path: "math.ts", language: "typescript", text: CODE, offset, rest: "- b;" }];
  const file = join(folder, "cursors.jsonl");
  writeFileSync(file, `${JSON.stringify({ docs: [{ path: "other.ts", text: CODE }], cases })}\n`);
  return file;
}

describe("hearth eval", () => {
  it("types files, and gives the same for the same files and seed", async () => {
    await withFolder(async (folder) => {
      const [file, other] = [join(folder, "math.ts"), join(folder, "main.py")];
      writeFileSync(file, CODE);
      writeFileSync(other, "\uFEFFimport sys\r\n\r\nprint(sys.argv)\r\n");
      const { by_language, ...all } = await hearthJson<Figures>(["eval", file, other]);
      assert.deepEqual(Object.keys(all), TYPING_FIELDS);
      assert.deepEqual(Object.keys(by_language), ["python", "typescript"]);
      assert.deepEqual(Object.keys(by_language["python"]!), TYPING_FIELDS);
      const { shown, right, trivial, partial, wrong, keystrokes, pauses, ...more } = all;
      assert.equal(shown, right! + trivial! + partial! + wrong!);
      assert.ok(pauses! >= shown && shown > 0 && keystrokes! < CODE.length + 40 && keystrokes! > 100);
      assert.ok(more["keystrokes_saved"]! > 0 && more["suggestions_per_100_keys"]! > 0);
      const { by_language: byLanguage, ...again } = await hearthJson<Figures>(["eval", other, file, "--threads", "1"]);
      assert.deepEqual([again, byLanguage], [all, by_language]);
      assert.notDeepEqual((await hearthJson<Figures>(["eval", file, other, "--seed", "2"]))["pauses"], pauses);
    });
  });

  it("completes at cursors, as a table too, and writes what was said at each", async () => {
    await withFolder(async (folder) => {
      const file = cursorFile(folder);
      const details = join(folder, "details.jsonl");
      const { by_language, ...all } = await hearthJson<Figures>(["eval", "--cursors", file, "--details", details]);
      assert.deepEqual(Object.keys(all), CURSOR_FIELDS);
      assert.deepEqual(by_language, { typescript: all });
      assert.equal(all["n"], 1);
      assert.ok(all["bits_per_byte"]! > 0);
      const { said, bits, bytes } = JSON.parse(readFileSync(details, "utf8")) as {
        said: string;
        bits: number;
        bytes: number;
      };
      assert.equal(all["exact"], said.trimEnd() === "- b;" ? 1 : 0);
      assert.equal(bytes, 5);
      assert.equal(all["bits_per_byte"], Math.round((10_000 * bits) / bytes) / 10_000);
      const table = await hearth(["eval", "--cursors", file]);
      assert.equal(table.code, 0, table.stderr);
      assert.match(table.stdout, /^language +cursors .*\ntypescript +1 .*\nall +1 .*\n$/);
    });
  });

  it("takes token healing away when it is told to", async () => {
    await withFolder(async (folder) => {
      const file = join(folder, "cursors.jsonl");
      // The model has hardly ever seen a name behind a dot that is a token of its own.
      const text =
        "class Queue {\n  private items = [];\n\n  isEmpty() {\n    return this.items.length === 0;\n  }\n}\n";
      const cases = [".length === 0;", "length === 0;", "gth === 0;"].map((rest) => ({
        ...{ path: "queue.ts", language: "typescript", text, rest },
        offset: text.indexOf(rest),
      }));
      writeFileSync(file, JSON.stringify({ docs: [], cases }));
      const healed = await hearthJson<Figures>(["eval", "--cursors", file]);
      const plain = await hearthJson<Figures>(["eval", "--cursors", file, "--no-healing"]);
      assert.ok(healed["bits_per_byte"]! < plain["bits_per_byte"]!, JSON.stringify([healed, plain]));
      const peer = await hearthJson<Figures>(["eval", "--cursors", file, "--layout", "peer", "--no-healing"]);
      assert.notEqual(peer["bits_per_byte"], plain["bits_per_byte"]);
    });
  });

  it("shows more the more eager it is told to be, and everything without a gate", async () => {
    await withFolder(async (folder) => {
      const file = join(folder, "math.ts");
      writeFileSync(file, CODE);
      const shown: number[] = [];
      for (const level of [["--eagerness", "careful"], ["--eagerness", "eager"], ["--no-gate"]]) {
        shown.push((await hearthJson<Figures>(["eval", file, ...level]))["shown"]!);
      }
      const [careful, eager, all] = shown as [number, number, number];
      assert.ok(careful < eager && eager < all, String(shown));
    });
  });

  it("says what it was not given, before it loads a model", async () => {
    await withFolder(async (folder) => {
      const file = cursorFile(folder);
      const cases: readonly (readonly [number, RegExp, readonly string[]])[] = [
        [2, /eval takes files to be typed, or --cursors/, []],
        [2, /eval takes files to be typed, or --cursors/, [file, "--cursors", file]],
        [2, /--eagerness must be one of careful, balanced, eager, not 'bold'/, [file, "--eagerness", "bold"]],
        [2, /--layout must be one of/, ["--cursors", file, "--layout", "mine"]],
        [2, /--seed must be a number from 0/, [file, "--seed", "x"]],
        [1, /cannot type '.*none\.ts': no such file/, [join(folder, "none.ts")]],
        [1, /cannot use '.*' as the workspace: it is not a folder/, [file, "--workspace", file]],
        [1, /cannot read '.*none\.jsonl'/, ["--cursors", join(folder, "none.jsonl")]],
      ];
      for (const [code, message, args] of cases) {
        const ended = await hearth(["eval", ...args, "--model", join(folder, "none.gguf")]);
        assert.deepEqual([ended.code, ended.stdout], [code, ""], args.join(" "));
        assert.match(ended.stderr, message);
      }
    });
  });
});

describe("hearth complete --answer", () => {
  const complete = async (
    content: string,
    place: string,
    ...args: readonly string[]
  ): Promise<Record<string, unknown>> => {
    let outcome: Record<string, unknown> = {};
    await withFolder(async (folder) => {
      const file = join(folder, "math.ts");
      writeFileSync(file, content);
      // Without a model.
      outcome = await hearthJson(["complete", `${file}:${place}`, "--model", join(folder, "none.gguf"), ...args]);
    });
    return outcome;
  };

  it("gives what would be inserted, and the file after it", async () => {
    assert.deepEqual(await complete(CODE, "6:11", "--answer= * b"), {
      shown: true,
      text: " * b",
      document: CODE.replace("return a - b", "return a * b - b"),
    });
  });

  it("takes any text, and keeps line ends and a byte order mark", async () => {
    const outcome = await complete("\uFEFFa = [\r\nb\r\n", "1:6", "--answer=--x,\n  2]", "--trigger=manual");
    assert.deepEqual(outcome, {
      shown: true,
      text: "--x,\r\n  2]",
      document: "\uFEFFa = [--x,\r\n  2]\r\nb\r\n",
    });
  });

  it("says why nothing would be, and gives the file as it was", async () => {
    const file = "\uFEFFa = 1;\r\n";
    assert.deepEqual(await complete(file, "1:7", "--answer= // one", "--trigger", "automatic"), {
      shown: false,
      text: "",
      reason: "lineComplete",
      document: file,
    });
    const { reason } = await complete(file, "1:7", "--answer=");
    assert.equal(reason, "empty");
  });

  it("obeys the language and the indentation that it is told", async () => {
    const block = "--answer=\n    return 1";
    const args = ["1:9", block, "--trigger", "automatic"];
    const python = await complete("def f():", ...(args as [string, string]), "--language", "python");
    assert.equal(python["document"], "def f():\n    return 1");
    const tabs = await complete("def f():", ...(args as [string, string]), "--language=python", "--tabs");
    assert.equal(tabs["document"], "def f():\n\treturn 1");
    const two = ["--language=python", "--insert-spaces", "--tab-size=2"];
    assert.equal(
      (await complete("def f():", ...(args as [string, string]), ...two))["document"],
      "def f():\n  return 1",
    );
  });

  it("prints the text alone, or the reason", async () => {
    await withFolder(async (folder) => {
      const file = join(folder, "math.ts");
      writeFileSync(file, CODE);
      const shown = await hearth(["complete", `${file}:2:11`, "--answer= * 2"]);
      assert.deepEqual([shown.code, shown.stdout, shown.stderr], [0, " * 2\n", ""]);
      const silent = await hearth(["complete", `${file}:2:11`, "--answer="]);
      assert.deepEqual([silent.code, silent.stdout], [0, ""]);
      assert.match(silent.stderr, /nothing to add/);
      const wrong = await hearth(["complete", `${file}:2:11`, "--answer=x", "--tabs", "--insert-spaces"]);
      assert.equal(wrong.code, 2);
    });
  });
});
