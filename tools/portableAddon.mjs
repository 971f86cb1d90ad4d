// Links the addon so that it loads on a Linux that is older than this one: GCC's objects, as every test has run them, with
// Zig's linker, which knows the symbols of every C library since 2.17, and GCC's C++ library inside. From PyPI alone.
import { existsSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import path from "node:path";
import { NATIVE_INPUTS } from "./build.mjs";
import { filesBelow, root, run, runTool, step, StepError, unlessUpToDate } from "./steps.mjs";

const ZIG = "0.17.1";
/** Oldest C library that a packaged addon loads with: Debian 10, RHEL 8. VS Code itself asks for it. */
export const OLDEST_GLIBC = "2.28";

/** VS Code's name of a platform to Zig's, and the compiler for it on another one. */
const PLATFORMS = {
  "linux-x64": { zig: "x86_64-linux-gnu" },
  "linux-arm64": { zig: "aarch64-linux-gnu", crossCompiler: "aarch64-linux-gnu-g++", toolchain: "aarch64.cmake" },
};
const HOST = `${process.platform}-${process.arch}`;

/** What can be built here. */
export const PORTABLE_TARGETS = Object.entries(PLATFORMS)
  .filter(([name, { toolchain }]) => process.platform === "linux" && (name === HOST || toolchain !== undefined))
  .map(([name]) => name);

/** Path of the Zig that is installed below .cache/. */
async function installZig() {
  const home = path.join(root, ".cache", `zig-${ZIG}`);
  const python = path.join(home, "bin", "python");
  const where = "import ziglang, os; print(os.path.join(os.path.dirname(ziglang.__file__), 'zig'))";
  await step("install Zig", async () => {
    if (existsSync(path.join(home, "installed"))) return "up to date";
    await run("python3", ["-m", "venv", home], { quiet: true });
    await run(python, ["-m", "pip", "install", "--quiet", "--no-input", `ziglang==${ZIG}`], { quiet: true });
    writeFileSync(path.join(home, "installed"), "");
    return ZIG;
  });
  return (await run(python, ["-c", where], { quiet: true })).trim();
}

/** Folder with the addon's objects for `target`, and their compiler: what `npm run build` has made, or a build of its own. */
async function compile(target) {
  if (target === HOST) return { objects: "build/addon", compiler: process.env.CXX ?? "g++" };
  const { toolchain, crossCompiler } = PLATFORMS[target];
  const objects = `build/portable/${target}`;
  await step(`compile the native engine for ${target}`, () =>
    unlessUpToDate(`objects-${target}`, [...NATIVE_INPUTS, "cmake"], `${objects}/Release/hearth.node`, async () => {
      const file = path.join(root, "cmake", toolchain);
      await runTool("cmake-js", "cmake-js", ["compile", "-O", objects, `--CDCMAKE_TOOLCHAIN_FILE=${file}`], {
        quiet: true,
        env: { CMAKE_BUILD_PARALLEL_LEVEL: process.env.CMAKE_BUILD_PARALLEL_LEVEL ?? String(availableParallelism()) },
      });
    }),
  );
  return { objects, compiler: crossCompiler };
}

/** Returns the path of the addon for `target`, one of PORTABLE_TARGETS. `npm run build` has run. Errors: StepError. */
export async function buildPortableAddon(target) {
  const zig = await installZig();
  const { objects, compiler } = await compile(target);
  const addon = path.join(objects, "Release", "hearth.portable.node");
  await step(`link for GLIBC ${OLDEST_GLIBC}`, async () => {
    const made = filesBelow(path.join(objects, "native"));
    const found = made.filter((file) => /addon\/CMakeFiles\/hearth\.dir\/[^/]+\.o$/.test(file));
    const archives = made.filter((file) => file.endsWith(".a"));
    if (found.length === 0 || archives.length === 0) throw new StepError(`'${objects}' has no objects to link`);
    const ofCompiler = async (name) => (await run(compiler, [`-print-file-name=${name}`], { quiet: true })).trim();
    const args = [
      ...["cc", "-target", `${PLATFORMS[target].zig}.${OLDEST_GLIBC}`, "-O2", "-shared", "-s", "-o", addon],
      ...["-Wl,-soname,hearth.node", "-Wl,-u,__cxa_pure_virtual", "-fPIC", ...found, "native/addon/old_glibc.c"],
      ...["-Wl,--start-group", ...archives, "-Wl,--end-group"],
      ...[await ofCompiler("libstdc++.a"), await ofCompiler("libgcc.a"), "-lunwind", "-lpthread", "-lm"],
    ];
    await run(zig, args, { quiet: true });
  });
  return addon;
}
