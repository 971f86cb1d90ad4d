// Products of quantised matrices with rows of 8-bit activations: which rows make a group, how a
// group is read, and the product of a group with tiles of tokens, whatever the tensor type and the
// instruction set. The order of operations is that of kernels.h.
//
// A group is 16 rows, one row a lane: a register holds the same four columns of kLanes rows, as
// groups have them (interleaved_rows.h); plain rows are transposed four bytes at a time as they are
// unpacked. No sum crosses lanes, and the one fma a block that ref.cc prescribes is one vector fma.
// Further tokens use the unpacked weights again. For this V has
//   kTokens               tokens whose sums are kept while a group is multiplied: their activations
//                         should stay in the first cache, where each group takes them again
//   LoadColumns(group, i, offset, column)   bytes offset.. of rows i..: lane r of column[j] holds
//                         bytes 4j..4j+3 of row i + r
//   GatherHalves(group, i, offset)          the half float there of rows i.., as F
//   GatherShorts(group, i, offset), LoadShorts(p)   16 bits of rows i.., one after another: as I
//   LoadInts, StoreInts
// and what formats-inl.h says.
#ifndef HEARTH_KERNELS_PRODUCTS_INL_H_
#define HEARTH_KERNELS_PRODUCTS_INL_H_

#include <float.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernels/block.h"
#include "kernels/for_type.h"
#include "kernels/formats-inl.h"
#include "kernels/kernels.h"
#include "kernels/vectors-inl.h"

namespace hearth {
namespace {

// -------------------------------------------------------------------------------------------------
// Sixteen rows

struct Interleaved {
  static constexpr bool kInterleaved = true;
  const uint8_t* pieces;
  const uint8_t* halves;
  // Asks for what is read some time after bytes offset.. of each row.
  template <class V>
  HEARTH_INLINE void PrefetchNext(size_t offset, size_t bytes) const {
    PrefetchStream<V>(pieces + kInterleavedRows * offset, kInterleavedRows * bytes);
  }
};

// One after another.
struct WholeGroup {
  static constexpr bool kInterleaved = false;
  const uint8_t* first;
  size_t row_bytes;
  HEARTH_INLINE const uint8_t* Row(int i) const {
    return first + static_cast<size_t>(i) * row_bytes;
  }
  // Prefetches what the next group will read at `offset`, so that 16 short streams read memory like
  // one. A prefetch past the end of the matrix does nothing.
  template <class V>
  HEARTH_INLINE void PrefetchNext(size_t offset, size_t bytes) const {
    PrefetchRange<V>(first + kInterleavedRows * (row_bytes + offset), kInterleavedRows * bytes);
  }
};

// Fewer, with the last one repeated in the lanes that are not stored.
struct PartGroup {
  static constexpr bool kInterleaved = false;
  const uint8_t* row[kInterleavedRows];
  HEARTH_INLINE const uint8_t* Row(int i) const { return row[i]; }
  template <class V>
  HEARTH_INLINE void PrefetchNext(size_t, size_t) const {}
};

// kRows picked from all over, and the ones that come after them.
template <int kRows>
struct ListedGroup {
  static constexpr bool kInterleaved = false;
  const uint8_t* row[kRows];
  const uint8_t* next[kRows];
  HEARTH_INLINE const uint8_t* Row(int i) const { return row[i]; }
  template <class V>
  HEARTH_INLINE void PrefetchNext(size_t offset, size_t bytes) const {
    // Once a cache line.
    if (offset / kCacheLineBytes == (offset + bytes) / kCacheLineBytes) return;
    for (int i = 0; i < kRows; ++i) PrefetchRange<V>(next[i] + offset, 1);
  }
};

// Piece `piece` of block b as four columns, in the registers at.. of the group's rows.
template <class V, TensorType kType, int kRegisters, class Group>
HEARTH_INLINE void LoadPiece(const Group& group, int64_t b, int at, int piece,
                             Columns16<V, kRegisters>& column) {
  for (int r = 0; r < kRegisters; ++r) {
    const int row = (at + r) * V::kLanes;
    if constexpr (Group::kInterleaved) {
      const uint8_t* p = group.pieces + (b * kPartsOf<kType>.n_piece + piece) * 256 + 4 * row;
      for (int j = 0; j < 4; ++j) column[r][j] = V::LoadInts(p + 64 * j);
    } else {
      const size_t block = static_cast<size_t>(b) * BlockBytes(kType);
      V::LoadColumns(group, row, block + kPartsOf<kType>.piece_at[piece], column[r]);
    }
  }
}

// Half float `half` of block b.
template <class V, TensorType kType, int kRegisters, class Group>
HEARTH_INLINE void LoadHalves(const Group& group, int64_t b, int at, int half, typename V::F* d) {
  for (int r = 0; r < kRegisters; ++r) {
    const int row = (at + r) * V::kLanes;
    if constexpr (Group::kInterleaved) {
      d[r] = V::LoadHalf(group.halves + (b * kPartsOf<kType>.n_half + half) * 32 + 2 * row);
    } else {
      const size_t block = static_cast<size_t>(b) * BlockBytes(kType);
      d[r] = V::GatherHalves(group, row, block + kPartsOf<kType>.half_at[half]);
    }
  }
}

// The two bytes of part `half` of block b, as unsigned integers.
template <class V, TensorType kType, int kRegisters, class Group>
HEARTH_INLINE void LoadShorts(const Group& group, int64_t b, int at, int half, typename V::I* out) {
  for (int r = 0; r < kRegisters; ++r) {
    const int row = (at + r) * V::kLanes;
    if constexpr (Group::kInterleaved) {
      out[r] = V::LoadShorts(group.halves + (b * kPartsOf<kType>.n_half + half) * 32 + 2 * row);
    } else {
      const size_t block = static_cast<size_t>(b) * BlockBytes(kType);
      out[r] = V::GatherShorts(group, row, block + kPartsOf<kType>.half_at[half]);
    }
  }
}

// -------------------------------------------------------------------------------------------------
// A group times several tokens

// Where a group's products go: of rows first..end-1, either of which may be outside, to
// y[t*y_stride + row].
struct Output {
  int64_t first;
  int64_t end;
  float* y;
  int64_t y_stride;
};

template <class V>
HEARTH_INLINE void StoreRows(const Wide<V>* acc, int64_t n, const Output& out) {
  const bool whole = out.first <= 0 && out.end >= kInterleavedRows;
  const int64_t first = out.first < 0 ? 0 : out.first;
  const int64_t end = out.end > kInterleavedRows ? kInterleavedRows : out.end;
  for (int64_t t = 0; t < n; ++t) {
    float part[kInterleavedRows];
    float* to = whole ? out.y + t * out.y_stride : part;
    for (int r = 0; r < Wide<V>::kRegisters; ++r) V::Store(to + r * V::kLanes, acc[t].r[r]);
    if (!whole)
      memcpy(out.y + t * out.y_stride + first, part + first,
             static_cast<size_t>(end - first) * sizeof *part);
  }
}

// n tokens; kFixed is n where that is known, else 0. Several tokens share what is unpacked of all
// rows; for a single one it should stay in registers, so the rows are taken a register at a time.
template <class V, TensorType kType, int kFixed, class Group>
struct GroupProduct {
  static constexpr int kRegisters = kFixed == 1 ? 1 : Wide<V>::kRegisters;
  static constexpr int kParts = Wide<V>::kRegisters / kRegisters;
  using Format = Quantised<V, kType, kRegisters>;
  using Sums = typename Format::Sums;

