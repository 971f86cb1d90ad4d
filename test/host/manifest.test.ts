import assert from "node:assert/strict";
import { parse } from "node:path";
import * as vscode from "vscode";
import { extension, hearth } from "./window";

interface Manifest {
  readonly main: string;
  readonly contributes: {
    readonly commands: readonly { readonly command: string; readonly title: string }[];
    readonly keybindings: readonly {
      readonly command: string;
      readonly key: string;
      readonly mac?: string;
      readonly when?: string;
    }[];
    readonly configuration: { readonly properties: Readonly<Record<string, Setting>> };
  };
}

interface Setting {
  readonly markdownDescription?: string;
  readonly markdownDeprecationMessage?: string;
  readonly default?: unknown;
  readonly scope?: string;
}

const SETTINGS_MAX = 16;
/** VS Code makes them itself, for each view. */
const OF_A_VIEW = "hearth.chatView.";

describe("the manifest", () => {
  const manifest = (): Manifest => extension().packageJSON as Manifest;

  it("names commands that exist, and no other", async () => {
    await hearth();
    const registered = (await vscode.commands.getCommands(true)).filter((name) => name.startsWith("hearth."));
    const contributed = manifest().contributes.commands.map(({ command }) => command);
    for (const command of contributed) {
      assert.ok(registered.includes(command), `${command} is not registered`);
    }
    const others = registered.filter((command) => !contributed.includes(command) && !command.startsWith(OF_A_VIEW));
    // Called with an argument: by the chat, by edits, by the menu, by the editor for what is accepted.
    const internal = ["hearth.applyCode", "hearth.chat.ask", "hearth.setMode", "hearth.suggestionAccepted"];
    const earlierNames = ["hearth.explainSilence", "hearth.showFigures"];
    assert.deepEqual(others.sort(), [...internal, ...earlierNames].sort());
  });

  it("has few settings, all of them described, with a default and a scope", () => {
    const settings = Object.entries(manifest().contributes.configuration.properties);
    const current = settings.filter(([, setting]) => setting.markdownDeprecationMessage === undefined);
    assert.ok(current.length <= SETTINGS_MAX);
    for (const [name, setting] of settings) {
      assert.ok((setting.markdownDescription ?? "").length > 20, `${name} is not described`);
      assert.notEqual(setting.default, undefined, `${name} has no default`);
      assert.notEqual(setting.scope, undefined, `${name} has no scope`);
    }
  });

  it("binds no key that the editor binds", async () => {
    const defaults = await vscode.workspace.openTextDocument(
      vscode.Uri.parse("vscode://defaultsettings/keybindings.json"),
    );
    const keys = [...defaults.getText().matchAll(/"key":\s*"((?:[^"\\]|\\.)*)"[^}]*?"command":\s*"([^"]*)"/g)]
      .map(([, key, command]) => ({ key: normal(JSON.parse(`"${key ?? ""}"`) as string), command }))
      .filter(({ command }) => command?.startsWith("hearth.") !== true);
    assert.ok(keys.length > 300, `only ${String(keys.length)} default keys were found`);
    assert.ok(
      keys.some(({ key }) => key === normal("ctrl+shift+p")),
      "the default keys are read wrongly",
    );
    for (const { command, key, when } of manifest().contributes.keybindings) {
      const taken = keys.find((other) => other.key === normal(key));
      assert.equal(taken, undefined, `${command} takes ${key} from ${taken?.command ?? ""}`);
      assert.ok((when ?? "").length > 0, `${command} is bound everywhere`);
    }
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
