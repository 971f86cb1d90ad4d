// `npm test`: sets up, builds, runs every suite, and closes with the sum. `npm test -- --only NAME[,NAME…]` runs these suites.
import { spawnSync } from "node:child_process";
import { availableParallelism, constants } from "node:os";
import path from "node:path";
import { build, NATIVE_INPUTS } from "./build.mjs";
import { lint } from "./lint.mjs";
import { packageExtension, VSIX } from "./package.mjs";
import { run, runMain, runTool, step, StepError, unlessUpToDate } from "./steps.mjs";
import { bundleHostTests, runInHost, runOnVsix } from "./vscode/hostTests.mjs";
import { canRunServer, installServer, NEWEST, OLDEST } from "./vscode/install.mjs";

const SUITES = "lint native threads arm unit parity property fuzz seam cli host webview e2e".split(" ");

/** Without `--only`: all of them. */
function suitesAskedFor() {
  const at = process.argv.indexOf("--only");
  if (at < 0) return SUITES;
  const names = (process.argv[at + 1] ?? "").split(",");
  const unknown = names.filter((name) => !SUITES.includes(name));
  if (unknown.length > 0) {
    throw new StepError(`cannot run '${unknown.join("', '")}': the suites are ${SUITES.join(", ")}`);
  }
  return names;
}

/** As `nice` counts: what runs so yields to a browser and an editor, but is not starved by them. */
const BESIDE_A_SCREEN = 5;

/** Each wait of these has a limit of its own, which follows the engines' progress (test/seam/engines.ts). */
const SEAM_LIMIT_MS = String(30 * 60 * 1000);

const asked = [];
const wanted = (suite) => asked.includes(suite);

const sum = { passed: 0, failed: 0 };
const failedSuites = [];

/** Kernels that suites could not run, and why: from lines such as "SKIPPED kernels avx2: this processor lacks AVX2". */
const skippedKernels = new Map();
let kernelsRan = false;

function collectSkippedKernels(out) {
  kernelsRan = true;
  for (const [, name, why] of out.matchAll(/SKIPPED kernels (\S+): (.+)$/gm)) skippedKernels.set(name, why);
}

/** "" where nothing that ran has kernels. */
function kernelsThatDidNotRun() {
  if (!kernelsRan) return "";
  const told = [...skippedKernels].map(([name, why]) => `${name} (${why})`);
  return told.length === 0
    ? "all kernels of this architecture ran"
    : `kernels that did not run here: ${told.join("; ")}. Their bodies ran on emulated vectors (native/kernels/emulated_testing.h)`;
}

/** Compiles the native unit tests of one CMake preset, or some of them. Returns a remark for step(). */
function compileTests(preset, targets) {
  const inputs = [...NATIVE_INPUTS, "cmake"];
  return unlessUpToDate(`ctest-build-${preset}`, inputs, `build/${preset}/CTestTestfile.cmake`, async () => {
    const quietly = { quiet: true, priority: constants.priority.PRIORITY_LOW };
    await run("cmake", ["--preset", preset], quietly);
    const chosen = targets === undefined ? [] : ["--target", ...targets];
    const parallel = String(availableParallelism());
    await run("cmake", ["--build", "--preset", preset, "--parallel", parallel, ...chosen], quietly);
  });
}

/** Suite to what must be compiled for it: [CMake preset, targets or all]. */
const COMPILED = {
  native: ["dev"],
  threads: [
    "tsan",
    [
      "base_test",
      "file_reader_test",
      "expert_cache_test",
      "expert_cache_property_test",
      "memory_arbiter_test",
      "engine_test",
    ],
  ],
  arm: ["arm", ["kernels_test", "ref_test", "transformer_test", "engine_test"]],
};

/**
 * Compiles the programs of native suites one after the other, beside other suites: these mostly wait for timers, a browser
 * or the drive. Returns a promise for each suite, which rejects with a StepError where its programs do not compile.
 */
function compileInBackground(suites) {
  const compiled = new Map();
  let before = Promise.resolve();
  for (const name of suites.filter((suite) => suite in COMPILED && wanted(suite))) {
    const [preset, targets] = COMPILED[name];
    const compile = () => step(`compile native unit tests (${preset})`, () => compileTests(preset, targets));
    const done = before.then(compile);
    // Told where the suite itself would run.
    before = done.catch(() => undefined);
    compiled.set(name, done);
  }
  return compiled;
}

