import assert from "node:assert/strict";
import { join } from "node:path";
import { ISAS } from "../../protocol/engineOptions";
import type { PromptPart } from "../../protocol/prompt";
import { type GenerateReport, type GenerateRequest, GREEDY } from "../../protocol/generation";
import { LocalEngine } from "./localEngine";
import type { LocalSession } from "./localSession";
import { loadNativeAddon } from "./native";

const STARTER = join(__dirname, "..", "..", "..", "models", "hearth-starter.gguf");
const OPTIONS: GenerateRequest = { priority: "completion", maxTokens: 12 };
const text = (value: string): PromptPart[] => [{ kind: "text", text: value }];

async function collect(
  session: LocalSession,
  prompt: readonly PromptPart[],
  options: GenerateRequest,
  onPiece?: (piece: string) => void,
): Promise<{ text: string; report: GenerateReport }> {
  const pieces = session.generate(prompt, options);
  let all = "";
  let step = await pieces.next();
  while (step.done !== true) {
    all += step.value.text;
    onPiece?.(step.value.text);
    step = await pieces.next();
  }
  return { text: all, report: step.value };
}

describe("LocalEngine", () => {
  let engine: LocalEngine;
  before(async () => {
    engine = await LocalEngine.open(STARTER, { threads: 2 });
  });
  after(() => {
    engine.close();
  });

  it("tells what it is and what it has read", () => {
    const { isa, threads, plan } = engine.info;
    const available = loadNativeAddon().isas.filter(({ state }) => state === "available");
    assert.equal(isa, available.at(-1)?.name, "the best one");
    assert.equal(threads, 2);
    assert.equal(plan.slots, plan.slotsForAll);
    assert.ok(plan.totalBytes > plan.denseBytes && plan.denseBytes > 0);
    assert.ok(engine.stats.bytesRead >= plan.denseBytes);
  });

  it("knows the instruction sets that TypeScript knows", () => {
    const { isas } = loadNativeAddon();
    assert.deepEqual(
      isas.map(({ name }) => name),
      ISAS,
    );
    assert.equal(isas[0]?.state, "available", "the reference kernels run everywhere");
    assert.ok(isas.some(({ state }) => state === "foreign"));
  });

  it("generates text, and evaluates only what is new the next time", async () => {
    const session = engine.newSession();
    const prompt = "function add(a, b) {\n  return ";
    const first = await collect(session, text(prompt), OPTIONS);
    assert.equal(first.report.reusedTokens, 0);
    assert.ok(first.report.generatedTokens > 0);
    const again = await collect(session, text(prompt), OPTIONS);
    assert.equal(again.text, first.text);
    assert.ok(again.report.reusedTokens >= again.report.promptTokens - 1);
    const fresh = await collect(engine.newSession(), text(prompt), OPTIONS);
    assert.equal(fresh.text, first.text);
  });

  it("computes with half of the threads where that is asked for, and gives the same text", async () => {
    const prompt = "function add(a, b) {\n  return ";
    const told: [string, number][] = [];
    for (const fewerThreads of [false, true, true, false]) {
      const { text: given } = await collect(engine.newSession(), text(prompt), { ...OPTIONS, fewerThreads });
      told.push([given, engine.stats.threadsUsed]);
    }
    const [first] = told[0] ?? [""];
    assert.deepEqual(told, [
      [first, 2],
      [first, 1],
      [first, 1],
      [first, 2],
    ]);
    const session = engine.newSession();
    const tokens = Int32Array.from(engine.tokenizer.encodeText(prompt));
    await session.evaluate(tokens, { fewerThreads: true });
    const fewer = await session.logits();
    assert.equal(engine.stats.threadsUsed, 1);
    const other = engine.newSession();
    await other.evaluate(tokens);
    assert.deepEqual(await other.logits(), fewer);
    assert.equal(engine.stats.threadsUsed, 2);
  });

  it("stops at the limit, at a stop string and never gives it", async () => {
    const session = engine.newSession();
    const limited = await collect(session, text("import { "), { ...OPTIONS, maxTokens: 2 });
    assert.equal(limited.report.generatedTokens, 2);
    const long = await collect(session, text("const a = 1;\nconst b = "), { ...OPTIONS, maxTokens: 40 });
    const stop = long.text[Math.floor(long.text.length / 2)] ?? "?";
    const stopped = await collect(session, text("const a = 1;\nconst b = "), {
      ...OPTIONS,
      maxTokens: 40,
      stop: [stop],
    });
    assert.equal(stopped.report.finish, "stop");
    assert.equal(stopped.text, long.text.slice(0, long.text.indexOf(stop)));
  });

  it("ends soon when cancelled, and the session goes on", async () => {
    const session = engine.newSession();
    const prompt = text("let x = 1;\n".repeat(100));
    let pieces = 0;
    const { report } = await collect(
      session,
      prompt,
      { ...OPTIONS, maxTokens: 1000, sampler: { ...GREEDY, temperature: 2 } },
      () => {
        pieces += 1;
        if (pieces === 3) {
          session.cancel();
        }
      },
    );
    // A token under way may still come; the model may also end by itself.
    assert.ok(report.finish === "cancelled" || report.finish === "end", report.finish);
    assert.ok(report.generatedTokens < 1000);
    const after = await collect(session, prompt, OPTIONS);
    const fresh = await collect(engine.newSession(), prompt, OPTIONS);
    assert.equal(after.text, fresh.text);
  });

  it("cancels a prompt under way", async () => {
    const session = engine.newSession();
    const prompt = text("let x = 1;\n".repeat(150));
    const running = collect(session, prompt, OPTIONS);
    setTimeout(() => {
      session.cancel();
    }, 1);
    const { report } = await running;
    assert.ok(report.finish === "cancelled" || report.generatedTokens > 0);
    assert.ok((await collect(session, prompt, OPTIONS)).report.promptTokens > 100);
  });

  it("keeps two sessions apart", async () => {
    const [a, b] = [engine.newSession(), engine.newSession()];
    const alone = await collect(engine.newSession(), text("def main():\n    "), OPTIONS);
    const [first, second] = await Promise.all([
      collect(a, text("def main():\n    "), OPTIONS),
      collect(b, text("class Point {\n  "), OPTIONS),
    ]);
    assert.equal(first.text, alone.text);
    assert.notEqual(second.report.promptTokens, 0);
  });

  it("answers in the middle of a chat's prompt, which goes on with the same text", async () => {
    const chat: GenerateRequest = { ...OPTIONS, priority: "chat" };
    const long = text("let y = 2;\n".repeat(180));
    const short = { ...OPTIONS, maxTokens: 4 };
    const expected = await collect(engine.newSession(), long, chat);
    const typed = "function sum(list) {\n  return ";
    const answers = [];
    for (const n of [1, 2, 3]) {
      answers.push((await collect(engine.newSession(), text(typed.repeat(n)), short)).text);
    }
    const [reader, editor] = [engine.newSession(), engine.newSession()];
    const ended: string[] = [];
    const answer = collect(reader, long, chat).finally(() => ended.push("chat"));
    for (const n of [1, 2, 3]) {
      const { text: said } = await collect(editor, text(typed.repeat(n)), short);
      assert.equal(said, answers[n - 1]);
      ended.push("completion");
    }
    assert.equal((await answer).text, expected.text);
    assert.equal(ended[0], "completion");
  });

  it("ends what is idle at once when it is cancelled, also while something more urgent runs", async () => {
    const [warmed, reader] = [engine.newSession(), engine.newSession()];
    const order: string[] = [];
    const idle = collect(warmed, text("let z = 3;\n".repeat(180)), { ...OPTIONS, priority: "prefill" });
    const said = collect(reader, text("let y = 2;\n".repeat(180)), { ...OPTIONS, maxTokens: 1, priority: "chat" });
    void idle.then(() => order.push("idle"));
    void said.then(() => order.push("chat"));
    await new Promise(setImmediate);
    warmed.cancel();
    const { report } = await idle;
    assert.ok(report.finish === "cancelled" || report.finish === "limit");
    await said;
    assert.deepEqual(order, ["idle", "chat"]);
  });

  it("only evaluates the prompt where no token is asked for", async () => {
    const session = engine.newSession();
    const prompt = "const table = new Map();\n".repeat(20);
    const warm = await collect(session, text(prompt), { ...OPTIONS, priority: "prefill" });
    assert.equal(warm.text, "");
    assert.deepEqual([warm.report.finish, warm.report.generatedTokens], ["limit", 0]);
    const { report } = await collect(session, text(`${prompt}table.`), OPTIONS);
    assert.ok(report.reusedTokens >= warm.report.promptTokens - 1);
  });

  it("gives the memory of a closed session back, and refuses to use it", async () => {
    const sessions: LocalSession[] = [];
    const tokens = Int32Array.from({ length: engine.info.plan.contextTokens }, (_, i) => i % 200);
    for (let i = 0; i < 2; ++i) {
      const session = engine.newSession();
      await session.evaluate(tokens);
      sessions.push(session);
    }
    const before = process.memoryUsage.rss();
    for (const session of sessions) {
      session.close();
    }
    // Nothing else of size comes or goes in between.
    assert.ok(before - process.memoryUsage.rss() > 1.5 * engine.info.plan.kvBytes);
    const [session] = sessions;
    assert.ok(session);
    const refusal = { name: "EngineError", code: "bad_request", message: /session has been closed/ };
    await assert.rejects(collect(session, text("a"), OPTIONS), refusal);
    await assert.rejects(session.evaluate(tokens), refusal);
    await assert.rejects(session.logits(), refusal);
    session.cancel();
    session.close();
  });

  it("can close a session while it works, whenever that comes", async () => {
    const prompt = text("let x = 1;\n".repeat(150));
    for (const delayMs of [0, 1, 5, 20, 60]) {
      const session = engine.newSession();
      const running = collect(session, prompt, { ...OPTIONS, maxTokens: 2000, sampler: { ...GREEDY, temperature: 5 } });
      if (delayMs > 0) {
        await new Promise((resolve) => setTimeout(resolve, delayMs));
      }
      session.close();
      const { report } = await running;
      assert.ok(report.finish === "cancelled" || report.finish === "end", report.finish);
    }
    const evaluating = engine.newSession();
    const evaluation = evaluating.evaluate(Int32Array.from({ length: 1500 }, (_, i) => i % 200));
    evaluating.close();
    await assert.rejects(evaluation, { code: "bad_request", message: /closed/ });
    assert.ok((await collect(engine.newSession(), prompt, OPTIONS)).report.promptTokens > 100);
  });

  it("refuses a prompt that is too long, empty, or of unknown tokens", async () => {
    const session = engine.newSession();
    const tooLong = text("a b c ".repeat(3000));
    await assert.rejects(collect(session, tooLong, OPTIONS), { code: "bad_request", message: /the context holds/ });
    await assert.rejects(collect(session, [], OPTIONS), { code: "bad_request", message: /empty prompt/ });
    const unknown: PromptPart[] = [{ kind: "special", token: "<|nothing|>" }];
    await assert.rejects(collect(session, unknown, OPTIONS), { code: "bad_request" });
  });

  it("stops where the context is full, and keeps what it said", async () => {
    const small = await LocalEngine.open(STARTER, { contextTokens: 24 });
    const sampler = { ...GREEDY, temperature: 5, seed: 1 };
    const { text: said, report } = await collect(small.newSession(), text("const a = "), {
      ...OPTIONS,
      maxTokens: 500,
      sampler,
    });
    assert.ok(report.promptTokens + report.generatedTokens <= 25, JSON.stringify(report));
    assert.ok(report.finish === "limit" || report.finish === "end");
    assert.ok(said.length > 0);
    small.close();
  });

  it("passes on what goes wrong while logits are handed over", async () => {
    const session = engine.newSession();
    const failing = session.evaluate(Int32Array.of(1, 2, 3), {
      onLogits: () => {
        throw new Error("the disk is full");
      },
    });
    await assert.rejects(failing, { message: "the disk is full" });
    const { reused, evaluated } = await session.evaluate(Int32Array.of(1, 2, 3));
    assert.equal(reused + evaluated, 3);
  });

  it("never chooses a token of type UNUSED", async () => {
    // At a high temperature every token comes up; those that stand for nothing must not.
    const session = engine.newSession();
    const sampler = { ...GREEDY, temperature: 50 };
    for (let seed = 0; seed < 3; ++seed) {
      const { report } = await collect(session, text("x"), {
        ...OPTIONS,
        maxTokens: 60,
        sampler: { ...sampler, seed },
      });
      assert.ok(report.generatedTokens > 0);
    }
    assert.ok(engine.tokenizer.unusedIds.every((id) => !engine.tokenizer.isEndOfGeneration(id)));
  });
});

