// Kernels for AVX-512 F/BW/DQ/VL with VNNI (Ice Lake, Zen 4 and later). The bits are ref.cc's.
//
// Quantised products work on groups of 16 rows, one row a lane: a register holds the same four
// columns of 16 rows, as groups have them (row_groups.h); plain rows are transposed four bytes at a
// time as they are unpacked. vpdpbusd adds the columns' products with the four activations to one
// integer a row. No sum crosses lanes, and the one fma a block that ref.cc prescribes is one vector
// fma. Further tokens use the unpacked weights again.
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "kernels/block.h"
#include "kernels/inline.h"
#include "kernels/kernels.h"
#include "kernels/x86_prefetch.h"

namespace hearth {
namespace {

constexpr int kLanes = 16;  // floats of a register, rows of a group
// Tokens whose sums are kept while a group is multiplied: their activations should stay in the
// first cache, from where each group of rows takes them again.
constexpr int kTokens = 16;
constexpr int64_t kFewTokens = 8;  // up to so many the weights memory is the brake

HEARTH_INLINE uint16_t Load16(const uint8_t* p) {
  uint16_t v;
  memcpy(&v, p, sizeof v);
  return v;
}

HEARTH_INLINE __m128i Load128(const void* p) {
  return _mm_loadu_si128(static_cast<const __m128i*>(p));
}

// The first n lanes; all for n >= 16.
HEARTH_INLINE __mmask16 FirstLanes(int64_t n) {
  return static_cast<__mmask16>(n >= kLanes ? 0xffffu : (1u << n) - 1);
}

HEARTH_INLINE float HalfToFloat(uint16_t half) {
  return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(half)));
}

// -------------------------------------------------------------------------------------------------
// Quantised products

// Sixteen rows that lie interleaved.
struct Interleaved {
  const uint8_t* pieces;
  const uint8_t* halves;
  HEARTH_INLINE void PrefetchNext(size_t offset, size_t bytes) const {
    PrefetchStream(pieces + 16 * offset, 16 * bytes);
  }
};

// Sixteen rows one after another; and fewer, with the last one repeated in the lanes that are not
// stored.
struct WholeGroup {
  const uint8_t* first;
  size_t row_bytes;
  HEARTH_INLINE const uint8_t* Row(int i) const {
    return first + static_cast<size_t>(i) * row_bytes;
  }
  // Asks for what the next group will want when it is at `offset`, so that 16 short streams read
  // memory like one. A prefetch past the end of the matrix does nothing.
  HEARTH_INLINE void PrefetchNext(size_t offset, size_t bytes) const {
    PrefetchRange(first + kLanes * (row_bytes + offset), kLanes * bytes);
  }
};
struct PartGroup {
  const uint8_t* row[kLanes];
  HEARTH_INLINE const uint8_t* Row(int i) const { return row[i]; }
  HEARTH_INLINE void PrefetchNext(size_t, size_t) const {}
};

// Rows picked from all over, and the ones that come after them.
struct ListedGroup {
  const uint8_t* row[kLanes];
  const uint8_t* next[kLanes];
  HEARTH_INLINE const uint8_t* Row(int i) const { return row[i]; }
  HEARTH_INLINE void PrefetchNext(size_t offset, size_t bytes) const {
    // Once a cache line.
    if (offset / 64 == (offset + bytes) / 64) return;
    for (int i = 0; i < kLanes; ++i)
      _mm_prefetch(reinterpret_cast<const char*>(next[i] + offset), _MM_HINT_T0);
  }
};

template <class Group>
HEARTH_INLINE __m512i LoadRows(const Group& group, int i, size_t offset) {
  __m512i v = _mm512_castsi128_si512(Load128(group.Row(i) + offset));
  v = _mm512_inserti32x4(v, Load128(group.Row(i + 4) + offset), 1);
  v = _mm512_inserti32x4(v, Load128(group.Row(i + 8) + offset), 2);
  return _mm512_inserti32x4(v, Load128(group.Row(i + 12) + offset), 3);
}

// Bytes offset..offset+15 of 16 rows: lane r of column[j] holds bytes 4j..4j+3 of row r.
template <class Group>
HEARTH_INLINE void LoadColumns(const Group& group, size_t offset, __m512i* column) {
  const __m512i a = LoadRows(group, 0, offset);
  const __m512i b = LoadRows(group, 1, offset);
  const __m512i c = LoadRows(group, 2, offset);
  const __m512i d = LoadRows(group, 3, offset);
  const __m512i ab_low = _mm512_unpacklo_epi32(a, b);
  const __m512i ab_high = _mm512_unpackhi_epi32(a, b);
  const __m512i cd_low = _mm512_unpacklo_epi32(c, d);
  const __m512i cd_high = _mm512_unpackhi_epi32(c, d);
  column[0] = _mm512_unpacklo_epi64(ab_low, cd_low);
  column[1] = _mm512_unpackhi_epi64(ab_low, cd_low);
  column[2] = _mm512_unpacklo_epi64(ab_high, cd_high);
  column[3] = _mm512_unpackhi_epi64(ab_high, cd_high);
}

template <class Group>
HEARTH_INLINE __m128i LoadHalves8(const Group& group, int i, size_t offset) {
  __m128i v = _mm_cvtsi32_si128(Load16(group.Row(i) + offset));
  v = _mm_insert_epi16(v, Load16(group.Row(i + 1) + offset), 1);
  v = _mm_insert_epi16(v, Load16(group.Row(i + 2) + offset), 2);
  v = _mm_insert_epi16(v, Load16(group.Row(i + 3) + offset), 3);
  v = _mm_insert_epi16(v, Load16(group.Row(i + 4) + offset), 4);
  v = _mm_insert_epi16(v, Load16(group.Row(i + 5) + offset), 5);
  v = _mm_insert_epi16(v, Load16(group.Row(i + 6) + offset), 6);
  return _mm_insert_epi16(v, Load16(group.Row(i + 7) + offset), 7);
}

// The half float at `offset` of 16 rows.
template <class Group>
HEARTH_INLINE __m512 LoadHalves(const Group& group, size_t offset) {
  return _mm512_cvtph_ps(_mm256_inserti128_si256(
      _mm256_castsi128_si256(LoadHalves8(group, 0, offset)), LoadHalves8(group, 8, offset), 1));
}

