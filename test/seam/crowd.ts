import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CancelSource } from "../../src/core/cancellation";
import type { EngineClient } from "../../src/engine/client/client";
import type { LoadOptions, ModelChoice } from "../../src/protocol/engine";
import { EngineError } from "../../src/protocol/errors";
import { GREEDY } from "../../src/protocol/generation";
import { Prng } from "../fixtures/prng";
import { writeRandomModel } from "../fixtures/randomModels";
import { all, ROOT, soon, STARTER, text, type World } from "./engines";

/**
 * Several clients of one engine, each of which completes, chats, counts, cancels, leaves and comes back, and changes the
 * model, its memory and its threads at any moment. Whatever is asked is answered with what a quiet engine says, or refused
 * in a sentence.
 */

const COMPLETION = { priority: "completion", maxTokens: 6, sampler: GREEDY } as const;
const CHAT = { priority: "chat", maxTokens: 12, sampler: GREEDY } as const;
const PROMPTS = ["function add(a, b) {\n  return ", "import os\n\ndef main():\n    ", "const x = [1, 2, 3].map("];
const QUESTIONS = ["What is a router?", "/explain return", "and now"];
const COUNTED = "const value = name;\n";
const MIB = 2 ** 20;
const TOO_LITTLE: LoadOptions = { memoryBudgetBytes: 8 * MIB };
/** The third one is too little for all experts of the larger model. */
const LOADS: readonly LoadOptions[] = [
  {},
  TOO_LITTLE,
  { memoryBudgetBytes: 160 * MIB, contextTokens: 1024 },
  { threads: 1 },
  { threads: 2, contextTokens: 512 },
  { expertSlots: 5 },
  { chunkTokens: 16 },
];
const ENGINE_RESTARTS = { max: 1000, windowMs: 60_000, delayMs: 20 };

export interface CrowdOptions {
  readonly seed: string;
  /** Also ends the engine by SIGKILL, now and then or as often as an engine has just begun to work. */
  readonly kills?: "some" | "many" | undefined;
  readonly clients?: number;
  /** Until it returns false; called before each request with the number of those that have ended, and of kills. */
  readonly goesOn: (done: number, kills: number) => boolean;
}

export interface CrowdReport {
  /** Requests by how they ended: "answered", "cancelled", or an error's code. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly kills: number;
}

/** What a quiet engine says, by model and prompt. */
type Expected = ReadonlyMap<string, readonly string[]>;

interface Member {
  client: EngineClient;
}

/** One kind of request: how often, and what it does. Returns how it ended. */
type Act = readonly [weight: number, act: (member: Member) => Promise<string>];

/** The crowd's models: one has a chat template of its own, the other one was made to complete. */
function modelPaths(): readonly string[] {
  const folder = join(ROOT, ".cache", "fixtures");
  mkdirSync(folder, { recursive: true });
  return [writeRandomModel("shape4b-q4_0", folder).path, STARTER];
}

async function quietAnswers(client: EngineClient, paths: readonly string[]): Promise<Expected> {
  const expected = new Map<string, string[]>();
  const add = (prompt: string, said: string): void => {
    expected.set(prompt, [...(expected.get(prompt) ?? []), said]);
  };
  for (const path of paths) {
    await soon("a model", client.replaceModel({ path }));
    for (const prompt of PROMPTS) {
      add(prompt, (await all(client.complete("quiet", text(prompt), COMPLETION))).text);
    }
    for (const content of QUESTIONS) {
      add(content, (await all(client.chat("quiet", [{ role: "user", content }], CHAT))).text);
    }
  }
  return expected;
}

class Crowd {
  readonly #world: World;
  readonly #paths: readonly string[];
  readonly #expected: Expected;
  readonly #prng: Prng;
  readonly #options: CrowdOptions;
  readonly #acts: readonly Act[];
  readonly #outcomes: Record<string, number> = {};
  #done = 0;
  #kills = 0;

