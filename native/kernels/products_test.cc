// Products of matrices: every table gives the bits of ref (docs/adr/0001), whatever the shape, the
// split and the values.
#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "base/testing.h"
#include "kernels/dispatch.h"
#include "kernels/inputs_testing.h"
#include "kernels/interleaved_rows.h"

namespace hearth {
namespace {

using namespace testing;  // NOLINT: inputs_testing.h

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

}  // namespace
}  // namespace hearth
