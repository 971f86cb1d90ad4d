// Products of quantised rows for NEON: how a group of 16 rows is multiplied with tokens. A table
// chooses how several of them are taken at a time.
//
// A group is four registers of 4 lanes, one row a lane (products-inl.h). sdot adds the columns'
// products with four activations, taken from a lane of their own register, to one integer a row.
// Weights are signed or below 64, so that signed products do for all formats. Several tokens use
// the unpacked weights of 8 rows, half of all registers, again and again: with 32 registers and
// sums of 4 rows that pays, where x86 unpacks all 16.
#ifndef HEARTH_KERNELS_NEON_PRODUCTS_INL_H_
#define HEARTH_KERNELS_NEON_PRODUCTS_INL_H_

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
constexpr int kTogether = 2;    // quads whose weights are unpacked at a time for several tokens
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

// -------------------------------------------------------------------------------------------------
// Formats: a block of a quad unpacked, and its product with a tile's activations added to acc

template <TensorType kType, class Tile>
struct NeonBlock;

HEARTH_INLINE void SplitNibbles(const uint8x16_t* column, int8x16_t* w) {
  for (int j = 0; j < 4; ++j) {
    w[j] = vreinterpretq_s8_u8(vandq_u8(column[j], vdupq_n_u8(0xf)));
    w[j + 4] = vreinterpretq_s8_u8(vshrq_n_u8(column[j], 4));
  }
}

template <class Tile>
struct NeonBlock<TensorType::kQ4_0, Tile> {
  static constexpr TensorType kType = TensorType::kQ4_0;
  int8x16_t w[8];  // nibbles; the offset makes them -8..7
  float32x4_t d[Tile::kRegisters];

  template <class Group>
  HEARTH_INLINE void Load(const Group& group, int64_t b, int quad) {
    uint8x16_t column[4];
    Columns<kType>(group, b, 0, quad, column);
    Tile::Arrange(column);
    SplitNibbles(column, w);
    Tile::Spread(Halves<kType>(group, b, 0, quad), d);
  }
  HEARTH_INLINE void Add(const Tile& x, float32x4_t* acc) const {
    int32x4_t dot[Tile::kRegisters];
    for (int r = 0; r < Tile::kRegisters; ++r) dot[r] = x.offset;
    x.Dot16(0, w, dot);
    x.Dot16(1, w + 4, dot);
    for (int r = 0; r < Tile::kRegisters; ++r)
      acc[r] = vfmaq_f32(acc[r], vmulq_f32(d[r], x.d), vcvtq_f32_s32(dot[r]));
  }
};

template <class Tile>
struct NeonBlock<TensorType::kQ4_1, Tile> {
  static constexpr TensorType kType = TensorType::kQ4_1;
  int8x16_t w[8];
  float32x4_t d[Tile::kRegisters];
  float32x4_t m[Tile::kRegisters];

  template <class Group>
  HEARTH_INLINE void Load(const Group& group, int64_t b, int quad) {
    uint8x16_t column[4];
    Columns<kType>(group, b, 0, quad, column);
    Tile::Arrange(column);
    SplitNibbles(column, w);
    Tile::Spread(Halves<kType>(group, b, 0, quad), d);
    Tile::Spread(Halves<kType>(group, b, 1, quad), m);
  }
  HEARTH_INLINE void Add(const Tile& x, float32x4_t* acc) const {
    int32x4_t dot[Tile::kRegisters];
    for (int r = 0; r < Tile::kRegisters; ++r) dot[r] = vdupq_n_s32(0);
    x.Dot16(0, w, dot);
    x.Dot16(1, w + 4, dot);
    const float32x4_t sum = vmulq_n_f32(vcvtq_f32_s32(x.offset), -0.125f);  // exact
    for (int r = 0; r < Tile::kRegisters; ++r) {
      acc[r] = vfmaq_f32(acc[r], vmulq_f32(d[r], x.d), vcvtq_f32_s32(dot[r]));
      acc[r] = vfmaq_f32(acc[r], vmulq_f32(m[r], x.d), sum);
    }
  }
};

template <class Tile>
struct NeonBlock<TensorType::kQ8_0, Tile> {
  static constexpr TensorType kType = TensorType::kQ8_0;
  int8x16_t w[8];
  float32x4_t d[Tile::kRegisters];

