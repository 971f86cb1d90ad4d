import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import * as vscode from "vscode";
import type { WindowChat } from "../../src/vscode/chat/windowChat";
import { FakeChatView } from "./fakeChatView";
import { endScriptedEngine, script, startScriptedEngine } from "./scriptedProcess";
import { closeAll, completed, hearth, open, ready, show, stats, until, withSetting } from "./window";

const DOCUMENT = "export function add(a: number, b: number): number {\n  return a + b;\n}\n|";

/** Before VS Code 1.127 a provider does not hear of a cancel that comes after the first text. */
const RELIABLE_CANCEL_MINOR = 127;

/** Undefined in a packaged extension, where chats are private. */
async function chatOfWindow(): Promise<WindowChat | undefined> {
  return (await hearth()).chat;
}

describe("the chat", function () {
  let chat: WindowChat;
  let view: FakeChatView;

  before(async function () {
    const found = await chatOfWindow();
    if (found === undefined) {
      this.skip();
    }
    chat = found;
  });

  beforeEach(async () => {
    view = FakeChatView.shownBy(chat);
    await chat.startNewQuietly();
  });

  afterEach(async () => {
    view.say({ kind: "stop" });
    view.dispose();
    await closeAll();
  });

  describe("with a model that was not made for it", () => {
    before(async () => {
      await open(DOCUMENT, "typescript");
      await ready();
    });

    it("asks nothing of it, and says so", async () => {
      assert.deepEqual(view.state.model.kind, "cannotChat");
      view.say({ kind: "send", text: "What is a router?" });
      const { state } = await view.answered("failed");
      assert.ok(state.kind === "failed" && state.message.includes("not trained for chat"));
      assert.equal((await stats()).sessions.chat, 0);
    });

    it("asks it all the same where the user wants to see that", async () => {
      view.say({ kind: "send", text: "const a = 1;" });
      await view.answered("failed");
      view.say({ kind: "tryAnyway" });
      await until("it says something", () => view.answer?.text !== "" && view.answer?.state.kind !== "failed");
      assert.deepEqual([view.state.model.kind === "cannotChat" && view.state.model.tried], [true]);
      view.say({ kind: "stop" });
      assert.equal((await view.answered("stopped")).state.kind, "stopped");
    });
  });

  describe("with an engine that says what a test wants", () => {
    before(startScriptedEngine);
    after(endScriptedEngine);

    it("shows an answer while it is written, in few messages, and what it cost", async () => {
      view.forgetMessages();
      const words = Array.from({ length: 60 }, (_, i) => `word${String(i)}`).join(" ");
      const begun = performance.now();
      const { text, statistics } = await view.ask(`Count.${script({ say: words, msPerToken: 5 })}`);
      const lastedMs = performance.now() - begun;
      assert.equal(text, words);
      assert.equal(statistics?.generatedTokens, 60);
      assert.ok(statistics.decodeTps! > 0);
      const texts = view.messages.filter(({ kind }) => kind === "text").length;
      assert.ok(texts >= 3);
      // One in 30 ms at most, however many tokens came in them (chatView.ts).
      assert.ok(texts <= lastedMs / 30 + 1, `${String(texts)} in ${String(lastedMs)} ms`);
      const others = view.messages.length - texts;
      assert.ok(others < 10, `${String(others)} messages beside the text`);
      const { model, context } = view.state;
      assert.ok(model.kind === "ready" && model.decodeTps! > 0);
      assert.equal(context.usedTokens, statistics.promptTokens + 60);
      assert.equal(context.limitTokens, 4096);
    });

    it("stops an answer when the user says so", async () => {
      view.say({ kind: "send", text: `Go on.${script({ say: "on and", forever: true })}` });
      await until("it is written", () => (view.answer?.text.length ?? 0) > 50);
      const { cancelled } = (await stats()).finished;
      view.say({ kind: "stop" });
      const { text } = await view.answered("stopped");
      assert.match(text, /^on andon and/);
      await until("the engine has stopped", async () => (await stats()).finished.cancelled === cancelled + 1);
      await sleep(100);
      assert.equal(view.answer?.text, text);
    });

    it("gives a message back that comes while an answer runs", async () => {
      view.say({ kind: "send", text: `Go on.${script({ say: "on ", forever: true })}` });
      await until("it is written", () => (view.answer?.text.length ?? 0) > 5);
      view.say({ kind: "send", text: "And this?" });
      await until("it is given back", () =>
        view.messages.some((message) => message.kind === "focus" && message.draft === "And this?"),
      );
      assert.equal(view.state.conversation.turns.length, 2);
      view.say({ kind: "draft", text: "" });
    });

    it("gives another answer to the same question, and another one to another", async () => {
      const first = await view.ask(`Which?${script({ say: ["The first.", "The second."] })}`);
      assert.equal(first.text, "The first.");
      view.say({ kind: "regenerate", turn: first.id });
      await until("there is another", () => view.answer?.id !== first.id);
      assert.equal((await view.answered()).text, "The second.");
      const [question] = view.state.conversation.turns;
      view.say({ kind: "resend", turn: question!.id, text: `Else?${script({ say: "Something else." })}` });
      await until("the question is another", () => view.state.conversation.turns[0]?.id !== question!.id);
      assert.equal((await view.answered()).text, "Something else.");
      assert.equal(view.state.conversation.turns.length, 2);
    });

    it("reads only what is new of a turn", async () => {
      const first = await view.ask("One?");
      const second = await view.ask("Two?");
      assert.ok(second.statistics!.reusedTokens >= first.statistics!.promptTokens - 1);
      assert.ok(second.statistics!.promptTokens > first.statistics!.promptTokens);
    });

    it("survives its view, also in the middle of an answer", async () => {
      view.say({ kind: "send", text: `Go on.${script({ say: "word ", forever: true, msPerToken: 10 })}` });
      await until("it is written", () => (view.answer?.text.length ?? 0) > 20);
      const before = view.answer!.text;
      view.dispose();
      await sleep(100);
      view = FakeChatView.shownBy(chat);
      const again = view.answer;
      assert.ok(again !== undefined && again.text.startsWith(before) && again.text.length > before.length);
      assert.equal(again.state.kind, "running");
      await until("it goes on", () => view.answer!.text.length > again.text.length + 20);
      view.say({ kind: "stop" });
      const { text } = await view.answered("stopped");
      assert.equal(text, "word ".repeat(400).slice(0, text.length));
    });

    it("keeps what is written and not sent", () => {
      view.say({ kind: "draft", text: "How do I" });
      view.dispose();
      view = FakeChatView.shownBy(chat);
      assert.equal(view.state.draft, "How do I");
      view.say({ kind: "draft", text: "" });
    });

    it("keeps conversations, renames, exports and deletes them", async () => {
      await view.ask(`Remember me.${script({ say: "```ts\nlet a" })}`);
      const { id, title } = view.state.conversation;
      assert.match(title, /^Remember me\. script/);
      view.say({ kind: "renameConversation", conversation: id, title: "Mine" });
      await until("it has its name", () => view.state.conversation.title === "Mine");
      view.say({ kind: "exportConversation", conversation: id });
      const document = await until("it is shown", () => {
        const shown = vscode.window.activeTextEditor?.document;
        return shown?.languageId === "markdown" && shown;
      });
      assert.match(document.getText(), /^# Mine\n\n## You\n[^]*\n## Hearth\n\n```ts\nlet a\n```\n$/);
      await chat.startNewQuietly();
      assert.equal(view.state.conversation.turns.length, 0);
      await until("the list has been read again", () =>
        view.state.conversations.some((each) => each.id === id && each.title === "Mine" && each.turns === 2),
      );
      view.say({ kind: "openConversation", conversation: id });
      await until("it is shown again", () => view.state.conversation.id === id);
      assert.equal(view.state.conversation.turns.length, 2);
      view.say({ kind: "deleteConversation", conversation: id });
      await until("it is gone", () => view.state.conversations.every((each) => each.id !== id));
      assert.equal(view.state.conversation.turns.length, 0);
    });

    it("takes nothing from its page that the page must not say", async () => {
      const before = JSON.stringify(view.state);
      for (const nonsense of [
        undefined,
        null,
        "send",
        {},
        { kind: "eval" },
        { kind: "send" },
        { kind: "send", text: 1 },
      ]) {
        view.sayAnything(nonsense);
      }
      view.say({ kind: "regenerate", turn: 99 });
      view.say({ kind: "openConversation", conversation: "../../etc" });
      view.say({ kind: "attach", mention: { name: "../../../etc/passwd", kind: "file", detail: "" } });
      await sleep(100);
      assert.equal(JSON.stringify(view.state), before);
    });

    it("has a page that allows nothing but its own files", () => {
      const { html, options } = view.webview;
      assert.match(
        html,
        /default-src 'none'; style-src https:\/\/csp\.example; font-src https:\/\/csp\.example; script-src 'nonce-\w{32}'/,
      );
      assert.doesNotMatch(html, /unsafe/);
      assert.deepEqual(
        options.localResourceRoots?.map(({ path }) => path.split("/").at(-1)),
        ["dist"],
      );
    });

    it("copies code, and inserts it at the cursor", async () => {
      view.say({ kind: "copyCode", code: "let copied;" });
      await until("it is in the clipboard", async () => (await vscode.env.clipboard.readText()) === "let copied;");
      const editor = await open("a|c", "plaintext");
      view.say({ kind: "insertCode", code: "b\n" });
      await until("it is inserted", () => editor.document.getText() === "ab\nc");
    });

    it("lets completions come while it writes", async () => {
      view.say({ kind: "send", text: `Go on.${script({ say: "word ", forever: true, msPerToken: 20 })}` });
      await until("it is written", () => (view.answer?.text.length ?? 0) > 10);
      assert.notEqual(await completed(await open(DOCUMENT, "typescript")), "");
      assert.equal(view.answer?.state.kind, "running");
    });

    it("answers also where completion is off, and keeps the model as long as it is looked at", async () => {
      await withSetting("hearth.completion.mode", "off", async () => {
        assert.match((await view.ask("Still there?")).text, /scripted/);
        await withSetting("hearth.engine.keepAliveMinutes", 6, async () => {
          await sleep(200);
          assert.equal((await stats()).status.kind, "ready");
        });
        view.dispose();
        await until("the model is given back", async () => (await stats()).status.kind === "empty");
      });
      await open(DOCUMENT, "typescript");
      await ready();
    });

    it("is asked by other commands, and has what it cannot ask now in its input", async () => {
      view.dispose();
      await vscode.commands.executeCommand("hearth.chat.ask", {
        text: `Explain.${script({ say: "on and ", forever: true })}`,
      });
      const last = () => chat.state().conversation.turns.at(-1);
      await until("it is written", () => (last()?.text.length ?? 0) > 20);
      await vscode.commands.executeCommand("hearth.chat.ask", { text: "Later." });
      assert.equal(chat.state().draft, "Later.");
      await chat.receive({ kind: "stop" });
      await chat.receive({ kind: "draft", text: "" });
      await vscode.commands.executeCommand("workbench.action.closeAuxiliaryBar");
      await assert.rejects(async () => vscode.commands.executeCommand("hearth.chat.ask", "text"), /takes \{text\}/);
    });

    it("explains code in a conversation of its own, with the code as an attachment", async () => {
      await view.ask("First of all.");
      const before = chat.state().conversation.id;
      const { document } = await open(DOCUMENT, "typescript");
      await vscode.commands.executeCommand("hearth.explain", {
        uri: document.uri,
        range: new vscode.Range(1, 2, 1, 2),
      });
      const asked = await until("it is asked", () => {
        const { conversation } = chat.state();
        const [first] = conversation.turns;
        return conversation.id !== before && first?.kind === "user" ? first : undefined;
      });
      assert.equal(asked.text, "/explain");
      const [attached, ...others] = asked.attachments;
      assert.equal(attached?.kind, "selection");
      assert.match(attached.label, /:1-3$/);
      assert.deepEqual(others, []);
      await until("it is answered", () => chat.state().conversation.turns.at(-1)?.text.includes("scripted"));
      assert.match(chat.state().conversation.title, /^explain /);
    });

    describeAttachments(() => view);
    describeLanguageModel();
  });

  it("opens beside the editor, with its page", async () => {
    view.dispose();
    await vscode.commands.executeCommand("hearth.chat.open");
    await until("it is visible", () => chat.view.isVisible);
    await until("its page is drawn", () => chat.view.isListening);
    await vscode.commands.executeCommand("workbench.action.closeAuxiliaryBar");
    await until("it is hidden", () => !chat.view.isVisible);
  });
});

function describeAttachments(viewOf: () => FakeChatView): void {
  const labels = (): string[] => viewOf().state.attachments.map(({ label }) => label);

  it("takes the document along that is worked in, unless the user does not want that", async () => {
    const view = viewOf();
    const editor = await open(DOCUMENT, "typescript");
    const name = editor.document.uri.path;
    await until("it is there", () => labels().join() === name);
    assert.ok(view.state.attachments[0]!.tokens > 5);
    const { id } = view.state.attachments[0]!;
    await view.ask("What is this?");
    const [question] = view.state.conversation.turns;
    assert.ok(question?.kind === "user");
    assert.deepEqual(
      question.attachments.map(({ label }) => label),
      [name],
    );
    view.say({ kind: "detach", attachment: id });
    await until("it is gone", () => labels().length === 0);
    await open("other|", "typescript");
    await sleep(100);
    assert.deepEqual(labels(), []);
    view.say({ kind: "attach", mention: { name: "editor", kind: "editor", detail: "" } });
    await until("it is back", () => labels().length === 1);
  });

  it("takes whole lines of a selection along in place of their document", async () => {
    const editor = await open(DOCUMENT, "typescript");
    editor.selection = new vscode.Selection(1, 4, 2, 0);
    await vscode.commands.executeCommand("hearth.chat.sendSelection");
    await vscode.commands.executeCommand("workbench.action.closeAuxiliaryBar");
    const view = FakeChatView.shownBy((await chatOfWindow())!);
    await until("it is there", () => view.state.attachments.length === 1);
    assert.equal(view.state.attachments[0]!.label, `${editor.document.uri.path}:2`);
    await view.ask("What is this?");
    await until("it is gone", () => view.state.attachments.every(({ kind }) => kind === "editor"));
    view.dispose();
  });

  it("names files of the workspace, and none that must not be read", async () => {
    const view = viewOf();
    const [folder] = vscode.workspace.workspaceFolders ?? [];
    assert.ok(folder);
    const secret = vscode.Uri.joinPath(folder.uri, ".env");
    const file = vscode.Uri.joinPath(folder.uri, "mentioned.ts");
    await vscode.workspace.fs.writeFile(secret, Buffer.from("KEY=1"));
    await vscode.workspace.fs.writeFile(file, Buffer.from("let mentioned;\n"));
    // A list of files is kept for a while.
    const namesFor = async (query: string): Promise<string[]> => {
      view.forgetMessages();
      view.say({ kind: "mentions", query });
      const answer = await until("the answer comes", () => view.messages.find(({ kind }) => kind === "mentions"));
      assert.ok(answer.kind === "mentions" && answer.query === query);
      return answer.mentions.map(({ name }) => name);
    };
    await until("the file is found", async () => (await namesFor("mentio")).includes("mentioned.ts"));
    assert.ok(!(await namesFor("env")).includes(".env"));
    view.say({ kind: "attach", mention: { name: ".env", kind: "file", detail: "" } });
    view.say({ kind: "attach", mention: { name: "mentioned.ts", kind: "file", detail: "" } });
    await until("it is there", () => labels().includes("mentioned.ts"));
    assert.ok(!labels().includes(".env"));
    const document = await vscode.workspace.openTextDocument(secret);
    await show(document, 0);
    await sleep(100);
    assert.ok(!labels().includes(".env"));
    await vscode.workspace.fs.delete(secret);
    await vscode.workspace.fs.delete(file);
  });

  it("takes the problems of a document along", async () => {
    const view = viewOf();
    const { document } = await open(DOCUMENT, "typescript");
    const collection = vscode.languages.createDiagnosticCollection("test");
    collection.set(document.uri, [new vscode.Diagnostic(new vscode.Range(1, 0, 1, 5), "no\ngood")]);
    view.say({ kind: "attach", mention: { name: "problems", kind: "problems", detail: "" } });
    await until("they are there", () => labels().some((label) => label.startsWith("problems in ")));
    collection.dispose();
  });
}

function describeLanguageModel(): void {
  const models = (): Thenable<vscode.LanguageModelChat[]> => vscode.lm.selectChatModels({ vendor: "hearth" });

  it("is VS Code's as well, where the user does not say no", async () => {
    const model = await until("it is offered", async () => (await models())[0]);
    assert.deepEqual([model.name, model.family, model.maxInputTokens], ["Scripted model", "scripted", 3072]);
    assert.equal(await model.countTokens("one two three"), 3);
    const message = vscode.LanguageModelChatMessage.User(`Hi.${script({ say: "Hello, editor." })}`);
    const response = await model.sendRequest([message]);
    let text = "";
    for await (const piece of response.text) {
      text += piece;
    }
    assert.equal(text, "Hello, editor.");
    await withSetting("hearth.chat.languageModel", false, async () => {
      await until("it is gone", async () => (await models()).length === 0);
    });
    await until("it is back", async () => (await models()).length === 1);
  });

  it("ends for VS Code when that has heard enough", async function () {
    const [, minor = 0] = vscode.version.split(".").map(Number);
    if (minor < RELIABLE_CANCEL_MINOR) {
      this.skip();
    }
    const model = await until("it is offered", async () => (await models())[0]);
    const { cancelled } = (await stats()).finished;
    const source = new vscode.CancellationTokenSource();
    const message = vscode.LanguageModelChatMessage.User(`Hi.${script({ say: "on ", forever: true })}`);
    const response = await model.sendRequest([message], {}, source.token);
    for await (const piece of response.text) {
      assert.notEqual(piece, "");
      source.cancel();
      break;
    }
    await until("the engine has ended it", async () => (await stats()).finished.cancelled === cancelled + 1);
  });
}
