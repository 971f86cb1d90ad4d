import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ESLint, Linter } from "eslint";
import manifest from "../../package.json" with { type: "json" };
import { MANIFEST, nlsKeyOf } from "../../test/fixtures/manifest";
import { inEnglish } from "../protocol/translate";
import type * as bareMessages from "../../tools/bareMessages.mjs";
import type * as l10nTool from "../../tools/l10n.mjs";

type Texts = Readonly<Record<string, string>>;

const LANGUAGES = ["de", "zh-cn"];
const textsOf = (file: string): Texts => JSON.parse(readFileSync(file, "utf8")) as Texts;
const ENGLISH_NLS = textsOf("package.nls.json");
const nlsOf = (language: string): Texts => textsOf(`package.nls.${language}.json`);

/** What a translation must keep: placeholders, icons, settings' keys, code, links to commands, and the product's name. */
function kept(text: string): string[] {
  const parts =
    text.match(/\{\d+\}|\$\([a-z-]+\)|`[^`]*`|\(command:[^)]*\)|hearth\.\w+\.\w+|https?:\/\/[^\s)`]+/g) ?? [];
  return [...new Set(parts)].sort();
}

/** Words for people in it. */
const wordsIn = (text: string): number => text.match(/(?<![\w.`])[a-z]{2,}(?![\w`])/gi)?.length ?? 0;

function assertTranslated(english: Texts, translated: Texts, language: string): void {
  assert.deepEqual(Object.keys(translated).sort(), Object.keys(english).sort(), language);
  for (const [key, text] of Object.entries(english)) {
    const said = translated[key] ?? "";
    assert.notEqual(said, "", `${language}: ${key}`);
    assert.deepEqual(kept(said), kept(text), `${language}: ${key}`);
    assert.ok(said.includes("Hearth") || !text.includes("Hearth"), `${language}: ${key} does not name the product`);
    assert.ok(wordsIn(text) < 3 || said !== text, `${language}: ${key} is not translated`);
  }
}

describe("What the manifest says", () => {
  /** Fields that an editor shows; what has the same name in all languages stays as it is. */
  const SHOWN =
    /^(title|description|markdownDescription|markdownDeprecationMessage|enumDescriptions|altText|name|label)$/;
  const SAME = ["Hearth", "hearth"];

  it("stands under a key each, which is used once", () => {
    const used: string[] = [];
    const bare: string[] = [];
    const look = (value: unknown, field: string): void => {
      if (typeof value === "string") {
        const key = nlsKeyOf(value);
        if (key !== undefined) {
          used.push(key);
        } else if (SHOWN.test(field) && !SAME.includes(value)) {
          bare.push(`${field}: ${value}`);
        }
      } else if (typeof value === "object" && value !== null) {
        for (const [name, inner] of Object.entries(value)) {
          look(inner, Array.isArray(value) ? field : name);
        }
      }
    };
    look(manifest, "");
    assert.deepEqual(bare, []);
    assert.deepEqual(used.sort(), Object.keys(ENGLISH_NLS).sort());
  });

  it("escapes nothing in a walkthrough, which is no Markdown but for its links", () => {
    for (const texts of [ENGLISH_NLS, ...LANGUAGES.map(nlsOf)]) {
      const escaped = Object.entries(texts).filter(
        ([key, text]) => key.startsWith("walkthrough.") && text.includes("\\\\"),
      );
      assert.deepEqual(escaped, []);
    }
  });

  for (const language of LANGUAGES) {
    it(`is said in ${language}, all of it`, () => {
      assertTranslated(ENGLISH_NLS, nlsOf(language), language);
    });
  }

  it("is said in the languages that the code speaks", () => {
    const ofManifest = readdirSync(".").flatMap((name) => /^package\.nls\.(.+)\.json$/.exec(name)?.[1] ?? []);
    const ofCode = readdirSync(MANIFEST.l10n).flatMap((name) => /^bundle\.l10n\.(.+)\.json$/.exec(name)?.[1] ?? []);
    assert.deepEqual([ofManifest.sort(), ofCode.sort()], [LANGUAGES, LANGUAGES]);
  });
});

