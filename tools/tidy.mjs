// Project rules that no ready-made linter checks: which C++ module may include which, what code for one ISA may include,
// and names that a source file must not have.
import { readFileSync } from "node:fs";
import path from "node:path";
import { filesBelow, StepError } from "./steps.mjs";

/**
 * The rows of the table in docs/architecture.md: a module, and what it may include besides itself. `a/b.h` allows that
 * header only. base/testing.h is for *_test.cc and *_bench.cc.
 */
const MAY_INCLUDE = {
  base: [],
  io: ["base"],
  kernels: ["base/cpu.h"],
  model: ["base", "io", "kernels/block.h", "kernels/kernels.h", "kernels/interleaved_rows.h"],
  experts: ["base", "io", "kernels/block.h", "model"],
  transformer: ["base", "kernels", "model", "experts"],
  engine: ["base", "io", "kernels", "model", "experts", "transformer"],
  addon: [
    "base/status.h",
    "base/cpu.h",
    "base/file_lock.h",
    "base/no_network.h",
    "engine/engine.h",
    "engine/generation.h",
  ],
};
/** In addition, for tests: what they set up with. */
const TESTS_MAY_INCLUDE = ["base", "io", "kernels/dispatch.h", "kernels/isas_testing.h"];

/**
 * Files compiled with flags of one ISA, which an inline std:: function must not be in: it could be the copy that the linker
 * keeps. They are what CMake lists by hearth_isa(), and the bodies that these include.
 */
const ISA_SOURCES = new Set(
  [...readFileSync("native/kernels/CMakeLists.txt", "utf8").matchAll(/^\s*hearth_isa\(\w+ (\w+\.cc)/gm)].map(
    ([, name]) => path.join("native", "kernels", name),
  ),
);
const isForOneIsa = (file) => ISA_SOURCES.has(file) || /^native.kernels.\w+-inl\.h$/.test(file);
const ISA_MAY_INCLUDE =
  /^(kernels\/(block|for_type|inline|kernels|\w+-inl)\.h|(immintrin|arm_neon)\.h|(stdint|stddef|stdlib|string|math|float)\.h)$/;
/** Intrinsics belong into such files; the one exception tells a waiting thread to pause. */
const INTRINSICS = /^(immintrin|arm_neon)\.h$/;
const MAY_USE_INTRINSICS = path.join("native", "base", "cpu.h");

const VAGUE_NAMES = /(^|[_.-])(manager|handler|helpers?|utils?)([_.-]|$)/i;

function includesOf(file) {
  return [...readFileSync(file, "utf8").matchAll(/^#include\s+[<"]([^>"]+)[>"]/gm)].map((match) => match[1]);
}

function isAllowed(included, allowed) {
  return allowed.some((each) => included === each || included.startsWith(`${each}/`));
}

function checkIncludes(file) {
  const module = file.split(path.sep)[1];
  const problems = [];
  const allowed = [module, ...(MAY_INCLUDE[module] ?? [])];
  if (/_(test|bench)\.cc$|_testing\.h$/.test(file)) allowed.push(...TESTS_MAY_INCLUDE);
  for (const included of includesOf(file)) {
    const ours = Object.keys(MAY_INCLUDE).some((name) => included.startsWith(`${name}/`));
    if (ours && !isAllowed(included, allowed)) problems.push(`${file}: ${module} may not include ${included}`);
    if (included === "napi.h" && module !== "addon") problems.push(`${file}: only addon may include napi.h`);
    if (isForOneIsa(file) && !ISA_MAY_INCLUDE.test(included)) {
      problems.push(`${file}: code for one ISA may not include ${included}`);
    }
    if (INTRINSICS.test(included) && !isForOneIsa(file) && file !== MAY_USE_INTRINSICS) {
      problems.push(`${file}: only code for one ISA may include ${included}`);
    }
  }
  return problems;
}

export function checkTree() {
  const cpp = filesBelow("native").filter((file) => /\.(cc|h)$/.test(file));
  const problems = cpp.flatMap(checkIncludes);
  for (const file of filesBelow("src", "webview", "native", "test", "tools", "bench")) {
    if (VAGUE_NAMES.test(path.basename(file))) problems.push(`${file}: say what it is, not that it helps`);
  }
  if (ISA_SOURCES.size === 0) problems.push("native/kernels/CMakeLists.txt: tools/tidy.mjs finds no hearth_isa()");
  if (problems.length > 0) throw new StepError(`\n  ${problems.join("\n  ")}`);
  return `${cpp.length} C++ files`;
}
