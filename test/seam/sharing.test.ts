import { QWEN_FIM } from "../../src/protocol/prompt";
import assert from "node:assert/strict";
import { copyFileSync, readdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { CancelSource } from "../../src/core/cancellation";
import { engineAddress } from "../../src/engine/wire/address";
import type { EngineStatus, GenerationStatistics, ModelChoice } from "../../src/protocol/engine";
import { emptyReport, type GeneratedPiece } from "../../src/protocol/generation";
import { all, inWorld, LONG_PROMPT, servingPid, soon, STARTER, text, until, WILD } from "./engines";

const SHORT = { priority: "completion", maxTokens: 6 } as const;
const CHAT = { ...SHORT, priority: "chat" } as const;
/** Runs until it is stopped. */
const ENDLESS = { ...SHORT, maxTokens: 2500, sampler: WILD };
const PROMPT = text("function add(a, b) {\n  return ");

describe("windows that share an engine", () => {
  it("share one process and one model, and get the same text", () =>
    inWorld(async (world) => {
      const [a, b] = [world.client(), world.client()];
      a.chooseModel({ path: STARTER });
      b.chooseModel({ path: STARTER });
      const [first, second] = await Promise.all([
        all(a.complete("file:///x.ts", PROMPT, SHORT)),
        all(b.complete("file:///x.ts", PROMPT, SHORT)),
      ]);
      assert.equal(first.text, second.text);
      const { clients, loads, pid, sessions, finished } = await a.stats();
      assert.equal(await servingPid(b), pid);
      assert.deepEqual(world.pids(), [pid]);
      assert.equal(clients, 2);
      assert.equal(loads, 1);
      // The same document of two windows is two documents.
      assert.equal(sessions.completion, 2);
      assert.equal(finished.superseded + finished.cancelled, 0);
    }));

  it("start nothing and load nothing before it is needed", () =>
    inWorld(async (world) => {
      const client = world.client();
      client.chooseModel({ path: STARTER });
      assert.deepEqual(world.pids(), []);
      await client.start();
      assert.equal((await client.stats()).loads, 0);
      assert.deepEqual((await client.stats()).status, { kind: "empty" });
    }));

  it("are told of the model's progress, its facts and its statistics", () =>
    inWorld(async (world) => {
      const statuses: EngineStatus[] = [];
      const statistics: GenerationStatistics[] = [];
      const client = world.client({ onStatus: (s) => statuses.push(s), onStatistics: (f) => statistics.push(f) });
      const info = await soon("the model", client.openModel({ path: STARTER, load: { threads: 1 } }));
      assert.equal(info.threads, 1);
      assert.deepEqual(info.traits, { fimLayouts: [], fileHeader: true, otherFiles: false, fim: QWEN_FIM });
      assert.deepEqual(statuses[0], { kind: "loading", path: STARTER, part: 0 });
      assert.deepEqual(statuses.at(-1), { kind: "ready", model: info });
      const parts = statuses.flatMap((status) => (status.kind === "loading" ? [status.part] : []));
      assert.ok(parts.every((part, i) => part >= (parts[i - 1] ?? 0) && part <= 1));
      await all(client.complete("a", PROMPT, SHORT));
      const [told] = await until("statistics come", () => statistics.length > 0 && statistics);
      assert.ok(told!.decodeTps! > 0 && told!.prefillTps! > 0 && told!.memoryBytes > 0);
      assert.ok(told!.expertHitRate! >= 0 && told!.expertHitRate! <= 1);
    }));

  it("compute with half of the threads while power is short in the window that asks", () =>
    inWorld(async (world) => {
      let savesPower = false;
      const saving = world.client({ savesPower: () => savesPower });
      const other = world.client();
      const model = { path: STARTER, load: { threads: 4 } };
      await saving.openModel(model);
      other.chooseModel(model);
      const ask = async (client: typeof saving): Promise<readonly [string, number | undefined]> => {
        const answer = await all(client.complete("a", PROMPT, SHORT));
        return [answer.text, (await client.stats()).statistics.threads];
      };
      const [expected, threads] = await ask(saving);
      assert.equal(threads, 4);
      savesPower = true;
      assert.deepEqual(await ask(saving), [expected, 2]);
      assert.deepEqual(await ask(other), [expected, 4]);
      await all(saving.chat("c", [{ role: "user", content: "hello" }], CHAT));
      assert.equal((await saving.stats()).statistics.threads, 2);
      savesPower = false;
      assert.deepEqual(await ask(saving), [expected, 4]);
    }));

  it("share one full context where memory is short, and say what is too little", () =>
    inWorld(async (world) => {
      const client = world.client();
      const within = (bytes: number): ModelChoice => ({
        path: STARTER,
        load: { memoryBudgetBytes: bytes, contextTokens: 4096 },
      });
      const refusal = /the smallest that works is (\d+) MiB/;
      const message = await client.openModel(within(40 * 2 ** 20)).then(
        () => "",
        (error: unknown) => (error as Error).message,
      );
      const smallest = Number(refusal.exec(message)?.[1]) * 2 ** 20;
      assert.ok(smallest > 40 * 2 ** 20, message);
      // The process is a little larger or smaller each time that one asks. Three contexts would not fit.
      await client.openModel(within(smallest + 12 * 2 ** 20));
      const first = await all(client.complete("a", LONG_PROMPT, SHORT));
      await all(client.complete("b", PROMPT, SHORT));
      assert.equal((await all(client.complete("a", LONG_PROMPT, SHORT))).text, first.text);
    }));

  it("are told what reading costs where experts do not all fit", () =>
    inWorld(async (world) => {
      const client = world.client();
      client.chooseModel({ path: STARTER, load: { expertSlots: 7 } });
      await all(client.complete("a", LONG_PROMPT, SHORT));
      const { reading, expertHitRate } = (await client.stats()).statistics;
      assert.equal(reading?.slots, 7);
      assert.ok(reading.bytesPerToken > 0 && reading.waitedMsPerToken >= 0);
      assert.ok(reading.lateRate >= 0 && reading.lateRate <= 1 - expertHitRate!);
    }));

  it("give memory back while nobody asks, and remember which experts were hot", () =>
    inWorld(async (world) => {
      const client = world.client();
      client.chooseModel({ path: STARTER, load: { idleTrimMs: 50 } });
      const first = await all(client.complete("a", LONG_PROMPT, SHORT));
      const written = await until("the hot experts are written", () =>
        readdirSync(join(engineAddress(world.env).logPath, "..")).find((name) => name.startsWith("experts-")),
      );
      assert.match(written, /\.json$/);
      assert.equal((await all(client.complete("a", LONG_PROMPT, SHORT))).text, first.text);
    }));

  it("evaluate only what is new in a document, also when another was in between", () =>
    inWorld(async (world) => {
      const client = world.client();
      client.chooseModel({ path: STARTER });
      const first = await all(client.complete("a", LONG_PROMPT, SHORT));
      assert.equal(first.result.reusedTokens, 0);
      await all(client.complete("b", PROMPT, SHORT));
      const again = await all(client.complete("a", LONG_PROMPT, SHORT));
      assert.equal(again.text, first.text);
      assert.ok(again.result.reusedTokens >= again.result.promptTokens - 1);
      assert.equal((await client.stats()).sessions.completion, 2);
    }));

  it("never keep more than two completion sessions and one for chat", () =>
    inWorld(async (world) => {
      const client = world.client();
      client.chooseModel({ path: STARTER });
      const documents = ["a", "b", "c", "d", "e"];
      const texts = await Promise.all(
        documents.map(async (document) => (await all(client.complete(document, PROMPT, SHORT))).text),
      );
      assert.equal(new Set(texts).size, 1);
      await all(client.chat("1", [{ role: "user", content: "hello" }], { ...CHAT, maxTokens: 3 }));
      await all(client.chat("2", [{ role: "user", content: "hello" }], { ...CHAT, maxTokens: 3 }));
      assert.deepEqual((await client.stats()).sessions, { completion: 2, chat: 1 });
    }));

  it("end at the end of a line where one line is asked for", () =>
    inWorld(async (world) => {
      const client = world.client();
      client.chooseModel({ path: STARTER });
      const { text: line } = await all(
        client.complete("a", LONG_PROMPT, {
          ...SHORT,
          maxTokens: 200,
          stop: ["\n"],
          sampler: { ...WILD, temperature: 2 },
        }),
      );
      assert.doesNotMatch(line, /\n/);
    }));

  it("are told how likely each token was, along with the text", () =>
    inWorld(async (world) => {
      const client = world.client();
      client.chooseModel({ path: STARTER });
      const plain = await all(client.complete("a", PROMPT, SHORT));
      const pieces: GeneratedPiece[] = [];
      const stream = client.complete("b", PROMPT, { ...SHORT, logprobs: true, watched: ["\n"] });
      for await (const piece of stream) {
        pieces.push(piece);
      }
      assert.equal(pieces.map((piece) => piece.text).join(""), plain.text);
      const tokens = pieces.flatMap((piece) => piece.tokens ?? []);
      assert.ok(tokens.length >= plain.result.generatedTokens);
      for (const { logprob, watched } of tokens) {
        assert.ok(Number.isFinite(logprob) && logprob <= 0 && watched?.length === 1 && watched[0]! < 0);
      }
      await assert.rejects(all(client.complete("a", PROMPT, { ...SHORT, logprobs: true, watched: [""] })), {
        code: "bad_request",
      });
    }));

  it("count and tokenise as the model does", () =>
    inWorld(async (world) => {
      const client = world.client();
      client.chooseModel({ path: STARTER });
      const ids = await client.tokenize(PROMPT);
      assert.deepEqual(await client.count(["function add(a, b) {\n  return ", ""]), [ids.length, 0]);
      await assert.rejects(client.tokenize([{ kind: "special", token: "<|nothing|>" }]), { code: "bad_request" });
    }));
});

describe("a model that is chosen in one window", () => {
  const COPY = "copy.gguf";

  it("takes the place of the one before in all windows, which are told", () =>
    inWorld(async (world) => {
      const copy = join(world.folder, "..", COPY);
      copyFileSync(STARTER, copy);
      const told: EngineStatus[] = [];
      const [mine, other] = [world.client(), world.client({ onStatus: (status) => told.push(status) })];
      const before = await mine.openModel({ path: STARTER });
      assert.deepEqual(await other.openModel({ path: copy }), before, "another window has chosen first");
      const running = mine.complete("a", LONG_PROMPT, ENDLESS);
      await soon("text", running.next());
      const now = await mine.replaceModel({ path: copy, load: { threads: 1 } });
      assert.deepEqual([now.path, now.threads, now.loadId], [copy, 1, before.loadId + 1]);
      assert.equal((await all(running)).result.finish, "cancelled");
      await until("the other window is told", () => {
        const last = told.at(-1);
        return last?.kind === "ready" && last.model.loadId === now.loadId;
      });
      assert.equal((await all(other.complete("a", PROMPT, SHORT))).result.finish, "limit");
      assert.equal((await other.stats()).loads, 2);
    }));

  it("is refused where it is none, and the one before goes on without a pause", () =>
    inWorld(async (world) => {
      const bad = join(world.folder, "..", "bad.gguf");
      copyFileSync(STARTER, bad);
      truncateSync(bad, 5000);
      const [mine, other] = [world.client(), world.client()];
      const { loadId } = await mine.openModel({ path: STARTER });
      await other.openModel({ path: STARTER });
      await assert.rejects(mine.replaceModel({ path: bad }), { code: "bad_model" });
      for (const client of [mine, other]) {
        assert.equal((await all(client.complete("a", PROMPT, SHORT))).result.finish, "limit");
      }
      assert.equal((await mine.stats()).loads, loadId);
    }));

  it("takes the place of one that cannot be used, whatever is asked meanwhile", () =>
    inWorld(async (world) => {
      const bad = join(world.folder, "..", "bad-too.gguf");
      copyFileSync(STARTER, bad);
      truncateSync(bad, 5000);
      const client = world.client();
      await assert.rejects(client.openModel({ path: bad }), { code: "bad_model" });
      const replaced = client.replaceModel({ path: STARTER });
      // Another choice now would be that of the one before.
      const [first, second] = await Promise.all([
        all(client.complete("a", PROMPT, SHORT)),
        all(client.complete("b", PROMPT, SHORT)),
        replaced,
      ]);
      assert.deepEqual([first.result.finish, second.result.finish], ["limit", "limit"]);
      assert.equal((await client.stats()).status.kind, "ready");
    }));

  it("gets no prompt that was laid out for the one before", () =>
    inWorld(async (world) => {
      const client = world.client();
      const { loadId } = await client.openModel({ path: STARTER });
      await client.replaceModel({ path: STARTER, load: { threads: 1 } });
      // As a window sends that has not been told yet.
      const early = { ...SHORT, loadId };
      assert.equal((await all(client.complete("a", PROMPT, early))).result.finish, "cancelled");
      assert.equal((await all(client.complete("a", PROMPT, SHORT))).result.finish, "limit");
    }));
});

describe("an engine that is restarted in one window", () => {
  it("is another process, for all windows and without a word of a crash", () =>
    inWorld(async (world) => {
      const states: string[] = [];
      const [mine, other] = [
        world.client(),
        world.client({
          onConnection: (state) =>
            states.push(state.kind === "disconnected" ? `restart ${String(state.isRestart)}` : state.kind),
        }),
      ];
      await mine.openModel({ path: STARTER });
      await other.openModel({ path: STARTER });
      const before = await servingPid(mine);
      await mine.restart();
      const after = await servingPid(mine);
      assert.notEqual(after, before);
      assert.equal((await all(other.complete("a", PROMPT, SHORT))).result.finish, "limit");
      assert.equal(await servingPid(other), after);
      assert.deepEqual(states, ["starting", "connected", "restart true", "starting", "connected"]);
      await until("only one is left", () => world.pids().length === 1);
    }));

  it("is started where none runs", () =>
    inWorld(async (world) => {
      const client = world.client();
      await client.restart();
      assert.equal((await client.stats()).clients, 1);
    }));
});

describe("requests", () => {
  it("a newer one for the same document supersedes the older", () =>
    inWorld(async (world) => {
      const client = world.client();
      client.chooseModel({ path: STARTER });
      const older = client.complete("a", LONG_PROMPT, ENDLESS);
      const begun = await soon("text", older.next());
      assert.equal(begun.done, false);
      const newer = await all(client.complete("a", PROMPT, SHORT));
      assert.equal(newer.result.finish, "limit");
      assert.equal((await all(older)).result.finish, "cancelled");
      const { finished } = await client.stats();
      assert.deepEqual([finished.superseded, finished.limit], [1, 1]);
    }));

  it("of many for one document only the last is answered", () =>
    inWorld(async (world) => {
      const client = world.client();
      client.chooseModel({ path: STARTER });
      const requests = [1, 2, 3, 4, 5].map((n) => client.complete("a", text(`let x${String(n)} = `), SHORT));
      const results = await Promise.all(requests.map((request) => all(request)));
      assert.deepEqual(
        results.map(({ result }) => result.finish === "cancelled"),
        [true, true, true, true, false],
      );
    }));

  it("end when cancelled in their prompt, and the session goes on", () =>
    inWorld(async (world) => {
      const client = world.client();
      client.chooseModel({ path: STARTER });
      await all(client.complete("b", PROMPT, SHORT));
      const cancel = new CancelSource();
      const pieces = client.complete("a", LONG_PROMPT, ENDLESS, cancel.token);
      const waiting = pieces.next();
      // Sent by now; one that is cancelled before never reaches the engine.
      await nextTurn();
      cancel.cancel();
      // The reader hears at once; the engine soon.
      assert.deepEqual(await waiting, { done: true, value: emptyReport("cancelled") });
      await until("the engine has ended it", async () => (await client.stats()).finished.cancelled === 1);
      assert.equal((await all(client.complete("a", LONG_PROMPT, SHORT))).result.finish, "limit");
    }));

  it("end when their reader leaves", () =>
    inWorld(async (world) => {
      const client = world.client();
      client.chooseModel({ path: STARTER });
      for await (const piece of client.complete("a", PROMPT, ENDLESS)) {
        assert.notEqual(piece.text, "");
        break;
      }
      await until("the engine has ended it", async () => (await client.stats()).finished.cancelled === 1);
    }));

  it("end when their window goes", () =>
    inWorld(async (world) => {
      const [going, staying] = [world.client(), world.client()];
      going.chooseModel({ path: STARTER });
      await staying.start();
      await soon("text", going.complete("a", PROMPT, ENDLESS).next());
      going.dispose();
      await until("the engine has ended it", async () => (await staying.stats()).finished.cancelled === 1);
      assert.equal((await staying.stats()).clients, 1);
    }));

  it("end at once, also where the next one asks for what was being generated", () =>
    inWorld(async (world) => {
      const client = world.client();
      client.chooseModel({ path: STARTER });
      const pieces = client.complete("a", LONG_PROMPT, ENDLESS);
      await soon("text", pieces.next());
      await pieces.return(emptyReport("cancelled"));
      const next = await all(client.complete("a", LONG_PROMPT, SHORT));
      assert.equal(next.result.finish, "limit");
      assert.match((await soon("its report", pieces.report))?.finish ?? "", /^(cancelled|superseded)$/);
      const { finished } = await client.stats();
      assert.equal(finished.cancelled + finished.superseded, 1);
    }));

  it("to complete go before a chat, which goes on", () =>
    inWorld(async (world) => {
      const client = world.client();
      client.chooseModel({ path: STARTER });
      const answer = client.chat("c", [{ role: "user", content: "hello" }], { ...ENDLESS, priority: "chat" });
      await soon("text", answer.next());
      const { result } = await all(client.complete("a", PROMPT, SHORT));
      assert.equal(result.finish, "limit");
      const { finished } = await client.stats();
      assert.equal(
        Object.values(finished).reduce((sum, n) => sum + n),
        1,
        "the chat still runs",
      );
      const next = await soon("text", answer.next());
      assert.equal(next.done, false);
      await answer.return(emptyReport("cancelled"));
      await until("the chat has ended", async () => (await client.stats()).finished.cancelled === 1);
    }));

  it("that are wrong are refused, and the next one works", () =>
    inWorld(async (world) => {
      const client = world.client();
      await assert.rejects(all(client.complete("a", PROMPT, SHORT)), { code: "bad_request", message: /no model/ });
      client.chooseModel({ path: STARTER });
      await assert.rejects(all(client.complete("a", [], SHORT)), { code: "bad_request", message: /empty prompt/ });
      await assert.rejects(all(client.complete("a", PROMPT, { ...SHORT, maxTokens: -1 })), { code: "bad_request" });
      await assert.rejects(all(client.complete("a", text("x".repeat(9_000_000)), SHORT)), { code: "bad_request" });
      assert.equal((await all(client.complete("a", PROMPT, SHORT))).result.finish, "limit");
    }));
});

describe("models", () => {
  it("one that cannot be loaded is an error, and the process survives", () =>
    inWorld(async (world) => {
      const bad = join(world.folder, "..", "bad.gguf");
      copyFileSync(STARTER, bad);
      truncateSync(bad, 2_000_000);
      const statuses: EngineStatus[] = [];
      const client = world.client({ onStatus: (status) => statuses.push(status) });
      await assert.rejects(client.openModel({ path: bad }), { code: "bad_model", message: /bad\.gguf/ });
      const pid = await servingPid(client);
      const told = statuses.at(-1)!;
      assert.ok(told.kind === "failed" && told.path === bad && told.code === "bad_model");
      await assert.rejects(all(client.complete("a", PROMPT, SHORT)), { code: "bad_model" });
      // Mended, and asked for again.
      copyFileSync(STARTER, bad);
      await client.openModel({ path: bad });
      assert.equal((await all(client.complete("a", PROMPT, SHORT))).result.finish, "limit");
      assert.equal(await servingPid(client), pid);
    }));

  it("one that is not there is an error that says so", () =>
    inWorld(async (world) => {
      const client = world.client();
      await assert.rejects(client.openModel({ path: "/no/such/model.gguf" }), { message: /no such file/ });
      writeFileSync(join(world.folder, "..", "page.gguf"), "<html>");
      await assert.rejects(client.openModel({ path: join(world.folder, "..", "page.gguf") }), { code: "bad_model" });
    }));

  it("another one is loaded for a window that is alone, without asking anybody", () =>
    inWorld(async (world) => {
      const other = join(world.folder, "..", "other.gguf");
      copyFileSync(STARTER, other);
      const [a, b] = [world.client(), world.client()];
      await a.openModel({ path: STARTER });
      assert.equal((await b.openModel({ path: other })).path, STARTER);
      await a.releaseModel();
      assert.equal((await b.openModel({ path: other })).path, other);
      assert.equal((await a.openModel({ path: STARTER })).path, other);
      await a.releaseModel();
      assert.equal((await b.stats()).loads, 2);
      // Also in the middle of a request.
      const pieces = b.complete("a", PROMPT, ENDLESS);
      await soon("text", pieces.next());
      await b.openModel({ path: STARTER });
      assert.equal((await all(pieces)).result.finish, "cancelled");
      assert.equal((await all(b.complete("a", PROMPT, SHORT))).result.finish, "limit");
    }));

  it("the last one to want none gives the memory back", () =>
    inWorld(async (world) => {
      const [a, b] = [world.client(), world.client()];
      await a.openModel({ path: STARTER });
      await b.openModel({ path: STARTER });
      await a.releaseModel();
      assert.equal((await b.stats()).status.kind, "ready");
      await b.releaseModel();
      assert.deepEqual((await b.stats()).status, { kind: "empty" });
      await b.openModel({ path: STARTER });
      assert.equal((await b.stats()).loads, 2);
    }));
});
