// What products of quantised rows are made of on NEON (neon_products-inl.h): columns of a group's
// rows, and tiles of activations.
//
// A group is four registers of 4 lanes, one row a lane (products-inl.h). sdot adds the columns'
// products with four activations, taken from a lane of their own register, to one integer a row.
// Weights are signed or below 64, so that signed products do for all formats.
#ifndef HEARTH_KERNELS_NEON_TILES_INL_H_
#define HEARTH_KERNELS_NEON_TILES_INL_H_

#include <arm_neon.h>
#include <stdint.h>
#include <string.h>

#include "kernels/block.h"
#include "kernels/inline.h"
#include "kernels/neon-inl.h"
#include "kernels/products-inl.h"

namespace hearth {
namespace {

constexpr int kLanes = Neon::kLanes;
constexpr int kQuads = 4;       // registers of a group
constexpr int kMaxTokens = 32;  // tokens whose sums are kept while a group is multiplied: 2 KiB

HEARTH_INLINE int32_t Load32(const uint8_t* p) {
  int32_t v;
  memcpy(&v, p, sizeof v);
  return v;
}

// -------------------------------------------------------------------------------------------------
// Sixteen rows: those of quad i are 4i..4i+3

// Piece `piece` of block b of a quad: lane r of column[j] holds bytes 4j..4j+3 of row r.
template <TensorType kType, class Group>
HEARTH_INLINE void Columns(const Group& group, int64_t b, int piece, int quad, uint8x16_t* column) {
  constexpr BlockParts kParts = PartsOf(kType);
  if constexpr (Group::kInterleaved) {
    const uint8_t* p = group.pieces + (b * kParts.n_piece + piece) * 256 + 16 * quad;
    for (int j = 0; j < 4; ++j) column[j] = vld1q_u8(p + 64 * j);
  } else {
    const size_t at = static_cast<size_t>(b) * BlockBytes(kType) + kParts.piece_at[piece];
    int32x4_t v[4];
    Neon::LoadColumns(group, kLanes * quad, at, v);
    for (int j = 0; j < 4; ++j) column[j] = vreinterpretq_u8_s32(v[j]);
  }
}

// Column j of that piece alone.
template <TensorType kType, class Group>
HEARTH_INLINE int32x4_t Column(const Group& group, int64_t b, int piece, int quad, int j) {
  constexpr BlockParts kParts = PartsOf(kType);
  if constexpr (Group::kInterleaved) {
    const uint8_t* p = group.pieces + (b * kParts.n_piece + piece) * 256 + 64 * j + 16 * quad;
    return vreinterpretq_s32_u8(vld1q_u8(p));
  } else {
    const size_t at = static_cast<size_t>(b) * BlockBytes(kType) + kParts.piece_at[piece] +
                      4 * static_cast<size_t>(j);
    int32x4_t v = vdupq_n_s32(Load32(group.Row(kLanes * quad) + at));
    v = vsetq_lane_s32(Load32(group.Row(kLanes * quad + 1) + at), v, 1);
    v = vsetq_lane_s32(Load32(group.Row(kLanes * quad + 2) + at), v, 2);
    return vsetq_lane_s32(Load32(group.Row(kLanes * quad + 3) + at), v, 3);
  }
}

// Half float `half` of block b of a quad.
template <TensorType kType, class Group>
HEARTH_INLINE float32x4_t Halves(const Group& group, int64_t b, int half, int quad) {
  constexpr BlockParts kParts = PartsOf(kType);
  if constexpr (Group::kInterleaved) {
    return Neon::LoadHalf(group.halves + (b * kParts.n_half + half) * 32 + 8 * quad);
  } else {
    const size_t at = static_cast<size_t>(b) * BlockBytes(kType) + kParts.half_at[half];
    return Neon::GatherHalves(group, kLanes * quad, at);
  }
}

// -------------------------------------------------------------------------------------------------
// Tiles: a quad times as many tokens as one instruction takes. A tile holds 32 activations of its
// tokens, and says how the quad's columns, scales and sums are laid out in registers.

// At most kMaxTokens rows of activations.
struct Tokens : BlockActivations {
  int64_t n;
};

struct OneToken {
  static constexpr int kTokens = 1;
  static constexpr int kRegisters = 1;  // of a quad's sums
  int8x16_t q[2];
  float32x4_t d;
  int32x4_t offset;

  // Block b from token t on.
  HEARTH_INLINE OneToken(const Tokens& x, int64_t t, int64_t b) {
    const int64_t xb = t * x.n_block + b;
    q[0] = vld1q_s8(x.q + xb * kQ8Block);
    q[1] = vld1q_s8(x.q + xb * kQ8Block + 16);
    d = vld1q_dup_f32(x.d + xb);
    offset = vld1q_dup_s32(x.offset + xb);
  }