describe("What the code says", () => {
  let tool: typeof l10nTool;
  let lint: typeof bareMessages;

  before(async () => {
    tool = await import("../../tools/l10n.mjs");
    lint = await import("../../tools/bareMessages.mjs");
  });

  it("is in the bundle, and nothing else is", () => {
    const messages = tool.messagesInCode();
    assert.ok(messages.size > 400, String(messages.size));
    const bundle = readFileSync(join(tool.FOLDER, "bundle.l10n.json"), "utf8");
    assert.equal(bundle, tool.bundleText(messages), "run 'node tools/l10n.mjs'");
    assert.equal(readFileSync(tool.OF_VIEW, "utf8"), tool.viewText(messages), "run 'node tools/l10n.mjs'");
  });

  for (const language of LANGUAGES) {
    it(`is said in ${language}, all of it`, () => {
      const english = textsOf(join(tool.FOLDER, "bundle.l10n.json"));
      assertTranslated(english, tool.translationOf(language), language);
    });

    it(`calls commands in ${language} what the palette calls them`, () => {
      const said = tool.translationOf(language);
      const nls = nlsOf(language);
      const titles = Object.entries(ENGLISH_NLS).filter(([key]) => key.startsWith("command."));
      for (const [key, title] of titles) {
        const message = said[title];
        assert.ok(message === undefined || message === nls[key], `${language}: '${title}' is '${String(nls[key])}'`);
      }
      const named = Object.keys(said).flatMap((text) => {
        const [, title] = /"Hearth: ([^"]+)"/.exec(text) ?? [];
        return title === undefined ? [] : [{ text, title }];
      });
      assert.ok(named.length > 0);
      for (const { text, title } of named) {
        const [key = ""] = titles.find(([, each]) => each === title) ?? [];
        assert.ok(said[text]?.includes(`Hearth: ${nls[key] ?? "?"}`), `${language}: ${text}`);
      }
    });
  }

  it("goes through vscode.l10n.t, or lint says so", () => {
    const rules: Linter.RulesRecord = { "no-restricted-syntax": ["error", ...lint.BARE_MESSAGES] };
    const complaints = (code: string): number => new Linter().verify(code, [{ rules }]).length;
    for (const bare of [
      `vscode.window.showInformationMessage("Nothing to do.")`,
      "vscode.window.showErrorMessage(`${name} is gone`)",
      `vscode.window.showWarningMessage(isNew ? "It is new." : told, open)`,
      "vscode.window.setStatusBarMessage(`$(check) Copied`, 1)",
      `window.withProgress({ location, title: "Hearth: loading" }, work)`,
      `window.showQuickPick(items, { placeHolder: "Which one?" })`,
      "const item = { label: `$(trash) Forget` }",
      `pick.title = "Hearth: Rename"`,
      `item.text = isOn ? "on" : told`,
    ]) {
      assert.equal(complaints(bare), 1, bare);
    }
    for (const fine of [
      `vscode.window.showInformationMessage(vscode.l10n.t("Nothing to do."), copy)`,
      'pick.title = "Hearth"',
      'const field = { placeHolder: "https://example.org", password: true }',
      "item.text = `$(cloud-upload) ${host}`",
      "const item = { label: `$(${icon}) ${String(gib)} GiB`, title: '' }",
    ]) {
      assert.equal(complaints(fine), 0, fine);
    }
  });

  it("has its numbers from decimal, or lint says so", async function () {
    this.timeout(60_000);
    const code = [
      'import * as vscode from "vscode";',
      'import { decimal } from "../protocol/decimal";',
      "export const texts = (all: readonly string[], count: number | string, pid: number): string[] => [",
      '  vscode.l10n.t("{0} files", all.length),',
      '  vscode.l10n.t("{0} files", count),',
      '  vscode.l10n.t("{0} of {1}", "one", 2),',
      "  (all.length / 3).toFixed(1),",
      '  vscode.l10n.t("{0} files of process {1} of {2}", decimal(all.length), String(pid), "many"),',
      "];",
      "",
    ].join("\n");
    const [result] = await new ESLint().lintText(code, { filePath: join("src", "vscode", "menu.ts") });
    const complaints = result?.messages.filter(({ ruleId }) => ruleId === "hearth/bare-numbers") ?? [];
    assert.deepEqual(
      complaints.map(({ line }) => line),
      [4, 5, 6, 7],
    );
  });

  it("goes through t in the chat view, or lint says so", () => {
    const rules: Linter.RulesRecord = { "no-restricted-syntax": ["error", ...lint.BARE_VIEW_TEXTS] };
    const complaints = (code: string): number => new Linter().verify(code, [{ rules }]).length;
    for (const bare of [
      "html`<p>Nothing yet.</p>`",
      "html`<p class=${look}>Nothing yet.</p>`",
      "html`<p>${count} of ${all}</p>`",
      "html`<p>${icon(name)}Delete</p>`",
      'html`<button class="a" title="Delete" @click=${remove}></button>`',
      'html`<button aria-label="Delete ${title}"></button>`',
      'html`<summary>${isOpen ? "Hide" : t("Show")}</summary>`',
      'iconButton({ icon: "trash", label: "Delete" })',
      'iconButton({ icon: "trash", label: isOne ? "Delete" : t("Delete All") })',
      'textButton("Regenerate", work)',
      'say(this, "Copied.")',
      "const text = `Still ${count} to come`;",
      'function sentence() { return "The end."; }',
      'function word() { return isOpen ? t("Hide") : "Show"; }',
    ]) {
      assert.equal(complaints(bare), 1, bare);
    }
    for (const fine of [
      'html`<p class="quiet-line" data-name="a b" aria-label=${t("Nothing yet.")}>${t("Nothing yet.")}</p>`',
      'html`<h2 class="unseen ${look} more" aria-hidden=true>Hearth</h2>`',
      'html`<li><button type="button" class=${look} .value=${value} @click=${remove}> ${used} / ${all}</button></li>`',
      'throw new Error("the view draws these always")',
      'if (event.key === "Escape" || event.key === "ArrowDown") this.querySelector("[data-name=a] textarea")',
      "const look = `heading heading-${String(level)}`;",
      'function key() { return t("Nothing yet."); }',
    ]) {
      assert.equal(complaints(fine), 0, fine);
    }
  });

  it("is said in English, with what is put into it, where there is no editor", () => {
    assert.equal(inEnglish("{1} of {0}: {2}", "b", 1), "1 of b: {2}");
    assert.equal(inEnglish("{0}", "{0}"), "{0}");
  });
});