  template <class Group>
  HEARTH_INLINE void Load(const Group& group, int64_t b, int quad) {
    for (int piece = 0; piece < 2; ++piece) {
      uint8x16_t column[4];
      Columns<kType>(group, b, piece, quad, column);
      Tile::Arrange(column);
      for (int j = 0; j < 4; ++j) w[4 * piece + j] = vreinterpretq_s8_u8(column[j]);
    }
    Tile::Spread(Halves<kType>(group, b, 0, quad), d);
  }
  HEARTH_INLINE void Add(const Tile& x, float32x4_t* acc) const {
    int32x4_t dot[Tile::kRegisters];
    for (int r = 0; r < Tile::kRegisters; ++r) dot[r] = vdupq_n_s32(0);
    x.Dot16(0, w, dot);
    x.Dot16(1, w + 4, dot);
    for (int r = 0; r < Tile::kRegisters; ++r)
      acc[r] = vfmaq_f32(acc[r], vmulq_f32(d[r], x.d), vcvtq_f32_s32(dot[r]));
  }
};

// The two bytes of part `half` of block b of a quad, as integers.
template <TensorType kType, class Group>
HEARTH_INLINE uint32x4_t Shorts(const Group& group, int64_t b, int half, int quad) {
  constexpr BlockParts kParts = PartsOf(kType);
  if constexpr (Group::kInterleaved) {
    return vmovl_u16(Neon::Load16s(group.halves + (b * kParts.n_half + half) * 32 + 8 * quad));
  } else {
    const size_t at = static_cast<size_t>(b) * BlockBytes(kType) + kParts.half_at[half];
    uint16x4_t v = vdup_n_u16(Load16(group.Row(kLanes * quad) + at));
    v = vset_lane_u16(Load16(group.Row(kLanes * quad + 1) + at), v, 1);
    v = vset_lane_u16(Load16(group.Row(kLanes * quad + 2) + at), v, 2);
    v = vset_lane_u16(Load16(group.Row(kLanes * quad + 3) + at), v, 3);
    return vmovl_u16(v);
  }
}

// Bits 4*kColumn.. of each lane, at 16 of its bytes.
template <int kColumn>
HEARTH_INLINE uint8x16_t AddFifthBits(uint8x16_t w, uint32x4_t bits) {
  constexpr uint8_t k = kColumn / 2;
  constexpr uint8_t kPick[16] = {k,     k,     k,     k,     k + 4,  k + 4,  k + 4,  k + 4,
                                 k + 8, k + 8, k + 8, k + 8, k + 12, k + 12, k + 12, k + 12};
  const uint32_t bit = kColumn % 2 == 0 ? 0x08040201u : 0x80402010u;
  const uint8x16_t picked = vqtbl1q_u8(vreinterpretq_u8_u32(bits), vld1q_u8(kPick));
  const uint8x16_t set = vtstq_u8(picked, vreinterpretq_u8_u32(vdupq_n_u32(bit)));
  return vorrq_u8(w, vandq_u8(set, vdupq_n_u8(0x10)));
}

// 32 numbers 0..31 less `zero`, whose fifth bits are two of the two-byte parts from kFirstHalf on.
template <TensorType kType, int kFirstHalf, class Tile, class Group>
HEARTH_INLINE void LoadFiveBits(const Group& group, int64_t b, int quad, uint8_t zero,
                                int8x16_t* w) {
  uint8x16_t column[4];
  Columns<kType>(group, b, 0, quad, column);
  for (int l = 0; l < 2; ++l) {
    const uint32x4_t bits = Shorts<kType>(group, b, kFirstHalf + l, quad);
    uint8x16_t q[4];
    for (int j = 0; j < 4; ++j)
      q[j] = l == 0 ? Neon::LowNibbles(column[j]) : Neon::HighNibbles(column[j]);
    q[0] = AddFifthBits<0>(q[0], bits);
    q[1] = AddFifthBits<1>(q[1], bits);
    q[2] = AddFifthBits<2>(q[2], bits);
    q[3] = AddFifthBits<3>(q[3], bits);
    Tile::Arrange(q);
    for (int j = 0; j < 4; ++j)
      w[4 * l + j] = vreinterpretq_s8_u8(vsubq_u8(q[j], vdupq_n_u8(zero)));
  }
}

template <class Tile>
struct NeonBlock<TensorType::kQ5_0, Tile> {
  static constexpr TensorType kType = TensorType::kQ5_0;
  int8x16_t w[8];  // -16..15
  float32x4_t d[Tile::kRegisters];

  template <class Group>
  HEARTH_INLINE void Load(const Group& group, int64_t b, int quad) {
    LoadFiveBits<kType, 1, Tile>(group, b, quad, 16, w);
    Tile::Spread(Halves<kType>(group, b, 0, quad), d);
  }
  HEARTH_INLINE void Add(const Tile& x, float32x4_t* acc) const {
    int32x4_t dot[Tile::kRegisters];
    for (int r = 0; r < Tile::kRegisters; ++r) dot[r] = vdupq_n_s32(0);
    x.Dot16(0, w, dot);
    x.Dot16(1, w + 4, dot);
    for (int r = 0; r < Tile::kRegisters; ++r)
      acc[r] = vfmaq_f32(acc[r], vmulq_f32(d[r], x.d), vcvtq_f32_s32(dot[r]));
  }
};

