import assert from "node:assert/strict";
import { join } from "node:path";
import type { GenerateReport } from "../../protocol/generation";
import type { PromptPart } from "../../protocol/prompt";
import { LocalEngine } from "./localEngine";
import type { LocalSession } from "./localSession";

const STARTER = join(__dirname, "..", "..", "..", "models", "hearth-starter.gguf");
const text = (value: string): PromptPart[] => [{ kind: "text", text: value }];
const CODE = Array.from({ length: 120 }, (_, i) => `const value${String(i)} = compute(${String(i * 7)});\n`).join("");

interface Answer {
  readonly said: string;
  readonly read: readonly number[];
  readonly report: GenerateReport;
}

async function answer(
  session: LocalSession,
  prompt: string | readonly PromptPart[],
  maxTokens = 8,
  priority: "chat" | "completion" = "chat",
) {
  const pieces = session.generate(typeof prompt === "string" ? text(prompt) : prompt, { priority, maxTokens });
  const read: number[] = [];
  let said = "";
  for (;;) {
    const step = await pieces.next();
    if (step.done === true) {
      return { said, read, report: step.value } satisfies Answer;
    }
    said += step.value.text;
    if (step.value.read !== undefined) {
      assert.equal(said, "");
      read.push(step.value.read);
    }
  }
}

describe("reading the prompt of a chat", function () {
  this.timeout(600_000);
  let engine: LocalEngine;
  before(async () => {
    engine = await LocalEngine.open(STARTER, { threads: 2, contextTokens: 4096 });
  });
  after(() => {
    engine.close();
  });

  it("tells how far it is, and changes no answer", async () => {
    const { said, read, report } = await answer(engine.newSession(), CODE);
    assert.ok(read.length >= 4, String(read.length));
    assert.deepEqual(
      read,
      read.toSorted((a, b) => a - b),
    );
    assert.ok(read.every((part) => part > 0 && part < 1));
    const plain = await answer(engine.newSession(), CODE, 8, "completion");
    assert.deepEqual([plain.read, plain.said], [[], said]);
    assert.equal(report.promptTokens, plain.report.promptTokens);
    assert.equal(report.reusedTokens, 0);
  });

  it("reads nothing again that is known", async () => {
    const session = engine.newSession();
    const first = await answer(session, CODE);
    const again = await answer(session, CODE);
    assert.deepEqual([again.read, again.said], [[], first.said]);
    assert.equal(again.report.reusedTokens, first.report.promptTokens - 1);
    const more = await answer(session, `${CODE}// More.\n${CODE}`);
    assert.ok(more.report.reusedTokens >= first.report.promptTokens - 2, String(more.report.reusedTokens));
    assert.ok((more.read[0] ?? 0) > 0.5);
  });

  it("ends when it is cancelled, and goes on from there", async () => {
    const session = engine.newSession();
    const pieces = session.generate(text(CODE), { priority: "chat", maxTokens: 4 });
    await pieces.next();
    await pieces.next();
    session.cancel();
    const step = await pieces.next();
    assert.ok(step.done === true && step.value.finish === "cancelled");
    const { report } = await answer(session, CODE, 4);
    assert.ok(report.reusedTokens >= 256, String(report.reusedTokens));
  });

  it("ends an answer that only repeats itself", async () => {
    const special = (token: string): PromptPart => ({ kind: "special", token });
    const [start, end] = [special("<|im_start|>"), special("<|im_end|>")];
    const turn = (words: string): PromptPart => ({ kind: "text", text: words });
    const prompt = [start, turn("user\nhello"), end, turn("\n"), start, turn("assistant\n")];
    const { report, said } = await answer(engine.newSession(), prompt, 2000);
    assert.equal(report.finish, "loop", said);
    assert.ok(report.generatedTokens < 1000, String(report.generatedTokens));
  });
});
