// `npm run package`: the extension as one .vsix file for this platform, in build/.
//   -- --target linux-x64|linux-arm64   for any Linux of that kind (tools/portableAddon.mjs)
//   -- --pre-release                    of the Marketplace's pre-release channel
// HEARTH_PAGE_BASE, such as https://github.com/OWNER/REPO and a commit behind a space: where the page's pictures are.
import { mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { build } from "./build.mjs";
import { buildPortableAddon, OLDEST_GLIBC, PORTABLE_TARGETS } from "./portableAddon.mjs";
import { root, run, runMain, runTool, step, StepError } from "./steps.mjs";
import { layOutExtension, manifest, shippedFiles } from "./vscode/extensionFolder.mjs";

/** VS Code's name of the platform that we run on. */
const HOST = `${isMusl() ? "alpine" : process.platform}-${process.arch}`;
const ADDON = "dist/hearth.node";
/** A download that nobody notices; more is a file that does not belong there. */
const VSIX_BYTES_MAX = 2 ** 24;

const vsixOf = (target) => path.join(root, "build", `hearth-${target}.vsix`);
export const VSIX = vsixOf(HOST);

/** Node's own report names the GNU C library where it runs with that. */
function isMusl() {
  return process.platform === "linux" && process.report.getReport().header.glibcVersionRuntime === undefined;
}

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

/** Arguments of vsce. Vendors' pages show pictures of the web only; those of a package that is not published stay as they are written. */
export function linkArgs(base) {
  if (base === undefined) return ["--no-rewrite-relative-links"];
  const [, repository, commit] = /^(https:\/\/github\.com\/[^/\s]+\/[^/\s]+) ([0-9a-f]{7,40})$/.exec(base) ?? [];
  if (repository === undefined) throw new StepError("HEARTH_PAGE_BASE is not 'https://github.com/OWNER/REPO COMMIT'");
  return ["--baseContentUrl", `${repository}/blob/${commit}`, "--baseImagesUrl", `${repository}/raw/${commit}`];
}

/** Packages what is built, with this addon. Returns a list of what is in the package. */
export async function packageExtension({ target = HOST, addon = ADDON, preRelease = false } = {}) {
  // vsce sees a folder with the extension alone: there is nothing that it could pack by mistake.
  const folder = path.join(root, "build", `extension-${target}`);
  layOutExtension(folder, [], { [ADDON]: addon });
  const vsix = vsixOf(target);
  rmSync(vsix, { force: true });
  mkdirSync(path.dirname(vsix), { recursive: true });
  const args = ["--target", target, "--no-dependencies", "--allow-missing-repository"];
  args.push(...linkArgs(process.env.HEARTH_PAGE_BASE), ...(preRelease ? ["--pre-release"] : []));
  await runTool("@vscode/vsce", "vsce", ["package", ...args, "--out", vsix], { quiet: true, cwd: folder });
  const entries = listVsix(vsix);
  checkContents(entries);
  const { size } = statSync(vsix);
  if (size > VSIX_BYTES_MAX) {
    throw new StepError(`the package has ${kilobytes(size)}; it should have ${kilobytes(VSIX_BYTES_MAX)} at most`);
  }
  return entries;
}

/**
 * A portable addon loads with an old C library, brings its C++ library, and has no symbols but those it needs.
 * `libraries`: the newest version that it wants of each, such as GLIBC_2.17. Errors: StepError.
 */
export function checkPortable(addon, libraries) {
  const newest = libraries?.find((name) => name.startsWith("GLIBC_"))?.slice("GLIBC_".length);
  const byNumber = new Intl.Collator("en", { numeric: true });
  if (newest !== undefined && byNumber.compare(newest, OLDEST_GLIBC) > 0) {
    throw new StepError(`'${addon}' needs GLIBC_${newest}; it should load with GLIBC_${OLDEST_GLIBC}`);
  }
  if (libraries?.some((name) => name.startsWith("GLIBCXX"))) {
    throw new StepError(`'${addon}' needs the system's C++ library`);
  }
  // ELF's section of symbols for debuggers.
  if (readFileSync(addon).includes("\0.symtab\0")) throw new StepError(`'${addon}' is not stripped`);
}

function optionsGiven() {
  const options = { target: { type: "string" }, "pre-release": { type: "boolean", default: false } };
  const { values } = parseArgs({ options });
  return { target: values.target ?? HOST, isChosen: values.target !== undefined, preRelease: values["pre-release"] };
}

const kilobytes = (bytes) => `${Math.ceil(bytes / 1000)} kB`;

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  runMain(async () => {
    const { target, isChosen, preRelease } = optionsGiven();
    const isPortable = isChosen && PORTABLE_TARGETS.includes(target);
    if (!isPortable && target !== HOST) {
      throw new StepError(
        `cannot package for '${target}' here: only for ${[...new Set([HOST, ...PORTABLE_TARGETS])].join(", ")}`,
      );
    }
    await build();
    const addon = isPortable ? await buildPortableAddon(target) : ADDON;
    await step("package", async () => {
      const libraries = await librariesOf(addon);
      if (isPortable) checkPortable(addon, libraries);
      const entries = await packageExtension({ target, addon, preRelease });
      for (const { name, size } of entries) console.log(`    ${kilobytes(size).padStart(8)}  ${name}`);
      const needs = libraries === undefined ? "" : `; the addon needs ${libraries.join(" and ")}`;
      const file = path.relative(root, vsixOf(target));
      return `${manifest().displayName} ${manifest().version}: ${file}, ${kilobytes(statSync(file).size)}${needs}`;
    });
  });
}