template <class Tile>
struct NeonBlock<TensorType::kQ5_1, Tile> {
  static constexpr TensorType kType = TensorType::kQ5_1;
  int8x16_t w[8];
  float32x4_t d[Tile::kRegisters];
  float32x4_t m[Tile::kRegisters];

  template <class Group>
  HEARTH_INLINE void Load(const Group& group, int64_t b, int quad) {
    LoadFiveBits<kType, 2, Tile>(group, b, quad, 0, w);
    Tile::Spread(Halves<kType>(group, b, 0, quad), d);
    Tile::Spread(Halves<kType>(group, b, 1, quad), m);
  }
  HEARTH_INLINE void Add(const Tile& x, float32x4_t* acc) const {
    int32x4_t dot[Tile::kRegisters];
    for (int r = 0; r < Tile::kRegisters; ++r) dot[r] = vdupq_n_s32(0);
    x.Dot16(0, w, dot);
    x.Dot16(1, w + 4, dot);
    const float32x4_t sum = vmulq_n_f32(vcvtq_f32_s32(x.offset), -0.125f);  // exact
    for (int r = 0; r < Tile::kRegisters; ++r) {
      acc[r] = vfmaq_f32(acc[r], vmulq_f32(d[r], x.d), vcvtq_f32_s32(dot[r]));
      acc[r] = vfmaq_f32(acc[r], vmulq_f32(m[r], x.d), sum);
    }
  }
};

// One 32-block of a super-block of Q4_K or Q5_K (formats-inl.h, WithMinima).
template <TensorType kBlockType, class Tile, int kStep>
struct BlockWithMinima {
  static constexpr TensorType kType = kBlockType;
  static constexpr bool kHasFifthBits = kType == TensorType::kQ5_K;
  static constexpr int kFirstNibbles = kHasFifthBits ? 3 : 1;
  int8x16_t w[8];
  int32x4_t scale[Tile::kRegisters];
  float32x4_t minimum[Tile::kRegisters];
  float32x4_t d[Tile::kRegisters];
  float32x4_t dmin[Tile::kRegisters];

  template <class Group>
  HEARTH_INLINE void Load(const Group& group, int64_t super, int quad) {
    for (int l = 0; l < 2; ++l) {
      uint8x16_t q[4];
      Columns<kType>(group, super, kFirstNibbles + 2 * (kStep / 2) + l, quad, q);
      for (int j = 0; j < 4; ++j)
        q[j] = kStep % 2 == 0 ? Neon::LowNibbles(q[j]) : Neon::HighNibbles(q[j]);
      if constexpr (kHasFifthBits) {
        uint8x16_t bits[4];
        Columns<kType>(group, super, 1 + l, quad, bits);
        const uint8x16_t bit = vdupq_n_u8(1 << kStep);
        for (int j = 0; j < 4; ++j)
          q[j] = vorrq_u8(q[j], vandq_u8(vtstq_u8(bits[j], bit), vdupq_n_u8(0x10)));
      }
      Tile::Arrange(q);
      for (int j = 0; j < 4; ++j) w[4 * l + j] = vreinterpretq_s8_u8(q[j]);
    }
    uint8x16_t first[4];
    Columns<kType>(group, super, 0, quad, first);
    const uint32x4_t halves = vreinterpretq_u32_u8(first[0]);
    Tile::Spread(vcvt_f32_f16(vreinterpret_f16_u16(vmovn_u32(halves))), d);
    Tile::Spread(vcvt_f32_f16(vreinterpret_f16_u16(vshrn_n_u32(halves, 16))), dmin);
    uint8x16_t scales = vandq_u8(first[1], vdupq_n_u8(63));
    uint8x16_t minima = vandq_u8(first[2], vdupq_n_u8(63));
    if constexpr (kStep >= 4) {
      scales = vsliq_n_u8(Neon::LowNibbles(first[3]), vshrq_n_u8(first[1], 6), 4);
      minima = vsliq_n_u8(Neon::HighNibbles(first[3]), vshrq_n_u8(first[2], 6), 4);
    }
    const auto byte = [](uint8x16_t v) {
      const uint32x4_t moved = vshlq_u32(vreinterpretq_u32_u8(v), vdupq_n_s32(-8 * (kStep % 4)));
      return vreinterpretq_s32_u32(vandq_u32(moved, vdupq_n_u32(0xff)));
    };
    Tile::Spread(byte(scales), scale);
    Tile::Spread(vcvtq_f32_s32(byte(minima)), minimum);
  }
  HEARTH_INLINE void Add(const Tile& x, float32x4_t* acc) const {
    int32x4_t dot[Tile::kRegisters];
    for (int r = 0; r < Tile::kRegisters; ++r) dot[r] = vdupq_n_s32(0);
    x.Dot16(0, w, dot);
    x.Dot16(1, w + 4, dot);
    const float32x4_t minus_sum = vmulq_n_f32(vcvtq_f32_s32(x.offset), 0.125f);  // exact
    for (int r = 0; r < Tile::kRegisters; ++r) {
      const float32x4_t scaled = vcvtq_f32_s32(vmulq_s32(dot[r], scale[r]));
      acc[r] = vfmaq_f32(acc[r], vmulq_f32(d[r], x.d), scaled);
      acc[r] = vfmaq_f32(acc[r], vmulq_f32(dmin[r], x.d), vmulq_f32(minimum[r], minus_sum));
    }
  }
};

