import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join, parse } from "node:path";
import * as vscode from "vscode";
import { extension, hearth } from "./window";

interface Manifest {
  readonly main: string;
  readonly contributes: {
    readonly commands: readonly { readonly command: string; readonly title: string; readonly enablement?: string }[];
    readonly keybindings: readonly {
      readonly command: string;
      readonly key: string;
      readonly mac?: string;
      readonly when?: string;
    }[];
    readonly walkthroughs: readonly { readonly id: string; readonly steps: readonly Step[] }[];
    readonly configuration: readonly Section[];
  };
}

interface Step {
  readonly id: string;
  readonly description: string;
  readonly media: { readonly image: string; readonly altText: string };
  readonly completionEvents: readonly string[];
}

interface Section {
  readonly title: string;
  readonly properties: Readonly<Record<string, Setting>>;
}

interface Setting {
  readonly markdownDescription?: string;
  readonly markdownDeprecationMessage?: string;
  readonly default?: unknown;
  readonly scope?: string;
  readonly order?: number;
}

/** One more only where a user would miss it: the latest is the warm restart, which writes to the drive and so must be asked for. */
const SETTINGS_MAX = 25;
/** VS Code makes them itself, for each view. */
const OF_A_VIEW = "hearth.chatView.";

describe("the manifest", () => {
  const manifest = (): Manifest => extension().packageJSON as Manifest;
  const settings = (): [string, Setting][] =>
    manifest().contributes.configuration.flatMap(({ properties }) => Object.entries(properties));

  it("names commands that exist, and no other", async () => {
    await hearth();
    const registered = (await vscode.commands.getCommands(true)).filter((name) => name.startsWith("hearth."));
    const contributed = manifest().contributes.commands.map(({ command }) => command);
    for (const command of contributed) {
      assert.ok(registered.includes(command), `${command} is not registered`);
    }
    const others = registered.filter((command) => !contributed.includes(command) && !command.startsWith(OF_A_VIEW));
    // Called with an argument: by the chat, by edits, by the menu, by the editor for what is accepted.
    const internal = [
      "hearth.applyCode",
      "hearth.chat.ask",
      "hearth.edit.showWarnings",
      "hearth.models.act",
      "hearth.models.step",
      "hearth.setMode",
      "hearth.suggestionAccepted",
    ];
    const earlierNames = ["hearth.explainSilence", "hearth.showFigures"];
    assert.deepEqual(others.sort(), [...internal, ...earlierNames].sort());
  });

  it("has commands that the palette can run: it has the focus itself, and shows none twice", () => {
    const { commands } = manifest().contributes;
    for (const { command, enablement } of commands) {
      assert.doesNotMatch(enablement ?? "", /focus/i, `${command} is never enabled in the palette`);
    }
    const titles = commands.map(({ title }) => title);
    assert.deepEqual(
      titles.filter((title, at) => titles.indexOf(title) !== at),
      [],
    );
  });

  it("has settings in an order of its own, each in one place", () => {
    const orders = settings().map(([, { order }]) => order);
    assert.deepEqual(
      orders,
      orders.map((_, at) => at + 1),
    );
  });

  it("has few settings, in sections, all of them described, with a default and a scope", () => {
    const titles = manifest().contributes.configuration.map(({ title }) => title);
    assert.equal(new Set(titles).size, titles.length);
    assert.ok(titles.length > 3 && titles.every((title) => /^\p{L}/u.test(title)));
    const current = settings().filter(([, setting]) => setting.markdownDeprecationMessage === undefined);
    assert.ok(current.length <= SETTINGS_MAX);
    for (const [name, setting] of settings()) {
      assert.ok((setting.markdownDescription ?? "").length > 20, `${name} is not described`);
      assert.notEqual(setting.default, undefined, `${name} has no default`);
      assert.notEqual(setting.scope, undefined, `${name} has no scope`);
    }
  });

  it("binds no key that the editor binds", async () => {
    // The list has them, too.
    const own = manifest().contributes.keybindings;
    const defaults = await vscode.workspace.openTextDocument(
      vscode.Uri.parse("vscode://defaultsettings/keybindings.json"),
    );
    const keys = [...defaults.getText().matchAll(/"key":\s*"((?:[^"\\]|\\.)*)"[^}]*?"command":\s*"([^"]*)"/g)]
      .map(([, key, command]) => ({ key: normal(JSON.parse(`"${key ?? ""}"`) as string), command }))
      .filter((bound) => !own.some(({ command, key }) => command === bound.command && normal(key) === bound.key));
    assert.ok(keys.length > 300, `only ${String(keys.length)} default keys were found`);
    assert.ok(
      keys.some(({ key }) => key === normal("ctrl+shift+p")),
      "the default keys are read wrongly",
    );
    for (const { command, key, when } of own) {
      const taken = keys.find((other) => other.key === normal(key));
      assert.equal(taken, undefined, `${command} takes ${key} from ${taken?.command ?? ""}`);
      assert.ok((when ?? "").length > 0, `${command} is bound everywhere`);
    }
  });

  it("has a walkthrough whose pictures are there, whose links work and whose steps check themselves off", async () => {
    const [walkthrough] = manifest().contributes.walkthroughs;
    const commands = await vscode.commands.getCommands(true);
    const keys = settings().map(([key]) => key);
    assert.ok(walkthrough !== undefined && walkthrough.steps.length >= 4);
    for (const { id, description, media, completionEvents } of walkthrough.steps) {
      assert.ok(existsSync(join(extension().extensionPath, media.image)), `${id}: ${media.image} is missing`);
      assert.ok(media.altText.length > 10, `${id}: its picture says nothing to a screen reader`);
      for (const [, command] of description.matchAll(/\(command:([\w.]+)/g)) {
        assert.ok(commands.includes(command ?? ""), `${id}: there is no command ${command ?? ""}`);
      }
      assert.ok(completionEvents.length > 0, id);
      for (const event of completionEvents) {
        const [kind, name = ""] = event.split(":");
        const isThere =
          kind === "onCommand"
            ? commands.includes(name)
            : kind === "onSettingChanged"
              ? keys.includes(name)
              : kind === "onContext"
                ? // Set where a suggestion is accepted: its command has an argument, and the editor runs such a one by another name.
                  name === "hearth.hasAccepted"
                : kind === "onView" && name === "hearth.chatView";
        assert.ok(isThere, `${id}: '${event}' never happens`);
      }
    }
    await vscode.commands.executeCommand("workbench.action.openWalkthrough", "hearth.hearth#start");
    await vscode.commands.executeCommand("workbench.action.closeAllEditors");
  });

  it("loads one small file", () => {
    assert.equal(parse(manifest().main).base, "extension.js");
  });
});

/** Modifiers in one order. */
function normal(key: string): string {
  return key
    .split(" ")
    .map((chord) => {
      const [last = "", ...modifiers] = chord.split("+").reverse();
      return [...modifiers.sort(), last].join("+");
    })
    .join(" ")
    .toLowerCase();
}