/** Native unit tests of one CMake preset, which have been compiled; `targets` limits what is run. */
async function ctest([preset, targets]) {
  const filter = targets === undefined ? [] : ["-R", `^(${targets.join("|")})$`];
  const out = await run("ctest", ["--preset", preset, ...filter, "--no-tests=error", "--verbose"], {
    quiet: true,
    priority: constants.priority.PRIORITY_LOW,
    env: { TSAN_OPTIONS: "halt_on_error=1", UBSAN_OPTIONS: "print_stacktrace=1" },
  });
  // For ThreadSanitizer not all are compiled.
  if (preset !== "tsan") collectSkippedKernels(out);
  const match = /(\d+) tests failed out of (\d+)/.exec(out);
  if (match === null) throw new StepError("ctest did not say how many tests ran");
  sum.passed += Number(match[2]) - Number(match[1]);
  sum.failed += Number(match[1]);
  return `${match[2]} programs passed`;
}

/** Processors that qemu knows, and the best kernels that they can run. */
const ARM_CPUS = [
  { cpu: "max", isa: "neon-i8mm" },
  { cpu: "cortex-a76", isa: "neon-dotprod" },
  { cpu: "cortex-a72", isa: "ref" },
];
/** What depends on the processor, and of engine_test, which is slow in an emulator, the cases that compare bits. */
const ARM_PROGRAMS = [
  ["kernels/kernels_test"],
  ["kernels/ref_test"],
  ["transformer/transformer_test"],
  ["engine/engine_test", "Engine."],
];

function canEmulateArm() {
  const has = (program) => spawnSync(program, ["--version"], { stdio: "ignore" }).status === 0;
  return has("aarch64-linux-gnu-g++") && has("qemu-aarch64");
}

/** Native unit tests on emulated AArch64 processors (cmake/aarch64.cmake). */
async function emulatedArm() {
  const runOne = ([program, ...filter], { cpu, isa }) =>
    run("qemu-aarch64", ["-L", "/usr/aarch64-linux-gnu", `build/arm/native/${program}`, ...filter], {
      quiet: true,
      priority: constants.priority.PRIORITY_LOW,
      env: { QEMU_CPU: cpu, HEARTH_EXPECTED_ISA: isa },
    });
  for (const program of ARM_PROGRAMS) await Promise.all(ARM_CPUS.map((processor) => runOne(program, processor)));
  sum.passed += ARM_PROGRAMS.length * ARM_CPUS.length;
  return `${ARM_PROGRAMS.length} programs passed on ${ARM_CPUS.map(({ cpu }) => cpu).join(", ")}`;
}

/** Suites that run beside others are printed at their end, so that their lines stay together. */
async function mocha(specs, options = {}) {
  const args = ["--reporter", "tools/mochaReporter.cjs", ...specs];
  const quiet = asked.length > 1;
  const out = await runTool("mocha", "mocha", args, { quiet, ...options });
  if (quiet) process.stdout.write(out);
  const match = /^(\d+) passed, (\d+) failed$/m.exec(out);
  if (match === null || Number(match[1]) === 0) throw new StepError(`no test ran in ${specs.join(" ")}`);
  if (out.includes("SKIPPED kernels")) collectSkippedKernels(out);
  sum.passed += Number(match[1]);
  return `${match[1]} passed`;
}

/** A suite that fails is told at once, and the others still run. */
async function suite(name, title, work) {
  if (!wanted(name)) return;
  try {
    await step(title, work);
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    console.error(`FAILED ${title}: ${error.message}`);
    failedSuites.push(name);
    sum.failed += 1;
  }
}

const skipped = [];

/** What the suites in a real VS Code need. Whether they can run here. */
async function prepareVsCode(name) {
  if (!wanted(name)) return false;
  if (!canRunServer()) {
    console.log(`SKIPPED ${name}: VS Code's server, which it drives, runs on Linux x86-64 with glibc only`);
    skipped.push(name);
    return false;
  }
  for (const version of [NEWEST, OLDEST]) await step(`install VS Code ${version}`, () => installServer(version));
  await step("package", () => packageExtension().then(() => undefined));
  return true;
}

async function inHost(runner, options) {
  const { passed } = await runner(options);
  sum.passed += passed.length;
  return `${passed.length} passed`;
}

/** Golden answers are accepted in one editor: what it does with them was the same in each. */
const ACCEPTED_ONCE = ["answers"];
/** What the journeys go through in the packaged Hearth, too, or nothing of which lies in how it is packaged. */
const NOT_OF_A_PACKAGE = [...ACCEPTED_ONCE, "chat", "conduct", "edit", "editCommands", "review"];

