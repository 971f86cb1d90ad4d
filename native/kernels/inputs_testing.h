// Inputs for tests of kernels, and what their outputs are compared with: ref. Inputs end where an
// unreadable page begins, or in builds with AddressSanitizer lie in heap blocks exactly as large as
// they are: either shows a read past the end (the sanitizer does not see masked vector loads, the
// page does).
#ifndef HEARTH_KERNELS_INPUTS_TESTING_H_
#define HEARTH_KERNELS_INPUTS_TESTING_H_

#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/testing.h"
#include "kernels/dispatch.h"
#include "kernels/emulated_testing.h"
#include "kernels/isas_testing.h"

#if defined(__linux__) && !defined(__SANITIZE_ADDRESS__)
#if defined(__has_feature)
#if !__has_feature(address_sanitizer)
#define HEARTH_GUARD_PAGES
#endif
#else
#define HEARTH_GUARD_PAGES
#endif
#endif
#ifdef HEARTH_GUARD_PAGES
#include <sys/mman.h>
#endif

namespace hearth::testing {

inline constexpr float kInf = std::numeric_limits<float>::infinity();
inline constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
inline constexpr float kGuard = -12345.678f;
inline const std::vector<TensorType> kQuantized = TypesThatAre(true);
inline const std::vector<TensorType> kFloats = TypesThatAre(false);

inline const Kernels& Ref() { return KernelsFor(Isa::kRef); }

// Those that run here, and emulated ones whatever the processor.
inline std::vector<const Kernels*> Tables() {
  std::vector<const Kernels*> tables = EmulatedTables();
  for (const Isa isa : IsasHere()) {
    if (isa != Isa::kRef) tables.push_back(&KernelsFor(isa));
  }
  return tables;
}

struct Random {
  uint64_t state;
  uint32_t Next() {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<uint32_t>(state >> 33);
  }
  int Below(int n) { return static_cast<int>(Next() % static_cast<uint32_t>(n)); }
  float Uniform() { return static_cast<float>(Next()) * 0x1p-30f - 1.0f; }  // -1..1
  float AnyBits() {
    const uint32_t bits = (Next() << 16) ^ Next();
    float x;
    std::memcpy(&x, &bits, sizeof x);
    return x;
  }
};

#ifdef HEARTH_GUARD_PAGES
// Memory that ends at a page boundary, followed by an inaccessible page. Regions are kept for
// reuse: the tests take some hundred thousand.
class GuardedMemory {
 public:
  explicit GuardedMemory(size_t bytes) : pages_(bytes / kPage + 1) {
    if (pages_ >= Free().size()) Free().resize(pages_ + 1);
    std::vector<char*>& free = Free()[pages_];
    if (free.empty()) {
      void* map = mmap(nullptr, (pages_ + 1) * kPage, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      CHECK(map != MAP_FAILED, "no memory for a guarded region");
      free.push_back(static_cast<char*>(map));
      CHECK(mprotect(free.back() + pages_ * kPage, kPage, PROT_NONE) == 0, "cannot guard a page");
    }
    base_ = free.back();
    free.pop_back();
  }
  GuardedMemory(GuardedMemory&& other) noexcept
      : pages_(other.pages_), base_(std::exchange(other.base_, nullptr)) {}
  GuardedMemory& operator=(GuardedMemory&& other) noexcept {
    std::swap(pages_, other.pages_);
    std::swap(base_, other.base_);
    return *this;
  }
  ~GuardedMemory() {
    if (base_ != nullptr) Free()[pages_].push_back(base_);
  }
  char* Last(size_t bytes) const { return base_ + pages_ * kPage - bytes; }

 private:
  static constexpr size_t kPage = 65536;  // a multiple of any machine's
  static std::vector<std::vector<char*>>& Free() {
    static auto* free = new std::vector<std::vector<char*>>;  // never freed: outlives every region
    return *free;
  }
  size_t pages_;
  char* base_ = nullptr;
};
#else
class GuardedMemory {
 public:
  explicit GuardedMemory(size_t bytes) : bytes_(bytes + kSkew), base_(new char[bytes_]) {}
  char* Last(size_t bytes) const { return base_.get() + bytes_ - bytes; }

 private:
  static constexpr size_t kSkew = 4;  // so that vectors are unaligned
  size_t bytes_;
  std::unique_ptr<char[]> base_;
};
#endif

// n elements with nothing readable behind them.
template <typename T>
class Exact {
 public:
  explicit Exact(int64_t n) : n_(n), memory_(static_cast<size_t>(n) * sizeof(T)) {}
  T* data() const {
    return reinterpret_cast<T*>(memory_.Last(static_cast<size_t>(n_) * sizeof(T)));
  }
  T& operator[](int64_t i) const { return data()[i]; }
  int64_t size() const { return n_; }

 private:
  int64_t n_;
  GuardedMemory memory_;
};

template <typename T>
Exact<T> Copy(const T* from, int64_t n) {
  Exact<T> copy(n);
  if (n > 0) std::memcpy(copy.data(), from, static_cast<size_t>(n) * sizeof(T));
  return copy;
}

inline bool Same(float a, float b) {
  return (std::isnan(a) && std::isnan(b)) || std::memcmp(&a, &b, sizeof a) == 0;
}
inline bool Same(uint16_t a, uint16_t b) {
  const auto nan = [](uint16_t h) { return (h & 0x7fff) > 0x7c00; };
  return a == b || (nan(a) && nan(b));
}

template <typename T>
void ExpectSame(const T* got, const T* want, int64_t n, const std::string& what) {
  for (int64_t i = 0; i < n; ++i) {
    if (Same(got[i], want[i])) continue;
    Fail(__FILE__, __LINE__,
         what + " [" + std::to_string(i) + "]: " + Show(got[i]) + ", ref gives " + Show(want[i]));
    return;
  }
}

// Values of one flavour: 0 ordinary, 1 with zeros of both signs and ties, 2 tiny and subnormal, 3
// huge, 4 any bits at all, 5 ordinary with now and then an infinity or a NaN.
inline constexpr int kFlavours = 6;
inline void Fill(float* x, int64_t n, int flavour, Random& random) {
  for (int64_t i = 0; i < n; ++i) {
    const float u = random.Uniform();
    switch (flavour) {
      case 0:
        x[i] = 3.0f * u;
        break;
      case 1:
        x[i] = random.Below(4) == 0 ? std::copysign(0.0f, u)
                                    : 0.5f * static_cast<float>(random.Below(9) - 4);
        break;
      case 2:
        x[i] = u * (random.Below(2) == 0 ? 1e-20f : 1e-39f);
        break;
      case 3:
        x[i] = u * 3.4e38f;
        break;
      case 4:
        x[i] = random.AnyBits();
        break;
      default:
        x[i] = random.Below(20) != 0 ? u : random.Below(3) == 0 ? kNan : std::copysign(kInf, u);
    }
  }
}

inline Exact<float> RandomFloats(int64_t n, int flavour, Random& random) {
  Exact<float> x(n);
  Fill(x.data(), n, flavour, random);
  return x;
}

}  // namespace hearth::testing

#endif  // HEARTH_KERNELS_INPUTS_TESTING_H_