// Piece `piece` of block b of 16 rows as four columns, and half float `half`.
template <class Format, class Group>
HEARTH_INLINE void Columns(const Group& group, int64_t b, int piece, __m512i* column) {
  LoadColumns(group, static_cast<size_t>(b) * Format::kBytes + Format::kParts.piece_at[piece],
              column);
}
template <class Format>
HEARTH_INLINE void Columns(const Interleaved& group, int64_t b, int piece, __m512i* column) {
  const uint8_t* p = group.pieces + (b * Format::kParts.n_piece + piece) * 256;
  for (int j = 0; j < 4; ++j) column[j] = _mm512_loadu_si512(p + 64 * j);
}
template <class Format, class Group>
HEARTH_INLINE __m512 Halves(const Group& group, int64_t b, int half) {
  return LoadHalves(group, static_cast<size_t>(b) * Format::kBytes + Format::kParts.half_at[half]);
}
template <class Format>
HEARTH_INLINE __m512 Halves(const Interleaved& group, int64_t b, int half) {
  const uint8_t* p = group.halves + (b * Format::kParts.n_half + half) * 32;
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}

// Four activations in every lane.
HEARTH_INLINE __m512i Broadcast4(const int8_t* q) {
  int32_t v;
  memcpy(&v, q, sizeof v);
  return _mm512_set1_epi32(v);
}

// Adds 16 columns' products to sum; w are unsigned bytes.
HEARTH_INLINE __m512i Dot16(__m512i sum, const __m512i* w, const int8_t* q) {
  sum = _mm512_dpbusd_epi32(sum, w[0], Broadcast4(q));
  sum = _mm512_dpbusd_epi32(sum, w[1], Broadcast4(q + 4));
  sum = _mm512_dpbusd_epi32(sum, w[2], Broadcast4(q + 8));
  return _mm512_dpbusd_epi32(sum, w[3], Broadcast4(q + 12));
}

// All 32, added to what is in every lane. One chain of eight, though each link waits five cycles
// for the one before: other blocks and tokens fill the gaps.
HEARTH_INLINE __m512i Dot32(int32_t start, const __m512i* w, const int8_t* q) {
  return Dot16(Dot16(_mm512_set1_epi32(start), w, q), w + 4, q + 16);
}

HEARTH_INLINE void SplitNibbles(const __m512i* column, __m512i* w) {
  const __m512i mask = _mm512_set1_epi8(0xf);
  for (int j = 0; j < 4; ++j) {
    w[j] = _mm512_and_si512(column[j], mask);
    w[j + 4] = _mm512_and_si512(_mm512_srli_epi16(column[j], 4), mask);
  }
}

// A format: a block of 16 rows unpacked, and its product with 32 activations added to acc.

struct Q4_0 {
  static constexpr size_t kBytes = kQ4_0Bytes;
  static constexpr BlockParts kParts = PartsOf(TensorType::kQ4_0);
  __m512i w[8];  // nibbles; the offset makes them -8..7
  __m512 d;

  template <class Group>
  HEARTH_INLINE void Load(const Group& group, int64_t b) {
    __m512i column[4];
    Columns<Q4_0>(group, b, 0, column);
    SplitNibbles(column, w);
    d = Halves<Q4_0>(group, b, 0);
  }
  HEARTH_INLINE __m512 Add(const int8_t* q, float dx, int32_t offset, __m512 acc) const {
    const __m512 dot = _mm512_cvtepi32_ps(Dot32(offset, w, q));
    return _mm512_fmadd_ps(_mm512_mul_ps(d, _mm512_set1_ps(dx)), dot, acc);
  }
};

struct Q4_1 {
  static constexpr size_t kBytes = kQ4_1Bytes;
  static constexpr BlockParts kParts = PartsOf(TensorType::kQ4_1);
  __m512i w[8];
  __m512 d;
  __m512 m;

  template <class Group>
  HEARTH_INLINE void Load(const Group& group, int64_t b) {
    __m512i column[4];
    Columns<Q4_1>(group, b, 0, column);
    SplitNibbles(column, w);
    d = Halves<Q4_1>(group, b, 0);
    m = Halves<Q4_1>(group, b, 1);
  }
  HEARTH_INLINE __m512 Add(const int8_t* q, float dx, int32_t offset, __m512 acc) const {
    const __m512 scale = _mm512_set1_ps(dx);
    const float sum = -0.125f * static_cast<float>(offset);  // exact
    acc = _mm512_fmadd_ps(_mm512_mul_ps(d, scale), _mm512_cvtepi32_ps(Dot32(0, w, q)), acc);
    return _mm512_fmadd_ps(_mm512_mul_ps(m, scale), _mm512_set1_ps(sum), acc);
  }
};

struct Q8_0 {
  static constexpr size_t kBytes = kQ8_0Bytes;
  static constexpr BlockParts kParts = PartsOf(TensorType::kQ8_0);
  __m512i w[8];  // weight + 128, unsigned; 16 times the offset takes the 128 out again
  __m512 d;

  template <class Group>
  HEARTH_INLINE void Load(const Group& group, int64_t b) {
    const __m512i flip = _mm512_set1_epi8(static_cast<char>(0x80));
    Columns<Q8_0>(group, b, 0, w);
    Columns<Q8_0>(group, b, 1, w + 4);
    for (int j = 0; j < 8; ++j) w[j] = _mm512_xor_si512(w[j], flip);
    d = Halves<Q8_0>(group, b, 0);
  }
  HEARTH_INLINE __m512 Add(const int8_t* q, float dx, int32_t offset, __m512 acc) const {
    const __m512 dot = _mm512_cvtepi32_ps(Dot32(16 * offset, w, q));
    return _mm512_fmadd_ps(_mm512_mul_ps(d, _mm512_set1_ps(dx)), dot, acc);
  }
};

HEARTH_INLINE void Clear(__m512* acc, int64_t n) {
  for (int64_t t = 0; t < n; ++t) acc[t] = _mm512_setzero_ps();
}

// y[t*y_stride + lane] = acc[t] for the lanes of mask.
HEARTH_INLINE void StoreRows(const __m512* acc, int64_t n, __mmask16 mask, float* y,
                             int64_t y_stride) {
  for (int64_t t = 0; t < n; ++t) _mm512_mask_storeu_ps(y + t * y_stride, mask, acc[t]);
}

// One group of rows times n_tokens rows of x; kFixed is n_tokens where that is known, else 0.
template <class Format, int kFixed, class Group>
void MultiplyGroup(const Group& group, __mmask16 mask, const Q8Rows& x, int64_t n_tokens, float* y,
                   int64_t y_stride) {
  const int64_t n = kFixed > 0 ? kFixed : n_tokens;
  const int64_t n_block = x.k / kQ8Block;
  __m512 acc[kFixed > 0 ? kFixed : kTokens];
  Clear(acc, n);
  for (int64_t b = 0; b < n_block; ++b) {
    // More tokens take longer than memory does.
    if (n <= kFewTokens)
      group.PrefetchNext(static_cast<size_t>(b) * Format::kBytes, Format::kBytes);
    Format block;
    block.Load(group, b);
    for (int64_t t = 0; t < n; ++t) {
      const int64_t xb = t * n_block + b;
      acc[t] = block.Add(x.q + xb * kQ8Block, x.d[xb], x.offset[xb], acc[t]);
    }
  }
  StoreRows(acc, n, mask, y, y_stride);
}