describe("LocalEngine.open", () => {
  it("reports progress up to all of the dense weights", async () => {
    const seen: [number, number][] = [];
    const engine = await LocalEngine.open(STARTER, {}, (done, total) => seen.push([done, total]));
    assert.ok(seen.length > 0);
    for (const [done, total] of seen) {
      assert.ok(done > 0 && done <= total);
    }
    engine.close();
  });

  it("refuses a budget that is too small, saying the smallest", async () => {
    await assert.rejects(LocalEngine.open(STARTER, { memoryBudgetBytes: 1024 * 1024 }), {
      code: "memory",
      message: /smallest that works is \d+ MiB/,
    });
  });

  it("can be closed while it works", async () => {
    const engine = await LocalEngine.open(STARTER);
    const session = engine.newSession();
    const running = collect(session, text("let x = 1;\n".repeat(150)), { ...OPTIONS, maxTokens: 500 });
    engine.close();
    const { report } = await running;
    assert.equal(report.finish, "cancelled");
    await assert.rejects(collect(session, text("a"), OPTIONS), { message: /closed/ });
    assert.throws(() => engine.newSession(), { message: /closed/ });
  });

  it("can be closed between two calls of a generation", async () => {
    const readyToEvaluate = await LocalEngine.open(STARTER);
    const generation = readyToEvaluate.newSession().generate(text("let x = 1;"), OPTIONS, {
      before: () => {
        readyToEvaluate.close();
        return Promise.resolve();
      },
    });
    const { value } = await generation.next();
    assert.equal((value as GenerateReport).finish, "cancelled");

    const generating = await LocalEngine.open(STARTER);
    const pieces = generating.newSession().generate(text("let x = 1;\n"), { ...OPTIONS, maxTokens: 50 });
    let step = await pieces.next();
    assert.equal(step.done, false);
    generating.close();
    while (step.done !== true) {
      step = await pieces.next();
    }
    assert.equal(step.value.finish, "cancelled");
  });

  it("gives the memory of its sessions back when it is closed", async () => {
    const engine = await LocalEngine.open(STARTER, { sessions: 2 });
    const { kvBytes, contextTokens } = engine.info.plan;
    const sessions: LocalSession[] = [];
    for (let i = 0; i < 2; ++i) {
      const session = engine.newSession();
      await session.evaluate(Int32Array.from({ length: contextTokens }, (_, at) => at % 200));
      sessions.push(session);
    }
    const before = process.memoryUsage.rss();
    engine.close();
    assert.ok(before - process.memoryUsage.rss() > kvBytes / 2);
    assert.equal(sessions.length, 2);
  });
});
