import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chosenOf, guessedOf, readTrace } from "../../bench/experts/trace";
import { writePredictorModel, writeRandomModel } from "../fixtures/randomModels";
import { hearth, hearthJson, ROOT, STARTER, withFolder } from "./hearth";

const CODE = `export function add(a: number, b: number): number {
  return a + b;
}

export function subtract(a: number, b: number): number {
  return a
}
`;

describe("hearth complete", () => {
  it("prints what an editor would insert, with the built-in model", async () => {
    await withFolder(async (folder) => {
      const file = join(folder, "math.ts");
      writeFileSync(file, CODE);
      const plain = await hearth(["complete", `${file}:6:11`]);
      assert.equal(plain.code, 0, plain.stderr);
      const json = await hearthJson<{ text: string; finish: string; generated_tokens: number; layout: string }>([
        "complete",
        `${file}:6:11`,
      ]);
      assert.equal(plain.stdout, json.text === "" ? "" : `${json.text}\n`);
      assert.ok(json.generated_tokens > 0);
      assert.equal(json.layout, "continuation");
      // The middle of a line asks for the rest of that line.
      assert.doesNotMatch(json.text, /\n/);
    });
  });

  it("gives the same for the same place, and obeys --max-tokens", async () => {
    await withFolder(async (folder) => {
      const args = ["complete", `${documentIn(folder)}:2:3`];
      const [a, b] = [await hearthJson<object>(args), await hearthJson<object>(args)];
      assert.deepEqual(withoutTimes(a), withoutTimes(b));
      const short = await hearthJson<{ generated_tokens: number }>([...args, "--max-tokens", "1"]);
      assert.equal(short.generated_tokens, 1);
    });
  });

  it("draws by seed at a temperature", async () => {
    await withFolder(async (folder) => {
      const place = `${documentIn(folder)}:2:3`;
      const draw = async (seed: string): Promise<string> =>
        (await hearthJson<{ text: string }>(["complete", place, "--temperature", "5", "--seed", seed])).text;
      const seeds = ["1", "2", "3", "4"];
      const texts = await Promise.all(seeds.map(draw));
      assert.deepEqual(await Promise.all(seeds.map(draw)), texts);
      assert.ok(new Set(texts).size > 1);
    });
  });

  it("fits its prompt into the context, whatever the text", async () => {
    await withFolder(async (folder) => {
      const file = join(folder, "notes.ts");
      const notes = Array.from({ length: 400 }, (_, i) => `// 漢字仮名交じり文の注釈です 🙂 ${i}\n`).join("");
      writeFileSync(file, `${notes}const a = \n${notes}`);
      for (const context of ["2048", "256", "64"]) {
        const { finish, prompt_tokens } = await hearthJson<{ finish: string; prompt_tokens: number }>([
          "complete",
          `${file}:401:11`,
          "--context",
          context,
        ]);
        assert.match(finish, /^(end|limit|stop|cancelled)$/);
        assert.ok(prompt_tokens < Number(context) && prompt_tokens > Number(context) / 8, `${prompt_tokens}`);
      }
    });
  });

  it("has nothing to say to an empty file where the model cannot fill in", async () => {
    await withFolder(async (folder) => {
      const file = join(folder, "empty.ts");
      writeFileSync(file, "");
      const model = writeRandomModel("shape4b-q4_0", folder).path;
      const answer = await hearthJson<{ text: string; reason: string }>(["complete", `${file}:1:1`, "--model", model]);
      assert.equal(answer.text, "");
      assert.equal(answer.reason, "emptyDocument");
    });
  });

  it("understands CRLF and a byte order mark, and answers in kind", async () => {
    await withFolder(async (folder) => {
      const unix = join(folder, "math.ts");
      const windows = join(folder, "windows", "..", "math.ts");
      writeFileSync(unix, CODE);
      const expected = (await hearthJson<{ text: string }>(["complete", `${unix}:5:56`])).text;
      writeFileSync(windows, `\uFEFF${CODE.replaceAll("\n", "\r\n")}`);
      const { text } = await hearthJson<{ text: string }>(["complete", `${windows}:5:56`]);
      assert.equal(text, expected.replaceAll("\n", "\r\n"));
    });
  });
});

function documentIn(folder: string): string {
  const file = join(folder, "math.ts");
  writeFileSync(file, CODE);
  return file;
}

function withoutTimes(value: object): object {
  return Object.fromEntries(Object.entries(value).filter(([name]) => !name.endsWith("_ms")));
}

