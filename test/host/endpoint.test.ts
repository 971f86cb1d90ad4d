import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as vscode from "vscode";
import { ModelServer } from "../../src/endpoint/testing/modelServer";
import {
  closeAll,
  completed,
  hearth,
  notices,
  open,
  ready,
  requestAfter,
  requests,
  status,
  trigger,
  typeKeys,
  until,
  withSetting,
} from "./window";

const DOCUMENT = "def add(a, b):\n    return |\n";
const SECRET = "PASSWORD = 'hunter2-in-another-file'";

interface Proof {
  readonly markdown: string;
  readonly problems: readonly string[];
}

describe("an endpoint", () => {
  let server: ModelServer;

  beforeEach(async () => {
    server = await ModelServer.start();
    await closeAll();
  });

  afterEach(async () => {
    await vscode.commands.executeCommand("notifications.clearAll");
    await closeAll();
    await server.stop();
  });

  it("is off, then completes with what the model there says, and is told wherever one looks", async function () {
    this.timeout(150_000);
    await open(DOCUMENT, "python");
    await ready();
    assert.deepEqual(server.seen, []);
    server.says = [{ text: "a" }, { text: " + b" }];
    await withSetting("hearth.endpoint.url", server.url, async () => {
      await until("the endpoint is used", async () =>
        (await status()).details.join().includes("are sent to 127.0.0.1"),
      );
      // Another document is open: its code is no part of what is asked.
      await open(`${SECRET}\n|`, "python");
      const editor = await open(DOCUMENT, "python");
      assert.match(await completed(editor), /^a \+ b/);
      assert.ok(server.asked.length > 0);
      for (const { json, authorization } of server.asked) {
        assert.doesNotMatch(JSON.stringify(json), /hunter2/);
        assert.equal(authorization, undefined);
      }
      const { chat } = await hearth();
      if (chat !== undefined) {
        // A packaged Hearth shows its parts to nobody.
        assert.equal(chat.state().sentTo, new URL(server.url).host);
      }
      const proof = await vscode.commands.executeCommand<Proof>("hearth.proveOffline");
      assert.match(proof.problems.join("\n"), new RegExp(`sends code to the endpoint ${server.url}`));
      const folder = process.env["HEARTH_MODELS"] ?? "";
      assert.match(readFileSync(join(folder, "endpoints.json"), "utf8"), new RegExp(server.url));
      assert.match(readFileSync(join(folder, "requests.jsonl"), "utf8"), /"POST".*\/v1\/completions.*"endpoint"/);
    });
    await until("this machine computes again", async () => (await status()).details.join().includes("nothing is sent"));
    await until("that is noted", () => !existsSync(join(process.env["HEARTH_MODELS"] ?? "", "endpoints.json")));
    const before = server.seen.length;
    await open("def sub(a, b):\n    return |\n", "python");
    await requestAfter(trigger);
    assert.equal(server.seen.length, before);
  });

  it("without probabilities gives one line, marked in the status bar", async () => {
    server.form = "none";
    server.says = [{ text: "\n    one()" }, { text: "\n    two()\n" }];
    await withSetting("hearth.endpoint.url", server.url, async () => {
      const editor = await open("def f():|\n", "python");
      await until("the endpoint is used", async () =>
        (await status()).details.join().includes("are sent to 127.0.0.1"),
      );
      const inserted = await completed(editor);
      assert.match(inserted, /one\(\)/);
      assert.doesNotMatch(inserted, /two/);
      await until("it is marked", async () => (await status()).text.includes("(unfiltered)"));
      assert.ok((await requests()).some(({ isUnjudged }) => isUnjudged === true));
    });
    await ready();
  });

  it("that has no completions is asked once, which the status bar says, and again by hand", async () => {
    let isThere = false;
    server.says = [{ text: "a" }, { text: " + b" }];
    server.on = (_, response, { path }) => {
      if (!isThere && path === "/v1/completions") {
        server.fail(response, 404, "Not Found");
      }
      return !isThere && path === "/v1/completions";
    };
    await withSetting("hearth.endpoint.url", server.url, async () => {
      const editor = await open(DOCUMENT, "python");
      await until("the endpoint is used", () => server.seen.length > 0);
      await requestAfter(trigger);
      await until("it says so", async () => (await status()).details.join().includes("has no /completions"));
      const before = server.asked.length;
      for (const key of "abc") {
        await requestAfter(() => typeKeys(key));
      }
      assert.equal(server.asked.length, before, "it was asked at each key");
      assert.equal((await status()).state, "error");
      isThere = true;
      await vscode.commands.executeCommand("undo");
      await requestAfter(trigger);
      await until("it is asked by hand", () => server.asked.length > before);
      await until("nothing is said any more", async () => ["ready", "thinking"].includes((await status()).state));
      assert.equal(editor.document.languageId, "python");
    });
    await ready();
  });

  it("that is not there stands as a failure with what may help, and is found when it is there", async () => {
    let isThere = false;
    server.on = (_, response) => {
      if (!isThere) {
        server.fail(response, 401, "no");
      }
      return !isThere;
    };
    await withSetting("hearth.endpoint.url", server.url, async () => {
      await open(DOCUMENT, "python");
      await until("it has failed", async () => (await status()).state === "error");
      assert.match((await status()).details.join(), /wants a key \(401\)/);
      const told = await notices();
      if (told !== undefined) {
        assert.match(told.join(), /Set Endpoint Key…/);
      }
      isThere = true;
      await until("it is used", async () => {
        // Nothing is asked for a while after a failure; then by whatever is typed.
        await typeKeys("a");
        await sleep(200);
        return ["ready", "thinking"].includes((await status()).state);
      });
    });
    await ready();
  });
});
