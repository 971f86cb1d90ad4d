// How NEON unpacks the weights of each quantised type: a struct has a block of a quad (four rows)
// as a tile of activations wants them, and adds its product with such a tile to acc.
#ifndef HEARTH_KERNELS_NEON_BLOCKS_INL_H_
#define HEARTH_KERNELS_NEON_BLOCKS_INL_H_

#include <arm_neon.h>
#include <stdint.h>

#include "kernels/block.h"
#include "kernels/inline.h"
#include "kernels/neon-inl.h"
#include "kernels/neon_tiles-inl.h"

namespace hearth {
namespace {

template <TensorType kType, class Tile>
struct NeonBlock;

// start, and the products of 32 columns with a tile's activations.
template <class Tile>
HEARTH_INLINE void Dot32(const Tile& x, const int8x16_t* w, int32x4_t start, int32x4_t* dot) {
  for (int r = 0; r < Tile::kRegisters; ++r) dot[r] = start;
  x.Dot16(0, w, dot);
  x.Dot16(1, w + 4, dot);
}

// Weights that have one scale.
template <class Tile>
HEARTH_INLINE void AddScaled(const Tile& x, const int8x16_t* w, int32x4_t start,
                             const float32x4_t* d, float32x4_t* acc) {
  int32x4_t dot[Tile::kRegisters];
  Dot32(x, w, start, dot);
  for (int r = 0; r < Tile::kRegisters; ++r)
    acc[r] = vfmaq_f32(acc[r], vmulq_f32(d[r], x.d), vcvtq_f32_s32(dot[r]));
}

// And a minimum, m.
template <class Tile>
HEARTH_INLINE void AddScaledAndMinima(const Tile& x, const int8x16_t* w, const float32x4_t* d,
                                      const float32x4_t* m, float32x4_t* acc) {
  AddScaled(x, w, vdupq_n_s32(0), d, acc);
  const float32x4_t sum = vmulq_n_f32(vcvtq_f32_s32(x.offset), -0.125f);  // exact
  for (int r = 0; r < Tile::kRegisters; ++r) acc[r] = vfmaq_f32(acc[r], vmulq_f32(m[r], x.d), sum);
}

// Weights of a super-block whose halves of 16 have a scale each.
template <class Tile>
HEARTH_INLINE void AddHalvesScaled(const Tile& x, const int8x16_t* w,
                                   const int32x4_t (*scale)[Tile::kRegisters], const float32x4_t* d,
                                   float32x4_t* acc) {
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
    AddScaled(x, w, x.offset, d, acc);
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
    AddScaledAndMinima(x, w, d, m, acc);
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
    AddScaled(x, w, vdupq_n_s32(0), d, acc);
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
    AddScaled(x, w, vdupq_n_s32(0), d, acc);
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
    AddScaledAndMinima(x, w, d, m, acc);
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
    Dot32(x, w, vdupq_n_s32(0), dot);
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
    AddHalvesScaled(x, w, scale, d, acc);
    if constexpr (kHasMinima) {
      for (int r = 0; r < Tile::kRegisters; ++r) {
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
    AddHalvesScaled(x, w, scale, d, acc);
  }
};

}  // namespace
}  // namespace hearth

#endif  // HEARTH_KERNELS_NEON_BLOCKS_INL_H_
