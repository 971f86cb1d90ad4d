import * as vscode from "vscode";
import { type Remedy, REMEDIES, type RemedyName } from "../core/remedies";
import { listIn, type Sentence, sentenceIn } from "../core/edit/sentence";
import { type Explanation, SKIP_REASONS, type SkipReason } from "../core/skipReasons";
import { decimal, writeNumbersIn } from "../protocol/decimal";
import type { Translate } from "../protocol/translate";

/** Before anything is shown: where there is no bundle for the editor's language, texts are in English, and so are numbers. */
export function followEditorLanguage(): void {
  writeNumbersIn(vscode.l10n.bundle === undefined ? "en" : vscode.env.language);
}

/** Into the language of the editor's interface, by the bundles in l10n/. */
export const translate: Translate = (message, ...args) =>
  vscode.l10n.t(message, ...args.map((arg) => (typeof arg === "number" ? decimal(arg) : arg)));

/** A list in the language that this window's texts are in. */
export function listed(items: readonly string[]): string {
  return listIn(items, language());
}

export function inWords(sentence: Sentence): string {
  return sentenceIn(sentence, translate, language());
}

/** Where there is no translation of our texts, they are English, whatever the editor speaks. */
function language(): string {
  return vscode.l10n.bundle === undefined ? "en" : vscode.env.language;
}

export function remedyOf(name: RemedyName): Remedy {
  const remedy = REMEDIES[name];
  return { ...remedy, title: translate(remedy.title) };
}

export function explanationOf(reason: SkipReason): Explanation {
  const { title, sentence, remedies } = SKIP_REASONS[reason];
  return { title: translate(title), sentence: translate(sentence), remedies };
}