  const Group& group;
  const BlockActivations& x;
  const int64_t n;
  const int64_t n_row;  // rows behind these are not stored

  // Steps kStep.. of block b.
  template <int kStep = 0>
  HEARTH_INLINE void AddSteps(int64_t b, Format* format, const Sums* sums, Wide<V>* acc) const {
    // A step's share: more at once would wait for each other.
    constexpr size_t kShare = (BlockBytes(kType) + Format::kSteps - 1) / Format::kSteps;
    group.template PrefetchNext<V>(static_cast<size_t>(b) * BlockBytes(kType) + kStep * kShare,
                                   kShare);
    HEARTH_UNROLL
    for (int i = 0; i < kParts; ++i) {
      if (!Group::kInterleaved && i * kRegisters * V::kLanes >= n_row) break;
      format[i].template Load<kStep>(group, b, i * kRegisters);
      AddTokens<kStep>(format[i], b * Format::kSteps + kStep, sums, acc, i * kRegisters);
    }
    if constexpr (kStep + 1 < Format::kSteps) AddSteps<kStep + 1>(b, format, sums, acc);
  }

 private:
  template <int kStep>
  HEARTH_INLINE void AddTokens(const Format& format, int64_t b32, const Sums* sums, Wide<V>* acc,
                               int at) const {
    AddTiles<kStep, kFixed == 1 ? 1 : V::kTokenTile>(format, b32, 0, sums, acc, at);
  }