// Q6_K: super-blocks of eight 32-blocks. Weights stay 0..63 and 32 times the sum of the activations
// is taken out, a half of 16 at a time. Scaled in float all the same: |sum| <= 16*32*127, times
// |scale| <= 128, twice, is below 2^24.

struct Q6K {
  static constexpr size_t kBytes = kQ6KBytes;
  static constexpr BlockParts kParts = PartsOf(TensorType::kQ6_K);
};

// -32 * the sum of each 16 of 256 activations; that of 16*g.. is at 4*(g%4) + g/4.
HEARTH_INLINE void OffsetHalves(const int8_t* q, int32_t* offsets) {
  const __m512i w = _mm512_set1_epi8(32);
  const __m512i zero = _mm512_setzero_si512();
  const __m512i a = _mm512_dpbusd_epi32(zero, w, _mm512_loadu_si512(q));
  const __m512i b = _mm512_dpbusd_epi32(zero, w, _mm512_loadu_si512(q + 64));
  const __m512i c = _mm512_dpbusd_epi32(zero, w, _mm512_loadu_si512(q + 128));
  const __m512i d = _mm512_dpbusd_epi32(zero, w, _mm512_loadu_si512(q + 192));
  const __m512i ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
  const __m512i cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
  const __m512i sums =
      _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
  _mm512_storeu_si512(offsets, _mm512_sub_epi32(zero, sums));
}

// Byte kByte of each lane, sign-extended.
template <int kByte>
HEARTH_INLINE __m512 ByteToFloat(__m512i v) {
  return _mm512_cvtepi32_ps(_mm512_srai_epi32(_mm512_slli_epi32(v, 24 - 8 * kByte), 24));
}

// Super-block `super` of 16 rows, times n tokens, added to acc; offsets are OffsetHalves', 16 a
// token.
template <class Group>
struct Q6KSuper {
  const Group& group;
  int64_t super;
  const Q8Rows& x;
  const int32_t* offsets;
  int64_t n;
  __m512* acc;
  __m512 d;

  // The 32 weights of a quarter as 0..63.
  template <int kHalf, int kQuarter>
  HEARTH_INLINE void Unpack(__m512i* w) const {
    const __m512i low_mask = _mm512_set1_epi8(0x0f);
    const __m512i mask = _mm512_set1_epi8(0x3f);
    for (int i = 0; i < 2; ++i) {
      __m512i low[4];
      __m512i high[4];
      Columns<Q6K>(group, super, 4 * kHalf + 2 * (kQuarter & 1) + i, low);
      Columns<Q6K>(group, super, 8 + 2 * kHalf + i, high);
      for (int j = 0; j < 4; ++j) {
        if constexpr (kQuarter >= 2) low[j] = _mm512_srli_epi16(low[j], 4);
        if constexpr (kQuarter < 2) high[j] = _mm512_slli_epi16(high[j], 4 - 2 * kQuarter);
        if constexpr (kQuarter == 3) high[j] = _mm512_srli_epi16(high[j], 2);
        // low where its mask is set, else high.
        const __m512i both = _mm512_ternarylogic_epi32(low_mask, low[j], high[j], 0xca);
        w[4 * i + j] = _mm512_and_si512(both, mask);
      }
    }
  }

  template <int kHalf, int kQuarter>
  HEARTH_INLINE void AddQuarter(__m512i scales) const {
    // A quarter's share: more at once would wait for each other.
    constexpr size_t kShare = (kQ6KBytes + 7) / 8;
    if (n <= kFewTokens) {
      group.PrefetchNext(static_cast<size_t>(super) * kQ6KBytes + (4 * kHalf + kQuarter) * kShare,
                         kShare);
    }
    __m512i w[8];
    Unpack<kHalf, kQuarter>(w);
    const __m512 scale0 = ByteToFloat<2 * (kQuarter & 1)>(scales);
    const __m512 scale1 = ByteToFloat<2 * (kQuarter & 1) + 1>(scales);
    constexpr int kAt =
        8 * (kQuarter & 1) + 2 * kHalf + kQuarter / 2;  // sum 2*(4*kHalf + kQuarter)
    const int64_t b = super * 8 + kHalf * 4 + kQuarter;
    for (int64_t t = 0; t < n; ++t) {
      const int64_t xb = t * (x.k / kQ8Block) + b;
      const int8_t* q = x.q + xb * kQ8Block;
      const int32_t* offset = offsets + t * 16 + kAt;
      const __m512 dot0 = _mm512_cvtepi32_ps(Dot16(_mm512_set1_epi32(offset[0]), w, q));
      const __m512 dot1 = _mm512_cvtepi32_ps(Dot16(_mm512_set1_epi32(offset[4]), w + 4, q + 16));
      const __m512 dot = _mm512_fmadd_ps(dot1, scale1, _mm512_mul_ps(dot0, scale0));
      acc[t] = _mm512_fmadd_ps(_mm512_mul_ps(d, _mm512_set1_ps(x.d[xb])), dot, acc[t]);
    }
  }

  template <int kHalf>
  HEARTH_INLINE void AddHalf(const __m512i* scales) const {
    AddQuarter<kHalf, 0>(scales[2 * kHalf]);
    AddQuarter<kHalf, 1>(scales[2 * kHalf]);
    AddQuarter<kHalf, 2>(scales[2 * kHalf + 1]);
    AddQuarter<kHalf, 3>(scales[2 * kHalf + 1]);
  }
};

template <int kFixed, class Group>
void MultiplyGroupQ6K(const Group& group, __mmask16 mask, const Q8Rows& x, int64_t n_tokens,
                      float* y, int64_t y_stride) {
  const int64_t n = kFixed > 0 ? kFixed : n_tokens;
  __m512 acc[kFixed > 0 ? kFixed : kTokens];
  int32_t offsets[16 * (kFixed > 0 ? kFixed : kTokens)];
  Clear(acc, n);
  for (int64_t super = 0; super < x.k / kQ6KBlock; ++super) {
    for (int64_t t = 0; t < n; ++t)
      OffsetHalves(x.q + t * x.k + super * kQ6KBlock, offsets + 16 * t);
    __m512i scales[4];
    Columns<Q6K>(group, super, 12, scales);
    const Q6KSuper<Group> block = {group, super, x, offsets, n, acc, Halves<Q6K>(group, super, 0)};
    block.template AddHalf<0>(scales);
    block.template AddHalf<1>(scales);
  }
  StoreRows(acc, n, mask, y, y_stride);
}

