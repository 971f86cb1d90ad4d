// ref.cc is right: against formulas written here anew, in double precision with derived bounds
// where rounding is allowed and bit for bit where kernels.h prescribes the order. That other tables
// equal ref is kernels_test.cc's business.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "base/testing.h"
#include "kernels/dispatch.h"
#include "kernels/isas_testing.h"

namespace hearth {
namespace {

constexpr double kUnit = 0x1p-24;  // a float operation's relative rounding error is at most this
constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

const Kernels& Ref() { return KernelsFor(Isa::kRef); }

struct Random {
  uint64_t state;
  uint32_t Next() {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<uint32_t>(state >> 33);
  }
  float Uniform() { return static_cast<float>(Next()) * 0x1p-30f - 1.0f; }  // -1..1
  std::vector<float> Floats(size_t n, float scale) {
    std::vector<float> x(n);
    for (float& v : x) v = scale * Uniform();
    return x;
  }
};

bool SameBits(float a, float b) { return std::memcmp(&a, &b, sizeof a) == 0; }

// What a half's bits mean, by IEEE 754's definition.
double HalfValue(uint16_t h) {
  const int exponent = (h >> 10) & 31;
  const int mantissa = h & 1023;
  const double sign = h >> 15 != 0 ? -1.0 : 1.0;
  if (exponent == 31) return mantissa != 0 ? std::nan("") : sign * INFINITY;
  return sign *
         (exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25));
}

// --- Half floats ---

TEST(Half, EveryHalfHasItsValueAndComesBack) {
  for (int i = 0; i < 65536; ++i) {
    const uint16_t half = static_cast<uint16_t>(i);
    float x = 0;
    uint16_t back = 0;
    Ref().from_f16(&half, 1, &x);
    Ref().to_f16(&x, 1, &back);
    const double want = HalfValue(half);
    if (std::isnan(want)) {
      EXPECT_TRUE(std::isnan(x));
      EXPECT_TRUE(std::isnan(HalfValue(back)));
    } else {
      EXPECT_EQ(static_cast<double>(x), want);
      EXPECT_EQ(std::signbit(x), std::signbit(want));
      EXPECT_EQ(back, half);
    }
  }
}

TEST(Half, RoundsToNearestTiesToEven) {
  for (uint32_t h = 0; h < 0x7c00; ++h) {
    const double low = HalfValue(static_cast<uint16_t>(h));
    const double high =
        h == 0x7bff ? 65536.0
                    : HalfValue(static_cast<uint16_t>(h + 1));  // the value infinity stands for
    const float middle = static_cast<float>(0.5 * (low + high));
    const uint16_t even = static_cast<uint16_t>(h + (h & 1));
    const float x[6] = {middle,  std::nextafter(middle, 0.0f),  std::nextafter(middle, kInf),
                        -middle, -std::nextafter(middle, 0.0f), -std::nextafter(middle, kInf)};
    uint16_t got[6];
    Ref().to_f16(x, 6, got);
    EXPECT_EQ(got[0], even);
    EXPECT_EQ(got[1], h);
    EXPECT_EQ(got[2], h + 1);
    EXPECT_EQ(got[3], even | 0x8000);
    EXPECT_EQ(got[4], h | 0x8000);
    EXPECT_EQ(got[5], (h + 1) | 0x8000);
  }
  const float large[] = {65536.0f, 1e30f, kInf, -kInf};
  uint16_t got[4];
  Ref().to_f16(large, 4, got);
  EXPECT_EQ(got[0], 0x7c00);
  EXPECT_EQ(got[1], 0x7c00);
  EXPECT_EQ(got[2], 0x7c00);
  EXPECT_EQ(got[3], 0xfc00);
  const float tiny[] = {0x1p-126f, 1e-45f, -1e-45f, 0x1.000002p-25f};
  Ref().to_f16(tiny, 4, got);
  EXPECT_EQ(got[0], 0);
  EXPECT_EQ(got[1], 0);
  EXPECT_EQ(got[2], 0x8000);
  EXPECT_EQ(got[3], 1);
}

// --- Blocks made by hand ---

TEST(Blocks, Q4_0) {
  uint8_t block[18] = {0x00, 0xb8};  // d = -0.5
  for (int i = 0; i < 16; ++i) block[2 + i] = static_cast<uint8_t>(i | ((15 - i) << 4));
  float y[32];
  Ref().dequantize_row(TensorType::kQ4_0, block, 32, y);
  for (int i = 0; i < 16; ++i) {
    EXPECT_EQ(y[i], -0.5f * static_cast<float>(i - 8));
    EXPECT_EQ(y[16 + i], -0.5f * static_cast<float>(7 - i));
  }
}

TEST(Blocks, Q4_1) {
  uint8_t block[20] = {0x00, 0x40, 0x00, 0xbc};  // d = 2, m = -1
  for (int i = 0; i < 16; ++i) block[4 + i] = static_cast<uint8_t>(i | ((15 - i) << 4));
  float y[32];
  Ref().dequantize_row(TensorType::kQ4_1, block, 32, y);
  for (int i = 0; i < 16; ++i) {
    EXPECT_EQ(y[i], 2.0f * static_cast<float>(i) - 1.0f);
    EXPECT_EQ(y[16 + i], 2.0f * static_cast<float>(15 - i) - 1.0f);
  }
}

TEST(Blocks, Q8_0) {
  uint8_t block[34] = {0x00, 0x34};  // d = 0.25
  for (int i = 0; i < 32; ++i) block[2 + i] = static_cast<uint8_t>(8 * i - 128);
  float y[32];
  Ref().dequantize_row(TensorType::kQ8_0, block, 32, y);
  for (int i = 0; i < 32; ++i) EXPECT_EQ(y[i], 0.25f * static_cast<float>(8 * i - 128));
}

// One byte of the block set at a time; which weights move, by the format's published loop: for l in
// 0..31 of a half, weights l, l+32, l+64, l+96 take the low nibbles of ql[l] and ql[l+32], then
// their high ones, and bits 0-1, 2-3, 4-5, 6-7 of qh[l].
TEST(Blocks, Q6KBitLayout) {
  const auto expect = [](const uint8_t* block, int weight, float value, float others) {
    float y[256];
    Ref().dequantize_row(TensorType::kQ6_K, block, 256, y);
    for (int i = 0; i < 256; ++i) EXPECT_EQ(y[i], i == weight ? value : others);
  };
  uint8_t block[210] = {};
  for (int i = 0; i < 16; ++i) block[192 + i] = 1;
  block[209] = 0x3c;  // d = 1
  for (int half = 0; half < 2; ++half) {
    for (int l = 0; l < 32; ++l) {
      uint8_t* ql = block + 64 * half;
      uint8_t* qh = block + 128 + 32 * half;
      const int first = 128 * half + l;
      ql[l] = 0x05;
      expect(block, first, 5 - 32, -32);
      ql[l] = 0x50;
      expect(block, first + 64, 5 - 32, -32);
      ql[l] = 0;
      ql[l + 32] = 0x0b;
      expect(block, first + 32, 11 - 32, -32);
      ql[l + 32] = 0xb0;
      expect(block, first + 96, 11 - 32, -32);
      ql[l + 32] = 0;
      for (int quarter = 0; quarter < 4; ++quarter) {
        qh[l] = static_cast<uint8_t>(3 << (2 * quarter));
        expect(block, first + 32 * quarter, 48 - 32, -32);
      }
      qh[l] = 0;
    }
  }
  // Scale i is of weights 16i..16i+15, signed; d multiplies it.
  for (int i = 0; i < 16; ++i) block[192 + i] = static_cast<uint8_t>(i - 8);
  block[209] = 0x40;  // d = 2
  float y[256];
  Ref().dequantize_row(TensorType::kQ6_K, block, 256, y);
  for (int i = 0; i < 256; ++i) EXPECT_EQ(y[i], static_cast<float>(2 * (i / 16 - 8) * -32));
}

// By the format's published loops, which count weights as they come: of 32, nibble and bit j are
// weight j, and the high nibble of byte j with bit j + 16 is weight j + 16.
TEST(Blocks, FifthBitsOf32) {
  Random random{21};
  for (const TensorType type : {TensorType::kQ5_0, TensorType::kQ5_1}) {
    const bool has_m = type == TensorType::kQ5_1;
    uint8_t block[24];
    for (uint8_t& byte : block) byte = static_cast<uint8_t>(random.Next());
    const uint8_t halves[] = {0x00, 0x34, 0x00, 0xc0};  // d = 0.25, m = -2
    std::memcpy(block, halves, has_m ? 4 : 2);
    const uint8_t* bits = block + (has_m ? 4 : 2);
    uint32_t qh;
    std::memcpy(&qh, bits, 4);
    float y[32];
    Ref().dequantize_row(type, block, 32, y);
    for (uint32_t j = 0; j < 16; ++j) {
      const uint32_t byte = bits[4 + j];
      const uint32_t low = (byte & 15) + ((qh >> j) % 2) * 16;
      const uint32_t high = byte / 16 + ((qh >> (j + 16)) % 2) * 16;
      const auto weight = [&](uint32_t q) {
        return has_m ? 0.25f * static_cast<float>(q) - 2.0f : 0.25f * (static_cast<float>(q) - 16);
      };
      EXPECT_EQ(y[j], weight(low));
      EXPECT_EQ(y[j + 16], weight(high));
    }
  }
}

// The published loop: for each 64 weights, 32 bytes; the low nibbles with scale and minimum 2g,
// then the high ones with 2g + 1. Q5_K's fifth bits are those of two masks that move left by two.
TEST(Blocks, ScalesAndMinimaOf256) {
  Random random{22};
  for (const TensorType type : {TensorType::kQ4_K, TensorType::kQ5_K}) {
    const bool five = type == TensorType::kQ5_K;
    uint8_t block[176];
    for (uint8_t& byte : block) byte = static_cast<uint8_t>(random.Next());
    const uint8_t halves[] = {0x00, 0x34, 0x00, 0x38};  // d = 0.25, dmin = 0.5
    std::memcpy(block, halves, 4);
    const uint8_t* scales = block + 4;
    const uint8_t* fifth = block + 16;
    const uint8_t* nibbles = block + (five ? 48 : 16);
    // The first four scales and minima have six bits of a byte; of the last four the low four bits
    // share a byte, and the high two are on top of the first ones'.
    int s[8], m[8];
    for (int j = 0; j < 4; ++j) {
      s[j] = scales[j] % 64;
      m[j] = scales[4 + j] % 64;
      s[4 + j] = scales[8 + j] % 16 + scales[j] / 64 * 16;
      m[4 + j] = scales[8 + j] / 16 + scales[4 + j] / 64 * 16;
    }
    float y[256];
    Ref().dequantize_row(type, block, 256, y);
    int at = 0;
    int first_mask = 1, second_mask = 2;
    for (int g = 0; g < 4; ++g, first_mask <<= 2, second_mask <<= 2) {
      for (int half = 0; half < 2; ++half) {
        for (int l = 0; l < 32; ++l, ++at) {
          const int byte = nibbles[32 * g + l];
          int q = half == 0 ? byte % 16 : byte / 16;
          if (five && (fifth[l] & (half == 0 ? first_mask : second_mask)) != 0) q += 16;
          const int j = 2 * g + half;
          EXPECT_EQ(y[at], 0.25f * static_cast<float>(s[j] * q) - 0.5f * static_cast<float>(m[j]));
        }
      }
    }
  }
}

// The published loops: for each half of 128 weights 32 bytes, whose bit pairs are taken four times,
// 16 bytes with a scale and the next 16 with the next. Q3_K's mask of the third bit moves on with
// each, and a weight without it is 4 less.
TEST(Blocks, BitPairsOf256) {
  Random random{23};
  for (const TensorType type : {TensorType::kQ2_K, TensorType::kQ3_K}) {
    const bool three = type == TensorType::kQ3_K;
    uint8_t block[110];
    for (uint8_t& byte : block) byte = static_cast<uint8_t>(random.Next());
    const uint8_t halves[] = {0x00, 0x34, 0x00, 0x38};  // d = 0.25, dmin = 0.5
    std::memcpy(block + (three ? 108 : 80), halves, three ? 2 : 4);
    // Scales of Q3_K as its published code unpacks them: as four numbers of 32 bits.
    int scale[16];
    uint32_t words[3];
    std::memcpy(words, block + 96, sizeof words);
    for (uint32_t i = 0; i < 16; ++i) {
      if (three) {
        const uint32_t low = words[i / 4 % 2] >> (i < 8 ? 0 : 4) & 0x0f0f0f0fu;
        const uint32_t high = words[2] >> 2 * (i / 4) & 0x03030303u;
        scale[i] = static_cast<int>((low + high * 16) >> 8 * (i % 4) & 255) - 32;
      } else {
        scale[i] = block[i] % 16;
      }
    }
    float y[256];
    Ref().dequantize_row(type, block, 256, y);
    int at = 0, is = 0, mask = 1;
    for (int half = 0; half < 2; ++half) {
      for (int shift = 0; shift < 8; shift += 2, mask *= 2) {
        for (int l = 0; l < 32; ++l, ++at) {
          if (l % 16 == 0) ++is;
          const int pair = block[(three ? 32 : 16) + 32 * half + l] / (1 << shift) % 4;
          float want = 0.25f * static_cast<float>(scale[is - 1]);
          if (three) {
            want *= static_cast<float>(pair - ((block[l] & mask) != 0 ? 0 : 4));
          } else {
            want = want * static_cast<float>(pair) - 0.5f * static_cast<float>(block[is - 1] / 16);
          }
          EXPECT_EQ(y[at], want);
        }
      }
    }
    EXPECT_EQ(at, 256);
  }
}

TEST(Blocks, Floats) {
  const uint16_t halves[] = {0x3c00, 0xc000};
  const uint16_t brains[] = {0x3f80, 0xc000};
  const float floats[] = {1.0f, -2.0f};
  for (const auto& [type, data] : {std::pair<TensorType, const void*>{TensorType::kF16, halves},
                                   {TensorType::kBF16, brains},
                                   {TensorType::kF32, floats}}) {
    float y[2] = {};
    Ref().dequantize_row(type, data, 2, y);
    EXPECT_EQ(y[0], 1.0f);
    EXPECT_EQ(y[1], -2.0f);
  }
}

// --- Quantised products ---

TEST(QuantizeQ8, NearestWithinHalfAStep) {
  Random random{1};
  const std::vector<float> x = random.Floats(3200, 7.0f);
  std::vector<int8_t> q(3200);
  std::vector<float> d(100);
  std::vector<int32_t> offset(100);
  Ref().quantize_q8(x.data(), 3200, q.data(), d.data(), offset.data());
  for (size_t b = 0; b < 100; ++b) {
    float max = 0;
    int total = 0;
    int largest = 0;
    for (size_t i = 32 * b; i < 32 * b + 32; ++i) {
      max = std::max(max, std::fabs(x[i]));
      total += q[i];
      largest = std::max(largest, std::abs(q[i]));
      // x * (1/d) is off x/d by two roundings of a number up to 127.
      EXPECT_LE(std::fabs(x[i] / static_cast<double>(d[b]) - q[i]), 0.5 + 2 * 127 * kUnit);
    }
    EXPECT_EQ(d[b], max / 127.0f);
    EXPECT_EQ(offset[b], -8 * total);
    EXPECT_EQ(largest, 127);
  }
}

TEST(QuantizeQ8, TiesGoToEven) {
  float x[32] = {127.0f, 0.5f, 1.5f, 2.5f, -0.5f, -1.5f, -2.5f, 126.5f};
  int8_t q[32];
  float d = 0;
  int32_t offset = 0;
  Ref().quantize_q8(x, 32, q, &d, &offset);
  const int want[] = {127, 0, 2, 2, 0, -2, -2, 126};
  EXPECT_EQ(d, 1.0f);
  for (int i = 0; i < 8; ++i) EXPECT_EQ(static_cast<int>(q[i]), want[i]);
  EXPECT_EQ(offset, -8 * 253);
}

TEST(QuantizeQ8, ZeroTinyAndNotFinite) {
  const auto quantize = [](float value, float other, float want_d) {
    float x[32];
    std::fill(x, x + 32, other);
    x[13] = value;
    int8_t q[32];
    float d = -1;
    int32_t offset = -1;
    Ref().quantize_q8(x, 32, q, &d, &offset);
    EXPECT_TRUE(std::isnan(want_d) ? std::isnan(d) : d == want_d);
    EXPECT_EQ(offset, 0);
    for (const int8_t v : q) EXPECT_EQ(static_cast<int>(v), 0);
  };
  quantize(0.0f, -0.0f, 0.0f);
  quantize(1e-45f, 0.0f, 0.0f);
  quantize(127 * 0x1p-129f, 0.0f, 0.0f);  // 1/d would overflow
  quantize(kInf, 1.0f, kInf);
  quantize(-kInf, 1.0f, kInf);
  quantize(kNan, kInf, kNan);
  quantize(-kNan, 1.0f, kNan);
}

struct Row {
  std::vector<uint8_t> bytes;
  std::vector<float> weights;  // dequantised, in single precision
};

// A row of blocks with scales of ordinary size.
Row RandomRow(TensorType type, int64_t k, Random& random) {
  Row row;
  row.bytes.resize(RowBytes(type, k));
  for (uint8_t& b : row.bytes) b = static_cast<uint8_t>(random.Next());
  const size_t block_bytes = BlockBytes(type);
  for (size_t at = 0; at < row.bytes.size(); at += block_bytes) {
    for (const size_t offset : testing::HalfFloatsOf(type)) {
      const uint32_t half = 0x2800 + random.Next() % 0x800 + (random.Next() % 2 << 15);
      row.bytes[at + offset] = static_cast<uint8_t>(half);
      row.bytes[at + offset + 1] = static_cast<uint8_t>(half >> 8);
    }
  }
  row.weights.resize(static_cast<size_t>(k));
  Ref().dequantize_row(type, row.bytes.data(), k, row.weights.data());
  return row;
}

// The product against exact sums: with the activations as quantised only roundings are allowed;
// with those before quantisation also half a step of each block's scale a weight.
TEST(MatmulQ, IsTheProductOfDequantisedNumbers) {
  Random random{2};
  for (const TensorType type : testing::TypesThatAre(true)) {
    const bool has_offset = testing::HalfFloatsOf(type).size() == 2;
    const double offset_max =
        !has_offset ? 0.0 : 0.25 * (BlockLength(type) == kSuperBlock ? 63.0 : 1.0);
    for (const int64_t k : {256, 768, 2304}) {
      const Row row = RandomRow(type, k, random);
      const std::vector<float> x = random.Floats(static_cast<size_t>(k), 2.0f);
      const int64_t n_block = k / 32;
      std::vector<int8_t> q(x.size());
      std::vector<float> d(static_cast<size_t>(n_block));
      std::vector<int32_t> offset(d.size());
      Ref().quantize_q8(x.data(), k, q.data(), d.data(), offset.data());
      float y = 0;
      Ref().matmul_q({type, row.bytes.data(), row.bytes.size(), k}, 0, 1,
                     {q.data(), d.data(), offset.data(), k}, 1, &y, 1);

      double quantised = 0, original = 0, rounding = 0, step = 0;
      for (size_t i = 0; i < x.size(); ++i) {
        const double w = row.weights[i];
        quantised += w * d[i / 32] * q[i];
        original += w * x[i];
        // A term's size before cancellation inside the block; with two parts, each below |w| +
        // 2|m|, |m| < 0.125, or 63 times that.
        rounding += (std::fabs(w) + offset_max) * std::fabs(d[i / 32] * q[i]);
        step += (0.5 + 2 * 127 * kUnit) * d[i / 32] * std::fabs(w);
      }
      // Each term passes one rounding of a scale, one in dequantising, and as many fmas as follow
      // it.
      rounding *= static_cast<double>((has_offset ? 2 : 1) * n_block + 3) * kUnit;
      EXPECT_NEAR(y, quantised, rounding);
      EXPECT_NEAR(y, original, rounding + step);
      EXPECT_LT(rounding, 0.05 * step);  // the first bound is the sharp one
    }
  }
}

// How often the second half float of a block is in weight i of 256 (or 32).
int TimesOfOffset(TensorType type, const uint8_t* block, size_t i) {
  switch (type) {
    case TensorType::kQ4_K:
    case TensorType::kQ5_K:
      return -ScaleAndMinimumOf(block + 4, static_cast<int>(i / 32)).minimum;
    case TensorType::kQ2_K:
      return -(block[i / 16] / 16);
    default:
      return 1;
  }
}

// Bit for bit: one fma a block in rising order, the integer sum taken from the dequantised weights
// instead of the bytes.
TEST(MatmulQ, AddsOneTermABlockInOrder) {
  Random random{3};
  constexpr int64_t k = 1536;
  const std::vector<float> x = random.Floats(k, 2.0f);
  std::vector<int8_t> q(k);
  std::vector<float> d(k / 32);
  std::vector<int32_t> offset(k / 32);
  Ref().quantize_q8(x.data(), k, q.data(), d.data(), offset.data());
  for (const TensorType type : testing::TypesThatAre(true)) {
    const Row row = RandomRow(type, k, random);
    const auto half_at = [&](size_t at) {
      return static_cast<float>(
          HalfValue(static_cast<uint16_t>(row.bytes[at] | row.bytes[at + 1] << 8)));
    };
    float acc = 0;
    for (size_t b = 0; b < k / 32; ++b) {
      const size_t block = b * 32 / static_cast<size_t>(BlockLength(type)) * BlockBytes(type);
      const auto halves = testing::HalfFloatsOf(type);
      const float dw = half_at(block + halves[0]);
      const float m = halves.size() == 2 ? half_at(block + halves[1]) : 0.0f;
      double dot = 0, sum = 0;
      for (size_t i = 32 * b; i < 32 * b + 32; ++i) {
        const int times = TimesOfOffset(type, &row.bytes[block], i % 256);
        // (w - m)/d is a whole number up to rounding; the scales of 4 to 8 bits are inside it.
        const double without = static_cast<double>(row.weights[i]) - static_cast<double>(m) * times;
        dot += std::nearbyint(without / static_cast<double>(dw)) * q[i];
        sum += times * q[i];
      }
      acc = std::fma(dw * d[b], static_cast<float>(dot), acc);
      if (halves.size() == 2) acc = std::fma(m * d[b], static_cast<float>(sum), acc);
    }
    float y = 0;
    Ref().matmul_q({type, row.bytes.data(), row.bytes.size(), k}, 0, 1,
                   {q.data(), d.data(), offset.data(), k}, 1, &y, 1);
    EXPECT_TRUE(SameBits(y, acc));
    EXPECT_NE(y, 0.0f);
  }
}

TEST(MatmulQ, NotFiniteActivationsShowInEveryRow) {
  Random random{4};
  for (const TensorType type : testing::TypesThatAre(true)) {
    const Row row = RandomRow(type, 256, random);
    for (const float bad : {kInf, -kInf, kNan}) {
      std::vector<float> x = random.Floats(256, 1.0f);
      x[77] = bad;
      std::vector<int8_t> q(256);
      std::vector<float> d(8);
      std::vector<int32_t> offset(8);
      Ref().quantize_q8(x.data(), 256, q.data(), d.data(), offset.data());
      float y = 0;
      Ref().matmul_q({type, row.bytes.data(), row.bytes.size(), 256}, 0, 1,
                     {q.data(), d.data(), offset.data(), 256}, 1, &y, 1);
      EXPECT_TRUE(std::isnan(y));
    }
  }
}

// --- Float products ---

// The documented order: 16 sums, element i to sum i mod 16, then halves.
float DotInOrder(const float* a, const float* b, size_t n) {
  std::vector<float> s(16, 0.0f);
  for (size_t lane = 0; lane < 16; ++lane) {
    for (size_t i = lane; i < n; i += 16) s[lane] = std::fma(a[i], b[i], s[lane]);
  }
  for (const size_t half : {size_t{8}, size_t{4}}) {
    for (size_t i = 0; i < half; ++i) s[i] = s[i] + s[i + half];
  }
  return (s[0] + s[2]) + (s[1] + s[3]);
}

double ExactDot(const float* a, const float* b, size_t n, double* size) {
  double sum = 0;
  *size = 0;
  for (size_t i = 0; i < n; ++i) {
    sum += static_cast<double>(a[i]) * b[i];
    *size += std::fabs(static_cast<double>(a[i]) * b[i]);
  }
  return sum;
}

// Roundings on the way of a term: its lane's fmas and the four additions of Reduce16.
double DotBound(size_t n, double size) { return (static_cast<double>(n) / 16 + 5) * kUnit * size; }

TEST(MatmulF, OrderAndAccuracy) {
  Random random{5};
  for (const int64_t k : {1, 15, 16, 17, 67, 1536}) {
    const size_t n = static_cast<size_t>(k);
    const std::vector<float> w = random.Floats(3 * n, 1.0f);
    const std::vector<float> x = random.Floats(2 * n, 1.0f);
    float y[6];
    Ref().matmul_f({TensorType::kF32, w.data(), 4 * n, k}, 0, 3, x.data(), k, 2, y, 3);
    for (size_t t = 0; t < 2; ++t) {
      for (size_t r = 0; r < 3; ++r) {
        double size = 0;
        const double exact = ExactDot(&w[r * n], &x[t * n], n, &size);
        EXPECT_TRUE(SameBits(y[3 * t + r], DotInOrder(&w[r * n], &x[t * n], n)));
        EXPECT_NEAR(y[3 * t + r], exact, DotBound(n, size));
      }
    }
  }
}

TEST(MatmulF, HalfWeightsAreConvertedExactly) {
  Random random{6};
  constexpr size_t n = 100;
  std::vector<uint16_t> bits(n);
  std::vector<float> as_half(n), as_brain(n);
  for (size_t i = 0; i < n; ++i) {
    bits[i] = static_cast<uint16_t>(random.Next() & 0xbbff);  // finite in both
    as_half[i] = static_cast<float>(HalfValue(bits[i]));
    const uint32_t wide = static_cast<uint32_t>(bits[i]) << 16;
    std::memcpy(&as_brain[i], &wide, 4);
  }
  const std::vector<float> x = random.Floats(n, 1.0f);
  float y = 0;
  Ref().matmul_f({TensorType::kF16, bits.data(), 2 * n, n}, 0, 1, x.data(), n, 1, &y, 1);
  EXPECT_TRUE(SameBits(y, DotInOrder(as_half.data(), x.data(), n)));
  Ref().matmul_f({TensorType::kBF16, bits.data(), 2 * n, n}, 0, 1, x.data(), n, 1, &y, 1);
  EXPECT_TRUE(SameBits(y, DotInOrder(as_brain.data(), x.data(), n)));
}

TEST(RmsNorm, OrderAndAccuracy) {
  Random random{7};
  for (const size_t n : {size_t{1}, size_t{33}, size_t{1536}, size_t{2560}}) {
    const std::vector<float> x = random.Floats(n, 5.0f);
    const std::vector<float> weight = random.Floats(n, 1.0f);
    std::vector<float> y(n);
    Ref().rms_norm(x.data(), weight.data(), static_cast<int64_t>(n), 1e-6f, y.data());
    double size = 0;
    const double exact =
        1 /
        std::sqrt(ExactDot(x.data(), x.data(), n, &size) / static_cast<double>(n) + double{1e-6f});
    const float scale =
        1.0f / std::sqrt(DotInOrder(x.data(), x.data(), n) / static_cast<float>(n) + 1e-6f);
    // The sum's relative error halved by the root, two roundings before it (halved too), the root,
    // the division, and two products.
    const double bound = (static_cast<double>(n) / 16 + 5) / 2 * kUnit + 6 * kUnit;
    for (size_t i = 0; i < n; ++i) {
      EXPECT_TRUE(SameBits(y[i], (x[i] * scale) * weight[i]));
      const double want = x[i] * exact * weight[i];
      EXPECT_LE(std::fabs(y[i] - want), bound * std::fabs(want));
    }
  }
}

TEST(Rope, RotatesAndKeepsTheNorm) {
  Random random{8};
  const std::vector<float> v = random.Floats(128, 3.0f);
  std::vector<float> cos(64), sin(64), got = v;
  for (size_t i = 0; i < 64; ++i) {
    const double angle = 1000.0 * std::pow(1.5e6, -static_cast<double>(i) / 64);
    cos[i] = static_cast<float>(std::cos(angle));
    sin[i] = static_cast<float>(std::sin(angle));
  }
  Ref().rope(got.data(), cos.data(), sin.data(), 128);
  for (size_t i = 0; i < 64; ++i) {
    const double a = v[i], b = v[i + 64], c = cos[i], s = sin[i];
    const double norm = std::hypot(a, b);
    EXPECT_NEAR(got[i], a * c - b * s, 2 * kUnit * norm);
    EXPECT_NEAR(got[i + 64], a * s + b * c, 2 * kUnit * norm);
    // And the tables' own rounding: c^2 + s^2 is 1 within 2 units.
    EXPECT_NEAR(std::hypot(got[i], got[i + 64]), norm, 5 * kUnit * norm);
    EXPECT_TRUE(SameBits(got[i], std::fma(v[i], cos[i], -(v[i + 64] * sin[i]))));
    EXPECT_TRUE(SameBits(got[i + 64], std::fma(v[i + 64], cos[i], v[i] * sin[i])));
  }
}

TEST(Elementwise, FollowTheirFormulas) {
  Random random{9};
  const std::vector<float> a = random.Floats(50, 2.0f), b = random.Floats(50, 2.0f);
  std::vector<float> product(50), sum = b, fused = b;
  Ref().relu_mul(a.data(), b.data(), 50, product.data());
  Ref().add(a.data(), 50, sum.data());
  Ref().axpy(0.3f, a.data(), 50, fused.data());
  for (size_t i = 0; i < 50; ++i) {
    EXPECT_EQ(product[i], a[i] > 0 ? a[i] * b[i] : 0.0f);
    EXPECT_EQ(sum[i], a[i] + b[i]);
    EXPECT_EQ(fused[i], static_cast<float>(
                            std::fma(static_cast<double>(0.3f), a[i], static_cast<double>(b[i]))));
  }
  const float gate[] = {kNan, kInf, -kInf, -0.0f, 0.0f};
  const float up[] = {1, 2, 3, 4, -4};
  float out[5];
  Ref().relu_mul(gate, up, 5, out);
  EXPECT_TRUE(std::isnan(out[0]));
  EXPECT_EQ(out[1], kInf);
  EXPECT_TRUE(SameBits(out[2], 0.0f));
  EXPECT_TRUE(SameBits(out[3], -0.0f));
  EXPECT_TRUE(SameBits(out[4], -0.0f));
}

// Exp is within 2^-23; two additions, the division and two products round by half an ulp each. A
// product below the normal numbers has fewer bits.
TEST(Elementwise, SiluIsWithinThreeUlps) {
  double worst = 0;
  for (int i = -110000; i <= 110000; ++i) {
    const float gate = 1e-3f * static_cast<float>(i);
    const float up = i % 2 == 0 ? 1.0f : -0.75f;
    float out;
    Ref().silu_mul(&gate, &up, 1, &out);
    const double x = static_cast<double>(gate);
    const double exact = x / (1 + std::exp(-x)) * static_cast<double>(up);
    if (gate < -87.0f) {
      EXPECT_EQ(out, 0.0f);
    } else if (std::fabs(exact) > 1e-37) {
      worst = std::max(worst, std::fabs(static_cast<double>(out) - exact) / std::fabs(exact));
    } else {
      EXPECT_LE(std::fabs(static_cast<double>(out) - exact), 1e-38);
    }
  }
  EXPECT_LE(worst, 3 * 0x1p-23);
  EXPECT_GT(worst, 0x1p-26);
  const float gate[] = {kNan, kInf, -kInf, -0.0f, 0.0f};
  const float up[] = {1, 2, 3, 4, -4};
  float out[5];
  Ref().silu_mul(gate, up, 5, out);
  EXPECT_TRUE(std::isnan(out[0]));
  EXPECT_EQ(out[1], kInf);
  EXPECT_TRUE(std::isnan(out[2]));
  EXPECT_TRUE(SameBits(out[3], -0.0f));
  EXPECT_TRUE(SameBits(out[4], -0.0f));
}

// --- Attention ---

// The reduced argument is off by 2^-26 and 3e-10 (its last fma; ln2 in two floats); the polynomial
// by 3.2e-9; its last two fmas round to 2^-24 * 0.35 and 2^-24 of a result of 1, the earlier ones
// to less than a third of that together.
TEST(Softmax, ExpIsWithinTwoToTheMinus23) {
  double worst = 0;
  for (int i = 0; i <= 870000; ++i) {
    float s[2] = {0.0f, -1e-4f * static_cast<float>(i)};
    const double exact = std::exp(static_cast<double>(s[1]));
    if (s[1] < -87.0f) continue;
    Ref().softmax(s, 2);
    EXPECT_EQ(s[0], 1.0f);
    worst = std::max(worst, std::fabs(s[1] - exact) / exact);
  }
  EXPECT_LE(worst, 0x1p-23);
  EXPECT_GT(worst, 0x1p-26);  // it was measured at all
}

TEST(Softmax, Edges) {
  float s[5] = {3.0f, 3.0f - 87.0f, 3.0f - 87.5f, -kInf, 3.0f};
  const float sum = Ref().softmax(s, 5);
  EXPECT_EQ(s[0], 1.0f);
  EXPECT_GT(s[1], 1.6e-38f);
  EXPECT_TRUE(SameBits(s[2], 0.0f));
  EXPECT_TRUE(SameBits(s[3], 0.0f));
  EXPECT_EQ(s[4], 1.0f);
  EXPECT_EQ(sum, 2.0f);
  float with_nan[3] = {1.0f, kNan, 0.0f};
  EXPECT_TRUE(std::isnan(Ref().softmax(with_nan, 3)));
  EXPECT_EQ(with_nan[0], 1.0f);
  float hidden[2] = {-kInf, -kInf};
  EXPECT_TRUE(std::isnan(Ref().softmax(hidden, 2)));
  float infinite[2] = {kInf, 0.0f};
  EXPECT_TRUE(std::isnan(Ref().softmax(infinite, 2)));
  EXPECT_EQ(Ref().softmax(nullptr, 0), 0.0f);
}

TEST(Softmax, SumIsTheSumOfTheWeights) {
  Random random{10};
  for (const size_t n : {size_t{1}, size_t{17}, size_t{4096}}) {
    std::vector<float> s = random.Floats(n, 8.0f);
    const std::vector<float> scores = s;
    const float sum = Ref().softmax(s.data(), static_cast<int64_t>(n));
    const float max = *std::max_element(scores.begin(), scores.end());
    double of_weights = 0, exact = 0;
    for (size_t i = 0; i < n; ++i) {
      of_weights += s[i];
      exact += std::exp(static_cast<double>(scores[i]) - max);
    }
    EXPECT_NEAR(sum, of_weights, DotBound(n, of_weights));
    // Also Exp's own error, and the rounding of s - max, at most 16 here.
    EXPECT_NEAR(sum, exact, DotBound(n, exact) + exact * (0x1p-23 + 16 * kUnit));
  }
}

TEST(Attention, ScoresAndValues) {
  Random random{11};
  constexpr size_t n_key = 37, head_dim = 128, stride = 256;
  const std::vector<float> q = random.Floats(head_dim, 1.0f), p = random.Floats(n_key, 1.0f);
  std::vector<uint16_t> halves(n_key * stride);
  std::vector<float> values(halves.size());
  for (size_t i = 0; i < halves.size(); ++i) {
    halves[i] = static_cast<uint16_t>(0x3000 + random.Next() % 0x1000 + (random.Next() % 2 << 15));
    values[i] = static_cast<float>(HalfValue(halves[i]));
  }
  std::vector<float> scores(n_key), out(head_dim);
  Ref().attention_scores(q.data(), 1, 0, halves.data(), stride, n_key, head_dim, 0.088f,
                         scores.data(), 0);
  for (size_t j = 0; j < n_key; ++j) {
    EXPECT_TRUE(SameBits(scores[j], 0.088f * DotInOrder(q.data(), &values[j * stride], head_dim)));
  }
  Ref().attention_values(p.data(), 1, 0, halves.data(), stride, n_key, head_dim, out.data(), 0);
  for (size_t i = 0; i < head_dim; ++i) {
    float acc = 0;
    double exact = 0, size = 0;
    for (size_t j = 0; j < n_key; ++j) {
      acc = std::fma(p[j], values[j * stride + i], acc);
      exact += static_cast<double>(p[j]) * values[j * stride + i];
      size += std::fabs(static_cast<double>(p[j]) * values[j * stride + i]);
    }
    EXPECT_TRUE(SameBits(out[i], acc));
    EXPECT_NEAR(out[i], exact, n_key * kUnit * size);
  }
}

// --- Logits ---

TEST(Logits, AllFinite) {
  const float good[] = {0.0f, -3e38f, 1e-45f};
  EXPECT_TRUE(Ref().all_finite(good, 3));
  EXPECT_TRUE(Ref().all_finite(good, 0));
  for (const float bad : {kInf, -kInf, kNan}) {
    const float x[] = {1.0f, bad};
    EXPECT_FALSE(Ref().all_finite(x, 2));
    EXPECT_TRUE(Ref().all_finite(x, 1));
  }
}

TEST(Logits, Argmax) {
  const float x[] = {kNan, -1.0f, 2.0f, kNan, 2.0f, 1.0f};
  EXPECT_EQ(Ref().argmax(x, 6), 2);
  EXPECT_EQ(Ref().argmax(x, 1), 0);
  EXPECT_EQ(Ref().argmax(x, 2), 1);
  const float low[] = {kNan, -kInf, kNan};
  EXPECT_EQ(Ref().argmax(low, 3), 1);
  const float zeros[] = {-0.0f, 0.0f};
  EXPECT_EQ(Ref().argmax(zeros, 2), 0);
}

}  // namespace
}  // namespace hearth