// One 32-block of a super-block of Q2_K or Q3_K (formats-inl.h, WithBitPairs).
template <TensorType kBlockType, class Tile, int kStep>
struct BlockWithBitPairs {
  static constexpr TensorType kType = kBlockType;
  static constexpr bool kHasMinima = kType == TensorType::kQ2_K;
  static constexpr int kFirstPairs = kHasMinima ? 1 : 2;
  static constexpr int kShift = 2 * (kStep % 4);
  int8x16_t w[8];  // 0..3, or -4..3
  int32x4_t scale[2][Tile::kRegisters];
  int32x4_t minimum[2][Tile::kRegisters];
  float32x4_t d[Tile::kRegisters];
  float32x4_t dmin[Tile::kRegisters];

  // kCount bits of each lane from bit kFirst on.
  template <int kFirst, int kCount>
  static HEARTH_INLINE int32x4_t Bits(uint32x4_t v) {
    const uint32x4_t moved = vshlq_u32(v, vdupq_n_s32(-kFirst));
    return vreinterpretq_s32_u32(vandq_u32(moved, vdupq_n_u32((1 << kCount) - 1)));
  }

  template <class Group>
  HEARTH_INLINE void Load(const Group& group, int64_t super, int quad) {
    for (int l = 0; l < 2; ++l) {
      uint8x16_t q[4];
      Columns<kType>(group, super, kFirstPairs + 2 * (kStep / 4) + l, quad, q);
      for (int j = 0; j < 4; ++j) {
        if constexpr (kShift > 0) q[j] = vshrq_n_u8(q[j], kShift > 0 ? kShift : 1);
        q[j] = vandq_u8(q[j], vdupq_n_u8(3));
      }
      if constexpr (!kHasMinima) {
        uint8x16_t bits[4];
        Columns<kType>(group, super, l, quad, bits);
        // A weight whose bit is not set is 4 less.
        for (int j = 0; j < 4; ++j) {
          const uint8x16_t set = vtstq_u8(bits[j], vdupq_n_u8(1 << kStep));
          q[j] = vsubq_u8(q[j], vbicq_u8(vdupq_n_u8(4), set));
        }
      }
      Tile::Arrange(q);
      for (int j = 0; j < 4; ++j) w[4 * l + j] = vreinterpretq_s8_u8(q[j]);
    }
    if constexpr (kHasMinima) {
      constexpr int kByte = 16 * (kStep & 1);  // in bits
      const uint32x4_t both =
          vreinterpretq_u32_s32(Column<kType>(group, super, 0, quad, kStep / 2));
      Tile::Spread(Bits<kByte, 4>(both), scale[0]);
      Tile::Spread(Bits<kByte + 4, 4>(both), minimum[0]);
      Tile::Spread(Bits<kByte + 8, 4>(both), scale[1]);
      Tile::Spread(Bits<kByte + 12, 4>(both), minimum[1]);
      Tile::Spread(Halves<kType>(group, super, 0, quad), d);
      Tile::Spread(Halves<kType>(group, super, 1, quad), dmin);
    } else {
      // Two bytes have what belongs to both scales of a step.
      const uint32x4_t nibbles = Shorts<kType>(group, super, kStep % 4, quad);
      const uint32x4_t pairs = Shorts<kType>(group, super, 4 + kStep % 2, quad);
      constexpr int kNibble = 4 * (kStep / 4);
      constexpr int kPair = 2 * (kStep / 2);
      const int32x4_t zero = vdupq_n_s32(32);
      Tile::Spread(
          vsubq_s32(vorrq_s32(Bits<kNibble, 4>(nibbles), vshlq_n_s32(Bits<kPair, 2>(pairs), 4)),
                    zero),
          scale[0]);
      Tile::Spread(vsubq_s32(vorrq_s32(Bits<kNibble + 8, 4>(nibbles),
                                       vshlq_n_s32(Bits<kPair + 8, 2>(pairs), 4)),
                             zero),
                   scale[1]);
      Tile::Spread(Halves<kType>(group, super, 6, quad), d);
    }
  }
  HEARTH_INLINE void Add(const Tile& x, float32x4_t* acc) const {
    int32x4_t dot[2][Tile::kRegisters];
    for (int l = 0; l < 2; ++l) {
      for (int r = 0; r < Tile::kRegisters; ++r) dot[l][r] = vdupq_n_s32(0);
      x.Dot16(l, w + 4 * l, dot[l]);
    }
    for (int r = 0; r < Tile::kRegisters; ++r) {
      const int32x4_t sum = vmlaq_s32(vmulq_s32(dot[0][r], scale[0][r]), dot[1][r], scale[1][r]);
      acc[r] = vfmaq_f32(acc[r], vmulq_f32(d[r], x.d), vcvtq_f32_s32(sum));
      if constexpr (kHasMinima) {
        const int32x4_t minima =
            vmlaq_s32(vmulq_s32(x.SumOf16(0), minimum[0][r]), x.SumOf16(1), minimum[1][r]);
        acc[r] = vfmaq_f32(acc[r], vmulq_f32(dmin[r], x.d), vcvtq_f32_s32(vnegq_s32(minima)));
      }
    }
  }
};