  // The four columns of a piece as Dot16 wants them.
  static HEARTH_INLINE void Arrange(uint8x16_t*) {}
  // A number of each row, for every register of the sums.
  static HEARTH_INLINE void Spread(float32x4_t v, float32x4_t* out) { out[0] = v; }
  static HEARTH_INLINE void Spread(int32x4_t v, int32x4_t* out) { out[0] = v; }

  // Adds the products of 16 columns with the activations of half 0 or 1.
  HEARTH_INLINE void Dot16(int half, const int8x16_t* w, int32x4_t* sum) const {
    sum[0] = vdotq_laneq_s32(sum[0], w[0], q[half], 0);
    sum[0] = vdotq_laneq_s32(sum[0], w[1], q[half], 1);
    sum[0] = vdotq_laneq_s32(sum[0], w[2], q[half], 2);
    sum[0] = vdotq_laneq_s32(sum[0], w[3], q[half], 3);
  }

  // The sum of the activations of half 0 or 1, for each lane of a register of the sums.
  HEARTH_INLINE int32x4_t SumOf16(int half) const { return vdupq_n_s32(vaddlvq_s8(q[half])); }

  // The quad's sums of one of the tile's tokens.
  static HEARTH_INLINE float32x4_t SumsOf(int, const float32x4_t* acc) { return acc[0]; }
};

#ifdef __ARM_FEATURE_MATMUL_INT8
// smmla: the products of two rows and two tokens, eight columns each, are the 2x2 sums of a
// register.
struct TwoTokens {
  static constexpr int kTokens = 2;
  static constexpr int kRegisters = 2;  // rows 0 and 1: row 0 with both tokens, row 1; rows 2 and 3
  int8x16_t q[4];                       // columns 8i.. of the first token, of the second
  float32x4_t d;                        // of the first, the second, and both again
  int32x4_t offset;

  // Of the last of an odd number of tokens there are two; one is not stored.
  HEARTH_INLINE TwoTokens(const Tokens& x, int64_t t, int64_t b) {
    const int64_t first = t * x.n_block + b;
    const int64_t second = t + 1 < x.n ? first + x.n_block : first;
    for (int i = 0; i < 2; ++i) {
      const int64x2_t q0 = vreinterpretq_s64_s8(vld1q_s8(x.q + first * kQ8Block + 16 * i));
      const int64x2_t q1 = vreinterpretq_s64_s8(vld1q_s8(x.q + second * kQ8Block + 16 * i));
      q[2 * i] = vreinterpretq_s8_s64(vzip1q_s64(q0, q1));
      q[2 * i + 1] = vreinterpretq_s8_s64(vzip2q_s64(q0, q1));
    }
    const float32x2_t d2 = vld1_lane_f32(x.d + second, vld1_dup_f32(x.d + first), 1);
    const int32x2_t offset2 = vld1_lane_s32(x.offset + second, vld1_dup_s32(x.offset + first), 1);
    d = vcombine_f32(d2, d2);
    offset = vcombine_s32(offset2, offset2);
  }

  static HEARTH_INLINE void Arrange(uint8x16_t* column) {
    for (int i = 0; i < 4; i += 2) {
      const uint32x4_t a = vreinterpretq_u32_u8(column[i]);
      const uint32x4_t b = vreinterpretq_u32_u8(column[i + 1]);
      column[i] = vreinterpretq_u8_u32(vzip1q_u32(a, b));
      column[i + 1] = vreinterpretq_u8_u32(vzip2q_u32(a, b));
    }
  }
  static HEARTH_INLINE void Spread(float32x4_t v, float32x4_t* out) {
    out[0] = vzip1q_f32(v, v);
    out[1] = vzip2q_f32(v, v);
  }
  static HEARTH_INLINE void Spread(int32x4_t v, int32x4_t* out) {
    out[0] = vzip1q_s32(v, v);
    out[1] = vzip2q_s32(v, v);
  }

  HEARTH_INLINE void Dot16(int half, const int8x16_t* w, int32x4_t* sum) const {
    sum[0] = vmmlaq_s32(sum[0], w[0], q[2 * half]);
    sum[1] = vmmlaq_s32(sum[1], w[1], q[2 * half]);
    sum[0] = vmmlaq_s32(sum[0], w[2], q[2 * half + 1]);
    sum[1] = vmmlaq_s32(sum[1], w[3], q[2 * half + 1]);
  }

  HEARTH_INLINE int32x4_t SumOf16(int half) const {
    const int8x16_t ones = vdupq_n_s8(1);
    return vmmlaq_s32(vmmlaq_s32(vdupq_n_s32(0), ones, q[2 * half]), ones, q[2 * half + 1]);
  }

  static HEARTH_INLINE float32x4_t SumsOf(int token, const float32x4_t* acc) {
    return token == 0 ? vuzp1q_f32(acc[0], acc[1]) : vuzp2q_f32(acc[0], acc[1]);
  }
};
#endif

}  // namespace
}  // namespace hearth

#endif  // HEARTH_KERNELS_NEON_TILES_INL_H_
