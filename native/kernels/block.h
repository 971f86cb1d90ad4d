// Tensor types of GGUF that the kernels read, and the shape of their blocks. Plain C++, includable
// from code compiled for one ISA. Format facts: the ggml/GGUF specification.
#ifndef HEARTH_KERNELS_BLOCK_H_
#define HEARTH_KERNELS_BLOCK_H_

#include <stddef.h>
#include <stdint.h>

#include "kernels/inline.h"

namespace hearth {

// Values are ours; names are GGUF's.
enum class TensorType : uint8_t {
  kF32,
  kF16,
  kBF16,
  kQ4_0,
  kQ4_1,
  kQ8_0,
  kQ6_K,
  kQ5_0,
  kQ5_1,
  kQ4_K,
  kQ5_K,
  kQ2_K,
  kQ3_K,
};

inline constexpr int kTensorTypeCount = 13;

// Block layouts, all little-endian, d/m are IEEE half floats:
//   Q4_0  18 B / 32 weights: d, 16 bytes;
//         weight i = d*(low nibble of byte i - 8), weight i+16 = d*(high nibble - 8)
//   Q4_1  20 B / 32: d, m, 16 bytes as above; weight = d*nibble + m
//   Q8_0  34 B / 32: d, 32 int8; weight = d*q
//   Q6_K 210 B / 256: 128 bytes of low nibbles ql, 64 of high bit pairs qh, 16 int8 scales, d;
//         for each half h (128 weights), l in 0..31 and quarter s in 0..3:
//         low = nibble of ql[64h + l + 32*(s&1)], the high one if s >= 2;
//         q = (low | (((qh[32h + l] >> 2s) & 3) << 4)) - 32;
//         weight 128h + 32s + l = d * scales[8h + 2s + l/16] * q
//   Q5_0  22 B / 32: d, 32 bits, 16 bytes as in Q4_0; weight i = d*((nibble | bit i << 4) - 16)
//   Q5_1  24 B / 32: d, m, 32 bits, 16 bytes; weight i = d*(nibble | bit i << 4) + m
//   Q4_K 144 B / 256: d, dmin, 12 bytes of scales, 128 bytes: the low nibbles of bytes 32g..32g+31
//         are weights 64g..64g+31, their high ones the next 32; each 32-block j has a scale s and a
//         minimum m of 6 bits (ScaleAndMinimum); weight = d*s*nibble - dmin*m
//   Q5_K 176 B / 256: d, dmin, scales as in Q4_K, 32 bytes of fifth bits, 128 bytes as in Q4_K; bit
//         j of byte l of the 32 belongs to weight 32j + l
//   Q2_K  84 B / 256: 16 bytes, for each 16 weights a scale s (low nibble) and a minimum m; 64
//   bytes
//         of bit pairs, that of weight 128h + 32s + l at bits 2s of byte 32h + l; d, dmin;
//         weight = d*s*pair - dmin*m
//   Q3_K 110 B / 256: 32 bytes of third bits, bit j of byte l that of weight 32j + l; 64 bytes of
//         bit pairs as in Q2_K; 12 bytes with a scale s of 6 bits for each 16 weights
//         (ThreeBitScaleOf); d; weight = d*s*((pair | bit << 2) - 4)
inline constexpr int64_t kQ8Block = 32;      // weights that share one activation scale
inline constexpr int64_t kSuperBlock = 256;  // weights of a block of the types named _K
inline constexpr size_t kQ4_0Bytes = 18;
inline constexpr size_t kQ4_1Bytes = 20;
inline constexpr size_t kQ8_0Bytes = 34;
inline constexpr size_t kQ6KBytes = 210;
inline constexpr size_t kQ5_0Bytes = 22;
inline constexpr size_t kQ5_1Bytes = 24;
inline constexpr size_t kQ4KBytes = 144;
inline constexpr size_t kQ5KBytes = 176;
inline constexpr size_t kQ2KBytes = 84;
inline constexpr size_t kQ3KBytes = 110;

HEARTH_INLINE constexpr bool IsQuantized(TensorType type) { return type >= TensorType::kQ4_0; }

// Weights per block; a row's length must be a multiple of it.
HEARTH_INLINE constexpr int64_t BlockLength(TensorType type) {
  switch (type) {
    case TensorType::kQ6_K:
    case TensorType::kQ4_K:
    case TensorType::kQ5_K:
    case TensorType::kQ2_K:
    case TensorType::kQ3_K:
      return kSuperBlock;
    default:
      return IsQuantized(type) ? kQ8Block : 1;
  }
}

HEARTH_INLINE constexpr size_t BlockBytes(TensorType type) {
  switch (type) {
    case TensorType::kF32:
      return 4;
    case TensorType::kF16:
    case TensorType::kBF16:
      return 2;
    case TensorType::kQ4_0:
      return kQ4_0Bytes;
    case TensorType::kQ4_1:
      return kQ4_1Bytes;
    case TensorType::kQ8_0:
      return kQ8_0Bytes;
    case TensorType::kQ6_K:
      return kQ6KBytes;
    case TensorType::kQ5_0:
      return kQ5_0Bytes;
    case TensorType::kQ5_1:
      return kQ5_1Bytes;
    case TensorType::kQ4_K:
      return kQ4KBytes;
    case TensorType::kQ5_K:
      return kQ5KBytes;
    case TensorType::kQ2_K:
      return kQ2KBytes;
    case TensorType::kQ3_K:
      return kQ3KBytes;
  }
  return 0;
}

// Of 32-block j, 0..7, of Q4_K and Q5_K. The scales' 12 bytes are four scales and the high pairs of
// bits of four more, the same of minima, and the low nibbles of these scales and minima.
struct ScaleAndMinimum {
  int scale;
  int minimum;
};
HEARTH_INLINE constexpr ScaleAndMinimum ScaleAndMinimumOf(const uint8_t* scales, int j) {
  if (j < 4) return {scales[j] & 63, scales[j + 4] & 63};
  return {(scales[j + 4] & 0xf) | (scales[j - 4] >> 6 << 4),
          (scales[j + 4] >> 4) | (scales[j] >> 6 << 4)};
}

// Of the 16 weights i, 0..15, of Q3_K: -32..31. The scales' 12 bytes are their low nibbles, those
// of scales 8.. in the high nibbles of the first eight bytes, and their high pairs of bits, that of
// scale i at bits 2*(i/4) of byte 8 + i%4.
HEARTH_INLINE constexpr int ThreeBitScaleOf(const uint8_t* scales, int i) {
  const int low = i < 8 ? scales[i] & 0xf : scales[i - 8] >> 4;
  return (low | (scales[8 + i % 4] >> 2 * (i / 4) & 3) << 4) - 32;
}

// A block's parts: two bytes each (half floats, the bits of 16 weights, or two of Q3_K's bytes of
// scales), and pieces of 16 bytes (of which Q4_K's and Q5_K's first has d, dmin and the scales).
// Together they are the whole block.
struct BlockParts {
  int n_half;
  int n_piece;
  size_t half_at[7];  // bytes from the block's start
  size_t piece_at[13];
};

HEARTH_INLINE constexpr BlockParts PartsOf(TensorType type) {
  switch (type) {
    case TensorType::kQ4_0:
      return {1, 1, {0}, {2}};
    case TensorType::kQ4_1:
      return {2, 1, {0, 2}, {4}};
    case TensorType::kQ8_0:
      return {1, 2, {0}, {2, 18}};
    case TensorType::kQ6_K:
      return {1, 13, {208}, {0, 16, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192}};
    case TensorType::kQ5_0:
      return {3, 1, {0, 2, 4}, {6}};
    case TensorType::kQ5_1:
      return {4, 1, {0, 2, 4, 6}, {8}};
    case TensorType::kQ4_K:
      return {0, 9, {}, {0, 16, 32, 48, 64, 80, 96, 112, 128}};
    case TensorType::kQ5_K:
      return {0, 11, {}, {0, 16, 32, 48, 64, 80, 96, 112, 128, 144, 160}};
    case TensorType::kQ2_K:
      return {2, 5, {80, 82}, {0, 16, 32, 48, 64}};
    case TensorType::kQ3_K:
      return {7, 6, {96, 98, 100, 102, 104, 106, 108}, {0, 16, 32, 48, 64, 80}};
    default:
      return {0, 0, {}, {}};
  }
}

template <TensorType kType>
inline constexpr BlockParts kPartsOf = PartsOf(kType);

// Rows that are interleaved with each other for vector registers (kernels/interleaved_rows.h).
inline constexpr int64_t kInterleavedRows = 16;

// Bytes of a row of n weights; n is a multiple of BlockLength(type).
HEARTH_INLINE constexpr size_t RowBytes(TensorType type, int64_t n) {
  return static_cast<size_t>(n / BlockLength(type)) * BlockBytes(type);
}

}  // namespace hearth

#endif  // HEARTH_KERNELS_BLOCK_H_