  constructor(world: World, paths: readonly string[], expected: Expected, options: CrowdOptions) {
    this.#world = world;
    this.#paths = paths;
    this.#expected = expected;
    this.#options = options;
    this.#prng = new Prng(`crowd ${options.seed}`);
    this.#acts = [
      [8, (member) => this.#complete(member)],
      [4, (member) => this.#chat(member)],
      [1, (member) => this.#count(member)],
      [2, (member) => this.#open(member)],
      [2, (member) => this.#replace(member)],
      [1, (member) => this.#release(member)],
      [1, (member) => this.#reload(member)],
      [1, async ({ client }) => ((await client.stats()).pid > 0 ? "answered" : "nobody")],
      ...(options.kills === undefined ? [] : ([[options.kills === "many" ? 3 : 1, () => this.#kill()]] as const)),
    ];
  }

  async run(): Promise<CrowdReport> {
    const members = Array.from({ length: this.#options.clients ?? 3 }, () => ({ client: this.#client() }));
    // Each asks for two things at a time, as a window does where a chat runs beside completion.
    await Promise.all([...members, ...members].map((member) => this.#behave(member)));
    // And once it is quiet each is served as ever, or told what is too little.
    for (const member of members) {
      const { client } = member;
      const tooLittle = { path: this.#paths[0]!, load: TOO_LITTLE };
      const refused = await this.#outcomeOf(() => client.replaceModel(tooLittle).then(() => "answered"), member);
      assert.equal(refused, "memory");
      await soon("the last model", client.replaceModel({ path: this.#paths[0]! }));
      assert.equal(await this.#completion(client, PROMPTS[0]!, "end"), "answered");
      client.dispose();
    }
    return { outcomes: this.#outcomes, kills: this.#kills };
  }

  async #behave(member: Member): Promise<void> {
    while (this.#options.goesOn(this.#done, this.#kills)) {
      const outcome = await this.#outcomeOf(this.#next(), member);
      this.#outcomes[outcome] = (this.#outcomes[outcome] ?? 0) + 1;
      this.#done += 1;
    }
  }

  /** Errors: AssertionError where somebody is left without an answer or a reason. */
  async #outcomeOf(act: Act[1], member: Member): Promise<string> {
    try {
      return await soon("an answer or a reason", act(member));
    } catch (error) {
      if (!(error instanceof EngineError)) {
        throw error;
      }
      assert.notEqual(error.code, "internal", error.message);
      assert.match(error.message, /^\S[^\n]{10,}$/, "a reason is one sentence");
      return error.code;
    }
  }

  #next(): Act[1] {
    let at = this.#prng.nextBelow(this.#acts.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, act] of this.#acts) {
      at -= weight;
      if (at < 0) {
        return act;
      }
    }
    throw new Error("weights are whole numbers");
  }

  #client(): EngineClient {
    const client = this.#world.client({ restartLimits: ENGINE_RESTARTS });
    client.chooseModel(this.#choice());
    return client;
  }

  #choice(): ModelChoice {
    const load = LOADS[this.#prng.nextBelow(LOADS.length)]!;
    return { path: this.#paths[this.#prng.nextBelow(this.#paths.length)]!, load };
  }

  #oneOf<T>(values: readonly T[]): T {
    return values[this.#prng.nextBelow(values.length)]!;
  }

  /** One in three is cancelled after a moment. */
  #cancelSource(): CancelSource {
    const source = new CancelSource();
    if (this.#prng.nextBelow(3) === 0) {
      setTimeout(() => {
        source.cancel();
      }, this.#prng.nextBelow(200));
    }
    return source;
  }

  #complete({ client }: Member): Promise<string> {
    return this.#completion(client, this.#oneOf(PROMPTS), this.#oneOf(["a", "b", "c"]), this.#cancelSource());
  }

  async #completion(client: EngineClient, prompt: string, document: string, cancel?: CancelSource): Promise<string> {
    return this.#judge(prompt, await all(client.complete(document, text(prompt), COMPLETION, cancel?.token)));
  }

  async #chat({ client }: Member): Promise<string> {
    const content = this.#oneOf(QUESTIONS);
    const pieces = client.chat(content, [{ role: "user", content }], CHAT, this.#cancelSource().token);
    return this.#judge(content, await all(pieces));
  }

  /** What one of the models says, or the beginning of it where the request was cancelled. */
  #judge(prompt: string, said: { readonly text: string; readonly result: { readonly finish: string } }): string {
    const answers = this.#expected.get(prompt) ?? [];
    const { finish } = said.result;
    if (finish === "cancelled" || finish === "superseded") {
      assert.ok(
        answers.some((answer) => answer.startsWith(said.text)),
        `'${prompt}' was answered by '${said.text}'`,
      );
      return "cancelled";
    }
    assert.ok(answers.includes(said.text), `'${prompt}' was answered by '${said.text}'`);
    return "answered";
  }

  async #count({ client }: Member): Promise<string> {
    const cancel = this.#cancelSource();
    const texts = [COUNTED, COUNTED.repeat(20_000)];
    const counts = await client.count(texts, cancel.token);
    if (cancel.token.isCancellationRequested) {
      return "cancelled";
    }
    assert.ok(counts.length === 2 && counts[1]! > counts[0]! * 1000, JSON.stringify(counts));
    return "answered";
  }

  async #open({ client }: Member): Promise<string> {
    await client.openModel(this.#choice());
    return "answered";
  }

  async #replace({ client }: Member): Promise<string> {
    await client.replaceModel(this.#choice());
    return "answered";
  }

  async #release({ client }: Member): Promise<string> {
    await client.releaseModel();
    await sleep(this.#prng.nextBelow(50));
    client.chooseModel(this.#choice());
    return "answered";
  }

  /** As a window that is reloaded: what it had asked for ends. */
  #reload(member: Member): Promise<string> {
    member.client.dispose();
    member.client = this.#client();
    return Promise.resolve("answered");
  }

  #kill(): Promise<string> {
    // A few in each hundred: an engine needs a moment to load a model.
    const isTime = this.#options.kills === "many" || this.#prng.nextBelow(3) === 0;
    const [pid] = isTime ? this.#world.pids() : [];
    if (pid !== undefined) {
      process.kill(pid, "SIGKILL");
      this.#kills += 1;
    }
    return Promise.resolve("answered");
  }
}

export async function runCrowd(world: World, options: CrowdOptions): Promise<CrowdReport> {
  const quiet = world.client();
  const paths = modelPaths();
  const expected = await quietAnswers(quiet, paths);
  quiet.dispose();
  return new Crowd(world, paths, expected, options).run();
}
