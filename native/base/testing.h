// A small unit-test runner: TEST cases register themselves, EXPECT_* go on after a failure,
// ASSERT_* end the case. Our own because the set-up must work with nothing but a compiler and CMake
// (docs/adr/0002).
#ifndef HEARTH_BASE_TESTING_H_
#define HEARTH_BASE_TESTING_H_

#include <cmath>
#include <sstream>
#include <string>

namespace hearth::testing {

using CaseFunction = void (*)();

// Called by TEST at static initialisation; returns a dummy for the initialiser.
int RegisterCase(const char* suite, const char* name, CaseFunction function);

// Runs all cases, or those whose "suite.name" contains argv[1]; the exit code.
int RunAll(int argc, char** argv);

// Records a failure of the running case. `detail` is free text.
void Fail(const char* file, int line, const std::string& detail);

// Says, once, what this program cannot test here and why: "kernels avx2: this processor lacks
// AVX2".
void Skip(const std::string& what);

template <typename T>
std::string Show(const T& value) {
  std::ostringstream out;
  if constexpr (requires { out << value; }) {
    out << value;
  } else {
    out << "<" << sizeof(T) << "-byte value>";
  }
  return out.str();
}

}  // namespace hearth::testing

#define TEST(suite, name)                                                    \
  static void suite##_##name##_case();                                       \
  [[maybe_unused]] static const int suite##_##name##_registered =            \
      ::hearth::testing::RegisterCase(#suite, #name, suite##_##name##_case); \
  static void suite##_##name##_case()

#define HEARTH_COMPARE_(a, op, b, on_failure)                                                     \
  do {                                                                                            \
    const auto a_ = (a);                                                                          \
    const auto b_ = (b);                                                                          \
    if (!(a_ op b_)) {                                                                            \
      ::hearth::testing::Fail(__FILE__, __LINE__,                                                 \
                              std::string(#a " " #op " " #b ": ") + ::hearth::testing::Show(a_) + \
                                  " vs " + ::hearth::testing::Show(b_));                          \
      on_failure;                                                                                 \
    }                                                                                             \
  } while (false)
#define HEARTH_TRUE_(condition, on_failure)                                             \
  do {                                                                                  \
    if (!(condition)) {                                                                 \
      ::hearth::testing::Fail(__FILE__, __LINE__, std::string(#condition " is false")); \
      on_failure;                                                                       \
    }                                                                                   \
  } while (false)

#define EXPECT_EQ(a, b) HEARTH_COMPARE_(a, ==, b, )
#define EXPECT_NE(a, b) HEARTH_COMPARE_(a, !=, b, )
#define EXPECT_LE(a, b) HEARTH_COMPARE_(a, <=, b, )
#define EXPECT_LT(a, b) HEARTH_COMPARE_(a, <, b, )
#define EXPECT_GE(a, b) HEARTH_COMPARE_(a, >=, b, )
#define EXPECT_GT(a, b) HEARTH_COMPARE_(a, >, b, )
#define EXPECT_TRUE(condition) HEARTH_TRUE_(condition, )
#define EXPECT_FALSE(condition) HEARTH_TRUE_(!(condition), )
#define EXPECT_NEAR(a, b, tolerance) HEARTH_COMPARE_(std::abs((a) - (b)), <=, tolerance, )
#define ASSERT_EQ(a, b) HEARTH_COMPARE_(a, ==, b, return)
#define ASSERT_TRUE(condition) HEARTH_TRUE_(condition, return)

#endif  // HEARTH_BASE_TESTING_H_
