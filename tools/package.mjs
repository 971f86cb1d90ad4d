// `npm run package`: the extension as one .vsix file for this platform, in build/.
import { mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "./build.mjs";
import { root, run, runMain, runTool, step, StepError } from "./steps.mjs";
import { layOutExtension, manifest, shippedFiles } from "./vscode/extensionFolder.mjs";

/** VS Code's name of the platform that the addon is built for. */
const TARGET = `${process.platform}-${process.arch}`;
export const VSIX = path.join(root, "build", `hearth-${TARGET}.vsix`);

/** The newest versions that a symbol of the addon wants: it does not load where they are missing. */
async function librariesOf(addon) {
  if (process.platform !== "linux") return undefined;
  let symbols;
  try {
    symbols = await run("objdump", ["-T", addon], { quiet: true });
  } catch {
    return undefined;
  }
  const byNumber = new Intl.Collator("en", { numeric: true });
  const newest = (name) => {
    const versions = [...symbols.matchAll(new RegExp(`\\b(${name}_[\\d.]+)`, "g"))].map((match) => match[1]);
    return versions.sort(byNumber.compare).at(-1);
  };
  return ["GLIBC", "GLIBCXX"].map(newest).filter((name) => name !== undefined);
}

/** Names and unpacked sizes; the table at the end of a zip archive says both. */
function listVsix(file) {
  const bytes = readFileSync(file);
  const end = bytes.lastIndexOf(Buffer.from("PK\x05\x06", "latin1"));
  if (end < 0) throw new StepError(`'${file}' is no zip archive`);
  const count = bytes.readUInt16LE(end + 10);
  const entries = [];
  for (let at = bytes.readUInt32LE(end + 16); entries.length < count;) {
    const lengths = [28, 30, 32].map((offset) => bytes.readUInt16LE(at + offset));
    entries.push({
      name: bytes.toString("utf8", at + 46, at + 46 + lengths[0]),
      size: bytes.readUInt32LE(at + 24),
    });
    at += 46 + lengths[0] + lengths[1] + lengths[2];
  }
  return entries;
}

/** vsce puts the files below extension/, in its own spelling, and describes them in two files of its own. */
function checkContents(entries) {
  const spelling = { "readme.md": "README.md", "changelog.md": "CHANGELOG.md", "LICENSE.txt": "LICENSE" };
  const inside = entries.map(({ name }) => name).filter((name) => name.startsWith("extension/"));
  const found = inside.map((name) => name.slice("extension/".length)).map((name) => spelling[name] ?? name);
  const expected = shippedFiles();
  const extra = found.filter((name) => !expected.includes(name));
  const missing = expected.filter((name) => !found.includes(name));
  if (extra.length > 0) throw new StepError(`the package has what it should not: ${extra.join(", ")}`);
  if (missing.length > 0) throw new StepError(`the package lacks ${missing.join(", ")}`);
}

/** Packages what is built. Returns a remark for step(). */
export async function packageExtension() {
  // vsce sees a folder with the extension alone: there is nothing that it could pack by mistake.
  const folder = path.join(root, "build", "extension");
  layOutExtension(folder);
  rmSync(VSIX, { force: true });
  mkdirSync(path.dirname(VSIX), { recursive: true });
  const args = ["--target", TARGET, "--no-dependencies", "--allow-missing-repository", "--no-rewrite-relative-links"];
  await runTool("@vscode/vsce", "vsce", ["package", ...args, "--out", VSIX], { quiet: true, cwd: folder });
  const entries = listVsix(VSIX);
  checkContents(entries);
  return entries;
}

const kilobytes = (bytes) => `${Math.ceil(bytes / 1000)} kB`;

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  runMain(async () => {
    await build();
    await step("package", async () => {
      const entries = await packageExtension();
      for (const { name, size } of entries) console.log(`    ${kilobytes(size).padStart(8)}  ${name}`);
      const libraries = await librariesOf(path.join("dist", "hearth.node"));
      const needs = libraries === undefined ? "" : `; the addon needs ${libraries.join(" and ")}`;
      const file = path.relative(root, VSIX);
      return `${manifest().displayName} ${manifest().version}: ${file}, ${kilobytes(statSync(VSIX).size)}${needs}`;
    });
  });
}
