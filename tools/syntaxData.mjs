// Lays out the bundled grammars: dist/syntax/. From the packages tm-grammars and vscode-oniguruma, and src/syntax/bundled.
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { root, StepError } from "./steps.mjs";

/** Licences under which a grammar may ship; tm-grammars has others, too, and some whose licence nobody has said. */
export const LICENCES = ["MIT", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "ISC"];
const FROM = path.join(root, "node_modules", "tm-grammars", "grammars");
const OWN = path.join(root, "src/syntax/bundled");
/** Written for Hearth, where there is none under such a licence: they tell strings, comments and code apart, no more. */
export const OWN_GRAMMARS = {
  "text.html.php": "php-html.tmLanguage.json",
  "source.hcl": "hcl.tmLanguage.json",
  "source.toml": "toml.tmLanguage.json",
  "source.yaml": "yaml.tmLanguage.json",
  // The shell's quotes in a recipe, of which grammars of Makefiles say nothing.
  "makefile.recipe.quotes": "makefile-recipe.tmLanguage.json",
};
/** Grammars that add to others, and what they add to: VS Code's `injectTo`, which tm-grammars leaves out. */
const INJECTED = {
  "vue.directives": ["text.html.vue"],
  "vue.interpolations": ["text.html.vue"],
  "vue.sfc.style.variable.injection": ["text.html.vue"],
  "makefile.recipe.quotes": ["source.makefile"],
};

/** What a grammar leaves out, put in. */
const MENDS = {
  // A template's code ends with its own brace, not with that of a lambda in it.
  "source.kotlin": ({ repository }) => {
    const inner = [{ include: "#braces-in-template" }, { include: "#code" }];
    repository["braces-in-template"] = { begin: "\\{", end: "\\}", patterns: inner };
    repository["string-escape-bracketed"].patterns = inner;
  },
};

const byScope = new Map();

/** To be called before anything else here, when set-up has installed the package: this module is loaded before. */
export async function loadGrammarList() {
  if (byScope.size > 0) return;
  const { grammars, injections } = await import("tm-grammars");
  for (const each of [...grammars, ...injections]) byScope.set(each.scopeName, each);
}

function readGrammar(scope) {
  const own = OWN_GRAMMARS[scope];
  if (own !== undefined) return { scope, file: own, json: JSON.parse(readFileSync(path.join(OWN, own), "utf8")) };
  const info = byScope.get(scope);
  if (info === undefined || !LICENCES.includes(info.license)) return undefined;
  const json = JSON.parse(readFileSync(path.join(FROM, `${info.name}.json`), "utf8"));
  MENDS[scope]?.(json);
  return { scope, file: `${info.name}.tmLanguage.json`, json, info };
}

/** Scopes of other grammars that a grammar includes. */
function includedScopes(json) {
  const found = new Set();
  JSON.stringify(json, (key, value) => {
    if (key === "include" && typeof value === "string" && !value.startsWith("#") && !value.startsWith("$")) {
      found.add(value.split("#")[0]);
    }
    return value;
  });
  return found;
}

/** All that ships: the grammars of languages.json, what is injected into them, and what these include. */
export function bundledGrammars() {
  const languages = JSON.parse(readFileSync(path.join(root, "src/core/syntax/languages.json"), "utf8"));
  const wanted = [...languages.flatMap(({ grammar }) => grammar?.scope ?? []), ...Object.keys(INJECTED)];
  const found = new Map();
  for (const scope of wanted) {
    if (found.has(scope)) continue;
    const grammar = readGrammar(scope);
    if (grammar === undefined) continue;
    found.set(scope, grammar);
    wanted.push(...includedScopes(grammar.json));
  }
  return [...found.values()];
}

/** Remarks colour nothing. A rule may be called "comment", too. */
const withoutRemarks = (key, value) =>
  key === "information_for_contributors" || (key === "comment" && typeof value === "string") ? undefined : value;

/** What layOutSyntax puts into its folder. */
export function syntaxFiles() {
  return [...bundledGrammars().map(({ file }) => file), "index.json", "onig.wasm"].sort();
}

/** VS Code's own extensions, of which languages.json has the language configurations. */
const VSCODE_NOTICE = `Language configurations of Visual Studio Code's own extensions (MIT)

MIT License

Copyright (c) 2015 - present Microsoft Corporation

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files
(the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify,
merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE
FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN
CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;

/**
 * The licences of the bundled grammars, each text once, with the grammars that it is of. From tm-grammars' own list: blocks
 * of a head, which names files and licence, and a text. Errors: StepError where a grammar has none.
 */
export function grammarNotices() {
  const wanted = new Set(bundledGrammars().flatMap(({ info }) => (info === undefined ? [] : [`${info.name}.json`])));
  const list = readFileSync(path.join(FROM, "..", "NOTICE"), "utf8");
  const byText = new Map();
  for (const block of list.split(/^={20,}$/m)) {
    const [head, ...rest] = block.split(/^-{20,}$/m);
    const files = /^Files:(.*)$/m.exec(head)?.[1]?.match(/[\w.-]+\.json/g) ?? [];
    const ours = files.filter((file) => wanted.has(file));
    const text = rest.join("").trim();
    if (ours.length > 0 && text !== "") byText.set(text, [...(byText.get(text) ?? []), ...ours]);
  }
  const noticed = new Set([...byText.values()].flat());
  const missing = [...wanted].filter((file) => !noticed.has(file));
  if (missing.length > 0) throw new StepError(`no licence text for ${missing.join(", ")}: it cannot be packaged`);
  return [VSCODE_NOTICE, ...[...byText].map(([text, files]) => `Grammars: ${files.join(", ")}\n\n${text}`)];
}

export function layOutSyntax(folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const index = {};
  for (const { scope, file, json } of bundledGrammars()) {
    writeFileSync(path.join(folder, file), JSON.stringify(json, withoutRemarks));
    index[scope] = { file, ...(INJECTED[scope] === undefined ? {} : { injectTo: INJECTED[scope] }) };
  }
  writeFileSync(path.join(folder, "index.json"), JSON.stringify({ grammars: index }));
  const onig = createRequire(import.meta.url).resolve("vscode-oniguruma");
  copyFileSync(path.join(path.dirname(onig), "onig.wasm"), path.join(folder, "onig.wasm"));
}