describe("hearth tokenize", () => {
  it("gives ids that decode to the text", async () => {
    const { ids } = await hearthJson<{ ids: number[] }>(["tokenize", STARTER, "--text", "const x = 1;\n"]);
    assert.ok(ids.length > 2 && ids.every(Number.isInteger));
    await withFolder(async (folder) => {
      const file = join(folder, "x.ts");
      writeFileSync(file, "const x = 1;\n");
      assert.deepEqual(await hearthJson(["tokenize", STARTER, "--file", file]), { ids });
    });
    const { stdout } = await hearth(["tokenize", "--text", "const x = 1;\n"]);
    const pieces = stdout.trim().split("\n");
    assert.deepEqual(
      pieces.map((line) => Number(line.split("\t")[0])),
      ids,
    );
    assert.equal(pieces.map((line) => JSON.parse(line.split("\t")[1]!) as string).join(""), "const x = 1;\n");
  });

  it("never makes a control token of a text", async () => {
    const { ids } = await hearthJson<{ ids: number[] }>(["tokenize", STARTER, "--text", "<|endoftext|>"]);
    assert.ok(ids.length > 1);
  });
});

describe("hearth logits", () => {
  it("writes the last token's logits, or all, the last row of which is the same", async () => {
    await withFolder(async (folder) => {
      const ids = join(folder, "ids.json");
      writeFileSync(ids, "[5,6,7,8,9]");
      const one = join(folder, "one.f32");
      const all = join(folder, "all.f32");
      const trace = join(folder, "trace.json");
      const first = await hearthJson<{ n_vocab: number }>(["logits", STARTER, "--tokens", "5,6,7,8,9", "--out", one]);
      await hearthJson(["logits", STARTER, "--tokens", `@${ids}`, "--out", all, "--all", "--trace-routing", trace]);
      const row = first.n_vocab * 4;
      assert.equal(readFileSync(one).length, row);
      assert.equal(readFileSync(all).length, 5 * row);
      assert.ok(
        readFileSync(all)
          .subarray(4 * row)
          .equals(readFileSync(one)),
      );
      const { layers } = JSON.parse(readFileSync(trace, "utf8")) as { layers: number[][][] };
      assert.ok(layers.length > 0 && layers.every((layer) => layer.length === 5));
      assert.ok(layers.flat().every((experts) => new Set(experts).size === experts.length));
    });
  });
});

describe("hearth trace", () => {
  it("writes which experts every token needed, and which were foreseen", async () => {
    await withFolder(async (folder) => {
      const text = join(folder, "text.ts");
      writeFileSync(text, CODE);
      const file = join(folder, "trace.jsonl");
      const args = ["trace", STARTER, "--text", text, "--tokens", "20"];
      const ended = await hearth([...args, "--output", file, "--depth", "2"]);
      assert.deepEqual([ended.code, ended.stdout], [0, ""], ended.stderr);
      const trace = readTrace(file);
      assert.deepEqual([trace.n_token, trace.header.depth], [20, 2]);
      for (let t = 0; t < trace.n_token; ++t) {
        // The first router sees the embedding itself.
        assert.deepEqual(guessedOf(trace, t, 0, 0), chosenOf(trace, t, 0));
      }
      // The same as logits tells, whatever the chunks.
      const ids = (await hearthJson<{ ids: number[] }>(["tokenize", STARTER, "--file", text])).ids;
      const routing = join(folder, "routing.json");
      const tokens = ids.slice(0, 20).join(",");
      await hearth(["logits", STARTER, "--tokens", tokens, "--out", "/dev/null", "--trace-routing", routing]);
      const { layers } = JSON.parse(readFileSync(routing, "utf8")) as { layers: number[][][] };
      for (const [il, of] of layers.entries()) {
        for (const [t, experts] of of.entries()) {
          const keys = experts.map((id) => il * trace.header.n_expert + id);
          assert.deepEqual([...chosenOf(trace, t, il)], keys);
        }
      }
      const inChunks = await hearth([...args, "--chunk", "3", "--depth", "2"]);
      assert.equal(inChunks.stdout, readFileSync(file, "utf8"));
    });
  });

  it("says how long the text is when it is too short, and leaves an earlier file alone", async () => {
    await withFolder(async (folder) => {
      const file = join(folder, "trace.jsonl");
      writeFileSync(file, "earlier");
      const text = join(folder, "short.txt");
      writeFileSync(text, "short");
      const ended = await hearth(["trace", "--text", text, "--tokens", "50", "--output", file]);
      assert.equal(ended.code, 1);
      assert.match(ended.stderr, /cannot trace 50 tokens: the text has \d+; give a longer one with --text/);
      assert.equal(readFileSync(file, "utf8"), "earlier");
    });
  });
});

