import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { writePredictorModel } from "../../../test/fixtures/randomModels";
import type { PromptPart } from "../../protocol/prompt";
import { openGgufFile } from "../../model/ggufFile";
import type { LocalEngine } from "../local/localEngine";
import { HotExperts } from "./hotExperts";
import { LayoutStore } from "./layoutStore";
import { type Job, LoadedModel } from "./loadedModel";
import { chatFrameOf } from "./modelLayout";
import { StopSignal } from "./sessionSlots";

const STARTER = join(__dirname, "..", "..", "..", "models", "hearth-starter.gguf");
const SHORT = { priority: "completion", maxTokens: 6 } as const;
const CHAT = { ...SHORT, priority: "chat" } as const;
const WARM = { ...SHORT, priority: "prefill" } as const;
const text = (value: string): PromptPart[] => [{ kind: "text", text: value }];
const LONG = text("let x = 1;\n".repeat(180));
const PROMPT = text("function add(a, b) {\n  return ");
const QUESTION = [{ role: "user" as const, content: "let y = 2;\n".repeat(150) }];

interface Asked extends Job {
  said: string;
}

function job(key: string): Asked {
  const asked: Asked = {
    key,
    signal: new StopSignal(),
    said: "",
    onPiece: ({ text }) => {
      asked.said += text;
    },
  };
  return asked;
}

describe("LoadedModel", () => {
  let model: LoadedModel;
  beforeEach(async () => {
    model = await LoadedModel.load({ path: STARTER, load: { threads: 2 } }, () => undefined);
  });
  afterEach(async () => {
    await model.close();
  });

  it("answers completions in the middle of a chat's prompt, which goes on with the same text", async () => {
    const [alone, alone2] = [job("c"), job("a")];
    await model.chat(alone, QUESTION, CHAT);
    await model.complete(alone2, PROMPT, SHORT);
    model.forget(() => true);
    const [chat, order] = [job("c"), [] as string[]];
    const answered = model.chat(chat, QUESTION, CHAT).then(() => order.push("chat"));
    for (let i = 0; i < 3; ++i) {
      const completion = job("a");
      await model.complete(completion, PROMPT, SHORT);
      assert.equal(completion.said, alone2.said);
      order.push("completion");
    }
    await answered;
    assert.equal(chat.said, alone.said);
    assert.equal(order[0], "completion");
  });

  it("tells what an approximate head has missed", async () => {
    const folder = mkdtempSync(join(tmpdir(), "hearth-head-"));
    try {
      const choice = { path: writePredictorModel(folder), load: { approximateHead: -2 } };
      const approximate = await LoadedModel.load(choice, () => undefined);
      await approximate.complete(job("a"), PROMPT, SHORT);
      const { active, audited, missed } = approximate.statistics.approximateHead ?? {
        active: 1,
        audited: 0,
        missed: 1,
      };
      assert.ok(active > 0 && active < 1, String(active));
      assert.deepEqual([audited, missed], [1, 0]);
      await approximate.close();
    } finally {
      rmSync(folder, { recursive: true });
    }
    assert.equal(model.statistics.approximateHead, undefined);
  });

  it("evaluates a prompt in advance, which ends when anything is asked about its document", async () => {
    const warm = await model.complete(job("a"), LONG, WARM);
    assert.deepEqual([warm.finish, warm.generatedTokens], ["limit", 0]);
    const asked = await model.complete(job("a"), LONG, SHORT);
    assert.ok(asked.reusedTokens >= asked.promptTokens - 1);
    const idle = model.complete(job("b"), LONG, WARM);
    assert.equal((await model.complete(job("b"), PROMPT, SHORT)).finish, "limit");
    assert.equal((await idle).finish, "superseded");
  });

  it("lets nobody wait for what is evaluated in advance, also while a chat has stopped that", async () => {
    const order: string[] = [];
    const note = (what: string) => (): void => {
      order.push(what);
    };
    const idle = ["a", "b"].map((key) => model.complete(job(key), LONG, WARM).then(note("idle")));
    const chat = model.chat(job("c"), QUESTION, CHAT).then(note("chat"));
    const asked = model.complete(job("d"), PROMPT, SHORT).then(note("asked"));
    await Promise.all([...idle, chat, asked]);
    assert.ok(order.indexOf("asked") < order.indexOf("chat"), order.join(" "));
    assert.deepEqual(model.sessions, { completion: 2, chat: 1 });
  });

  it("gives sessions back that are forgotten", async () => {
    await model.complete(job("1 a"), PROMPT, SHORT);
    await model.complete(job("2 a"), PROMPT, SHORT);
    await model.chat(job("1 c"), QUESTION, CHAT);
    model.forget((key) => key.startsWith("1 "));
    assert.deepEqual(model.sessions, { completion: 1, chat: 0 });
    assert.equal((await model.complete(job("3 a"), PROMPT, SHORT)).reusedTokens, 0);
    assert.ok((await model.complete(job("2 a"), PROMPT, SHORT)).reusedTokens > 0);
  });
});