template <int kFixed, class Group>
HEARTH_INLINE void MultiplyGroup(TensorType type, const Group& group, __mmask16 mask,
                                 const Q8Rows& x, int64_t n_tokens, float* y, int64_t y_stride) {
  switch (type) {
    case TensorType::kQ4_0:
      return MultiplyGroup<Q4_0, kFixed>(group, mask, x, n_tokens, y, y_stride);
    case TensorType::kQ4_1:
      return MultiplyGroup<Q4_1, kFixed>(group, mask, x, n_tokens, y, y_stride);
    case TensorType::kQ8_0:
      return MultiplyGroup<Q8_0, kFixed>(group, mask, x, n_tokens, y, y_stride);
    case TensorType::kQ6_K:
      return MultiplyGroupQ6K<kFixed>(group, mask, x, n_tokens, y, y_stride);
    default:
      return;  // matmul_q takes quantised types only
  }
}

template <class Group>
void MultiplyTokens(TensorType type, const Group& group, __mmask16 mask, const Q8Rows& x,
                    int64_t n_tokens, float* y, int64_t y_stride) {
  const int64_t n_block = x.k / kQ8Block;
  for (int64_t t = 0; t < n_tokens; t += kTokens) {
    const int64_t n = n_tokens - t < kTokens ? n_tokens - t : kTokens;
    const Q8Rows tile = {x.q + t * x.k, x.d + t * n_block, x.offset + t * n_block, x.k};
    float* tile_y = y + t * y_stride;
    if (n == 1) {
      MultiplyGroup<1>(type, group, mask, tile, n, tile_y, y_stride);
    } else {
      MultiplyGroup<0>(type, group, mask, tile, n, tile_y, y_stride);
    }
  }
}

// Of all blocks of a group.
HEARTH_INLINE size_t PieceBytes(const MatrixView& w) {
  const size_t n_block = w.row_bytes / BlockBytes(w.type);
  return n_block * static_cast<size_t>(PartsOf(w.type).n_piece) * 256;
}

void MatmulQ(const MatrixView& w, int64_t row_begin, int64_t row_end, const Q8Rows& x,
             int64_t n_tokens, float* y, int64_t y_stride) {
  const uint8_t* data = static_cast<const uint8_t*>(w.data);
  int64_t r = row_begin;
  while (r < row_end && r < w.n_grouped) {
    const int64_t first = r / kGroupRows * kGroupRows;
    const uint8_t* pieces = data + static_cast<size_t>(first) * w.row_bytes;
    const Interleaved group = {pieces, pieces + PieceBytes(w)};
    const __mmask16 mask = FirstLanes(row_end - first) & ~FirstLanes(r - first);
    MultiplyTokens(w.type, group, mask, x, n_tokens, y + first, y_stride);
    r = first + kGroupRows;
  }
  for (; r + kLanes <= row_end; r += kLanes) {
    const WholeGroup group = {data + static_cast<size_t>(r) * w.row_bytes, w.row_bytes};
    MultiplyTokens(w.type, group, 0xffff, x, n_tokens, y + r, y_stride);
  }
  if (r < row_end) {
    PartGroup group;
    for (int64_t i = 0; i < kLanes; ++i) {
      const int64_t row = r + i < row_end ? r + i : row_end - 1;
      group.row[i] = data + static_cast<size_t>(row) * w.row_bytes;
    }
    MultiplyTokens(w.type, group, FirstLanes(row_end - r), x, n_tokens, y + r, y_stride);
  }
}

void MatmulRows(const MatrixView& w, const int32_t* rows, int64_t n_row, const Q8Rows& x,
                float* y) {
  const uint8_t* data = static_cast<const uint8_t*>(w.data);
  // The last one is repeated behind the end.
  const auto row_at = [&](int64_t i) {
    return data + static_cast<size_t>(rows[i < n_row ? i : n_row - 1]) * w.row_bytes;
  };
  for (int64_t r = 0; r < n_row; r += kLanes) {
    const int64_t n = n_row - r < kLanes ? n_row - r : kLanes;
    ListedGroup group;
    for (int64_t i = 0; i < kLanes; ++i) {
      group.row[i] = row_at(r + i);
      group.next[i] = row_at(r + kLanes + i);
    }
    MultiplyGroup<1>(w.type, group, FirstLanes(n), x, 1, y + r, 0);
  }
}

template <class Format>
void GroupRows(const WholeGroup& rows, uint8_t* group) {
  const int64_t n_block = static_cast<int64_t>(rows.row_bytes / Format::kBytes);
  for (int64_t b = 0; b < n_block; ++b) {
    for (int piece = 0; piece < Format::kParts.n_piece; ++piece, group += 256) {
      __m512i column[4];
      Columns<Format>(rows, b, piece, column);
      for (int j = 0; j < 4; ++j) _mm512_storeu_si512(group + 64 * j, column[j]);
    }
  }
  for (int64_t b = 0; b < n_block; ++b) {
    for (int half = 0; half < Format::kParts.n_half; ++half) {
      for (int i = 0; i < kLanes; i += 8, group += 16) {
        const size_t at = static_cast<size_t>(b) * Format::kBytes + Format::kParts.half_at[half];
        _mm_storeu_si128(reinterpret_cast<__m128i*>(group), LoadHalves8(rows, i, at));
      }
    }
  }
}

void GroupRowsAny(TensorType type, int64_t k, const void* rows, void* group) {
  const WholeGroup from = {static_cast<const uint8_t*>(rows), RowBytes(type, k)};
  uint8_t* to = static_cast<uint8_t*>(group);
  if (type == TensorType::kQ4_0) GroupRows<Q4_0>(from, to);
  if (type == TensorType::kQ4_1) GroupRows<Q4_1>(from, to);
  if (type == TensorType::kQ8_0) GroupRows<Q8_0>(from, to);
  if (type == TensorType::kQ6_K) GroupRows<Q6K>(from, to);
}

