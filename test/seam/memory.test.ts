import assert from "node:assert/strict";
import type { EngineClient } from "../../src/engine/client/client";
import type { GeneratedToken } from "../../src/protocol/generation";
import { all, inWorld, STARTER, text } from "./engines";

const CODE = "const zebraCount = stripeTotal / whiskerFactor;\nreturn zebraCount;\n".repeat(3);
const WRITTEN = `${CODE}\nconst zebraCount = stripe`;
const PROMPT = text("const zebraCount = stripe");
const REQUEST = { priority: "completion", maxTokens: 12, stop: ["\n"] } as const;
const WITH_MEMORY = { ...REQUEST, memoryAt: WRITTEN.length };
const COPIED = "Total / whiskerFactor;";

async function said(client: EngineClient, request: object = WITH_MEMORY): Promise<string> {
  return (await all(client.complete("file:///a.ts", PROMPT, { ...REQUEST, ...request }))).text;
}

describe("the memory of a window", () => {
  it("is mixed with its own completions that ask for it, and with nobody else's", () =>
    inWorld(async (world) => {
      const [mine, other] = [world.client(), world.client()];
      mine.chooseModel({ path: STARTER });
      other.chooseModel({ path: STARTER });
      const alone = await said(other);
      mine.rememberDocument("file:///a.ts", WRITTEN);
      assert.equal(await said(mine), COPIED);
      assert.notEqual(alone, COPIED);
      // The same document, path and prompt.
      assert.equal(await said(other), alone);
      assert.equal(await said(mine, { memoryAt: undefined }), alone);
      assert.equal(await said(mine), COPIED);
      const { memory } = await other.stats();
      assert.equal(memory.documents, 1);
      assert.ok(memory.tokens > 10 && memory.bytes > memory.tokens);
    }));

  it("follows the document, and ends where that is closed, excluded, or its window gone", () =>
    inWorld(async (world) => {
      const [mine, other] = [world.client(), world.client()];
      mine.chooseModel({ path: STARTER });
      other.chooseModel({ path: STARTER });
      const alone = await said(other);
      mine.rememberDocument("file:///a.ts", WRITTEN);
      assert.equal(await said(mine), COPIED);
      mine.rememberDocument("file:///a.ts", WRITTEN.replaceAll("whiskerFactor", "tailCount"));
      assert.equal(await said(mine), "Total / tailCount;");
      mine.forgetDocuments(["file:///a.ts"]);
      assert.equal(await said(mine), alone);
      assert.equal(await mine.rememberFile("file:///b.ts", CODE), true);
      assert.equal(await said(mine), COPIED);
      mine.dispose();
      for (let documents = 1; documents > 0;) {
        ({ documents } = (await other.stats()).memory);
      }
    }));

  it("tells which tokens are from where", () =>
    inWorld(async (world) => {
      const client = world.client();
      client.chooseModel({ path: STARTER });
      client.rememberDocument("file:///a.ts", WRITTEN);
      const tokens: GeneratedToken[] = [];
      for await (const piece of client.complete("file:///a.ts", PROMPT, { ...WITH_MEMORY, logprobs: true })) {
        tokens.push(...(piece.tokens ?? []));
      }
      assert.ok(tokens.length > 2);
      assert.ok(tokens.some(({ origin }) => origin === "file"));
    }));

  it("refuses what is too long, saying how long it may be", () =>
    inWorld(async (world) => {
      const client = world.client();
      await client.openModel({ path: STARTER });
      const long = "x".repeat(7_600_000);
      await assert.rejects(
        client.rememberFile("file:///long.ts", long),
        /cannot remember a document of 7600000 characters; the longest has 7500000/,
      );
      assert.equal((await client.stats()).memory.tokens, 0);
    }));

  // 7 MB took 45 s in one piece.
  it("is read while another window is answered", () =>
    inWorld(async (world) => {
      const [mine, other] = [world.client(), world.client()];
      await mine.openModel({ path: STARTER });
      other.chooseModel({ path: STARTER });
      await said(other);
      const lines = Array.from(
        { length: 100_000 },
        (_, i) => `  return response.headers.contentType + "${String(i % 97)}";\n`,
      );
      const done = new AbortController();
      const reading = mine.rememberFile("file:///long.ts", lines.join("").slice(0, 7_000_000)).finally(() => {
        done.abort();
      });
      let answers = 0;
      while (!done.signal.aborted) {
        await said(other);
        answers += 1;
      }
      assert.equal(await reading, true);
      assert.ok(answers >= 5, `${String(answers)} answers`);
    }));
});
