// What Hearth says in the editor, for translators. `node tools/l10n.mjs` writes l10n/bundle.l10n.json, all messages in English,
// puts the translations beside it in order, and lists what they lack.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import ts from "typescript";
import { filesBelow, root, runMain, StepError } from "./steps.mjs";

export const FOLDER = path.join(root, "l10n");
const BUNDLE = "bundle.l10n.json";
/** English texts of all messages that the chat view shows: the host gives it the translations of these (webview/chat/page.ts). */
export const OF_VIEW = path.join(root, "webview", "chat", "messages.json");

/** Who says something in the editor. The command line is English. */
const VIEW = ["webview/chat", "src/protocol/chat.ts"];
const SPEAKERS = ["src/core", "src/models", "src/vscode", "src/extension.ts", "src/web.ts", ...VIEW];

/** `vscode.l10n.t("…")`, and `t("…")` of the chat view and where the core is given the translation (src/protocol/translate.ts). */
const CALL = /^((vscode\.)?l10n\.)?t$/;

/** Constants whose texts are translated where they are shown. `fields`: only of these properties. */
const TABLES = [
  { file: "src/core/skipReasons.ts", names: ["FAILURES", "SKIP_REASONS"], fields: ["title", "sentence"] },
  { file: "src/protocol/chat.ts", names: ["SLASH_COMMANDS"], fields: ["detail"] },
  { file: "src/core/remedies.ts", names: ["REMEDIES"], fields: ["title"] },
  { file: "src/core/statusLine.ts", names: ["PAUSED_WORDS", "UNASKED", "UNJUDGED"] },
  { file: "src/core/endSentences.ts", names: ["END_SENTENCES"] },
  { file: "src/core/power.ts", names: ["REASONS"] },
  { file: "src/core/edit/warnings.ts", names: ["WARNINGS", "TOLD", "REASONS"] },
  { file: "src/models/progressText.ts", names: ["HASH_WORDS"] },
];

/** As data: what is said of each model there. */
const CATALOGUE = "src/models/catalogue.json";

/**
 * All messages, each with the places where it stands, as FILE:LINE. Errors: StepError where a message is no literal, or a
 * table of TABLES is not there any more.
 */
export function messagesInCode() {
  const messages = new Map();
  const files = filesBelow(...SPEAKERS.map((name) => path.join(root, name))).filter(
    (file) => file.endsWith(".ts") && !file.endsWith(".test.ts"),
  );
  for (const file of files) {
    const name = path.relative(root, file).split(path.sep).join("/");
    const source = ts.createSourceFile(name, readFileSync(file, "utf8"), ts.ScriptTarget.Latest, true);
    const add = (node) => {
      const at = `${name}:${source.getLineAndCharacterOfPosition(node.getStart()).line + 1}`;
      messages.set(node.text, [...(messages.get(node.text) ?? []), at]);
    };
    addCalls(source, name, add);
    for (const table of TABLES.filter((each) => each.file === name)) addTable(source, table, add);
  }
  const { models } = JSON.parse(readFileSync(path.join(root, CATALOGUE), "utf8"));
  for (const { description } of models) messages.set(description, [CATALOGUE]);
  return messages;
}

function addCalls(source, name, add) {
  const visit = (node) => {
    if (ts.isCallExpression(node) && CALL.test(node.expression.getText())) {
      const [first] = node.arguments;
      if (first !== undefined && ts.isStringLiteralLike(first)) {
        add(first);
      } else if (first !== undefined && ts.isTemplateExpression(first)) {
        throw new StepError(`${name}: a message with something put into it; write {0}: ${first.getText()}`);
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
}

function addTable(source, { names, fields }, add) {
  const missing = new Set(names);
  const addTexts = (node) => {
    if (ts.isStringLiteralLike(node)) {
      add(node);
    } else if (ts.isPropertyAssignment(node)) {
      const isNested = ts.isObjectLiteralExpression(node.initializer);
      if (isNested || fields === undefined || fields.includes(node.name.getText())) addTexts(node.initializer);
    } else {
      ts.forEachChild(node, addTexts);
    }
  };
  const visit = (node) => {
    if (ts.isVariableDeclaration(node) && missing.delete(node.name.getText())) addTexts(node.initializer);
    ts.forEachChild(node, visit);
  };
  visit(source);
  if (missing.size > 0) throw new StepError(`${source.fileName} has no ${[...missing].join(", ")}; see tools/l10n.mjs`);
}

/** The English bundle as it has to be: each message is its own key. */
export function bundleText(messages) {
  return textOf(Object.fromEntries([...messages].map(([message]) => [message, message])));
}

/** OF_VIEW as it has to be. The view has buttons for what helps against failures, too. */
export function viewText(messages) {
  const places = [...VIEW, "src/core/remedies.ts"];
  const isShown = (at) => places.some((place) => at.startsWith(place));
  const shown = [...messages].filter(([, found]) => found.some(isShown)).map(([message]) => message);
  return `${JSON.stringify(shown.sort(), null, 2)}\n`;
}

/** In an order that does not depend on the machine. */
function textOf(entries) {
  const sorted = Object.entries(entries).sort(([a], [b]) => (a < b ? -1 : 1));
  return `${JSON.stringify(Object.fromEntries(sorted), null, 2)}\n`;
}

/** Languages that there are translations for, as VS Code calls them: `zh-cn`. */
export function languages() {
  return readdirSync(FOLDER).flatMap((name) => /^bundle\.l10n\.(.+)\.json$/.exec(name)?.[1] ?? []);
}

export function translationOf(language) {
  return JSON.parse(readFileSync(path.join(FOLDER, `bundle.l10n.${language}.json`), "utf8"));
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await runMain(async () => {
    const messages = messagesInCode();
    writeFileSync(path.join(FOLDER, BUNDLE), bundleText(messages));
    writeFileSync(OF_VIEW, viewText(messages));
    for (const language of languages()) {
      const before = translationOf(language);
      const kept = Object.entries(before).filter(([message]) => messages.has(message));
      writeFileSync(path.join(FOLDER, `bundle.l10n.${language}.json`), textOf(Object.fromEntries(kept)));
      for (const [message, places] of messages) {
        if (!(message in before)) console.log(`${language} lacks ${JSON.stringify(message)} (${places[0]})`);
      }
    }
    console.log(`${messages.size} messages`);
  });
}
