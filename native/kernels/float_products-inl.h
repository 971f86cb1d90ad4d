// Products of float matrices, and attention, which is two of them: queries with keys, weights with
// values. The order of operations is that of kernels.h.
#ifndef HEARTH_KERNELS_FLOAT_PRODUCTS_INL_H_
#define HEARTH_KERNELS_FLOAT_PRODUCTS_INL_H_

#include <stddef.h>
#include <stdint.h>

#include "kernels/block.h"
#include "kernels/for_type.h"
#include "kernels/kernels.h"
#include "kernels/vectors-inl.h"

namespace hearth {
namespace {

// The weights of a row from weight i on, converted exactly.
template <TensorType kType>
struct FloatWeights;

template <>
struct FloatWeights<TensorType::kF32> {
  template <class V, class... Mask>
  static HEARTH_INLINE typename V::F Load(const uint8_t* row, int64_t i, Mask... mask) {
    return V::Load(row + 4 * i, mask...);
  }
};

template <>
struct FloatWeights<TensorType::kF16> {
  template <class V, class... Mask>
  static HEARTH_INLINE typename V::F Load(const uint8_t* row, int64_t i, Mask... mask) {
    return V::LoadHalf(row + 2 * i, mask...);
  }
};

template <>
struct FloatWeights<TensorType::kBF16> {
  template <class V, class... Mask>
  static HEARTH_INLINE typename V::F Load(const uint8_t* row, int64_t i, Mask... mask) {
    return V::LoadBf16(row + 2 * i, mask...);
  }
};

template <class V, class Weights>
HEARTH_INLINE void ConvertRow(const uint8_t* row, int64_t n, float* y) {
  ForLanes<V>(n, [&](int64_t i, auto... mask) {
    V::Store(y + i, Weights::template Load<V>(row, i, mask...), mask...);
  });
}

// Vectors of floats, `stride` apart.
struct FloatVectors {
  const float* x;
  int64_t stride;
  HEARTH_INLINE FloatVectors From(int64_t t) const { return {x + t * stride, stride}; }
};

// The sums of kRows rows with each of kVectors vectors.
template <class V, class Weights, int kRows, int kVectors>
struct FloatTile {
  Wide<V> acc[kVectors][kRows];