/** The suites in VS Code and in a browser, those that take longest first: the run of one keeps less than one core busy. */
async function suitesInVsCode() {
  const works = [];
  if (await prepareVsCode("host")) {
    await step("bundle the tests for the extension host", bundleHostTests);
    const fromSource = (version, leaveOut = []) => {
      const label = `Hearth as it lies here, in VS Code ${version}`;
      return suite("host", label, () => inHost(runInHost, { label, version, leaveOut }));
    };
    const label = `Hearth as it is packaged, in VS Code ${NEWEST}`;
    works.push(
      () => fromSource(NEWEST),
      () => fromSource(OLDEST, ACCEPTED_ONCE),
      () => suite("host", label, () => inHost(runOnVsix, { label, vsix: VSIX, leaveOut: NOT_OF_A_PACKAGE })),
      () => suite("host", "the runner of these tests", () => mocha(["test/runner/**/*.test.ts"])),
    );
  }
  if (await prepareVsCode("e2e")) {
    works.push(() => suite("e2e", "journeys in VS Code", () => mocha(["test/e2e/**/*.test.ts"])));
  }
  if (canRunServer()) {
    works.push(() => suite("webview", "the chat view in a browser", () => mocha(["test/webview/**/*.test.ts"])));
  }
  await inLanes(2, works);
}

/** Does all of `works`, functions that return promises, in their order, at most `lanes` at a time. */
async function inLanes(lanes, works) {
  const left = [...works];
  const lane = async () => {
    for (let work = left.shift(); work !== undefined; work = left.shift()) await work();
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

/** Suites in which somebody types, and answers are waited for: not beside others that want a core. */
async function suitesOfTheEngine() {
  const limit = ["--timeout", SEAM_LIMIT_MS];
  await suite("seam", "windows and the engine process", () => mocha([...limit, "test/seam/**/*.test.ts"]));
  await suite("cli", "command line", () => mocha(["test/cli/**/*.test.ts"]));
}

/** The suites that only compute: below the priority of those, which watch a screen while they wait. */
async function suitesOfNode() {
  if (wanted("lint")) {
    try {
      await lint();
    } catch (error) {
      if (!(error instanceof StepError)) throw error;
      console.error(`FAILED lint: ${error.message}`);
      failedSuites.push("lint");
      sum.failed += 1;
    }
  }
  const ofNode = (name, title, ...specs) => suite(name, title, () => mocha(specs, { priority: BESIDE_A_SCREEN }));
  await ofNode(
    "unit",
    "TypeScript unit tests",
    "src/**/*.test.ts",
    "webview/**/*.test.ts",
    "bench/*.test.ts",
    "bench/eval/*.test.ts",
    "bench/experts/*.test.ts",
    "bench/memory/*.test.ts",
    "test/fixtures/*.test.ts",
    "test/golden/*.test.ts",
  );
  await ofNode("parity", "parity with llama.cpp", "test/parity/**/*.test.ts");
  await ofNode("property", "same bits whatever the cache, threads and chunks", "test/property/**/*.test.ts");
  await ofNode("fuzz", "damaged model files, documents that are cut anywhere", "test/fuzz/**/*.test.ts");
}

/** At the lowest priority, as soon as their programs are compiled: the suites in VS Code and in a browser mostly wait. */
async function nativeSuites(compiled) {
  const compiledSuite = async (name, title, work) => {
    // The suite's step tells where this has failed.
    await compiled.get(name)?.catch(() => undefined);
    await suite(name, title, () => compiled.get(name).then(work));
  };
  const suites = [
    () =>
      compiledSuite("native", "native unit tests (AddressSanitizer, UndefinedBehaviorSanitizer)", () =>
        ctest(COMPILED.native),
      ),
    () => compiledSuite("threads", "native unit tests (ThreadSanitizer)", () => ctest(COMPILED.threads)),
  ];
  if (canEmulateArm()) {
    suites.push(() => compiledSuite("arm", "native unit tests on emulated AArch64 processors", emulatedArm));
  } else if (wanted("arm")) {
    console.log("SKIPPED arm: wants aarch64-linux-gnu-g++ and qemu-aarch64 (apt: g++-aarch64-linux-gnu, qemu-user)");
    skipped.push("arm");
  }
  // Each has one program that takes most of its time.
  await inLanes(2, suites);
}

await runMain(async () => {
  asked.push(...suitesAskedFor());
  await build();
  const compiled = compileInBackground(canEmulateArm() ? ["native", "threads", "arm"] : ["native", "threads"]);
  const native = nativeSuites(compiled);
  await suitesOfTheEngine();
  await Promise.all([native, suitesOfNode(), suitesInVsCode()]);
  if (skipped.length > 0) console.log(`\nskipped: ${skipped.join(", ")}`);
  const kernels = kernelsThatDidNotRun();
  if (kernels !== "") console.log(`\n${kernels}`);
  console.log(`\n${sum.passed} passed, ${sum.failed} failed`);
  if (failedSuites.length > 0) throw new StepError(`failed: ${failedSuites.join(", ")}`);
});