void QuantizeQ8(const float* x, int64_t n, int8_t* q, float* d, int32_t* offset) {
  const __m512i magnitude = _mm512_set1_epi32(0x7fffffff);
  for (int64_t b = 0; b < n / kQ8Block; ++b) {
    const __m512 low = _mm512_loadu_ps(x + b * kQ8Block);
    const __m512 high = _mm512_loadu_ps(x + b * kQ8Block + kLanes);
    const __m512i max = _mm512_max_epi32(_mm512_and_si512(_mm512_castps_si512(low), magnitude),
                                         _mm512_and_si512(_mm512_castps_si512(high), magnitude));
    const float scale =
        _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128(_mm512_reduce_max_epi32(max)))) / 127.0f;
    const float inverse = 1.0f / scale;
    const bool tiny = inverse > 3.402823466e38f;
    d[b] = tiny ? 0.0f : scale;
    // NaN compares false, so that only a finite scale keeps the lanes.
    const __mmask16 keep = !tiny && scale <= 3.402823466e38f ? 0xffff : 0;
    const __m512 factor = _mm512_set1_ps(inverse);
    const __m512i q_low = _mm512_maskz_cvtps_epi32(keep, _mm512_mul_ps(low, factor));
    const __m512i q_high = _mm512_maskz_cvtps_epi32(keep, _mm512_mul_ps(high, factor));
    offset[b] = -8 * _mm512_reduce_add_epi32(_mm512_add_epi32(q_low, q_high));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(q + b * kQ8Block), _mm512_cvtepi32_epi8(q_low));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(q + b * kQ8Block + kLanes),
                     _mm512_cvtepi32_epi8(q_high));
  }
}

// -------------------------------------------------------------------------------------------------
// Dequantised rows

// y[0..16) = scale * q (signed bytes).
HEARTH_INLINE void StoreScaled(__m128i q, float scale, float* y) {
  _mm512_storeu_ps(
      y, _mm512_mul_ps(_mm512_set1_ps(scale), _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(q))));
}

HEARTH_INLINE __m128i LowNibbles(__m128i v) { return _mm_and_si128(v, _mm_set1_epi8(0xf)); }
HEARTH_INLINE __m128i HighNibbles(__m128i v) { return LowNibbles(_mm_srli_epi16(v, 4)); }

void DequantizeQ4_0(const uint8_t* w, float* y) {
  const float d = HalfToFloat(Load16(w));
  const __m128i bytes = Load128(w + 2);
  const __m128i eight = _mm_set1_epi8(8);
  StoreScaled(_mm_sub_epi8(LowNibbles(bytes), eight), d, y);
  StoreScaled(_mm_sub_epi8(HighNibbles(bytes), eight), d, y + 16);
}

void DequantizeQ4_1(const uint8_t* w, float* y) {
  const __m512 d = _mm512_set1_ps(HalfToFloat(Load16(w)));
  const __m512 m = _mm512_set1_ps(HalfToFloat(Load16(w + 2)));
  const __m128i bytes = Load128(w + 4);
  const __m512 low = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(LowNibbles(bytes)));
  const __m512 high = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(HighNibbles(bytes)));
  _mm512_storeu_ps(y, _mm512_fmadd_ps(d, low, m));
  _mm512_storeu_ps(y + 16, _mm512_fmadd_ps(d, high, m));
}

void DequantizeQ8_0(const uint8_t* w, float* y) {
  const float d = HalfToFloat(Load16(w));
  StoreScaled(Load128(w + 2), d, y);
  StoreScaled(Load128(w + 18), d, y + 16);
}

void DequantizeQ6_K(const uint8_t* w, float* y) {
  const float d = HalfToFloat(Load16(w + 208));
  for (int i = 0; i < 16; ++i) {  // weights 16i..16i+15, which share a scale
    const int half = i / 8;
    const int quarter = i / 2 % 4;
    const int l = i % 2 * 16;
    const __m128i ql = Load128(w + 64 * half + 32 * (quarter & 1) + l);
    const __m128i low = quarter >= 2 ? HighNibbles(ql) : LowNibbles(ql);
    const __m128i qh =
        _mm_srl_epi16(Load128(w + 128 + 32 * half + l), _mm_cvtsi32_si128(2 * quarter));
    const __m128i high = _mm_slli_epi16(_mm_and_si128(qh, _mm_set1_epi8(3)), 4);
    const float scale = d * static_cast<float>(static_cast<int8_t>(w[192 + i]));
    StoreScaled(_mm_sub_epi8(_mm_or_si128(low, high), _mm_set1_epi8(32)), scale, y + 16 * i);
  }
}

// -------------------------------------------------------------------------------------------------
// Float products

// 16 weights of a row from weight i on, those of mask; the others are 0 and not read.
struct F32 {
  static HEARTH_INLINE __m512 Load(const uint8_t* row, int64_t i, __mmask16 mask) {
    return _mm512_maskz_loadu_ps(mask, row + 4 * i);
  }
};
struct F16 {
  static HEARTH_INLINE __m512 Load(const uint8_t* row, int64_t i, __mmask16 mask) {
    return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, row + 2 * i));
  }
};
struct BF16 {
  static HEARTH_INLINE __m512 Load(const uint8_t* row, int64_t i, __mmask16 mask) {
    const __m512i bits = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, row + 2 * i));
    return _mm512_castsi512_ps(_mm512_slli_epi32(bits, 16));
  }
};

HEARTH_INLINE float Reduce16(__m512 s) {
  const __m256 s8 = _mm256_add_ps(_mm512_castps512_ps256(s), _mm512_extractf32x8_ps(s, 1));
  const __m128 s4 = _mm_add_ps(_mm256_castps256_ps128(s8), _mm256_extractf128_ps(s8, 1));
  const __m128 s2 = _mm_add_ps(s4, _mm_movehl_ps(s4, s4));
  return _mm_cvtss_f32(_mm_add_ss(s2, _mm_shuffle_ps(s2, s2, 1)));
}

// Adds elements i..i+15, those of mask, of kRows rows times kCols vectors to acc[r*kCols + c].
template <class Format, int kRows, int kCols>
HEARTH_INLINE void AddProducts(const uint8_t* const* rows, const float* x, int64_t x_stride,
                               int64_t i, __mmask16 mask, __m512* acc) {
  __m512 v[kCols];
  for (int c = 0; c < kCols; ++c) v[c] = _mm512_maskz_loadu_ps(mask, x + c * x_stride + i);
  for (int r = 0; r < kRows; ++r) {
    const __m512 w = Format::Load(rows[r], i, mask);
    // Masked: fma(0, 0, -0) would be +0.
    for (int c = 0; c < kCols; ++c)
      acc[r * kCols + c] = _mm512_mask3_fmadd_ps(w, v[c], acc[r * kCols + c], mask);
  }
}