  // Adds elements i.., which belong to register r of the sums.
  template <class... Mask>
  HEARTH_INLINE void Add(const uint8_t* const* rows, FloatVectors x, int64_t i, int r,
                         Mask... mask) {
    typename V::F v[kVectors];
    for (int t = 0; t < kVectors; ++t) v[t] = V::Load(x.x + t * x.stride + i, mask...);
    for (int row = 0; row < kRows; ++row) {
      const typename V::F w = Weights::template Load<V>(rows[row], i, mask...);
      // Masked: fma(0, 0, -0) would be +0.
      for (int t = 0; t < kVectors; ++t)
        acc[t][row].r[r] = V::Fma(w, v[t], acc[t][row].r[r], mask...);
    }
  }
};

// sum[t*kRows + row] = rows[row] . x[t], n elements. The tile should fit in registers, and be
// enough chains to hide the latency of fma.
template <class V, class Weights, int kRows, int kVectors>
HEARTH_INLINE void DotProducts(const uint8_t* const* rows, FloatVectors x, int64_t n, float* sum) {
  FloatTile<V, Weights, kRows, kVectors> tile;
  Clear<V>(&tile.acc[0][0], kRows * kVectors);
  int64_t i = 0;
  for (; i + kSums <= n; i += kSums) {
    for (int r = 0; r < Wide<V>::kRegisters; ++r) tile.Add(rows, x, i + r * V::kLanes, r);
  }
  for (int r = 0; r < Wide<V>::kRegisters && i < n; ++r, i += V::kLanes)
    tile.Add(rows, x, i, r, V::FirstLanes(n - i));
  for (int t = 0; t < kVectors; ++t) {
    if constexpr (kRows == 4) {
      const Wide<V>* s = tile.acc[t];
      V::Reduce4(s[0].r, s[1].r, s[2].r, s[3].r, sum + 4 * t);
    } else {
      for (int row = 0; row < kRows; ++row) sum[t * kRows + row] = V::Reduce(tile.acc[t][row].r);
    }
  }
}

// Rows of float weights, row_bytes apart.
struct FloatRows {
  const uint8_t* first;
  size_t row_bytes;
  int64_t n_row;
  int64_t k;
};

constexpr int kRowTile = 4;  // rows whose vectors are looked at together

// y[t*y_stride + i] = scale * (rows[i] . x[t]) for t < kVectors; of the rows n_row differ, the
// others are the last again.
template <class V, class Weights, int kVectors, class Scale>
void MultiplyFloatTile(const uint8_t* const* rows, int64_t n_row, FloatVectors x, int64_t k,
                       Scale scale, float* y, int64_t y_stride) {
  constexpr int kRows = V::FloatRows(kVectors);
  static_assert(kRowTile % kRows == 0, "a tile is a part of kRowTile rows");
  for (int64_t i = 0; i < n_row; i += kRows) {
    float sum[kRows * kVectors];
    DotProducts<V, Weights, kRows, kVectors>(rows + i, x, k, sum);
    for (int t = 0; t < kVectors; ++t) {
      for (int64_t row = 0; row < kRows && i + row < n_row; ++row)
        y[t * y_stride + i + row] = scale(sum[t * kRows + row]);
    }
  }
}

// y[t*y_stride + r] = scale(row r . x[t]); with kStream, memory is read ahead of.
template <class V, class Weights, bool kStream, class Scale>
HEARTH_INLINE void MultiplyFloats(const FloatRows& w, FloatVectors x, int64_t n_vector, Scale scale,
                                  float* y, int64_t y_stride) {
  for (int64_t r = 0; r < w.n_row; r += kRowTile) {
    const uint8_t* rows[kRowTile];
    for (int64_t i = 0; i < kRowTile; ++i) {
      const int64_t row = r + i < w.n_row ? r + i : w.n_row - 1;
      rows[i] = w.first + static_cast<size_t>(row) * w.row_bytes;
    }
    const int64_t n_row = w.n_row - r < kRowTile ? w.n_row - r : kRowTile;
    if constexpr (kStream) PrefetchStream<V>(rows[0], kRowTile * w.row_bytes);
    ForTiles<V::kFloatTokens>(n_vector, [&](int64_t t, auto count) {
      MultiplyFloatTile<V, Weights, decltype(count)::kValue>(rows, n_row, x.From(t), w.k, scale,
                                                             y + t * y_stride + r, y_stride);
    });
  }
}

template <class V>
void MatmulF(const MatrixView& w, int64_t row_begin, int64_t row_end, const float* x,
             int64_t x_stride, int64_t n_tokens, float* y, int64_t y_stride) {
  const uint8_t* first = AsBytes(w.data) + static_cast<size_t>(row_begin) * w.row_bytes;
  const FloatRows rows = {first, w.row_bytes, row_end - row_begin, w.k};
  ForFloatType(w.type, [&](auto tag) {
    MultiplyFloats<V, FloatWeights<decltype(tag)::kValue>, false>(
        rows, {x, x_stride}, n_tokens, [](float sum) { return sum; }, y + row_begin, y_stride);
  });
}

// -------------------------------------------------------------------------------------------------
// Attention

// Keys are rows of half floats: each is converted once for as many heads as a tile has.
template <class V>
void AttentionScores(const float* q, int64_t n_query, int64_t q_stride, const uint16_t* k,
                     int64_t k_stride, int64_t n_key, int64_t head_dim, float scale, float* scores,
                     int64_t score_stride) {
  const FloatRows keys = {AsBytes(k), static_cast<size_t>(k_stride) * sizeof *k, n_key, head_dim};
  MultiplyFloats<V, FloatWeights<TensorType::kF16>, true>(
      keys, {q, q_stride}, n_query, [=](float sum) { return scale * sum; }, scores, score_stride);
}

// The weights of heads and their sums, so far apart.
struct Heads {
  const float* p;
  int64_t p_stride;
  float* sum;
  int64_t sum_stride;
};

// Adds the weighted values to the sums of kHeads heads, kRegisters registers of each from element
// `at` on; of a lone register only some lanes may exist. A value is converted once for all heads.
template <class V, int kHeads, int kRegisters, class... Mask>
HEARTH_INLINE void WeightedSums(Heads heads, const uint16_t* v, int64_t v_stride, int64_t n_key,
                                int64_t at, Mask... mask) {
  typename V::F acc[kHeads][kRegisters];
  for (int h = 0; h < kHeads; ++h) {
    for (int r = 0; r < kRegisters; ++r)
      acc[h][r] = V::Load(heads.sum + h * heads.sum_stride + at + r * V::kLanes, mask...);
  }
  for (int64_t j = 0; j < n_key; ++j) {
    const uint8_t* value = AsBytes(v + j * v_stride);
    typename V::F x[kRegisters];
    for (int r = 0; r < kRegisters; ++r)
      x[r] = FloatWeights<TensorType::kF16>::template Load<V>(value, at + r * V::kLanes, mask...);
    for (int h = 0; h < kHeads; ++h) {
      const typename V::F weight = V::Set(heads.p[h * heads.p_stride + j]);
      for (int r = 0; r < kRegisters; ++r) acc[h][r] = V::Fma(weight, x[r], acc[h][r]);
    }
  }
  for (int h = 0; h < kHeads; ++h) {
    for (int r = 0; r < kRegisters; ++r)
      V::Store(heads.sum + h * heads.sum_stride + at + r * V::kLanes, acc[h][r], mask...);
  }
}

template <class V, int kHeads>
void AddValues(Heads heads, const uint16_t* v, int64_t v_stride, int64_t n_key, int64_t head_dim) {
  constexpr int kRegisters = V::ValueRegisters(kHeads);
  int64_t i = 0;
  for (; i + kRegisters * V::kLanes <= head_dim; i += kRegisters * V::kLanes)
    WeightedSums<V, kHeads, kRegisters>(heads, v, v_stride, n_key, i);
  for (; i + V::kLanes <= head_dim; i += V::kLanes)
    WeightedSums<V, kHeads, 1>(heads, v, v_stride, n_key, i);
  if (i < head_dim)
    WeightedSums<V, kHeads, 1>(heads, v, v_stride, n_key, i, V::FirstLanes(head_dim - i));
}

template <class V>
void AttentionValues(const float* p, int64_t n_query, int64_t p_stride, const uint16_t* v,
                     int64_t v_stride, int64_t n_key, int64_t head_dim, float* sum,
                     int64_t sum_stride) {
  constexpr int64_t kValues = 32;  // so few that the first cache keeps them for all heads
  for (int64_t j = 0; j < n_key; j += kValues) {
    const int64_t n = n_key - j < kValues ? n_key - j : kValues;
    const uint16_t* values = v + j * v_stride;
    PrefetchStream<V>(values, static_cast<size_t>(n * v_stride) * sizeof *v);
    ForTiles<V::kValueHeads>(n_query, [&](int64_t first, auto count) {
      const Heads heads = {p + first * p_stride + j, p_stride, sum + first * sum_stride,
                           sum_stride};
      AddValues<V, decltype(count)::kValue>(heads, values, v_stride, n, head_dim);
    });
  }
}

}  // namespace
}  // namespace hearth

#endif  // HEARTH_KERNELS_FLOAT_PRODUCTS_INL_H_
