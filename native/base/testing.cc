#include "base/testing.h"

#include <cstdio>
#include <cstring>
#include <set>
#include <vector>

namespace hearth::testing {
namespace {

struct Case {
  const char* suite;
  const char* name;
  CaseFunction function;
};

std::vector<Case>& Cases() {
  static std::vector<Case> cases;
  return cases;
}

int failures_in_case = 0;

std::set<std::string>& Skipped() {
  static std::set<std::string> skipped;
  return skipped;
}

}  // namespace

int RegisterCase(const char* suite, const char* name, CaseFunction function) {
  Cases().push_back({suite, name, function});
  return 0;
}

void Fail(const char* file, int line, const std::string& detail) {
  ++failures_in_case;
  // A loop that fails a thousand times says the same thing a thousand times.
  if (failures_in_case <= 10) std::fprintf(stderr, "%s:%d: %s\n", file, line, detail.c_str());
}

void Skip(const std::string& what) {
  // tools/test.mjs collects these lines.
  if (Skipped().insert(what).second) std::printf("SKIPPED %s\n", what.c_str());
}

// Exit code 1 when a case failed or none ran.
int RunAll(int argc, char** argv) {
  const char* filter = argc > 1 ? argv[1] : "";
  int passed = 0;
  int failed = 0;
  for (const Case& c : Cases()) {
    const std::string full_name = std::string(c.suite) + "." + c.name;
    if (std::strstr(full_name.c_str(), filter) == nullptr) continue;
    failures_in_case = 0;
    c.function();
    if (failures_in_case > 0) {
      std::fprintf(stderr, "FAILED %s (%d)\n", full_name.c_str(), failures_in_case);
      ++failed;
    } else {
      ++passed;
    }
  }
  std::printf("%d passed, %d failed, %d skipped\n", passed, failed,
              static_cast<int>(Skipped().size()));
  return failed == 0 && passed > 0 ? 0 : 1;
}

}  // namespace hearth::testing

int main(int argc, char** argv) { return hearth::testing::RunAll(argc, argv); }