describe("hearth bench", () => {
  it("prints figures that belong together", async () => {
    const figures = await hearthJson<Record<string, number | string>>([
      "bench",
      "--prompt",
      "64",
      "--generate",
      "8",
      "--depth",
      "16",
      "--threads",
      "1",
      "--isa",
      "ref",
    ]);
    assert.equal(figures["isa"], "ref");
    assert.equal(figures["threads"], 1);
    for (const name of ["prefill_tps", "decode_tps", "load_ms", "peak_rss_bytes"]) {
      assert.ok(Number(figures[name]) > 0, name);
    }
    for (const phase of ["prefill", "decode"]) {
      assert.ok(Number(figures[`${phase}_hit_rate`]) >= 0 && Number(figures[`${phase}_hit_rate`]) <= 1);
      assert.ok(Number(figures[`${phase}_late_rate`]) <= 1 - Number(figures[`${phase}_hit_rate`]) + 1e-9);
      assert.ok(Number(figures[`${phase}_waited_ms_per_token`]) >= 0);
    }
    assert.equal(figures["expert_slots"], figures["expert_slots_for_all"]);
    assert.ok(Number(figures["prefill_read_bytes_per_token"]) * 64 <= readFileSync(STARTER).length);
  });
});

describe("the approximate head", () => {
  interface WithHead {
    readonly text?: string;
    readonly approximate_head?: { readonly active: number; readonly audited: number; readonly missed: number };
  }
  const bench = ["--prompt", "16", "--generate", "40"];

  it("is off, and its predictor not read, unless asked for", async () => {
    await withFolder(async (folder) => {
      const model = writePredictorModel(folder);
      const off = await hearthJson<WithHead & { planned_bytes: number; bytes_read: number }>([
        "bench",
        model,
        ...bench,
      ]);
      assert.equal(off.approximate_head, undefined);
      const plain = await hearth(["bench", model, ...bench]);
      assert.doesNotMatch(plain.stdout + plain.stderr, /lm_head|approximate/);
    });
  });

  it("says what part of the vocabulary it looked at, and what it missed", async () => {
    await withFolder(async (folder) => {
      const model = writePredictorModel(folder);
      const { approximate_head: head } = await hearthJson<WithHead>([
        "bench",
        model,
        ...bench,
        "--approximate-head",
        "4",
      ]);
      assert.ok(head !== undefined && head.active > 0.01 && head.active < 0.3, JSON.stringify(head));
      assert.equal(head.audited, 2);
      const plain = await hearth(["bench", model, ...bench, "--approximate-head"]);
      assert.match(plain.stdout, /^approximate head: \d+\.\d % of the vocabulary, missed 0\.0 % of 2 audited tokens$/m);
    });
  });

  it("gives the same text where the likeliest is always a candidate", async () => {
    await withFolder(async (folder) => {
      const place = [`${documentIn(folder)}:2:3`, "--model", writePredictorModel(folder)];
      const exact = await hearthJson<WithHead>(["complete", ...place]);
      const quick = await hearthJson<WithHead>(["complete", ...place, "--approximate-head"]);
      assert.equal(quick.text, exact.text);
      assert.ok((quick.approximate_head?.active ?? 1) < 1, JSON.stringify(quick));
      const { stderr } = await hearth(["complete", ...place, "--approximate-head"]);
      assert.match(stderr, /^hearth: approximate head: .* audited tokens$/m);
    });
  });

  it("is not asked by who wants the logits", async () => {
    await withFolder(async (folder) => {
      const model = writePredictorModel(folder);
      const logits = async (...options: string[]): Promise<Buffer> => {
        const out = join(folder, "logits.f32");
        const ended = await hearth(["logits", model, "--tokens", "1,2,3,4,5", "--out", out, ...options]);
        assert.equal(ended.code, 0, ended.stderr);
        return readFileSync(out);
      };
      const exact = await logits();
      assert.ok((await logits("--approximate-head")).equals(exact));
      assert.ok((await logits("--approximate-head", "--all")).subarray(-exact.length).equals(exact));
    });
  });
});

