// Products of quantised rows for NEON: how a group of 16 rows is multiplied with tokens. A table
// chooses how several of them are taken at a time.
//
// Several tokens use the unpacked weights of 8 rows, half of all registers, again and again: with
// 32 registers and sums of 4 rows that pays, where x86 unpacks all 16.
#ifndef HEARTH_KERNELS_NEON_PRODUCTS_INL_H_
#define HEARTH_KERNELS_NEON_PRODUCTS_INL_H_

#include <arm_neon.h>
#include <stdint.h>

#include "kernels/block.h"
#include "kernels/inline.h"
#include "kernels/neon-inl.h"
#include "kernels/neon_blocks-inl.h"
#include "kernels/neon_tiles-inl.h"
#include "kernels/products-inl.h"

namespace hearth {
namespace {

constexpr int kTogether = 2;  // quads whose weights are unpacked at a time for several tokens

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
