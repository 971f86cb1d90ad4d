// The licences of other people's code that is inside what is packaged, found by what the bundles really contain.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { StepError } from "../steps.mjs";

/** Compiled into the addon, where no source map tells of them. */
const IN_ADDON = ["node-addon-api", "node-api-headers"];
const LICENCE_FILE = /^(licen[cs]e|copying|thirdpartynotices)([-.].*)?$/i;

/** Names of the packages of which a bundle has code. */
function packagesIn(bundle) {
  const map = `${bundle}.map`;
  if (!existsSync(map)) throw new StepError(`cannot tell whose code is in '${bundle}': '${map}' is missing`);
  const { sources } = JSON.parse(readFileSync(map, "utf8"));
  return sources.flatMap((source) => {
    const inside = source.split("node_modules/").at(-1);
    return inside === source ? [] : [/^(@[^/]+\/)?[^/]+/.exec(inside)[0]];
  });
}

function noticeOf(name) {
  const home = path.join("node_modules", name);
  const { version, license } = JSON.parse(readFileSync(path.join(home, "package.json"), "utf8"));
  const files = readdirSync(home).filter((file) => LICENCE_FILE.test(file));
  if (files.length === 0) throw new StepError(`'${home}' has no licence file, so its code cannot be packaged`);
  const texts = files.map((file) => readFileSync(path.join(home, file), "utf8").trim());
  return [`${name} ${version} (${license})`, ...texts].join("\n\n");
}

export function thirdPartyNotices(bundles) {
  const names = [...new Set([...bundles.flatMap(packagesIn), ...IN_ADDON])].sort();
  const rule = "=".repeat(100);
  return [
    "Hearth contains code of other projects, under the licences below.",
    ...names.map((name) => `${rule}\n\n${noticeOf(name)}`),
  ]
    .join("\n\n")
    .concat("\n");
}