// Dot products of kRows rows with kCols vectors x_stride apart; sum[r*kCols + c].
template <class Format, int kRows, int kCols>
HEARTH_INLINE void DotProducts(const uint8_t* const* rows, const float* x, int64_t x_stride,
                               int64_t n, float* sum) {
  __m512 acc[kRows * kCols];
  Clear(acc, kRows * kCols);
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    AddProducts<Format, kRows, kCols>(rows, x, x_stride, i, 0xffff, acc);
  if (i < n) AddProducts<Format, kRows, kCols>(rows, x, x_stride, i, FirstLanes(n - i), acc);
  for (int j = 0; j < kRows * kCols; ++j) sum[j] = Reduce16(acc[j]);
}

constexpr int kTile = 4;  // rows, and tokens, of a tile of float products

template <class Format, int kCols>
HEARTH_INLINE void MultiplyTile(const uint8_t* const* rows, int64_t n_row, const float* x,
                                int64_t x_stride, int64_t n, float* y, int64_t y_stride) {
  float sum[kTile * kCols];
  DotProducts<Format, kTile, kCols>(rows, x, x_stride, n, sum);
  for (int c = 0; c < kCols; ++c) {
    for (int64_t r = 0; r < n_row; ++r) y[c * y_stride + r] = sum[r * kCols + c];
  }
}

template <class Format>
void MatmulF(const MatrixView& w, int64_t row_begin, int64_t row_end, const float* x,
             int64_t x_stride, int64_t n_tokens, float* y, int64_t y_stride) {
  for (int64_t r = row_begin; r < row_end; r += kTile) {
    const uint8_t* rows[kTile];
    for (int64_t i = 0; i < kTile; ++i) {
      const int64_t row = r + i < row_end ? r + i : row_end - 1;
      rows[i] = static_cast<const uint8_t*>(w.data) + static_cast<size_t>(row) * w.row_bytes;
    }
    const int64_t n_row = row_end - r < kTile ? row_end - r : kTile;
    int64_t t = 0;
    for (; t + kTile <= n_tokens; t += kTile) {
      MultiplyTile<Format, kTile>(rows, n_row, x + t * x_stride, x_stride, w.k,
                                  y + t * y_stride + r, y_stride);
    }
    for (; t < n_tokens; ++t) {
      MultiplyTile<Format, 1>(rows, n_row, x + t * x_stride, x_stride, w.k, y + t * y_stride + r,
                              y_stride);
    }
  }
}

void MatmulFAny(const MatrixView& w, int64_t row_begin, int64_t row_end, const float* x,
                int64_t x_stride, int64_t n_tokens, float* y, int64_t y_stride) {
  if (w.type == TensorType::kF32)
    MatmulF<F32>(w, row_begin, row_end, x, x_stride, n_tokens, y, y_stride);
  if (w.type == TensorType::kF16)
    MatmulF<F16>(w, row_begin, row_end, x, x_stride, n_tokens, y, y_stride);
  if (w.type == TensorType::kBF16)
    MatmulF<BF16>(w, row_begin, row_end, x, x_stride, n_tokens, y, y_stride);
}

template <class Format>
HEARTH_INLINE void ConvertRow(const uint8_t* row, int64_t n, float* y) {
  for (int64_t i = 0; i < n; i += kLanes) {
    const __mmask16 mask = FirstLanes(n - i);
    _mm512_mask_storeu_ps(y + i, mask, Format::Load(row, i, mask));
  }
}

void DequantizeRow(TensorType type, const void* row, int64_t n, float* y) {
  const uint8_t* w = static_cast<const uint8_t*>(row);
  switch (type) {
    case TensorType::kF32:
      return ConvertRow<F32>(w, n, y);
    case TensorType::kF16:
      return ConvertRow<F16>(w, n, y);
    case TensorType::kBF16:
      return ConvertRow<BF16>(w, n, y);
    case TensorType::kQ4_0:
      for (int64_t i = 0; i < n; i += kQ8Block, w += kQ4_0Bytes) DequantizeQ4_0(w, y + i);
      return;
    case TensorType::kQ4_1:
      for (int64_t i = 0; i < n; i += kQ8Block, w += kQ4_1Bytes) DequantizeQ4_1(w, y + i);
      return;
    case TensorType::kQ8_0:
      for (int64_t i = 0; i < n; i += kQ8Block, w += kQ8_0Bytes) DequantizeQ8_0(w, y + i);
      return;
    case TensorType::kQ6_K:
      for (int64_t i = 0; i < n; i += kQ6KBlock, w += kQ6KBytes) DequantizeQ6_K(w, y + i);
      return;
  }
}

void RmsNorm(const float* x, const float* weight, int64_t n, float eps, float* y) {
  const uint8_t* row = reinterpret_cast<const uint8_t*>(x);
  float sum;
  DotProducts<F32, 1, 1>(&row, x, 0, n, &sum);
  const float mean = sum / static_cast<float>(n);
  const float scale = 1.0f / _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(mean + eps)));
  for (int64_t i = 0; i < n; i += kLanes) {
    const __mmask16 mask = FirstLanes(n - i);
    const __m512 scaled = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, x + i), _mm512_set1_ps(scale));
    _mm512_mask_storeu_ps(y + i, mask,
                          _mm512_mul_ps(scaled, _mm512_maskz_loadu_ps(mask, weight + i)));
  }
}

void Rope(float* v, const float* cos, const float* sin, int64_t n) {
  const int64_t half = n / 2;
  for (int64_t i = 0; i < half; i += kLanes) {
    const __mmask16 mask = FirstLanes(half - i);
    const __m512 a = _mm512_maskz_loadu_ps(mask, v + i);
    const __m512 b = _mm512_maskz_loadu_ps(mask, v + i + half);
    const __m512 c = _mm512_maskz_loadu_ps(mask, cos + i);
    const __m512 s = _mm512_maskz_loadu_ps(mask, sin + i);
    _mm512_mask_storeu_ps(v + i, mask, _mm512_fmsub_ps(a, c, _mm512_mul_ps(b, s)));
    _mm512_mask_storeu_ps(v + i + half, mask, _mm512_fmadd_ps(b, c, _mm512_mul_ps(a, s)));
  }
}

void ReluMul(const float* gate, const float* up, int64_t n, float* out) {
  for (int64_t i = 0; i < n; i += kLanes) {
    const __mmask16 mask = FirstLanes(n - i);
    // vmaxps gives its second operand for NaN and for two zeros, which is ref.cc's comparison.
    const __m512 g = _mm512_max_ps(_mm512_setzero_ps(), _mm512_maskz_loadu_ps(mask, gate + i));
    _mm512_mask_storeu_ps(out + i, mask, _mm512_mul_ps(g, _mm512_maskz_loadu_ps(mask, up + i)));
  }
}

