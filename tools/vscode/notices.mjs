// The licences of other people's code that is inside what is packaged, found by what the bundles really contain.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { StepError } from "../steps.mjs";
import { grammarNotices } from "../syntaxData.mjs";

/** Compiled into the addon, where no source map tells of them. */
const IN_ADDON = ["node_modules/node-addon-api", "node_modules/node-api-headers"];
const LICENCE_FILE = /^(licen[cs]e|copying|notices|thirdpartynotices)([-.].*)?$/i;

/** Folders of the packages of which a bundle has code, `node_modules/…`: a package may have another's copy of its own. */
export function packagesIn(bundle) {
  const map = `${bundle}.map`;
  if (!existsSync(map)) throw new StepError(`cannot tell whose code is in '${bundle}': '${map}' is missing`);
  const { sources } = JSON.parse(readFileSync(map, "utf8"));
  return sources.flatMap((source) => {
    const home = /node_modules\/(?:.*node_modules\/)?(?:@[^/]+\/)?[^/]+/.exec(source);
    return home === null ? [] : [home[0]];
  });
}

function noticeOf(home) {
  const { name, version, license } = JSON.parse(readFileSync(path.join(home, "package.json"), "utf8"));
  const files = readdirSync(home).filter((file) => LICENCE_FILE.test(file));
  if (files.length === 0) throw new StepError(`'${home}' has no licence file, so its code cannot be packaged`);
  const texts = files.map((file) => readFileSync(path.join(home, file), "utf8").trim());
  return [`${name} ${version} (${license})`, ...texts].join("\n\n");
}

export function thirdPartyNotices(bundles) {
  const homes = [...new Set([...bundles.flatMap(packagesIn), ...IN_ADDON])].sort();
  const rule = "=".repeat(100);
  return [
    "Hearth contains code of other projects, under the licences below.",
    ...homes.map((home) => `${rule}\n\n${noticeOf(home)}`),
    ...grammarNotices().map((notice) => `${rule}\n\n${notice}`),
  ]
    .join("\n\n")
    .concat("\n");
}