// The pieces of a super-block: l is the block's first or second 16 weights.
HEARTH_INLINE int QlPiece(int half, int quarter, int l) { return 4 * half + 2 * (quarter & 1) + l; }
HEARTH_INLINE int QhPiece(int half, int l) { return 8 + 2 * half + l; }
constexpr int kQ6KScalePiece = 12;

// Byte kByte of each lane, sign-extended.
template <int kByte>
HEARTH_INLINE int32x4_t ByteToInt(int32x4_t v) {
  return vshrq_n_s32(vshlq_n_s32(v, 24 - 8 * kByte), 24);
}

// The scales of both halves of quarter kQuarter; column is that of Q6KScales.
template <int kQuarter>
HEARTH_INLINE void Q6KScalePair(int32x4_t column, int32x4_t* scale) {
  constexpr int kFirst = 2 * (kQuarter & 1);
  scale[0] = ByteToInt<kFirst>(column);
  scale[1] = ByteToInt<kFirst + 1>(column);
}
template <class Group>
HEARTH_INLINE int32x4_t Q6KScales(const Group& group, int64_t super, int half, int quarter,
                                  int quad) {
  return Column<TensorType::kQ6_K>(group, super, kQ6KScalePiece, quad, 2 * half + quarter / 2);
}

// One 32-block of a super-block, for several tokens: -32..31.
template <class Tile, int kQuarter>
struct Q6KBlock {
  static constexpr TensorType kType = TensorType::kQ6_K;
  int8x16_t w[8];
  int32x4_t scale[2][Tile::kRegisters];
  float32x4_t d[Tile::kRegisters];

  template <class Group>
  HEARTH_INLINE void Load(const Group& group, int64_t super, int half, int quad) {
    for (int l = 0; l < 2; ++l) {
      uint8x16_t ql[4];
      uint8x16_t qh[4];
      Columns<kType>(group, super, QlPiece(half, kQuarter, l), quad, ql);
      Columns<kType>(group, super, QhPiece(half, l), quad, qh);
      for (int j = 0; j < 4; ++j)
        ql[j] = vsubq_u8(Neon::SixBits<kQuarter>(ql[j], qh[j]), vdupq_n_u8(32));
      Tile::Arrange(ql);
      for (int j = 0; j < 4; ++j) w[4 * l + j] = vreinterpretq_s8_u8(ql[j]);
    }
    int32x4_t pair[2];
    Q6KScalePair<kQuarter>(Q6KScales(group, super, half, kQuarter, quad), pair);
    Tile::Spread(pair[0], scale[0]);
    Tile::Spread(pair[1], scale[1]);
    Tile::Spread(Halves<kType>(group, super, 0, quad), d);
  }
  HEARTH_INLINE void Add(const Tile& x, float32x4_t* acc) const {
    int32x4_t dot[2][Tile::kRegisters];
    for (int l = 0; l < 2; ++l) {
      for (int r = 0; r < Tile::kRegisters; ++r) dot[l][r] = vdupq_n_s32(0);
      x.Dot16(l, w + 4 * l, dot[l]);
    }
    for (int r = 0; r < Tile::kRegisters; ++r) {
      const int32x4_t sum = vmlaq_s32(vmulq_s32(dot[0][r], scale[0][r]), dot[1][r], scale[1][r]);
      acc[r] = vfmaq_f32(acc[r], vmulq_f32(d[r], x.d), vcvtq_f32_s32(sum));
    }
  }
};

