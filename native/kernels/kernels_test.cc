// Every table that runs here gives the bits of ref (docs/adr/0001), whatever the shape, the split
// and the values. Inputs end where an unreadable page begins, or in builds with AddressSanitizer
// lie in heap blocks exactly as large as they are: either shows a read past the end (the sanitizer
// does not see masked vector loads, the page does). That ref itself is right is ref_test.cc's
// business.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/testing.h"
#include "kernels/dispatch.h"
#include "kernels/emulated_testing.h"
#include "kernels/interleaved_rows.h"
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

namespace hearth {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kGuard = -12345.678f;
const std::vector<TensorType> kQuantized = testing::TypesThatAre(true);
const std::vector<TensorType> kFloats = testing::TypesThatAre(false);

const Kernels& Ref() { return KernelsFor(Isa::kRef); }

// Those that run here, and emulated ones whatever the processor.
std::vector<const Kernels*> Tables() {
  std::vector<const Kernels*> tables = testing::EmulatedTables();
  for (const Isa isa : testing::IsasHere()) {
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

bool Same(float a, float b) {
  return (std::isnan(a) && std::isnan(b)) || std::memcmp(&a, &b, sizeof a) == 0;
}
bool Same(uint16_t a, uint16_t b) {
  const auto nan = [](uint16_t h) { return (h & 0x7fff) > 0x7c00; };
  return a == b || (nan(a) && nan(b));
}

template <typename T>
void ExpectSame(const T* got, const T* want, int64_t n, const std::string& what) {
  for (int64_t i = 0; i < n; ++i) {
    if (Same(got[i], want[i])) continue;
    testing::Fail(__FILE__, __LINE__,
                  what + " [" + std::to_string(i) + "]: " + testing::Show(got[i]) + ", ref gives " +
                      testing::Show(want[i]));
    return;
  }
}

// Values of one flavour: 0 ordinary, 1 with zeros of both signs and ties, 2 tiny and subnormal, 3
// huge, 4 any bits at all, 5 ordinary with now and then an infinity or a NaN.
constexpr int kFlavours = 6;
void Fill(float* x, int64_t n, int flavour, Random& random) {
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

// -------------------------------------------------------------------------------------------------

TEST(Dispatch, GivesTheTableThatWasAskedForOrTheNextLower) {
  EXPECT_EQ(std::string(KernelsFor(Isa::kRef).name), std::string("ref"));
  for (const IsaRow& asked : kIsas) {
    Isa given = Isa::kRef;
    for (const Isa isa : testing::IsasHere()) {
      if (isa <= asked.isa) given = isa;
    }
    EXPECT_EQ(std::string(KernelsFor(asked.isa).name), std::string(IsaName(given)));
  }
}

// The ISA of an emulated processor is known: none of its tables may be left out.
TEST(Dispatch, FindsWhatTheProcessorHas) {
  const char* expected = std::getenv("HEARTH_EXPECTED_ISA");
  if (expected == nullptr) return;
  EXPECT_EQ(std::string(IsaName(BestIsa())), std::string(expected));
  EXPECT_EQ(std::string(KernelsFor(BestIsa()).name), std::string(expected));
}

TEST(Dispatch, TablesAreFull) {
  for (const IsaRow& row : kIsas) {
    const Kernels& k = KernelsFor(row.isa);
    EXPECT_TRUE(k.quantize_q8 && k.matmul_q && k.matmul_f && k.dequantize_row && k.rms_norm &&
                k.rope);
    EXPECT_TRUE(k.relu_mul && k.silu_mul && k.add && k.axpy && k.to_f16 && k.from_f16 &&
                k.attention_scores && k.softmax);
    EXPECT_TRUE(k.attention_values && k.all_finite && k.argmax);
  }
}

TEST(Isa, QuantizeQ8) {
  Random random{1};
  for (const Kernels* table : Tables()) {
    for (const int64_t n : {0, 32, 64, 96, 256, 2144}) {
      for (int flavour = 0; flavour < kFlavours + 2; ++flavour) {
        Exact<float> x(n);
        Fill(x.data(), n, flavour % kFlavours, random);
        for (int64_t i = 0; i < n && flavour >= kFlavours; ++i) {
          // 6: scale 1 and many ties; 7: around the size below which a block is flushed to zero.
          x[i] = flavour == 6
                     ? (i % 32 == 0 ? 127.0f : static_cast<float>(random.Below(255) - 127) * 0.5f)
                     : random.Uniform() * 127 * 0x1p-128f * (random.Below(2) == 0 ? 1.0f : 1.05f);
        }
        Exact<int8_t> q(n), q_ref(n);
        Exact<float> d(n / 32), d_ref(n / 32);
        Exact<int32_t> offset(n / 32), offset_ref(n / 32);
        table->quantize_q8(x.data(), n, q.data(), d.data(), offset.data());
        Ref().quantize_q8(x.data(), n, q_ref.data(), d_ref.data(), offset_ref.data());
        ExpectSame(d.data(), d_ref.data(), n / 32, std::string(table->name) + " scales");
        EXPECT_TRUE(std::memcmp(q.data(), q_ref.data(), static_cast<size_t>(n)) == 0);
        EXPECT_TRUE(
            std::memcmp(offset.data(), offset_ref.data(), static_cast<size_t>(n / 32) * 4) == 0);
      }
    }
  }
}

// --- matmul_q ---

constexpr int kRowsMax = 40;
constexpr int kTokensMax = 33;

// Halves for scales: ordinary, or everything a file may hold.
uint16_t RandomHalf(int flavour, Random& random) {
  constexpr uint16_t kOdd[] = {0x0000, 0x8000, 0x0001, 0x83ff, 0x0400, 0x7bff, 0xfbff, 0x3c00};
  constexpr uint16_t kNotFinite[] = {0x7c00, 0xfc00, 0x7e00, 0x7c01};
  if (flavour == 1) return kOdd[random.Below(8)];
  if (flavour == 2 && random.Below(40) == 0) return kNotFinite[random.Below(4)];
  return static_cast<uint16_t>(0x2000 + random.Below(0x0c00) + (random.Below(2) << 15));
}

// Rows of blocks; flavour 0 ordinary, 1 extreme weights and odd scales, 2 now and then a scale that
// is not finite.
Exact<uint8_t> RandomRows(TensorType type, int64_t k, int64_t n_row, int flavour, Random& random) {
  const size_t block_bytes = BlockBytes(type);
  const int64_t n_block = k / BlockLength(type) * n_row;
  Exact<uint8_t> rows(n_block * static_cast<int64_t>(block_bytes));
  for (int64_t b = 0; b < n_block; ++b) {
    uint8_t* block = rows.data() + b * static_cast<int64_t>(block_bytes);
    constexpr uint8_t kExtreme[] = {0x00, 0xff, 0x80, 0x7f, 0x0f, 0xf0};
    const int extreme = flavour == 1 ? random.Below(7) : 6;
    for (size_t i = 0; i < block_bytes; ++i) {
      block[i] = extreme < 6 ? kExtreme[extreme] : static_cast<uint8_t>(random.Next());
    }
    for (const size_t at : testing::HalfFloatsOf(type)) {
      const uint16_t half = RandomHalf(flavour, random);
      std::memcpy(block + at, &half, 2);
    }
  }
  return rows;
}

struct Activations {
  Exact<int8_t> q;
  Exact<float> d;
  Exact<int32_t> offset;
  Q8Rows View(int64_t k) const { return {q.data(), d.data(), offset.data(), k}; }
};

Activations RandomActivations(int64_t n, int flavour, Random& random) {
  Activations x{Exact<int8_t>(n), Exact<float>(n / 32), Exact<int32_t>(n / 32)};
  Fill(x.d.data(), n / 32, flavour == 0 ? 0 : flavour == 1 ? 2 + random.Below(2) : 5, random);
  for (int64_t b = 0; b < n / 32; ++b) {
    const int pattern = flavour == 1 ? random.Below(4) : 3;
    x.offset[b] = 0;
    for (int64_t i = 32 * b; i < 32 * (b + 1); ++i) {
      x.q[i] = static_cast<int8_t>(pattern == 0   ? 127
                                   : pattern == 1 ? -127
                                   : pattern == 2 ? 0
                                                  : random.Below(255) - 127);
      x.offset[b] -= 8 * x.q[i];
    }
  }
  return x;
}

// The rows [begin, end) and n_tokens tokens of a product, from copies of exactly those, against
// ref's whole product.
void ExpectPart(const Kernels& table, TensorType type, int64_t k, const Exact<uint8_t>& rows,
                const Activations& x, const std::vector<float>& want, int64_t begin, int64_t end,
                int64_t token, int64_t n_tokens) {
  const size_t row_bytes = RowBytes(type, k);
  const int64_t bytes = static_cast<int64_t>(row_bytes);
  const Exact<uint8_t> part = Copy(rows.data() + begin * bytes, (end - begin) * bytes);
  const int64_t n_block = k / 32;
  const Activations part_x{Copy(x.q.data() + token * k, n_tokens * k),
                           Copy(x.d.data() + token * n_block, n_tokens * n_block),
                           Copy(x.offset.data() + token * n_block, n_tokens * n_block)};
  const int64_t n_row = end - begin;
  const int64_t y_stride = n_row + 5;
  Exact<float> y(n_tokens * y_stride);
  for (int64_t i = 0; i < y.size(); ++i) y[i] = kGuard;
  const MatrixView w = {type, part.data(), row_bytes, k};
  table.matmul_q(w, 0, n_row, part_x.View(k), n_tokens, y.data(), y_stride);
  for (int64_t t = 0; t < n_tokens; ++t) {
    const std::string what =
        std::string(table.name) + " type " + std::to_string(static_cast<int>(type)) + " k " +
        std::to_string(k) + " rows " + std::to_string(begin) + ".." + std::to_string(end) +
        " token " + std::to_string(token + t) + " of " + std::to_string(n_tokens);
    ExpectSame(y.data() + t * y_stride, want.data() + (token + t) * kRowsMax + begin, n_row, what);
    for (int64_t i = n_row; i < y_stride; ++i) EXPECT_EQ(y[t * y_stride + i], kGuard);
  }
}

void TestMatmulQ(TensorType type, int64_t k, int flavour, Random& random) {
  const Exact<uint8_t> rows = RandomRows(type, k, kRowsMax, flavour, random);
  const Activations x = RandomActivations(kTokensMax * k, flavour, random);
  std::vector<float> want(kTokensMax * kRowsMax);
  const MatrixView w = {type, rows.data(), RowBytes(type, k), k};
  Ref().matmul_q(w, 0, kRowsMax, x.View(k), kTokensMax, want.data(), kRowsMax);
  for (const Kernels* table : Tables()) {
    // Every number of rows, every number of tokens up to the largest, and splits that start
    // anywhere.
    for (int64_t n = 1; n <= kRowsMax; ++n) ExpectPart(*table, type, k, rows, x, want, 0, n, 0, 1);
    for (const int64_t n_tokens : {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 32, kTokensMax}) {
      ExpectPart(*table, type, k, rows, x, want, 0, kRowsMax, 0, n_tokens);
    }
    for (int i = 0; i < 12; ++i) {
      const int64_t begin = random.Below(kRowsMax);
      const int64_t end = begin + 1 + random.Below(static_cast<int>(kRowsMax - begin));
      const int64_t token = random.Below(kTokensMax);
      const int64_t n_tokens = 1 + random.Below(static_cast<int>(kTokensMax - token));
      ExpectPart(*table, type, k, rows, x, want, begin, end, token, n_tokens);
    }
  }
}

TEST(Isa, MatmulQ) {
  Random random{2};
  for (const TensorType type : kQuantized) {
    for (const int64_t k : {32, 64, 96, 224, 256, 288, 512, 768, 1536, 2048, 2080, 2304}) {
      if (k % BlockLength(type) != 0) continue;
      for (int flavour = 0; flavour < 3; ++flavour) TestMatmulQ(type, k, flavour, random);
    }
  }
}

// A range in the middle writes its rows and no other, and reads y at its own offset.
TEST(Isa, MatmulQWritesItsRowsOnly) {
  Random random{3};
  constexpr int64_t k = 512;
  for (const TensorType type : kQuantized) {
    const Exact<uint8_t> rows = RandomRows(type, k, kRowsMax, 0, random);
    const Activations x = RandomActivations(3 * k, 0, random);
    const MatrixView w = {type, rows.data(), RowBytes(type, k), k};
    std::vector<float> want(3 * kRowsMax);
    Ref().matmul_q(w, 0, kRowsMax, x.View(k), 3, want.data(), kRowsMax);
    std::vector<const Kernels*> tables = Tables();
    tables.push_back(&Ref());
    for (const Kernels* table : tables) {
      for (const int64_t begin : {0, 1, 7, 16, 39}) {
        for (const int64_t end :
             {int64_t{1}, int64_t{8}, int64_t{17}, int64_t{33}, int64_t{kRowsMax}}) {
          Exact<float> y(3 * kRowsMax);
          for (int64_t i = 0; i < y.size(); ++i) y[i] = kGuard;
          table->matmul_q(w, begin, end, x.View(k), 3, y.data(), kRowsMax);
          for (int64_t i = 0; i < y.size(); ++i) {
            const int64_t r = i % kRowsMax;
            EXPECT_TRUE(Same(y[i], r >= begin && r < end ? want[static_cast<size_t>(i)] : kGuard));
          }
        }
      }
    }
  }
}

// Any rising choice of rows, from none to all, gives what the whole product gives there.
TEST(Isa, MatmulRowsPicksRows) {
  Random random{6};
  for (const TensorType type : kQuantized) {
    for (const int64_t k : {32, 256, 768, 1536}) {
      if (k % BlockLength(type) != 0) continue;
      const Exact<uint8_t> rows = RandomRows(type, k, kRowsMax, 0, random);
      const Activations x = RandomActivations(k, 0, random);
      const MatrixView w = {type, rows.data(), RowBytes(type, k), k};
      std::vector<float> want(kRowsMax);
      Ref().matmul_q(w, 0, kRowsMax, x.View(k), 1, want.data(), kRowsMax);
      std::vector<const Kernels*> tables = Tables();
      tables.push_back(&Ref());
      for (const Kernels* table : tables) {
        for (int percent = 0; percent <= 100; percent += 10) {
          std::vector<int32_t> picked;
          for (int32_t r = 0; r < kRowsMax; ++r) {
            if (random.Below(100) < percent) picked.push_back(r);
          }
          const Exact<int32_t> list = Copy(picked.data(), static_cast<int64_t>(picked.size()));
          Exact<float> y(list.size() + 1);
          y[list.size()] = kGuard;
          table->matmul_rows(w, list.data(), list.size(), x.View(k), y.data());
          for (int64_t i = 0; i < list.size(); ++i)
            EXPECT_TRUE(Same(y[i], want[static_cast<size_t>(list[i])]));
          EXPECT_EQ(y[list.size()], kGuard);
        }
      }
    }
  }
}

// --- Interleaved rows ---

// Every table interleaves rows into the same bytes, multiplies interleaved rows like plain ones,
// and can restore them.
TEST(Isa, GroupsAreTheSameRows) {
  Random random{5};
  for (const TensorType type : kQuantized) {
    for (const int64_t k : {32, 96, 256, 768, 1536}) {
      if (k % BlockLength(type) != 0) continue;
      const size_t row_bytes = RowBytes(type, k);
      const int64_t n_bytes = static_cast<int64_t>(row_bytes) * kRowsMax;
      const Exact<uint8_t> rows = RandomRows(type, k, kRowsMax, 0, random);
      const Activations x = RandomActivations(kTokensMax * k, 0, random);
      std::vector<float> want(kTokensMax * kRowsMax);
      const MatrixView plain = {type, rows.data(), row_bytes, k};
      Ref().matmul_q(plain, 0, kRowsMax, x.View(k), kTokensMax, want.data(), kRowsMax);

      Exact<uint8_t> scratch(static_cast<int64_t>(RepackScratchBytes(row_bytes)));
      const Exact<uint8_t> expected = Copy(rows.data(), n_bytes);
      const int64_t n_interleaved =
          RepackRows(Ref(), type, k, kRowsMax, expected.data(), expected.data(), scratch.data());
      EXPECT_EQ(n_interleaved, kRowsMax / kInterleavedRows * kInterleavedRows);
      const MatrixView view = {type, expected.data(), row_bytes, k, n_interleaved};
      Exact<uint8_t> row(static_cast<int64_t>(row_bytes));
      for (int64_t r = 0; r < kRowsMax; ++r) {
        CopyRow(view, r, row.data());
        EXPECT_TRUE(std::memcmp(row.data(), rows.data() + r * row.size(), row_bytes) == 0);
      }
      std::vector<const Kernels*> tables = Tables();
      tables.push_back(&Ref());
      for (const Kernels* table : tables) {
        const Exact<uint8_t> interleaved = Copy(rows.data(), n_bytes);
        RepackRows(*table, type, k, kRowsMax, interleaved.data(), interleaved.data(),
                   scratch.data());
        EXPECT_TRUE(
            std::memcmp(interleaved.data(), expected.data(), static_cast<size_t>(n_bytes)) == 0);
        for (int i = 0; i < 24; ++i) {
          // The whole, and parts that begin and end anywhere.
          const int64_t begin = i == 0 ? 0 : random.Below(kRowsMax);
          const int64_t end =
              i == 0 ? kRowsMax : begin + 1 + random.Below(static_cast<int>(kRowsMax - begin));
          const int64_t n_tokens = i % 3 == 1 ? 1 : kTokensMax;
          Exact<float> y(kTokensMax * kRowsMax);
          for (int64_t j = 0; j < y.size(); ++j) y[j] = kGuard;
          table->matmul_q(view, begin, end, x.View(k), n_tokens, y.data(), kRowsMax);
          for (int64_t j = 0; j < y.size(); ++j) {
            const int64_t r = j % kRowsMax;
            const bool written = r >= begin && r < end && j / kRowsMax < n_tokens;
            EXPECT_TRUE(Same(y[j], written ? want[static_cast<size_t>(j)] : kGuard));
          }
        }
      }
    }
  }
}

// --- Float products ---

TEST(Isa, MatmulF) {
  Random random{4};
  constexpr int64_t kRows = 9, kTokens = 9;
  for (const TensorType type : kFloats) {
    for (int64_t k = 1; k <= 1537; k = k < 67 ? k + 1 : k * 3 / 2) {
      const int flavour = random.Below(kFlavours);
      const int64_t row_bytes =
          static_cast<int64_t>(RowBytes(type, k)) + 7;  // rows start at odd addresses
      Exact<uint8_t> rows(kRows * row_bytes - 7);
      std::vector<float> values(static_cast<size_t>(k));
      for (int64_t r = 0; r < kRows; ++r) {
        Fill(values.data(), k, flavour, random);
        uint8_t* row = rows.data() + r * row_bytes;
        if (type == TensorType::kF32) std::memcpy(row, values.data(), 4 * values.size());
        for (size_t i = 0; i < values.size() && type != TensorType::kF32; ++i) {
          uint16_t half;
          Ref().to_f16(&values[i], 1, &half);
          if (type == TensorType::kBF16)
            std::memcpy(&half, reinterpret_cast<uint8_t*>(&values[i]) + 2, 2);
          std::memcpy(row + 2 * i, &half, 2);
        }
      }
      const int64_t x_stride = k + 3;
      Exact<float> x(kTokens * x_stride - 3);
      Fill(x.data(), x.size(), flavour, random);
      const MatrixView w = {type, rows.data(), static_cast<size_t>(row_bytes), k};
      std::vector<float> want(kTokens * kRows);
      Ref().matmul_f(w, 0, kRows, x.data(), x_stride, kTokens, want.data(), kRows);
      for (const Kernels* table : Tables()) {
        for (const int64_t n_tokens : {0, 1, 2, 4, 5, 8, 9}) {
          for (int64_t begin = 0; begin < kRows; begin += 2) {
            for (int64_t end = begin; end <= kRows; end += 3) {
              Exact<float> y(kTokens * kRows);
              for (int64_t i = 0; i < y.size(); ++i) y[i] = kGuard;
              table->matmul_f(w, begin, end, x.data(), x_stride, n_tokens, y.data(), kRows);
              for (int64_t i = 0; i < y.size(); ++i) {
                const int64_t r = i % kRows;
                const bool written = r >= begin && r < end && i / kRows < n_tokens;
                EXPECT_TRUE(Same(y[i], written ? want[static_cast<size_t>(i)] : kGuard));
              }
            }
          }
        }
      }
    }
  }
}

// All partial sums are -0 (products that underflow from below); a tail that added 0*0 to them would
// make them +0.
TEST(Isa, FloatTailsLeaveOtherLanesAlone) {
  for (int64_t k = 16; k <= 48; ++k) {
    const std::vector<float> w(static_cast<size_t>(k), 1e-30f), x(static_cast<size_t>(k), -1e-30f);
    const MatrixView view = {TensorType::kF32, w.data(), static_cast<size_t>(4 * k), k};
    float want = 1;
    Ref().matmul_f(view, 0, 1, x.data(), k, 1, &want, 1);
    EXPECT_TRUE(Same(want, -0.0f));
    for (const Kernels* table : Tables()) {
      float y = 1;
      table->matmul_f(view, 0, 1, x.data(), k, 1, &y, 1);
      EXPECT_TRUE(Same(y, -0.0f));
    }
  }
}

TEST(Isa, DequantizeRow) {
  Random random{5};
  for (const Kernels* table : Tables()) {
    for (const TensorType type : kQuantized) {
      for (const int64_t k : {0, 32, 96, 256, 768, 2304}) {
        if (k % BlockLength(type) != 0) continue;
        for (int flavour = 0; flavour < 3; ++flavour) {
          const Exact<uint8_t> row = RandomRows(type, k, 1, flavour, random);
          Exact<float> got(k), want(k);
          table->dequantize_row(type, row.data(), k, got.data());
          Ref().dequantize_row(type, row.data(), k, want.data());
          ExpectSame(got.data(), want.data(), k, std::string(table->name) + " dequantize");
        }
      }
    }
    for (const TensorType type : kFloats) {
      for (int64_t n = 0; n <= 67; ++n) {
        Exact<uint8_t> row(static_cast<int64_t>(RowBytes(type, n)));
        for (int64_t i = 0; i < row.size(); ++i) row[i] = static_cast<uint8_t>(random.Next());
        Exact<float> got(n), want(n);
        table->dequantize_row(type, row.data(), n, got.data());
        Ref().dequantize_row(type, row.data(), n, want.data());
        ExpectSame(got.data(), want.data(), n, std::string(table->name) + " float row");
      }
    }
  }
}

// --- Functions of vectors ---

// Runs body(table, n, flavour) for every table, 0..67 and two longer lengths, and every flavour of
// values.
void ForSizes(const std::function<void(const Kernels&, int64_t, int)>& body) {
  for (const Kernels* table : Tables()) {
    for (int flavour = 0; flavour < kFlavours; ++flavour) {
      for (int64_t n = 0; n <= 67; ++n) body(*table, n, flavour);
      body(*table, 1000, flavour);
      body(*table, 1536, flavour);
    }
  }
}

Exact<float> RandomFloats(int64_t n, int flavour, Random& random) {
  Exact<float> x(n);
  Fill(x.data(), n, flavour, random);
  return x;
}

TEST(Isa, VectorFunctions) {
  Random random{6};
  ForSizes([&](const Kernels& table, int64_t n, int flavour) {
    const Exact<float> a = RandomFloats(n, flavour, random);
    const Exact<float> b = RandomFloats(n, flavour, random);
    const std::string name = std::string(table.name) + " n " + std::to_string(n) + " ";
    Exact<float> got(n), want(n);
    table.relu_mul(a.data(), b.data(), n, got.data());
    Ref().relu_mul(a.data(), b.data(), n, want.data());
    ExpectSame(got.data(), want.data(), n, name + "relu_mul");

    table.silu_mul(a.data(), b.data(), n, got.data());
    Ref().silu_mul(a.data(), b.data(), n, want.data());
    ExpectSame(got.data(), want.data(), n, name + "silu_mul");

    if (n > 0) {
      table.rms_norm(a.data(), b.data(), n, 1e-6f, got.data());
      Ref().rms_norm(a.data(), b.data(), n, 1e-6f, want.data());
      ExpectSame(got.data(), want.data(), n, name + "rms_norm");
    }

    got = Copy(b.data(), n);
    want = Copy(b.data(), n);
    table.add(a.data(), n, got.data());
    Ref().add(a.data(), n, want.data());
    ExpectSame(got.data(), want.data(), n, name + "add");

    const float factor = flavour == 4 ? random.AnyBits() : 1.7f * random.Uniform();
    table.axpy(factor, a.data(), n, got.data());
    Ref().axpy(factor, a.data(), n, want.data());
    ExpectSame(got.data(), want.data(), n, name + "axpy");

    got = Copy(a.data(), n);
    want = Copy(a.data(), n);
    const float sum = table.softmax(got.data(), n);
    const float sum_want = Ref().softmax(want.data(), n);
    ExpectSame(got.data(), want.data(), n, name + "softmax");
    ExpectSame(&sum, &sum_want, 1, name + "softmax sum");

    Exact<uint16_t> half(n), half_want(n);
    table.to_f16(a.data(), n, half.data());
    Ref().to_f16(a.data(), n, half_want.data());
    ExpectSame(half.data(), half_want.data(), n, name + "to_f16");

    EXPECT_EQ(table.all_finite(a.data(), n), Ref().all_finite(a.data(), n));
    if (n > 0) EXPECT_EQ(table.argmax(a.data(), n), Ref().argmax(a.data(), n));
  });
}

TEST(Isa, Rope) {
  Random random{7};
  ForSizes([&](const Kernels& table, int64_t n, int flavour) {
    const Exact<float> v = RandomFloats(2 * n, flavour, random);
    const Exact<float> cos = RandomFloats(n, flavour, random);
    const Exact<float> sin = RandomFloats(n, flavour, random);
    Exact<float> got = Copy(v.data(), 2 * n);
    Exact<float> want = Copy(v.data(), 2 * n);
    table.rope(got.data(), cos.data(), sin.data(), 2 * n);
    Ref().rope(want.data(), cos.data(), sin.data(), 2 * n);
    ExpectSame(got.data(), want.data(), 2 * n,
               std::string(table.name) + " rope " + std::to_string(2 * n));
  });
}

// Outputs of the vector functions end where they should.
TEST(Isa, VectorFunctionsWriteTheirElementsOnly) {
  for (const Kernels* table : Tables()) {
    for (int64_t n = 0; n <= 67; ++n) {
      const std::vector<float> x(static_cast<size_t>(n) + 1, 0.5f);
      const std::vector<uint16_t> halves(static_cast<size_t>(n) + 1, 0x3800);
      const size_t end = static_cast<size_t>(n);
      std::vector<float> y(end + 32, kGuard);
      table->relu_mul(x.data(), x.data(), n, y.data());
      table->silu_mul(x.data(), x.data(), n, y.data());
      if (n > 0) table->rms_norm(x.data(), x.data(), n, 1e-6f, y.data());
      table->add(x.data(), n, y.data());
      table->axpy(2.0f, x.data(), n, y.data());
      table->from_f16(halves.data(), n, y.data());
      table->softmax(y.data(), n);
      table->rope(y.data(), x.data(), x.data(), n / 2 * 2);
      table->attention_values(x.data(), 1, 0, halves.data(), n, 1, n, y.data(), 0);
      for (size_t i = end; i < y.size(); ++i) EXPECT_EQ(y[i], kGuard);
      table->attention_scores(x.data(), 1, 0, halves.data(), 0, n, 1, 1.0f, y.data(), 0);
      for (size_t i = end; i < y.size(); ++i) EXPECT_EQ(y[i], kGuard);
      std::vector<uint16_t> z(end + 32, 0x1234);
      table->to_f16(x.data(), n, z.data());
      for (size_t i = end; i < z.size(); ++i) EXPECT_EQ(z[i], 0x1234);
    }
  }
}

// All halves, and floats at, just below and just above every boundary between two halves.
TEST(Isa, HalfConversions) {
  std::vector<uint16_t> halves(65536);
  for (size_t i = 0; i < halves.size(); ++i) halves[i] = static_cast<uint16_t>(i);
  std::vector<float> want(halves.size());
  Ref().from_f16(halves.data(), 65536, want.data());
  std::vector<float> edges;
  for (uint32_t h = 0; h < 0x7c00; ++h) {
    const float next = h == 0x7bff ? 65536.0f : want[h + 1];
    const float middle = 0.5f * (want[h] + next);
    for (const float x :
         {want[h], std::nextafter(middle, 0.0f), middle, std::nextafter(middle, kInf)}) {
      edges.push_back(x);
      edges.push_back(-x);
    }
  }
  Random random{8};
  for (int i = 0; i < 200000; ++i) edges.push_back(random.AnyBits());
  const int64_t n_edge = static_cast<int64_t>(edges.size());
  std::vector<uint16_t> edges_want(edges.size());
  Ref().to_f16(edges.data(), n_edge, edges_want.data());
  for (const Kernels* table : Tables()) {
    std::vector<float> got(halves.size());
    table->from_f16(halves.data(), 65536, got.data());
    ExpectSame(got.data(), want.data(), 65536, std::string(table->name) + " from_f16");
    std::vector<uint16_t> edges_got(edges.size());
    table->to_f16(edges.data(), n_edge, edges_got.data());
    ExpectSame(edges_got.data(), edges_want.data(), n_edge, std::string(table->name) + " to_f16");
  }
}

TEST(Isa, Exp) {
  // s[0] = 0 is the maximum, so that every other element is Exp of itself.
  std::vector<float> s = {
      0.0f, -0.0f, -87.0f, std::nextafter(-87.0f, 0.0f), std::nextafter(-87.0f, -kInf), -1e-45f};
  Random random{9};
  for (int i = 0; i < 100000; ++i) s.push_back(-50.0f + 50.0f * random.Uniform());
  for (int i = 0; i < 253; ++i) s.push_back(-0.5f * static_cast<float>(i) * 0.6931472f);
  std::vector<float> want = s;
  const int64_t n = static_cast<int64_t>(s.size());
  const float sum_want = Ref().softmax(want.data(), n);
  for (const Kernels* table : Tables()) {
    std::vector<float> got = s;
    const float sum = table->softmax(got.data(), n);
    ExpectSame(got.data(), want.data(), n, std::string(table->name) + " exp");
    ExpectSame(&sum, &sum_want, 1, std::string(table->name) + " sum of exp");
  }
}

TEST(Isa, Attention) {
  Random random{10};
  for (const int64_t head_dim :
       {1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 80, 100, 127, 128, 129, 150, 256}) {
    for (const int64_t n_key : {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 33}) {
      for (int flavour = 0; flavour < kFlavours; ++flavour) {
        const int64_t stride = head_dim + random.Below(3);
        const int64_t n_half = n_key == 0 ? 0 : (n_key - 1) * stride + head_dim;
        const Exact<float> values = RandomFloats(n_half, flavour, random);
        Exact<uint16_t> halves(n_half);
        Ref().to_f16(values.data(), n_half, halves.data());
        // Every number of heads comes up, with all the numbers of keys.
        const int64_t n_query = 1 + random.Below(14);
        const int64_t q_stride = head_dim + 1, p_stride = n_key + 2, sum_stride = head_dim + 3;
        const Exact<float> q = RandomFloats((n_query - 1) * q_stride + head_dim, flavour, random);
        const Exact<float> p = RandomFloats((n_query - 1) * p_stride + n_key, flavour, random);
        const Exact<float> start = RandomFloats((n_query - 1) * sum_stride + head_dim, 0, random);
        Exact<float> scores_want(p.size()), out_want(start.size());
        const auto scores_of = [&](const Kernels& table, Exact<float>& scores) {
          std::fill(scores.data(), scores.data() + scores.size(), kGuard);
          table.attention_scores(q.data(), n_query, q_stride, halves.data(), stride, n_key,
                                 head_dim, 0.3f, scores.data(), p_stride);
        };
        const auto values_of = [&](const Kernels& table, int64_t n_first, Exact<float>& out) {
          std::copy(start.data(), start.data() + start.size(), out.data());
          // In two runs, as where a ring wraps.
          table.attention_values(p.data(), n_query, p_stride, halves.data(), stride, n_first,
                                 head_dim, out.data(), sum_stride);
          if (n_first == n_key) return;
          table.attention_values(p.data() + n_first, n_query, p_stride,
                                 halves.data() + n_first * stride, stride, n_key - n_first,
                                 head_dim, out.data(), sum_stride);
        };
        scores_of(Ref(), scores_want);
        values_of(Ref(), n_key, out_want);
        for (const Kernels* table : Tables()) {
          const std::string name = std::string(table->name) + " head " + std::to_string(head_dim) +
                                   " keys " + std::to_string(n_key) + " heads " +
                                   std::to_string(n_query);
          Exact<float> scores(p.size()), out(start.size());
          scores_of(*table, scores);
          ExpectSame(scores.data(), scores_want.data(), scores.size(), name + " scores");
          values_of(*table, n_key == 0 ? 0 : random.Below(static_cast<int>(n_key) + 1), out);
          ExpectSame(out.data(), out_want.data(), out.size(), name + " values");
        }
      }
    }
  }
}

TEST(Isa, AllFiniteSeesEveryElement) {
  for (const Kernels* table : Tables()) {
    for (int64_t n = 1; n <= 67; ++n) {
      Exact<float> x(n);
      for (int64_t i = 0; i < n; ++i)
        x[i] = i % 2 == 0 ? std::numeric_limits<float>::max() : -1e-45f;
      EXPECT_TRUE(table->all_finite(x.data(), n));
      for (int64_t i = 0; i < n; ++i) {
        const float kept = x[i];
        for (const float bad : {kInf, -kInf, kNan, -kNan}) {
          x[i] = bad;
          EXPECT_FALSE(table->all_finite(x.data(), n));
        }
        x[i] = kept;
      }
    }
  }
}

TEST(Isa, ArgmaxFindsTheFirstLargest) {
  for (const Kernels* table : Tables()) {
    for (int64_t n = 1; n <= 67; ++n) {
      for (int64_t at = 0; at < n; ++at) {
        Exact<float> x(n);
        for (int64_t i = 0; i < n; ++i) x[i] = i % 3 == 0 ? kNan : i % 3 == 1 ? -kInf : -5.0f;
        for (int64_t i = at; i < n; i += 7) x[i] = -4.0f;
        EXPECT_EQ(table->argmax(x.data(), n), at);
      }
      Exact<float> x(n);
      for (int64_t i = 0; i < n; ++i) x[i] = kNan;
      EXPECT_EQ(table->argmax(x.data(), n), 0);
      x[n - 1] = -kInf;
      EXPECT_EQ(table->argmax(x.data(), n), n - 1);
      for (int64_t i = 0; i < n; ++i) x[i] = i == 0 ? -0.0f : 0.0f;
      EXPECT_EQ(table->argmax(x.data(), n), 0);
    }
  }
}

}  // namespace
}  // namespace hearth