void Add(const float* x, int64_t n, float* y) {
  for (int64_t i = 0; i < n; i += kLanes) {
    const __mmask16 mask = FirstLanes(n - i);
    const __m512 sum =
        _mm512_add_ps(_mm512_maskz_loadu_ps(mask, y + i), _mm512_maskz_loadu_ps(mask, x + i));
    _mm512_mask_storeu_ps(y + i, mask, sum);
  }
}

void Axpy(float a, const float* x, int64_t n, float* y) {
  for (int64_t i = 0; i < n; i += kLanes) {
    const __mmask16 mask = FirstLanes(n - i);
    const __m512 sum = _mm512_fmadd_ps(_mm512_set1_ps(a), _mm512_maskz_loadu_ps(mask, x + i),
                                       _mm512_maskz_loadu_ps(mask, y + i));
    _mm512_mask_storeu_ps(y + i, mask, sum);
  }
}

void ToF16(const float* x, int64_t n, uint16_t* y) {
  for (int64_t i = 0; i < n; i += kLanes) {
    const __mmask16 mask = FirstLanes(n - i);
    const __m256i half = _mm512_cvtps_ph(_mm512_maskz_loadu_ps(mask, x + i),
                                         _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    _mm256_mask_storeu_epi16(y + i, mask, half);
  }
}

void FromF16(const uint16_t* x, int64_t n, float* y) {
  ConvertRow<F16>(reinterpret_cast<const uint8_t*>(x), n, y);
}

// -------------------------------------------------------------------------------------------------
// Attention

// Lane 0 of each 128-bit quarter: Reduce16 of a, b, c, d, in that order.
HEARTH_INLINE __m512 Reduce16x4(const __m512* s) {
  const __m512 ab =
      _mm512_add_ps(_mm512_shuffle_f32x4(s[0], s[1], 0x44), _mm512_shuffle_f32x4(s[0], s[1], 0xee));
  const __m512 cd =
      _mm512_add_ps(_mm512_shuffle_f32x4(s[2], s[3], 0x44), _mm512_shuffle_f32x4(s[2], s[3], 0xee));
  const __m512 s4 =
      _mm512_add_ps(_mm512_shuffle_f32x4(ab, cd, 0x88), _mm512_shuffle_f32x4(ab, cd, 0xdd));
  const __m512 s2 = _mm512_add_ps(s4, _mm512_permute_ps(s4, 0x4e));
  return _mm512_add_ps(s2, _mm512_permute_ps(s2, 0xb1));
}

// kQueries heads against four keys at a time, so that a key is converted once.
template <int kQueries>
void ScoresOf(const float* q, int64_t q_stride, const uint16_t* k, int64_t k_stride, int64_t n_key,
              int64_t head_dim, float scale, float* scores, int64_t score_stride) {
  const __m512i quarters = _mm512_setr_epi32(0, 4, 8, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  for (int64_t j = 0; j < n_key; j += kTile) {
    const int64_t n = n_key - j < kTile ? n_key - j : kTile;
    const uint8_t* keys[kTile];
    for (int64_t i = 0; i < kTile; ++i)
      keys[i] = reinterpret_cast<const uint8_t*>(k + (i < n ? j + i : n_key - 1) * k_stride);
    PrefetchStream(k + j * k_stride, static_cast<size_t>(kTile * k_stride) * sizeof *k);
    __m512 acc[kQueries * kTile];
    Clear(acc, kQueries * kTile);
    for (int64_t i = 0; i < head_dim; i += kLanes) {
      const __mmask16 mask = FirstLanes(head_dim - i);
      __m512 key[kTile];
      for (int t = 0; t < kTile; ++t) key[t] = F16::Load(keys[t], i, mask);
      for (int h = 0; h < kQueries; ++h) {
        const __m512 query = _mm512_maskz_loadu_ps(mask, q + h * q_stride + i);
        // Masked: fma(0, 0, -0) would be +0.
        for (int t = 0; t < kTile; ++t)
          acc[h * kTile + t] = _mm512_mask3_fmadd_ps(key[t], query, acc[h * kTile + t], mask);
      }
    }
    for (int h = 0; h < kQueries; ++h) {
      const __m512 sums = _mm512_permutexvar_ps(quarters, Reduce16x4(acc + h * kTile));
      _mm512_mask_storeu_ps(scores + h * score_stride + j, FirstLanes(n),
                            _mm512_mul_ps(_mm512_set1_ps(scale), sums));
    }
  }
}

constexpr int64_t kQueriesMax = 6;  // of whose sums with four keys registers can hold

// Calls body(first, n) for tiles of at most kQueriesMax heads, as equal as can be.
template <class Body>
HEARTH_INLINE void ForQueries(int64_t n_query, const Body& body) {
  const int64_t n_tile = (n_query + kQueriesMax - 1) / kQueriesMax;
  for (int64_t i = 0; i < n_tile; ++i) {
    const int64_t first = n_query * i / n_tile;
    body(first, n_query * (i + 1) / n_tile - first);
  }
}

void AttentionScores(const float* q, int64_t n_query, int64_t q_stride, const uint16_t* k,
                     int64_t k_stride, int64_t n_key, int64_t head_dim, float scale, float* scores,
                     int64_t score_stride) {
  ForQueries(n_query, [&](int64_t first, int64_t n) {
    const float* tile_q = q + first * q_stride;
    float* tile_scores = scores + first * score_stride;
    const auto run = [&](auto scores_of) {
      scores_of(tile_q, q_stride, k, k_stride, n_key, head_dim, scale, tile_scores, score_stride);
    };
    if (n == 1) run(ScoresOf<1>);
    if (n == 2) run(ScoresOf<2>);
    if (n == 3) run(ScoresOf<3>);
    if (n == 4) run(ScoresOf<4>);
    if (n == 5) run(ScoresOf<5>);
    if (n == 6) run(ScoresOf<6>);
  });
}

// x <= 0 or NaN in each lane.
HEARTH_INLINE __m512 Exp(__m512 x) {
  const __mmask16 keep = _mm512_cmp_ps_mask(x, _mm512_set1_ps(kExpMin), _CMP_NLT_UQ);  // NaN too
  const __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(kLog2E)),
                                        _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  __m512 r = _mm512_fmadd_ps(n, _mm512_set1_ps(-kLn2Hi), x);
  r = _mm512_fmadd_ps(n, _mm512_set1_ps(-kLn2Lo), r);
  __m512 p = _mm512_set1_ps(kExpC6);
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(kExpC5));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(kExpC4));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(kExpC3));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(kExpC2));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f));
  const __m512i power =
      _mm512_slli_epi32(_mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127)), 23);
  return _mm512_maskz_mul_ps(keep, p, _mm512_castsi512_ps(power));
}

