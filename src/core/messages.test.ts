import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DECLARED_SETTINGS, MANIFEST } from "../../test/fixtures/manifest";
import { REMEDIES } from "./remedies";
import { FAILURES, SKIP_REASONS } from "./skipReasons";

const { commands } = MANIFEST.contributes;
const TITLES = new Set(commands.map(({ title }) => title));
const COMMANDS = new Map(commands.map(({ command, title }) => [command, title]));
const SETTINGS = new Map(Object.entries(DECLARED_SETTINGS));
/** The editor's own commands that a remedy may run. */
const OF_THE_EDITOR = ["workbench.action.openSettings"];

/** As the command palette shows it: what is so written in a text must be there to be found. */
const COMMAND_NAMED = /Hearth: (\p{Lu}[^"'`*_<\n]*)/gu;
/** The head of a window of our own names no command. */
const OWN_TITLE = /\btitle(:| =)/;

function commandsNamedIn(text: string): string[] {
  return text
    .split("\n")
    .filter((line) => !OWN_TITLE.test(line))
    .flatMap((line) => [...line.matchAll(COMMAND_NAMED)].map(([, title = ""]) => title));
}

function textsBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.(ts|md|yml|json)$/.test(file))
    .map((file) => join(folder, file));
}

function isCurrentSetting(key: string): boolean {
  const declared = SETTINGS.get(key);
  return declared !== undefined && !("markdownDeprecationMessage" in declared);
}

describe("What Hearth says", () => {
  it("names no command that is not there", () => {
    const files = [
      ...["src", "webview", "test/host", "test/e2e", "test/seam", "docs", ".vscode", ".github"].flatMap(textsBelow),
      ...[
        "README.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "MARKETPLACE.md",
        "SECURITY.md",
        "package.json",
        "package.nls.json",
        "native/README.md",
      ],
    ].filter((file) => file !== join("src", "core", "messages.test.ts"));
    assert.ok(files.length > 200, `only ${String(files.length)} files were found`);
    const wrong = files.flatMap((file) =>
      commandsNamedIn(readFileSync(file, "utf8"))
        .filter((title) => !TITLES.has(title))
        .map((title) => `${file}: Hearth: ${title}`),
    );
    assert.deepEqual(wrong, []);
  });

  it("is searched so that a command that is not there is found", () => {
    assert.deepEqual(commandsNamedIn(`'choose one with "Hearth: Select Model"'`), ["Select Model"]);
    assert.deepEqual(commandsNamedIn("Run _Hearth: Show Log_, or *Hearth: Open Chat*."), ["Show Log", "Open Chat"]);
    assert.deepEqual(commandsNamedIn("`Hearth: the model gave no answer.`\n  title: `Hearth: Fix`"), []);
  });

  it("names no setting that is not there", () => {
    const sentences = Object.values(SKIP_REASONS).map(({ sentence }) => sentence);
    const named = sentences.flatMap((sentence) => sentence.match(/hearth\.[\w.]*\w/g) ?? []);
    assert.ok(named.length > 0);
    assert.deepEqual(
      named.filter((key) => !isCurrentSetting(key)),
      [],
    );
  });
});

describe("The page that vendors show", () => {
  const page = readFileSync("MARKETPLACE.md", "utf8");
  const targets = [...page.matchAll(/(!?)\[[^\]]*\]\(([^)]+)\)/g)].map(([, mark, target = ""]) => ({
    isPicture: mark === "!",
    target,
  }));

  it("has pictures that ship, each with words for who does not see it, and links to nothing that does not", () => {
    const shipped = MANIFEST.contributes.walkthroughs.flatMap(({ steps }) => steps.map(({ media }) => media.image));
    assert.ok(targets.filter(({ isPicture }) => isPicture).length >= 3);
    for (const { isPicture, target } of targets) {
      assert.ok(isPicture ? shipped.includes(target) : target.startsWith("https://"), target);
    }
    assert.doesNotMatch(page, /!\[\]/);
    assert.doesNotMatch(page, /<img|\.svg/);
  });

  it("names the keys that there are", () => {
    const { keybindings } = MANIFEST.contributes;
    const bound = (command: string): string[] =>
      keybindings.filter((binding) => binding.command === command).map(({ key }) => key);
    const named = [...page.matchAll(/^\| ((?:Ctrl|Alt)\+[^\s|]+)/gm)].map(([, key = ""]) => key.toLowerCase());
    const keyOf: Readonly<Record<string, string>> = {
      "editor.action.inlineSuggest.acceptNextLine": "alt+shift+\\",
      "hearth.trigger": "alt+\\",
      "hearth.refactor": "alt+\\",
      "hearth.chat.open": "ctrl+alt+shift+j",
      "hearth.chat.sendSelection": "ctrl+alt+shift+j",
      "hearth.fix": "ctrl+alt+shift+f",
      "hearth.explain": "ctrl+alt+shift+k",
    };
    for (const [command, key] of Object.entries(keyOf)) {
      assert.deepEqual(bound(command), [key], command);
      assert.ok(named.includes(key.replace("\\", "\\\\")), `${key} is not on the page: ${named.join(" ")}`);
    }
  });
});

describe("A remedy", () => {
  it("runs a command that is there", () => {
    for (const { title, command } of Object.values(REMEDIES)) {
      assert.ok(COMMANDS.has(command) || OF_THE_EDITOR.includes(command), `${title} runs ${command}`);
    }
  });

  it("opens a setting that is there", () => {
    assert.ok(isCurrentSetting(String(REMEDIES.openMemoryBudget.arguments?.[0])));
  });

  it("is called what the command is called where it does just that", () => {
    for (const name of [
      "chooseModel",
      "useBuiltInModel",
      "restartEngine",
      "showLog",
      "endSnooze",
      "suggestNow",
    ] as const) {
      assert.equal(REMEDIES[name].title, COMMANDS.get(REMEDIES[name].command));
    }
  });

  it("is there against every failure of the engine, once", () => {
    for (const [code, { remedies }] of Object.entries(FAILURES)) {
      assert.ok(remedies.length > 0, code);
      assert.equal(new Set(remedies).size, remedies.length, code);
    }
  });
});