// -------------------------------------------------------------------------------------------------
// Groups

// Lanes first..end-1; either may be outside.
struct LaneRange {
  int64_t first;
  int64_t end;
};

HEARTH_INLINE void StoreLanes(float32x4_t v, LaneRange lanes, float* y) {
  if (lanes.first <= 0 && lanes.end >= kLanes) {
    vst1q_f32(y, v);
    return;
  }
  float lane[kLanes];
  vst1q_f32(lane, v);
  for (int i = 0; i < kLanes; ++i) {
    if (i >= lanes.first && i < lanes.end) y[i] = lane[i];
  }
}

// The sums of a group and up to n tokens.
template <class Tile, int n>
struct Sums {
  float32x4_t tile[(n + Tile::kTokens - 1) / Tile::kTokens][kQuads][Tile::kRegisters];

  HEARTH_INLINE void Clear(int64_t n_tokens) {
    for (int64_t t = 0; t < n_tokens; t += Tile::kTokens) {
      for (int quad = 0; quad < kQuads; ++quad) {
        for (int r = 0; r < Tile::kRegisters; ++r)
          tile[t / Tile::kTokens][quad][r] = vdupq_n_f32(0.0f);
      }
    }
  }
  HEARTH_INLINE void Store(int64_t n_tokens, const Output& out) const {
    for (int64_t t = 0; t < n_tokens; ++t) {
      for (int quad = 0; quad < kQuads; ++quad) {
        const int token = static_cast<int>(t % Tile::kTokens);
        const float32x4_t v = Tile::SumsOf(token, tile[t / Tile::kTokens][quad]);
        const int first = kLanes * quad;
        StoreLanes(v, {out.first - first, out.end - first}, out.y + t * out.y_stride + first);
      }
    }
  }
};

// One group of rows times one token.
template <class Format, class Group>
void MultiplyOne(const Group& group, const Tokens& x, const Output& out) {
  Sums<OneToken, 1> acc;
  acc.Clear(1);
  for (int64_t b = 0; b < x.n_block; ++b) {
    const OneToken token(x, 0, b);
    for (int quad = 0; quad < kQuads; ++quad) {
      Format block;
      block.Load(group, b, quad);
      block.Add(token, acc.tile[0][quad]);
    }
  }
  acc.Store(1, out);
}

// Block b of 8 rows times the rows of x; at is b, or a super-block with its half.
template <class Format, class Tile, int n, class Group, class... At>
HEARTH_INLINE void AddBlock(const Group& group, int quad, const Tokens& x, int64_t b,
                            Sums<Tile, n>& acc, At... at) {
  Format block[kTogether];
  for (int i = 0; i < kTogether; ++i) block[i].Load(group, at..., quad + i);
  for (int64_t t = 0; t < x.n; t += Tile::kTokens) {
    const Tile tile(x, t, b);
    for (int i = 0; i < kTogether; ++i) block[i].Add(tile, acc.tile[t / Tile::kTokens][quad + i]);
  }
}

// Of a few rows at a matrix's end not all quads are.
HEARTH_INLINE bool Wanted(const Output& out, int quad, int n_quad) {
  return out.first < kLanes * (quad + n_quad) && out.end > kLanes * quad;
}

// One group of rows times several tokens.
template <class Format, class Tile, class Group>
void MultiplySeveral(const Group& group, Tokens x, const Output& out) {
  Sums<Tile, kMaxTokens> acc;
  acc.Clear(x.n);
  for (int64_t b = 0; b < x.n_block; ++b) {
    for (int quad = 0; quad < kQuads; quad += kTogether) {
      if (Wanted(out, quad, kTogether)) AddBlock<Format>(group, quad, x, b, acc, b);
    }
  }
  acc.Store(x.n, out);
}

// Q6_K, one token: the weights stay 0..63, and the sums start at -32 times that of the activations.
// Each byte is read once for all of the quarters that it has bits of.

// -32 * the sum of 16 activations.
HEARTH_INLINE int32_t Q6KStart(int8x16_t q) {
  return vaddvq_s32(vdotq_s32(vdupq_n_s32(0), q, vdupq_n_s8(-32)));
}

