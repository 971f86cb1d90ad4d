// `npm test`: sets up, builds, runs every suite, and closes with the sum. `npm test -- --only NAME` runs one suite.
import { availableParallelism } from "node:os";
import { build, NATIVE_INPUTS } from "./build.mjs";
import { lint } from "./lint.mjs";
import { run, runMain, runTool, step, StepError, unlessUpToDate } from "./steps.mjs";

const only = process.argv.includes("--only") ? process.argv[process.argv.indexOf("--only") + 1] : undefined;
const wanted = (suite) => only === undefined || only === suite;

const sum = { passed: 0, failed: 0 };
const failedSuites = [];

/** Native unit tests of one CMake preset; `targets` limits what is built and run. */
async function ctest(preset, targets) {
  await unlessUpToDate(`ctest-build-${preset}`, NATIVE_INPUTS, `build/${preset}/CTestTestfile.cmake`, async () => {
    await run("cmake", ["--preset", preset], { quiet: true });
    const chosen = targets === undefined ? [] : ["--target", ...targets];
    await run("cmake", ["--build", "--preset", preset, "--parallel", String(availableParallelism()), ...chosen], {
      quiet: true,
    });
  });
  const filter = targets === undefined ? [] : ["-R", `^(${targets.join("|")})$`];
  const out = await run("ctest", ["--preset", preset, ...filter, "--no-tests=error"], {
    quiet: true,
    env: { TSAN_OPTIONS: "halt_on_error=1", UBSAN_OPTIONS: "print_stacktrace=1" },
  });
  const match = /(\d+) tests failed out of (\d+)/.exec(out);
  if (match === null) throw new StepError("ctest did not say how many tests ran");
  sum.passed += Number(match[2]) - Number(match[1]);
  sum.failed += Number(match[1]);
  return `${match[2]} programs passed`;
}

async function mocha(...specs) {
  const args = ["--reporter", "tools/mochaReporter.cjs", ...specs];
  const out = await runTool("mocha", "mocha", args);
  const match = /^(\d+) passed, (\d+) failed$/m.exec(out);
  if (match === null || Number(match[1]) === 0) throw new StepError(`no test ran in ${specs.join(" ")}`);
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

await runMain(async () => {
  await build();
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
  await suite("native", "native unit tests (AddressSanitizer, UndefinedBehaviorSanitizer)", () => ctest("dev"));
  await suite("threads", "native unit tests (ThreadSanitizer)", () =>
    ctest("tsan", ["base_test", "file_reader_test", "expert_cache_test", "expert_cache_property_test", "engine_test"]),
  );
  await suite("unit", "TypeScript unit tests", () =>
    mocha("src/**/*.test.ts", "test/fixtures/*.test.ts", "test/golden/*.test.ts"),
  );
  await suite("parity", "parity with llama.cpp", () => mocha("test/parity/**/*.test.ts"));
  await suite("property", "same bits whatever the cache, threads and chunks", () =>
    mocha("test/property/**/*.test.ts"),
  );
  await suite("fuzz", "damaged model files", () => mocha("test/fuzz/**/*.test.ts"));
  await suite("seam", "windows and the engine process", () => mocha("test/seam/**/*.test.ts"));
  await suite("cli", "command line", () => mocha("test/cli/**/*.test.ts"));
  console.log(`\n${sum.passed} passed, ${sum.failed} failed`);
  if (failedSuites.length > 0) throw new StepError(`failed: ${failedSuites.join(", ")}`);
});
