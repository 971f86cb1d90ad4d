// Lays out the bundled grammars: dist/syntax/. From the packages tm-grammars and vscode-oniguruma, and src/syntax/bundled.
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { grammars, injections } from "tm-grammars";
import { root } from "./steps.mjs";

/** Licences under which a grammar may ship; tm-grammars has others, too, and some whose licence nobody has said. */
export const LICENCES = ["MIT", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "ISC"];
const FROM = path.join(path.dirname(fileURLToPath(import.meta.resolve("tm-grammars"))), "grammars");
const OWN = path.join(root, "src/syntax/bundled");
export const OWN_GRAMMARS = { "text.html.php": "php-html.tmLanguage.json" };
/** Grammars that add to others, and what they add to: VS Code's `injectTo`, which tm-grammars leaves out. */
const INJECTED = {
  "vue.directives": ["text.html.vue"],
  "vue.interpolations": ["text.html.vue"],
  "vue.sfc.style.variable.injection": ["text.html.vue"],
};

const byScope = new Map([...grammars, ...injections].map((each) => [each.scopeName, each]));

function readGrammar(scope) {
  const own = OWN_GRAMMARS[scope];
  if (own !== undefined) return { scope, file: own, json: JSON.parse(readFileSync(path.join(OWN, own), "utf8")) };
  const info = byScope.get(scope);
  if (info === undefined || !LICENCES.includes(info.license)) return undefined;
  const json = JSON.parse(readFileSync(path.join(FROM, `${info.name}.json`), "utf8"));
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