template <int kQuarter, class Group>
HEARTH_INLINE float32x4_t AddQ6KQuarter(const Group& group, int64_t super, int half, int quad,
                                        const int32x4_t* dot, float32x4_t d, float32x4_t acc) {
  int32x4_t scale[2];
  Q6KScalePair<kQuarter>(Q6KScales(group, super, half, kQuarter, quad), scale);
  const int32x4_t sum = vmlaq_s32(vmulq_s32(dot[0], scale[0]), dot[1], scale[1]);
  return vfmaq_f32(acc, d, vcvtq_f32_s32(sum));
}

// 128 weights of a quad: token[s] is quarter s's block, start[s] of its two halves.
template <class Group>
HEARTH_INLINE float32x4_t AddQ6KHalf(const Group& group, int64_t super, int half, int quad,
                                     const OneToken* token, const int32_t (*start)[2],
                                     float32x4_t acc) {
  constexpr TensorType kType = TensorType::kQ6_K;
  int32x4_t dot[4][2];
  for (int l = 0; l < 2; ++l) {
    uint8x16_t even[4];
    uint8x16_t odd[4];
    uint8x16_t qh[4];
    Columns<kType>(group, super, QlPiece(half, 0, l), quad, even);
    Columns<kType>(group, super, QlPiece(half, 1, l), quad, odd);
    Columns<kType>(group, super, QhPiece(half, l), quad, qh);
    int8x16_t w[4][4];
    for (int j = 0; j < 4; ++j) {
      w[0][j] = vreinterpretq_s8_u8(Neon::SixBits<0>(even[j], qh[j]));
      w[1][j] = vreinterpretq_s8_u8(Neon::SixBits<1>(odd[j], qh[j]));
      w[2][j] = vreinterpretq_s8_u8(Neon::SixBits<2>(even[j], qh[j]));
      w[3][j] = vreinterpretq_s8_u8(Neon::SixBits<3>(odd[j], qh[j]));
    }
    for (int s = 0; s < 4; ++s) {
      dot[s][l] = vdupq_n_s32(start[s][l]);
      token[s].Dot16(l, w[s], &dot[s][l]);
    }
  }
  const float32x4_t d = Halves<kType>(group, super, 0, quad);
  acc = AddQ6KQuarter<0>(group, super, half, quad, dot[0], vmulq_f32(d, token[0].d), acc);
  acc = AddQ6KQuarter<1>(group, super, half, quad, dot[1], vmulq_f32(d, token[1].d), acc);
  acc = AddQ6KQuarter<2>(group, super, half, quad, dot[2], vmulq_f32(d, token[2].d), acc);
  return AddQ6KQuarter<3>(group, super, half, quad, dot[3], vmulq_f32(d, token[3].d), acc);
}

template <class Group>
void MultiplyOneQ6K(const Group& group, const Tokens& x, const Output& out) {
  Sums<OneToken, 1> acc;
  acc.Clear(1);
  for (int64_t b = 0; b < x.n_block; b += 4) {
    const OneToken token[4] = {{x, 0, b}, {x, 0, b + 1}, {x, 0, b + 2}, {x, 0, b + 3}};
    int32_t start[4][2];
    for (int s = 0; s < 4; ++s) {
      for (int l = 0; l < 2; ++l) start[s][l] = Q6KStart(token[s].q[l]);
    }
    for (int quad = 0; quad < kQuads; ++quad) {
      float32x4_t* sum = acc.tile[0][quad];
      sum[0] = AddQ6KHalf(group, b / 8, static_cast<int>(b / 4 % 2), quad, token, start, sum[0]);
    }
  }
  acc.Store(1, out);
}

template <class Tile, class Group>
void MultiplySeveralQ6K(const Group& group, Tokens x, const Output& out) {
  Sums<Tile, kMaxTokens> acc;
  acc.Clear(x.n);
  for (int64_t b = 0; b < x.n_block; b += 4) {
    const int64_t super = b / 8;
    const int half = static_cast<int>(b / 4 % 2);
    for (int quad = 0; quad < kQuads; quad += kTogether) {
      if (!Wanted(out, quad, kTogether)) continue;
      AddBlock<Q6KBlock<Tile, 0>>(group, quad, x, b, acc, super, half);
      AddBlock<Q6KBlock<Tile, 1>>(group, quad, x, b + 1, acc, super, half);
      AddBlock<Q6KBlock<Tile, 2>>(group, quad, x, b + 2, acc, super, half);
      AddBlock<Q6KBlock<Tile, 3>>(group, quad, x, b + 3, acc, super, half);
    }
  }
  acc.Store(x.n, out);
}

// A 32-block of the types whose super-blocks are gone through step by step.
template <TensorType kType, class Tile, int kStep>
struct StepOf : BlockWithMinima<kType, Tile, kStep> {};
template <class Tile, int kStep>
struct StepOf<TensorType::kQ2_K, Tile, kStep> : BlockWithBitPairs<TensorType::kQ2_K, Tile, kStep> {
};
template <class Tile, int kStep>
struct StepOf<TensorType::kQ3_K, Tile, kStep> : BlockWithBitPairs<TensorType::kQ3_K, Tile, kStep> {
};