describe("hearth inspect", () => {
  it("tells a model's shape", async () => {
    const facts = await hearthJson<Record<string, unknown>>(["inspect"]);
    assert.equal(facts["file_bytes"], readFileSync(STARTER).length);
    assert.deepEqual(facts["capabilities"], ["complete"]);
    assert.deepEqual(facts["fim_layouts"], []);
    assert.match(String(facts["fim_reason"]), /says the rest of a line better without/);
    assert.equal(facts["file_header"], true);
    assert.deepEqual(facts["warnings"], []);
  });

  it("tells how a model is asked, and why, as its self-test has found", async () => {
    await withFolder(async (folder) => {
      const reason = async (...args: string[]): Promise<string> => {
        const { stdout } = await hearth(["inspect", "--json", ...args], { env: { HEARTH_RUNTIME_DIR: folder } });
        const facts = JSON.parse(stdout) as Record<string, unknown>;
        assert.equal(facts["prompt_layout"], "continuation");
        return String(facts["prompt_layout_reason"]);
      };
      assert.match(await reason(), /no self-test has run yet/);
      const found = await reason("--self-test");
      assert.match(found, /20 cases.*continuation \d+ bits; suffix-comment \d+ bits/);
      assert.equal(await reason(), found);
    });
  });
});

describe("hearth chat", () => {
  it("answers once, or line by line, where asked to try anyway", async () => {
    const once = await hearth(["chat", "--try-anyway", "--prompt", "hello", "--max-tokens", "4", "--json"]);
    assert.equal(once.code, 0, once.stderr);
    const answer = JSON.parse(once.stdout) as { generated_tokens: number; prompt_tokens: number };
    assert.ok(answer.generated_tokens <= 4 && answer.prompt_tokens > 4);
    const lines = await hearth(["chat", "--try-anyway", "--max-tokens", "4"], { input: "hello\nand you?\n" });
    assert.equal(lines.code, 0, lines.stderr);
    assert.ok(lines.stdout.split("\n").length > 2);
  });

  it("forgets the oldest turns when the context is full, and says so", async () => {
    const input = Array.from({ length: 6 }, (_, i) => `question ${i} ${"word ".repeat(10)}\n`).join("");
    const args = ["chat", "--try-anyway", "--max-tokens", "8", "--context", "128"];
    const { code, stderr } = await hearth(args, { input });
    assert.equal(code, 0, stderr);
    assert.match(stderr, /the oldest question and answer no longer fit/);
  });
});

describe("hearth", () => {
  it("explains itself", async () => {
    const { code, stdout } = await hearth(["--help"]);
    assert.equal(code, 0);
    for (const command of ["complete", "chat", "inspect", "tokenize", "logits", "bench", "replay"]) {
      assert.match(stdout, new RegExp(`hearth ${command}`));
    }
  });

  it("works from any folder", async () => {
    await withFolder(async (folder) => {
      writeFileSync(join(folder, "a.py"), "def add(a, b):\n    return a");
      const { code, stderr } = await hearth(["complete", "a.py:2:13"], { cwd: folder });
      assert.equal(code, 0, stderr);
      assert.ok(!folder.startsWith(ROOT));
    });
  });
});

describe("a terminal", () => {
  const unseen = "\u001b[31m\u202E\u2066\uFFFD\u0007";

  it("gets no commands and nothing unseen from an answer", () =>
    withFolder(async (folder) => {
      const file = join(folder, "a.ts");
      writeFileSync(file, "const total = \n");
      const args = ["complete", `${file}:1:15`, `--answer=a${unseen}b;`];
      const { stdout } = await hearth(args);
      assert.equal(stdout, "a[31mb;\n");
      const { document } = await hearthJson<{ document: string }>(args);
      assert.equal(document, "const total = a[31mb;\n");
    }));

  it("gets none from names, nor from a file whose text is told as JSON", () =>
    withFolder(async (folder) => {
      const { stderr, code } = await hearth(["inspect", join(folder, `no${unseen}.gguf`)]);
      assert.equal(code, 1);
      assert.match(stderr, /no\[31m\.gguf/);
      assert.doesNotMatch(stderr, /[\u001b\u202E\u2066\uFFFD\u0007]/);
      const file = join(folder, "b.ts");
      writeFileSync(file, "const s = '\u202E\u009b';\nf(\n");
      const { stdout } = await hearth(["complete", `${file}:2:3`, "--answer=a)", "--json"]);
      assert.doesNotMatch(stdout, /[\u202E\u009b]/);
      assert.equal((JSON.parse(stdout) as { document: string }).document, "const s = '\u202E\u009b';\nf(a)\n");
    }));
});