  // Tokens t.. in tiles of kTile, the rest in smaller ones.
  template <int kStep, int kTile>
  HEARTH_INLINE void AddTiles(const Format& format, int64_t b32, int64_t t, const Sums* sums,
                              Wide<V>* acc, int at) const {
    for (; t + kTile <= (kFixed > 0 ? kFixed : n); t += kTile)
      format.template Add<kStep, kTile>(x.At(b32, t), sums + t, acc + t, at);
    if constexpr (kTile > 1) AddTiles<kStep, kTile / 2>(format, b32, t, sums, acc, at);
  }
};

template <class V, TensorType kType, int kFixed, class Group>
void MultiplyGroup(const Group& group, const BlockActivations& x, int64_t n_tokens,
                   const Output& out) {
  using Product = GroupProduct<V, kType, kFixed, Group>;
  using Format = typename Product::Format;
  const int64_t n = kFixed > 0 ? kFixed : n_tokens;
  Wide<V> acc[kFixed > 0 ? kFixed : V::kTokens];
  typename Format::Sums sums[kFixed > 0 ? kFixed : V::kTokens];
  Clear<V>(acc, n);
  const Product product = {group, x, n, out.end};
  for (int64_t b = 0; b < x.n_block / Format::kSteps; ++b) {
    Format::Begin(x.At(b * Format::kSteps, 0), n, sums);
    Format format[Product::kParts];
    product.AddSteps(b, format, sums, acc);
  }
  StoreRows<V>(acc, n, out);
}

// How both Avx2 and Avx512 multiply a group.
template <class V>
struct OneRowALane {
  static constexpr int kListedRows =
      V::kLanes;  // more would ask the first cache for too much at once

  template <TensorType kType, class Group>
  static HEARTH_INLINE void MultiplyOne(const Group& group, const BlockActivations& x,
                                        const Output& out) {
    MultiplyGroup<V, kType, 1>(group, x, 1, out);
  }