// Steps kStep.. of the super-block that begins at block b.
template <TensorType kType, class Tile, int n, int kStep = 0, class Group>
HEARTH_INLINE void AddSteps(const Group& group, int quad, const Tokens& x, int64_t b,
                            Sums<Tile, n>& acc) {
  AddBlock<StepOf<kType, Tile, kStep>>(group, quad, x, b + kStep, acc, b / 8);
  if constexpr (kStep + 1 < 8) AddSteps<kType, Tile, n, kStep + 1>(group, quad, x, b, acc);
}

template <TensorType kType, class Tile, int n, class Group>
void MultiplyBySteps(const Group& group, const Tokens& x, const Output& out) {
  Sums<Tile, n> acc;
  acc.Clear(x.n);
  for (int64_t b = 0; b < x.n_block; b += 8) {
    for (int quad = 0; quad < kQuads; quad += kTogether) {
      if (Wanted(out, quad, kTogether)) AddSteps<kType, Tile, n>(group, quad, x, b, acc);
    }
  }
  acc.Store(x.n, out);
}

// The formats of 32 weights, and those of 256.
template <TensorType kType>
struct NeonFormat {
  template <class Group>
  static HEARTH_INLINE void MultiplyOneToken(const Group& group, const Tokens& x,
                                             const Output& out) {
    MultiplyOne<NeonBlock<kType, OneToken>>(group, x, out);
  }
  template <class Tile, class Group>
  static HEARTH_INLINE void MultiplyTokens(const Group& group, const Tokens& x, const Output& out) {
    MultiplySeveral<NeonBlock<kType, Tile>, Tile>(group, x, out);
  }
};
template <>
struct NeonFormat<TensorType::kQ6_K> {
  template <class Group>
  static HEARTH_INLINE void MultiplyOneToken(const Group& group, const Tokens& x,
                                             const Output& out) {
    MultiplyOneQ6K(group, x, out);
  }
  template <class Tile, class Group>
  static HEARTH_INLINE void MultiplyTokens(const Group& group, const Tokens& x, const Output& out) {
    MultiplySeveralQ6K<Tile>(group, x, out);
  }
};

template <TensorType kType>
struct NeonFormatBySteps {
  template <class Group>
  static HEARTH_INLINE void MultiplyOneToken(const Group& group, const Tokens& x,
                                             const Output& out) {
    MultiplyBySteps<kType, OneToken, 1>(group, x, out);
  }
  template <class Tile, class Group>
  static HEARTH_INLINE void MultiplyTokens(const Group& group, const Tokens& x, const Output& out) {
    MultiplyBySteps<kType, Tile, kMaxTokens>(group, x, out);
  }
};
template <>
struct NeonFormat<TensorType::kQ4_K> : NeonFormatBySteps<TensorType::kQ4_K> {};
template <>
struct NeonFormat<TensorType::kQ5_K> : NeonFormatBySteps<TensorType::kQ5_K> {};
template <>
struct NeonFormat<TensorType::kQ2_K> : NeonFormatBySteps<TensorType::kQ2_K> {};
template <>
struct NeonFormat<TensorType::kQ3_K> : NeonFormatBySteps<TensorType::kQ3_K> {};

// Several tokens are multiplied a Tile at a time.
template <class Tile>
struct NeonProduct {
  static constexpr int kListedRows = kInterleavedRows;

  template <TensorType kType, class Group>
  static HEARTH_INLINE void MultiplyOne(const Group& group, const BlockActivations& x,
                                        const Output& out) {
    NeonFormat<kType>::MultiplyOneToken(group, {x, 1}, out);
  }

  template <TensorType kType, class Group>
  static HEARTH_INLINE void Multiply(const Group& group, const BlockActivations& x,
                                     int64_t n_tokens, const Output& out) {
    for (int64_t t = 0; t < n_tokens; t += kMaxTokens) {
      const int64_t n = n_tokens - t < kMaxTokens ? n_tokens - t : kMaxTokens;
      const Tokens tokens = {x.At(0, t), n};
      const Output to = {out.first, out.end, out.y + t * out.y_stride, out.y_stride};
      if (n == 1) {
        NeonFormat<kType>::MultiplyOneToken(group, tokens, to);
      } else {
        NeonFormat<kType>::template MultiplyTokens<Tile>(group, tokens, to);
      }
    }
  }
};

}  // namespace
}  // namespace hearth

#endif  // HEARTH_KERNELS_NEON_PRODUCTS_INL_H_