// The largest of n that is not NaN, else -infinity. A maximum may be taken in any order.
HEARTH_INLINE float Max(const float* x, int64_t n) {
  const __m512 lowest = _mm512_castsi512_ps(_mm512_set1_epi32(static_cast<int32_t>(0xff800000)));
  __m512 max = lowest;
  for (int64_t i = 0; i < n; i += kLanes) {
    // vmaxps gives its second operand where either is NaN.
    max = _mm512_max_ps(_mm512_mask_loadu_ps(lowest, FirstLanes(n - i), x + i), max);
  }
  return _mm512_reduce_max_ps(max);
}

float Softmax(float* s, int64_t n) {
  const __m512 max = _mm512_set1_ps(Max(s, n));
  __m512 sum = _mm512_setzero_ps();
  for (int64_t j = 0; j < n; j += kLanes) {
    const __mmask16 mask = FirstLanes(n - j);
    const __m512 p = Exp(_mm512_sub_ps(_mm512_maskz_loadu_ps(mask, s + j), max));
    _mm512_mask_storeu_ps(s + j, mask, p);
    sum = _mm512_mask_add_ps(sum, mask, sum, p);
  }
  return Reduce16(sum);
}

// Adds the weighted values to the sums of kQueries heads, 16*kRegisters elements each; of a lone
// register only mask's exist. A value is converted once for all heads.
template <int kQueries, int kRegisters>
HEARTH_INLINE void WeightedSums(const float* p, int64_t p_stride, const uint16_t* v,
                                int64_t v_stride, int64_t n_key, __mmask16 mask, float* sum,
                                int64_t sum_stride) {
  __m512 acc[kQueries * kRegisters];
  for (int h = 0; h < kQueries; ++h) {
    for (int r = 0; r < kRegisters; ++r)
      acc[h * kRegisters + r] = _mm512_maskz_loadu_ps(mask, sum + h * sum_stride + r * kLanes);
  }
  for (int64_t j = 0; j < n_key; ++j) {
    const uint8_t* value = reinterpret_cast<const uint8_t*>(v + j * v_stride);
    __m512 x[kRegisters];
    for (int r = 0; r < kRegisters; ++r) x[r] = F16::Load(value, r * kLanes, mask);
    for (int h = 0; h < kQueries; ++h) {
      const __m512 weight = _mm512_set1_ps(p[h * p_stride + j]);
      for (int r = 0; r < kRegisters; ++r)
        acc[h * kRegisters + r] = _mm512_fmadd_ps(weight, x[r], acc[h * kRegisters + r]);
    }
  }
  for (int h = 0; h < kQueries; ++h) {
    for (int r = 0; r < kRegisters; ++r)
      _mm512_mask_storeu_ps(sum + h * sum_stride + r * kLanes, mask, acc[h * kRegisters + r]);
  }
}

template <int kQueries>
void ValuesOf(const float* p, int64_t p_stride, const uint16_t* v, int64_t v_stride, int64_t n_key,
              int64_t head_dim, float* sum, int64_t sum_stride) {
  // Enough chains to hide an fma's latency, and no more sums than registers.
  constexpr int kRegisters = kQueries <= 3 ? 8 : 4;
  // So few values at a time that the first cache keeps them for all parts of a head.
  constexpr int64_t kValues = 32;
  for (int64_t j = 0; j < n_key; j += kValues) {
    const int64_t n = n_key - j < kValues ? n_key - j : kValues;
    const uint16_t* values = v + j * v_stride;
    PrefetchStream(values, static_cast<size_t>(n * v_stride) * sizeof *v);
    int64_t i = 0;
    for (; i + kRegisters * kLanes <= head_dim; i += kRegisters * kLanes) {
      WeightedSums<kQueries, kRegisters>(p + j, p_stride, values + i, v_stride, n, 0xffff, sum + i,
                                         sum_stride);
    }
    for (; i < head_dim; i += kLanes) {
      WeightedSums<kQueries, 1>(p + j, p_stride, values + i, v_stride, n, FirstLanes(head_dim - i),
                                sum + i, sum_stride);
    }
  }
}

void AttentionValues(const float* p, int64_t n_query, int64_t p_stride, const uint16_t* v,
                     int64_t v_stride, int64_t n_key, int64_t head_dim, float* sum,
                     int64_t sum_stride) {
  ForQueries(n_query, [&](int64_t first, int64_t n) {
    const auto run = [&](auto values_of) {
      values_of(p + first * p_stride, p_stride, v, v_stride, n_key, head_dim,
                sum + first * sum_stride, sum_stride);
    };
    if (n == 1) run(ValuesOf<1>);
    if (n == 2) run(ValuesOf<2>);
    if (n == 3) run(ValuesOf<3>);
    if (n == 4) run(ValuesOf<4>);
    if (n == 5) run(ValuesOf<5>);
    if (n == 6) run(ValuesOf<6>);
  });
}

// -------------------------------------------------------------------------------------------------
// Logits

bool AllFinite(const float* x, int64_t n) {
  constexpr int kNotFinite = 0x99;  // quiet NaN, +infinity, -infinity, signalling NaN
  for (int64_t i = 0; i < n; i += kLanes) {
    const __m512 v = _mm512_maskz_loadu_ps(FirstLanes(n - i), x + i);
    if (_mm512_fpclass_ps_mask(v, kNotFinite) != 0) return false;
  }
  return true;
}

int64_t Argmax(const float* x, int64_t n) {
  const __m512 max = _mm512_set1_ps(Max(x, n));
  for (int64_t i = 0; i < n; i += kLanes) {
    const __mmask16 mask = FirstLanes(n - i);
    const __mmask16 hit =
        _mm512_mask_cmp_ps_mask(mask, _mm512_maskz_loadu_ps(mask, x + i), max, _CMP_EQ_OQ);
    if (hit == 0) continue;
    int64_t lane = 0;
    while ((hit >> lane & 1) == 0) ++lane;
    return i + lane;
  }
  return 0;  // all are NaN
}

}  // namespace

constinit const Kernels kAvx512VnniKernels = {
    .name = "avx512vnni",
    .quantize_q8 = QuantizeQ8,
    .group_rows = GroupRowsAny,
    .matmul_q = MatmulQ,
    .matmul_rows = MatmulRows,
    .matmul_f = MatmulFAny,
    .dequantize_row = DequantizeRow,
    .rms_norm = RmsNorm,
    .rope = Rope,
    .relu_mul = ReluMul,
    .add = Add,
    .axpy = Axpy,
    .to_f16 = ToF16,
    .from_f16 = FromF16,
    .attention_scores = AttentionScores,
    .softmax = Softmax,
    .attention_values = AttentionValues,
    .all_finite = AllFinite,
    .argmax = Argmax,
};

}  // namespace hearth