  template <TensorType kType, class Group>
  static HEARTH_INLINE void Multiply(const Group& group, const BlockActivations& x,
                                     int64_t n_tokens, const Output& out) {
    for (int64_t t = 0; t < n_tokens; t += V::kTokens) {
      const int64_t n = n_tokens - t < V::kTokens ? n_tokens - t : V::kTokens;
      const Output to = {out.first, out.end, out.y + t * out.y_stride, out.y_stride};
      if (n == 1) {
        MultiplyOne<kType>(group, x.At(0, t), to);
      } else {
        MultiplyGroup<V, kType, 0>(group, x.At(0, t), n, to);
      }
    }
  }
};

// -------------------------------------------------------------------------------------------------
// Matrices. Product::Multiply multiplies a group, Product::MultiplyOne with one token, and at most
// Product::kListedRows that were picked

template <class Product, TensorType kType>
void MatmulQOf(const MatrixView& w, int64_t row_begin, int64_t row_end, const BlockActivations& x,
               int64_t n_tokens, float* y, int64_t y_stride) {
  const uint8_t* data = AsBytes(w.data);
  const auto multiply = [&](const auto& group, int64_t first, int64_t begin, int64_t end) {
    Product::template Multiply<kType>(group, x, n_tokens,
                                      {begin - first, end - first, y + first, y_stride});
  };
  int64_t r = row_begin;
  while (r < row_end && r < w.n_interleaved) {
    const int64_t first = r / kInterleavedRows * kInterleavedRows;
    const uint8_t* pieces = data + static_cast<size_t>(first) * w.row_bytes;
    const size_t n_piece = w.row_bytes / BlockBytes(kType) * kPartsOf<kType>.n_piece;
    multiply(Interleaved{pieces, pieces + n_piece * 256}, first, r, row_end);
    r = first + kInterleavedRows;
  }
  for (; r + kInterleavedRows <= row_end; r += kInterleavedRows)
    multiply(WholeGroup{data + static_cast<size_t>(r) * w.row_bytes, w.row_bytes}, r, r, row_end);
  if (r < row_end) {
    PartGroup group;
    for (int64_t i = 0; i < kInterleavedRows; ++i) {
      const int64_t row = r + i < row_end ? r + i : row_end - 1;
      group.row[i] = data + static_cast<size_t>(row) * w.row_bytes;
    }
    multiply(group, r, r, row_end);
  }
}

HEARTH_INLINE BlockActivations ActivationsOf(const Q8Rows& x) {
  return {x.q, x.d, x.offset, x.k / kQ8Block};
}

template <class Product>
void MatmulQ(const MatrixView& w, int64_t row_begin, int64_t row_end, const Q8Rows& x,
             int64_t n_tokens, float* y, int64_t y_stride) {
  ForQuantizedType(w.type, [&](auto tag) {
    MatmulQOf<Product, decltype(tag)::kValue>(w, row_begin, row_end, ActivationsOf(x), n_tokens, y,
                                              y_stride);
  });
}

template <class Product>
void MatmulRows(const MatrixView& w, const int32_t* rows, int64_t n_row, const Q8Rows& x,
                float* y) {
  // The last one is repeated behind the end.
  const auto row_at = [&](int64_t i) {
    return AsBytes(w.data) + static_cast<size_t>(rows[i < n_row ? i : n_row - 1]) * w.row_bytes;
  };
  ForQuantizedType(w.type, [&](auto tag) {
    constexpr int kRows = Product::kListedRows;
    for (int64_t r = 0; r < n_row; r += kRows) {
      ListedGroup<kRows> group;
      for (int64_t i = 0; i < kRows; ++i) {
        group.row[i] = row_at(r + i);
        group.next[i] = row_at(r + kRows + i);
      }
      const int64_t n = n_row - r < kRows ? n_row - r : kRows;
      Product::template MultiplyOne<decltype(tag)::kValue>(group, ActivationsOf(x),
                                                           {0, n, y + r, 0});
    }
  });
}

// -------------------------------------------------------------------------------------------------
// What is prepared for products

template <class V, TensorType kType>
void RepackRowsOf(const WholeGroup& rows, uint8_t* out) {
  constexpr int kRegisters = Wide<V>::kRegisters;
  const int64_t n_block = static_cast<int64_t>(rows.row_bytes / BlockBytes(kType));
  for (int64_t b = 0; b < n_block; ++b) {
    for (int piece = 0; piece < kPartsOf<kType>.n_piece; ++piece, out += 256) {
      Columns16<V, kRegisters> column;
      LoadPiece<V, kType, kRegisters>(rows, b, 0, piece, column);
      for (int r = 0; r < kRegisters; ++r) {
        for (int j = 0; j < 4; ++j) V::StoreInts(out + 64 * j + r * V::kLanes * 4, column[r][j]);
      }
    }
  }
  for (int64_t b = 0; b < n_block; ++b) {
    const size_t block = static_cast<size_t>(b) * BlockBytes(kType);
    for (int half = 0; half < kPartsOf<kType>.n_half; ++half) {
      for (int r = 0; r < kInterleavedRows; ++r, out += 2)
        memcpy(out, rows.Row(r) + block + kPartsOf<kType>.half_at[half], 2);
    }
  }
}

template <class V>
void RepackRows(TensorType type, int64_t k, const void* rows, void* group) {
  ForQuantizedType(type, [&](auto tag) {
    RepackRowsOf<V, decltype(tag)::kValue>({AsBytes(rows), RowBytes(type, k)},
                                           static_cast<uint8_t*>(group));
  });
}

template <class V>
void QuantizeQ8(const float* x, int64_t n, int8_t* q, float* d, int32_t* offset) {
  constexpr int kRegisters = kQ8Block / V::kLanes;
  for (int64_t b = 0; b < n / kQ8Block; ++b) {
    typename V::F v[kRegisters];
    typename V::I max = V::Magnitude(V::Zero());
    for (int i = 0; i < kRegisters; ++i) {
      v[i] = V::Load(x + b * kQ8Block + i * V::kLanes);
      max = V::MaxInt(max, V::Magnitude(v[i]));
    }
    const int32_t largest = V::MaxIntLane(max);
    float scale;
    memcpy(&scale, &largest, sizeof scale);
    scale /= 127.0f;
    const float inverse = 1.0f / scale;
    const bool tiny = inverse > FLT_MAX;
    d[b] = tiny ? 0.0f : scale;
    // NaN compares false, so that only a finite scale keeps the lanes.
    const bool keep = !tiny && scale <= FLT_MAX;
    typename V::I r[kRegisters];
    for (int i = 0; i < kRegisters; ++i)
      r[i] = V::KeepInt(keep, V::RoundToInt(V::Mul(v[i], V::Set(inverse))));
    typename V::I sum = r[0];
    for (int i = 1; i < kRegisters; ++i) sum = V::AddInt(sum, r[i]);
    offset[b] = -8 * V::SumLanes(sum);
    V::StoreBytes(q + b * kQ8Block, r);
  }
}

}  // namespace
}  // namespace hearth

#endif  // HEARTH_KERNELS_PRODUCTS_INL_H_
