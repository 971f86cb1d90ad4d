// What of this repository is the extension: the files that are packaged and installed, and nothing else.
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { StepError } from "../steps.mjs";
import { syntaxFiles } from "../syntaxData.mjs";
import { thirdPartyNotices } from "./notices.mjs";

/** Files, from the repository's root; the manifest names more. */
const SHIPPED = [
  "README.md",
  "CHANGELOG.md",
  "LICENSE",
  "dist/engine.js",
  "dist/chatTemplateWorker.js",
  "dist/hearth.node",
  "dist/chat.js",
  "dist/chat.css",
  "dist/codicon.ttf",
  "models/hearth-starter.gguf",
];

/** Where a file of the extension is in the repository, if not in the same place: our own README is for who builds Hearth. */
const SOURCES = { "README.md": "MARKETPLACE.md" };

const NOTICES = "THIRD_PARTY_NOTICES.txt";

/** Of package.json: what tells how Hearth is built, which an installed one has no use for. */
const BUILD_FIELDS = ["private", "files", "bin", "binary", "scripts", "dependencies", "devDependencies"];

export function manifest() {
  return JSON.parse(readFileSync("package.json", "utf8"));
}

/** Texts in English and in other languages: package.json's, and those of the code in the folder that package.json names. */
function textFiles() {
  const ofManifest = readdirSync(".").filter((name) => /^package\.nls\.(.+\.)?json$/.test(name));
  const folder = path.posix.normalize(manifest().l10n);
  return [...ofManifest, ...readdirSync(folder).map((name) => `${folder}/${name}`)];
}

/** Files of the extension that are there as they are in the repository. */
function copiedFiles() {
  const { main, browser, icon, contributes } = manifest();
  const pictures = contributes.walkthroughs.flatMap(({ steps }) => steps.map(({ media }) => media.image));
  const named = [main, browser, icon, ...pictures].filter((file) => file !== undefined);
  const syntax = syntaxFiles().map((file) => `dist/syntax/${file}`);
  return [...new Set([...SHIPPED, ...textFiles(), ...syntax, ...named.map((file) => path.posix.normalize(file))])];
}

/** Every file of the extension. */
export function shippedFiles() {
  return [...copiedFiles(), "package.json", NOTICES].sort();
}

/**
 * Makes `folder` anew, with the extension in it and nothing else; `extra`: more files to put there; `instead`: files of
 * which others take the place. Errors: StepError if something is missing.
 */
export function layOutExtension(folder, extra = [], instead = {}) {
  rmSync(folder, { recursive: true, force: true });
  const sources = { ...SOURCES, ...instead };
  for (const file of [...copiedFiles(), ...extra]) {
    const source = sources[file] ?? file;
    if (!existsSync(source)) {
      throw new StepError(`cannot put the extension together: '${source}' is missing; run 'npm run build'`);
    }
    cpSync(source, path.join(folder, file));
  }
  const bundles = copiedFiles().filter((file) => /\.(js|css)$/.test(file));
  writeFileSync(path.join(folder, NOTICES), thirdPartyNotices(bundles));
  const shipped = Object.fromEntries(Object.entries(manifest()).filter(([name]) => !BUILD_FIELDS.includes(name)));
  writeFileSync(path.join(folder, "package.json"), `${JSON.stringify(shipped, null, 2)}\n`);
}

/** Name of the folder in which VS Code keeps an installed extension. */
export function installedName() {
  const { publisher, name, version } = manifest();
  return `${publisher}.${name}-${version}`;
}