describe("LoadedModel: the self-test of layouts", function () {
  this.timeout(600_000);
  let folder: string;
  let file: string;
  const choice = (): { path: string; load: { threads: number } } => ({ path: file, load: { threads: 1 } });
  const load = (afterMs: number): Promise<LoadedModel> =>
    LoadedModel.load(choice(), () => undefined, new HotExperts(folder), new LayoutStore(folder), afterMs);
  const stored = async (): Promise<unknown> => new LayoutStore(folder).read(await openGgufFile(file));

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "hearth-layout-"));
    file = join(folder, "model.gguf");
    copyFileSync(STARTER, file);
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it("runs once, while nobody asks anything, and leaves no session", async () => {
    const model = await load(0);
    while ((await stored()) === undefined) {
      await setTimeout(20);
    }
    while (model.sessions.completion > 0) {
      await setTimeout(5);
    }
    assert.equal(model.info.traits.plain, undefined);
    await model.close();
    const again = await load(0);
    await setTimeout(100);
    assert.equal(again.sessions.completion, 0);
    await again.close();
  });

  it("makes way for requests, which get the same answers, and goes on", async () => {
    const undisturbed = await load(600_000);
    const alone = job("a");
    await undisturbed.complete(alone, PROMPT, SHORT);
    await undisturbed.close();
    assert.equal(await stored(), undefined);
    const model = await load(1);
    for (let i = 0; i < 12; ++i) {
      // More documents than there are sessions: one is taken from the test.
      const asked = job(`document ${String(i % 3)}`);
      await model.complete(asked, PROMPT, SHORT);
      assert.equal(asked.said, alone.said);
      await setTimeout(15);
    }
    while ((await stored()) === undefined) {
      await setTimeout(20);
    }
    await model.close();
    // As if nobody had asked anything.
    const interrupted = await stored();
    rmSync(
      join(
        folder,
        readdirSync(folder).find((name) => name.startsWith("layout-"))!,
      ),
    );
    const calm = await load(0);
    while ((await stored()) === undefined) {
      await setTimeout(20);
    }
    await calm.close();
    assert.deepEqual(await stored(), interrupted);
  });

  it("ends with the model, and is begun again with the next", async () => {
    const model = await load(0);
    while (model.sessions.completion === 0) {
      await setTimeout(1);
    }
    await model.close();
    assert.equal(await stored(), undefined);
  });

  it("asks the model as a verdict that is stored says", async () => {
    const costs = { continuation: { bits: 500, cases: 20 } };
    await new LayoutStore(folder).write(await openGgufFile(file), { layout: "suffix-comment", costs });
    const model = await load(0);
    assert.equal(model.info.traits.plain, "suffix-comment");
    await model.close();
  });
});

describe("chatFrameOf", () => {
  const vocabulary = { specialNames: ["<|im_start|>", "<|im_end|>"], bosName: undefined, eosName: undefined };
  const frameOf = (chatTemplate: string | undefined): ReturnType<typeof chatFrameOf> =>
    chatFrameOf({ model: { chatTemplate, name: "m" }, tokenizer: vocabulary } as unknown as LocalEngine);

  it("is what the template writes around one message", async () => {
    const template =
      "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endfor %}" +
      "{{ '<|im_start|>assistant\\n' }}";
    assert.deepEqual(await frameOf(template), {
      open: [
        { kind: "special", token: "<|im_start|>" },
        { kind: "text", text: "user\n" },
      ],
      close: [
        { kind: "text", text: "" },
        { kind: "special", token: "<|im_end|>" },
        { kind: "text", text: "\n" },
        { kind: "special", token: "<|im_start|>" },
        { kind: "text", text: "assistant\n" },
      ],
    });
  });

  it("is none without a template, or with one that fails or says a message twice", async () => {
    assert.equal(await frameOf(undefined), undefined);
    assert.equal(await frameOf("{{ raise_exception('no') }}"), undefined);
    assert.equal(await frameOf("{{ messages[0].content + messages[0].content }}"), undefined);
    assert.equal(await frameOf("nothing"), undefined);
  });
});
