// Kernels for AVX2 with FMA and F16C (Haswell, Zen and later), and the same with AVX-VNNI (Alder
// Lake, Zen 5 and later) where HEARTH_AVX_VNNI is defined: a table each, of which only the
// quantised products differ. The bits are ref.cc's.
//
// The method is avx512vnni.cc's with groups of 8 rows, one row a lane: a register holds the same
// four columns of 8 rows. Without vpdpbusd, products are added in pairs to 16-bit integers
// (vpmaddubsw, unsigned by signed) as long as they provably fit, then in pairs of those to 32 bits
// (vpmaddwd).
#ifndef HEARTH_KERNELS_AVX2_KERNELS_H_
#define HEARTH_KERNELS_AVX2_KERNELS_H_

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "kernels/block.h"
#include "kernels/inline.h"
#include "kernels/kernels.h"
#include "kernels/x86_prefetch.h"

namespace hearth {
namespace {

constexpr int kLanes = 8;    // floats of a register, rows of a group
constexpr int kTokens = 32;  // tokens whose sums are kept while a group is multiplied: 1 KiB

HEARTH_INLINE uint16_t Load16(const uint8_t* p) {
  uint16_t v;
  memcpy(&v, p, sizeof v);
  return v;
}

HEARTH_INLINE __m128i Load128(const void* p) {
  return _mm_loadu_si128(static_cast<const __m128i*>(p));
}
HEARTH_INLINE __m256i Load256(const void* p) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(p));
}

// All bits of the first n lanes; n may be negative or more than 8.
HEARTH_INLINE __m256i FirstLanes(int64_t n) {
  const int clamped = n < 0 ? 0 : n > kLanes ? kLanes : static_cast<int>(n);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(clamped), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

// The first n floats at p, at most 8; the other lanes are 0 and not read.
HEARTH_INLINE __m256 LoadFirst(const float* p, int64_t n) {
  return n >= kLanes ? _mm256_loadu_ps(p) : _mm256_maskload_ps(p, FirstLanes(n));
}

HEARTH_INLINE void StoreFirst(float* p, int64_t n, __m256 v) {
  if (n >= kLanes) {
    _mm256_storeu_ps(p, v);
  } else {
    _mm256_maskstore_ps(p, FirstLanes(n), v);
  }
}

HEARTH_INLINE float HalfToFloat(uint16_t half) {
  return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(half)));
}

// -------------------------------------------------------------------------------------------------
// Quantised products

// Half of a group of 16 rows that lie interleaved.
struct Interleaved {
  const uint8_t* pieces;
  const uint8_t* halves;
  HEARTH_INLINE void PrefetchNext(size_t offset, size_t bytes) const {
    PrefetchStream(pieces + 16 * offset, 16 * bytes);
  }
};

// Eight rows one after another; and fewer, with the last one repeated in the lanes that are not
// stored.
struct WholeGroup {
  const uint8_t* first;
  size_t row_bytes;
  HEARTH_INLINE const uint8_t* Row(int i) const {
    return first + static_cast<size_t>(i) * row_bytes;
  }
  // Asks for what the next group will want when it is at `offset`, so that 8 short streams read
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
HEARTH_INLINE __m256i LoadRows(const Group& group, int i, size_t offset) {
  return _mm256_inserti128_si256(_mm256_castsi128_si256(Load128(group.Row(i) + offset)),
                                 Load128(group.Row(i + 4) + offset), 1);
}

// Bytes offset..offset+15 of 8 rows: lane r of column[j] holds bytes 4j..4j+3 of row r.
template <class Group>
HEARTH_INLINE void LoadColumns(const Group& group, size_t offset, __m256i* column) {
  const __m256i a = LoadRows(group, 0, offset);
  const __m256i b = LoadRows(group, 1, offset);
  const __m256i c = LoadRows(group, 2, offset);
  const __m256i d = LoadRows(group, 3, offset);
  const __m256i ab_low = _mm256_unpacklo_epi32(a, b);
  const __m256i ab_high = _mm256_unpackhi_epi32(a, b);
  const __m256i cd_low = _mm256_unpacklo_epi32(c, d);
  const __m256i cd_high = _mm256_unpackhi_epi32(c, d);
  column[0] = _mm256_unpacklo_epi64(ab_low, cd_low);
  column[1] = _mm256_unpackhi_epi64(ab_low, cd_low);
  column[2] = _mm256_unpacklo_epi64(ab_high, cd_high);
  column[3] = _mm256_unpackhi_epi64(ab_high, cd_high);
}

// The half float at `offset` of 8 rows.
template <class Group>
HEARTH_INLINE __m256 LoadHalves(const Group& group, size_t offset) {
  __m128i v = _mm_cvtsi32_si128(Load16(group.Row(0) + offset));
  v = _mm_insert_epi16(v, Load16(group.Row(1) + offset), 1);
  v = _mm_insert_epi16(v, Load16(group.Row(2) + offset), 2);
  v = _mm_insert_epi16(v, Load16(group.Row(3) + offset), 3);
  v = _mm_insert_epi16(v, Load16(group.Row(4) + offset), 4);
  v = _mm_insert_epi16(v, Load16(group.Row(5) + offset), 5);
  v = _mm_insert_epi16(v, Load16(group.Row(6) + offset), 6);
  v = _mm_insert_epi16(v, Load16(group.Row(7) + offset), 7);
  return _mm256_cvtph_ps(v);
}

// Piece `piece` of block b of 8 rows as four columns, and half float `half`.
template <class Format, class Group>
HEARTH_INLINE void Columns(const Group& group, int64_t b, int piece, __m256i* column) {
  LoadColumns(group, static_cast<size_t>(b) * Format::kBytes + Format::kParts.piece_at[piece],
              column);
}
template <class Format>
HEARTH_INLINE void Columns(const Interleaved& group, int64_t b, int piece, __m256i* column) {
  const uint8_t* p = group.pieces + (b * Format::kParts.n_piece + piece) * 256;
  for (int j = 0; j < 4; ++j) column[j] = Load256(p + 64 * j);
}
template <class Format, class Group>
HEARTH_INLINE __m256 Halves(const Group& group, int64_t b, int half) {
  return LoadHalves(group, static_cast<size_t>(b) * Format::kBytes + Format::kParts.half_at[half]);
}
template <class Format>
HEARTH_INLINE __m256 Halves(const Interleaved& group, int64_t b, int half) {
  return _mm256_cvtph_ps(Load128(group.halves + (b * Format::kParts.n_half + half) * 32));
}

// Four bytes in every lane.
HEARTH_INLINE __m256i Broadcast4(const void* p) {
  int32_t v;
  memcpy(&v, p, sizeof v);
  return _mm256_set1_epi32(v);
}

// The products of 16 columns added to pairs of 16 bits that wrap: exact if the whole sum fits. w
// are unsigned bytes; two products must fit, that is w <= 129.
HEARTH_INLINE __m256i PairSums16(const __m256i* w, const int8_t* q) {
  const __m256i a = _mm256_maddubs_epi16(w[0], Broadcast4(q));
  const __m256i b = _mm256_maddubs_epi16(w[1], Broadcast4(q + 4));
  const __m256i c = _mm256_maddubs_epi16(w[2], Broadcast4(q + 8));
  const __m256i d = _mm256_maddubs_epi16(w[3], Broadcast4(q + 12));
  return _mm256_add_epi16(_mm256_add_epi16(a, b), _mm256_add_epi16(c, d));
}

#ifdef HEARTH_AVX_VNNI

// The products of 32 columns of unsigned bytes, added to what is in every lane.
HEARTH_INLINE __m256i DotBytes(int32_t start, const __m256i* w, const int8_t* q) {
  __m256i sum = _mm256_set1_epi32(start);
  for (int j = 0; j < 8; ++j) sum = _mm256_dpbusd_avx_epi32(sum, w[j], Broadcast4(q + 4 * j));
  return sum;
}

HEARTH_INLINE __m256i DotNibbles(int32_t start, const __m256i* w, const int8_t* q) {
  return DotBytes(start, w, q);
}

// Signed bytes: weight + 128 is unsigned, and 16 times the offset takes the 128 out again.
HEARTH_INLINE __m256i DotSigned(int32_t offset, const __m256i* w, const int8_t* q) {
  __m256i flipped[8];
  for (int j = 0; j < 8; ++j)
    flipped[j] = _mm256_xor_si256(w[j], _mm256_set1_epi8(static_cast<char>(0x80)));
  return DotBytes(16 * offset, flipped, q);
}

#else

// Nibbles: 16 products of at most 15*127 fit 16 bits (30480), so 32 columns need only one widening.
HEARTH_INLINE __m256i DotNibbles(int32_t start, const __m256i* w, const int8_t* q) {
  const __m256i pairs = _mm256_add_epi16(PairSums16(w, q), PairSums16(w + 4, q + 16));
  return _mm256_add_epi32(_mm256_madd_epi16(pairs, _mm256_set1_epi16(1)), _mm256_set1_epi32(start));
}

// |w| times q with w's sign: 2*128*127 fits 16 bits, and q is never -128, whose negative does not
// exist.
HEARTH_INLINE __m256i DotSigned(int32_t, const __m256i* w, const int8_t* q) {
  const __m256i ones = _mm256_set1_epi16(1);
  __m256i dot = _mm256_setzero_si256();
  for (int j = 0; j < 8; ++j) {
    const __m256i signed_q = _mm256_sign_epi8(Broadcast4(q + 4 * j), w[j]);
    const __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(w[j]), signed_q);
    dot = _mm256_add_epi32(dot, _mm256_madd_epi16(pairs, ones));
  }
  return dot;
}

#endif

HEARTH_INLINE void SplitNibbles(const __m256i* column, __m256i* w) {
  const __m256i mask = _mm256_set1_epi8(0xf);
  for (int j = 0; j < 4; ++j) {
    w[j] = _mm256_and_si256(column[j], mask);
    w[j + 4] = _mm256_and_si256(_mm256_srli_epi16(column[j], 4), mask);
  }
}

// A format: a block of 8 rows unpacked, and its product with 32 activations added to acc.

struct Q4_0 {
  static constexpr size_t kBytes = kQ4_0Bytes;
  static constexpr BlockParts kParts = PartsOf(TensorType::kQ4_0);
  __m256i w[8];  // nibbles; the offset makes them -8..7
  __m256 d;

  template <class Group>
  HEARTH_INLINE void Load(const Group& group, int64_t b) {
    __m256i column[4];
    Columns<Q4_0>(group, b, 0, column);
    SplitNibbles(column, w);
    d = Halves<Q4_0>(group, b, 0);
  }
  HEARTH_INLINE __m256 Add(const int8_t* q, float dx, int32_t offset, __m256 acc) const {
    const __m256i dot = DotNibbles(offset, w, q);
    return _mm256_fmadd_ps(_mm256_mul_ps(d, _mm256_set1_ps(dx)), _mm256_cvtepi32_ps(dot), acc);
  }
};

struct Q4_1 {
  static constexpr size_t kBytes = kQ4_1Bytes;
  static constexpr BlockParts kParts = PartsOf(TensorType::kQ4_1);
  __m256i w[8];
  __m256 d;
  __m256 m;

  template <class Group>
  HEARTH_INLINE void Load(const Group& group, int64_t b) {
    __m256i column[4];
    Columns<Q4_1>(group, b, 0, column);
    SplitNibbles(column, w);
    d = Halves<Q4_1>(group, b, 0);
    m = Halves<Q4_1>(group, b, 1);
  }
  HEARTH_INLINE __m256 Add(const int8_t* q, float dx, int32_t offset, __m256 acc) const {
    const __m256 scale = _mm256_set1_ps(dx);
    const float sum = -0.125f * static_cast<float>(offset);  // exact
    acc = _mm256_fmadd_ps(_mm256_mul_ps(d, scale), _mm256_cvtepi32_ps(DotNibbles(0, w, q)), acc);
    return _mm256_fmadd_ps(_mm256_mul_ps(m, scale), _mm256_set1_ps(sum), acc);
  }
};

struct Q8_0 {
  static constexpr size_t kBytes = kQ8_0Bytes;
  static constexpr BlockParts kParts = PartsOf(TensorType::kQ8_0);
  __m256i w[8];
  __m256 d;

  template <class Group>
  HEARTH_INLINE void Load(const Group& group, int64_t b) {
    Columns<Q8_0>(group, b, 0, w);
    Columns<Q8_0>(group, b, 1, w + 4);
    d = Halves<Q8_0>(group, b, 0);
  }
  HEARTH_INLINE __m256 Add(const int8_t* q, float dx, int32_t offset, __m256 acc) const {
    const __m256 dot = _mm256_cvtepi32_ps(DotSigned(offset, w, q));
    return _mm256_fmadd_ps(_mm256_mul_ps(d, _mm256_set1_ps(dx)), dot, acc);
  }
};

HEARTH_INLINE void Clear(__m256* acc, int64_t n) {
  for (int64_t t = 0; t < n; ++t) acc[t] = _mm256_setzero_ps();
}

// Lanes first..end-1 of a group; either may be outside.
struct LaneRange {
  int64_t first;
  int64_t end;
};

// y[t*y_stride + lane] = acc[t] for these lanes.
HEARTH_INLINE void StoreRows(const __m256* acc, int64_t n, LaneRange lanes, float* y,
                             int64_t y_stride) {
  if (lanes.first <= 0 && lanes.end >= kLanes) {
    for (int64_t t = 0; t < n; ++t) _mm256_storeu_ps(y + t * y_stride, acc[t]);
    return;
  }
  const __m256i mask = _mm256_andnot_si256(FirstLanes(lanes.first), FirstLanes(lanes.end));
  for (int64_t t = 0; t < n; ++t) _mm256_maskstore_ps(y + t * y_stride, mask, acc[t]);
}

// One group of rows times n_tokens rows of x; kFixed is n_tokens where that is known, else 0.
template <class Format, int kFixed, class Group>
void MultiplyGroup(const Group& group, LaneRange lanes, const Q8Rows& x, int64_t n_tokens, float* y,
                   int64_t y_stride) {
  const int64_t n = kFixed > 0 ? kFixed : n_tokens;
  const int64_t n_block = x.k / kQ8Block;
  __m256 acc[kFixed > 0 ? kFixed : kTokens];
  Clear(acc, n);
  for (int64_t b = 0; b < n_block; ++b) {
    if constexpr (kFixed == 1)
      group.PrefetchNext(static_cast<size_t>(b) * Format::kBytes, Format::kBytes);
    Format block;
    block.Load(group, b);
    for (int64_t t = 0; t < n; ++t) {
      const int64_t xb = t * n_block + b;
      acc[t] = block.Add(x.q + xb * kQ8Block, x.d[xb], x.offset[xb], acc[t]);
    }
  }
  StoreRows(acc, n, lanes, y, y_stride);
}

// Q6_K: super-blocks of eight 32-blocks. Weights stay 0..63 and 32 times the activations is taken
// out of the pair sums of each half of 16: they may wrap before it, but 8 products of at most
// 32*127 fit 16 bits (32512) after it.

struct Q6K {
  static constexpr size_t kBytes = kQ6KBytes;
  static constexpr BlockParts kParts = PartsOf(TensorType::kQ6_K);
};

// 32 * the pair sums (two 16-bit integers in one number) of each 16 of 256 activations: for half h
// and quarter s, those of the first 16 are at 8h + s, of the second at 8h + s + 4.
HEARTH_INLINE void SumHalves(const int8_t* q, int32_t* sums) {
  const __m256i w = _mm256_set1_epi8(32);
  for (int i = 0; i < 2; ++i) {
    const __m256i a = _mm256_maddubs_epi16(w, Load256(q + 128 * i));
    const __m256i b = _mm256_maddubs_epi16(w, Load256(q + 128 * i + 32));
    const __m256i c = _mm256_maddubs_epi16(w, Load256(q + 128 * i + 64));
    const __m256i d = _mm256_maddubs_epi16(w, Load256(q + 128 * i + 96));
    const __m256i ab = _mm256_add_epi16(_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
    const __m256i cd = _mm256_add_epi16(_mm256_unpacklo_epi32(c, d), _mm256_unpackhi_epi32(c, d));
    const __m256i all =
        _mm256_add_epi16(_mm256_unpacklo_epi64(ab, cd), _mm256_unpackhi_epi64(ab, cd));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(sums + 8 * i), all);
  }
}

// Byte kByte of each lane, sign-extended to both 16-bit halves.
template <int kByte>
HEARTH_INLINE __m256i ByteToPair(__m256i v) {
  constexpr char kZero = static_cast<char>(0x80);
  const __m128i pick =
      _mm_setr_epi8(kZero, kByte, kZero, kByte, kZero, kByte + 4, kZero, kByte + 4, kZero,
                    kByte + 8, kZero, kByte + 8, kZero, kByte + 12, kZero, kByte + 12);
  return _mm256_srai_epi16(_mm256_shuffle_epi8(v, _mm256_broadcastsi128_si256(pick)), 8);
}

// Half a super-block (128 weights) of 8 rows.
struct Q6KHalf {
  __m256i ql[16];
  __m256i qh[8];
  __m256i scales[2];  // two bytes a quarter
  __m256 d;

  template <int kQuarter>
  HEARTH_INLINE void Unpack(__m256i* w) const {
    const __m256i low_mask = _mm256_set1_epi8(0x0f);
    const __m256i high_mask = _mm256_set1_epi8(0x30);
    for (int j = 0; j < 8; ++j) {
      __m256i low = ql[8 * (kQuarter & 1) + j];
      if constexpr (kQuarter >= 2) low = _mm256_srli_epi16(low, 4);
      __m256i high = qh[j];
      if constexpr (kQuarter < 2) high = _mm256_slli_epi16(high, 4 - 2 * kQuarter);
      if constexpr (kQuarter == 3) high = _mm256_srli_epi16(high, 2);
      w[j] = _mm256_or_si256(_mm256_and_si256(low, low_mask), _mm256_and_si256(high, high_mask));
    }
  }

  // Block b of x.k/32, quarter kQuarter of this half; sums are SumHalves' for this half, 16 numbers
  // a token apart.
  template <int kQuarter>
  HEARTH_INLINE void Add(const Q8Rows& x, int64_t b, const int32_t* sums, int64_t n,
                         __m256* acc) const {
    __m256i w[8];
    Unpack<kQuarter>(w);
    constexpr int kScale = 2 * (kQuarter & 1);
    const __m256i scale0 = ByteToPair<kScale>(scales[kQuarter / 2]);
    const __m256i scale1 = ByteToPair<kScale + 1>(scales[kQuarter / 2]);
    for (int64_t t = 0; t < n; ++t) {
      const int64_t xb = t * (x.k / kQ8Block) + b;
      const int8_t* q = x.q + xb * kQ8Block;
      const int32_t* sum = sums + t * 16 + kQuarter;
      const __m256i pairs0 = _mm256_sub_epi16(PairSums16(w, q), _mm256_set1_epi32(sum[0]));
      const __m256i pairs1 = _mm256_sub_epi16(PairSums16(w + 4, q + 16), _mm256_set1_epi32(sum[4]));
      const __m256i dot =
          _mm256_add_epi32(_mm256_madd_epi16(pairs0, scale0), _mm256_madd_epi16(pairs1, scale1));
      acc[t] = _mm256_fmadd_ps(_mm256_mul_ps(d, _mm256_set1_ps(x.d[xb])), _mm256_cvtepi32_ps(dot),
                               acc[t]);
    }
  }
};

template <int kFixed, class Group>
void MultiplyGroupQ6K(const Group& group, LaneRange lanes, const Q8Rows& x, int64_t n_tokens,
                      float* y, int64_t y_stride) {
  const int64_t n = kFixed > 0 ? kFixed : n_tokens;
  __m256 acc[kFixed > 0 ? kFixed : kTokens];
  int32_t sums[16 * (kFixed > 0 ? kFixed : kTokens)];
  Clear(acc, n);
  for (int64_t super = 0; super < x.k / kQ6KBlock; ++super) {
    if constexpr (kFixed == 1)
      group.PrefetchNext(static_cast<size_t>(super) * kQ6KBytes, kQ6KBytes);
    for (int64_t t = 0; t < n; ++t) SumHalves(x.q + t * x.k + super * kQ6KBlock, sums + 16 * t);
    __m256i scales[4];
    Columns<Q6K>(group, super, 12, scales);
    Q6KHalf part;
    part.d = Halves<Q6K>(group, super, 0);
    for (int half = 0; half < 2; ++half) {
      part.scales[0] = scales[2 * half];
      part.scales[1] = scales[2 * half + 1];
      for (int i = 0; i < 4; ++i) Columns<Q6K>(group, super, 4 * half + i, part.ql + 4 * i);
      for (int i = 0; i < 2; ++i) Columns<Q6K>(group, super, 8 + 2 * half + i, part.qh + 4 * i);
      const int64_t b = super * 8 + half * 4;
      part.Add<0>(x, b, sums + 8 * half, n, acc);
      part.Add<1>(x, b + 1, sums + 8 * half, n, acc);
      part.Add<2>(x, b + 2, sums + 8 * half, n, acc);
      part.Add<3>(x, b + 3, sums + 8 * half, n, acc);
    }
  }
  StoreRows(acc, n, lanes, y, y_stride);
}

template <int kFixed, class Group>
HEARTH_INLINE void MultiplyGroup(TensorType type, const Group& group, LaneRange lanes,
                                 const Q8Rows& x, int64_t n_tokens, float* y, int64_t y_stride) {
  switch (type) {
    case TensorType::kQ4_0:
      return MultiplyGroup<Q4_0, kFixed>(group, lanes, x, n_tokens, y, y_stride);
    case TensorType::kQ4_1:
      return MultiplyGroup<Q4_1, kFixed>(group, lanes, x, n_tokens, y, y_stride);
    case TensorType::kQ8_0:
      return MultiplyGroup<Q8_0, kFixed>(group, lanes, x, n_tokens, y, y_stride);
    case TensorType::kQ6_K:
      return MultiplyGroupQ6K<kFixed>(group, lanes, x, n_tokens, y, y_stride);
    default:
      return;  // matmul_q takes quantised types only
  }
}

template <class Group>
void MultiplyTokens(TensorType type, const Group& group, LaneRange lanes, const Q8Rows& x,
                    int64_t n_tokens, float* y, int64_t y_stride) {
  const int64_t n_block = x.k / kQ8Block;
  for (int64_t t = 0; t < n_tokens; t += kTokens) {
    const int64_t n = n_tokens - t < kTokens ? n_tokens - t : kTokens;
    const Q8Rows tile = {x.q + t * x.k, x.d + t * n_block, x.offset + t * n_block, x.k};
    float* tile_y = y + t * y_stride;
    if (n == 1) {
      MultiplyGroup<1>(type, group, lanes, tile, n, tile_y, y_stride);
    } else {
      MultiplyGroup<0>(type, group, lanes, tile, n, tile_y, y_stride);
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
    const int64_t first = r / kLanes * kLanes;
    const int64_t upper = first % kGroupRows;  // 0, or 8 for the second half of a group
    const uint8_t* pieces = data + static_cast<size_t>(first - upper) * w.row_bytes;
    const Interleaved group = {pieces + 4 * upper, pieces + PieceBytes(w) + 2 * upper};
    MultiplyTokens(w.type, group, {r - first, row_end - first}, x, n_tokens, y + first, y_stride);
    r = first + kLanes;
  }
  for (; r + kLanes <= row_end; r += kLanes) {
    const WholeGroup group = {data + static_cast<size_t>(r) * w.row_bytes, w.row_bytes};
    MultiplyTokens(w.type, group, {0, kLanes}, x, n_tokens, y + r, y_stride);
  }
  if (r < row_end) {
    PartGroup group;
    for (int64_t i = 0; i < kLanes; ++i) {
      const int64_t row = r + i < row_end ? r + i : row_end - 1;
      group.row[i] = data + static_cast<size_t>(row) * w.row_bytes;
    }
    MultiplyTokens(w.type, group, {0, row_end - r}, x, n_tokens, y + r, y_stride);
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
    MultiplyGroup<1>(w.type, group, {0, n}, x, 1, y + r, 0);
  }
}

template <class Format>
void GroupRows(const uint8_t* rows, size_t row_bytes, uint8_t* group) {
  const int64_t n_block = static_cast<int64_t>(row_bytes / Format::kBytes);
  const WholeGroup half_group[2] = {{rows, row_bytes}, {rows + kLanes * row_bytes, row_bytes}};
  for (int64_t b = 0; b < n_block; ++b) {
    for (int piece = 0; piece < Format::kParts.n_piece; ++piece, group += 256) {
      for (int i = 0; i < 2; ++i) {
        __m256i column[4];
        Columns<Format>(half_group[i], b, piece, column);
        for (int j = 0; j < 4; ++j)
          _mm256_storeu_si256(reinterpret_cast<__m256i*>(group + 64 * j + 32 * i), column[j]);
      }
    }
  }
  for (int64_t b = 0; b < n_block; ++b) {
    for (int half = 0; half < Format::kParts.n_half; ++half) {
      for (int r = 0; r < kGroupRows; ++r, group += 2) {
        const uint8_t* block =
            rows + static_cast<size_t>(r) * row_bytes + static_cast<size_t>(b) * Format::kBytes;
        memcpy(group, block + Format::kParts.half_at[half], 2);
      }
    }
  }
}

void GroupRowsAny(TensorType type, int64_t k, const void* rows, void* group) {
  const uint8_t* from = static_cast<const uint8_t*>(rows);
  uint8_t* to = static_cast<uint8_t*>(group);
  const size_t row_bytes = RowBytes(type, k);
  if (type == TensorType::kQ4_0) GroupRows<Q4_0>(from, row_bytes, to);
  if (type == TensorType::kQ4_1) GroupRows<Q4_1>(from, row_bytes, to);
  if (type == TensorType::kQ8_0) GroupRows<Q8_0>(from, row_bytes, to);
  if (type == TensorType::kQ6_K) GroupRows<Q6K>(from, row_bytes, to);
}

HEARTH_INLINE int32_t MaxOfLanes(__m256i v) {
  __m128i m = _mm_max_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0x4e));
  return _mm_cvtsi128_si32(_mm_max_epi32(m, _mm_shuffle_epi32(m, 0xb1)));
}

HEARTH_INLINE int32_t SumOfLanes(__m256i v) {
  __m128i s = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1)));
}

void QuantizeQ8(const float* x, int64_t n, int8_t* q, float* d, int32_t* offset) {
  const __m256 magnitude = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fffffff));
  for (int64_t b = 0; b < n / kQ8Block; ++b) {
    __m256 v[4];
    __m256i max = _mm256_setzero_si256();
    for (int i = 0; i < 4; ++i) {
      v[i] = _mm256_loadu_ps(x + b * kQ8Block + i * kLanes);
      max = _mm256_max_epi32(max, _mm256_castps_si256(_mm256_and_ps(v[i], magnitude)));
    }
    const float scale =
        _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128(MaxOfLanes(max)))) / 127.0f;
    const float inverse = 1.0f / scale;
    const bool tiny = inverse > 3.402823466e38f;
    d[b] = tiny ? 0.0f : scale;
    // NaN compares false, so that only a finite scale keeps the lanes.
    const __m256i keep = _mm256_set1_epi32(!tiny && scale <= 3.402823466e38f ? -1 : 0);
    const __m256 factor = _mm256_set1_ps(inverse);
    __m256i r[4];
    for (int i = 0; i < 4; ++i)
      r[i] = _mm256_and_si256(keep, _mm256_cvtps_epi32(_mm256_mul_ps(v[i], factor)));
    offset[b] = -8 * SumOfLanes(_mm256_add_epi32(_mm256_add_epi32(r[0], r[1]),
                                                 _mm256_add_epi32(r[2], r[3])));
    // Packing works within 128-bit halves: four bytes of each r come from its low half, then four
    // from its high half.
    const __m256i bytes =
        _mm256_packs_epi16(_mm256_packs_epi32(r[0], r[1]), _mm256_packs_epi32(r[2], r[3]));
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(q + b * kQ8Block),
                        _mm256_permutevar8x32_epi32(bytes, order));
  }
}

// -------------------------------------------------------------------------------------------------
// Dequantised rows

HEARTH_INLINE __m256 BytesToFloat(__m128i q) { return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(q)); }

// y[0..16) = scale * q (signed bytes).
HEARTH_INLINE void StoreScaled(__m128i q, float scale, float* y) {
  _mm256_storeu_ps(y, _mm256_mul_ps(_mm256_set1_ps(scale), BytesToFloat(q)));
  _mm256_storeu_ps(y + 8, _mm256_mul_ps(_mm256_set1_ps(scale), BytesToFloat(_mm_srli_si128(q, 8))));
}

// y[0..16) = scale * q + offset in one rounding.
HEARTH_INLINE void StoreAffine(__m128i q, float scale, float offset, float* y) {
  const __m256 d = _mm256_set1_ps(scale);
  const __m256 m = _mm256_set1_ps(offset);
  _mm256_storeu_ps(y, _mm256_fmadd_ps(d, BytesToFloat(q), m));
  _mm256_storeu_ps(y + 8, _mm256_fmadd_ps(d, BytesToFloat(_mm_srli_si128(q, 8)), m));
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
  const float d = HalfToFloat(Load16(w));
  const float m = HalfToFloat(Load16(w + 2));
  const __m128i bytes = Load128(w + 4);
  StoreAffine(LowNibbles(bytes), d, m, y);
  StoreAffine(HighNibbles(bytes), d, m, y + 16);
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

// The first n of 8 numbers at p (those of 8 if n is larger); the other lanes are 0 and not read.
HEARTH_INLINE __m128i LoadFirst16(const uint8_t* p, int64_t n) {
  if (n >= kLanes) return Load128(p);
  uint16_t v[kLanes] = {};
  if (n > 0) memcpy(v, p, 2 * static_cast<size_t>(n));
  return Load128(v);
}

// The first n weights of a row from weight i on, at most 8.
struct F32 {
  static HEARTH_INLINE __m256 Load(const uint8_t* row, int64_t i, int64_t n) {
    if (n >= kLanes) return _mm256_castsi256_ps(Load256(row + 4 * i));
    float v[kLanes] = {};
    if (n > 0) memcpy(v, row + 4 * i, 4 * static_cast<size_t>(n));
    return _mm256_loadu_ps(v);
  }
};
struct F16 {
  static HEARTH_INLINE __m256 Load(const uint8_t* row, int64_t i, int64_t n) {
    return _mm256_cvtph_ps(LoadFirst16(row + 2 * i, n));
  }
};
struct BF16 {
  static HEARTH_INLINE __m256 Load(const uint8_t* row, int64_t i, int64_t n) {
    const __m256i bits = _mm256_cvtepu16_epi32(LoadFirst16(row + 2 * i, n));
    return _mm256_castsi256_ps(_mm256_slli_epi32(bits, 16));
  }
};

// The 16 partial sums of a float product.
struct Sum16 {
  __m256 low;
  __m256 high;
};

HEARTH_INLINE float Reduce16(const Sum16& s) {
  const __m256 s8 = _mm256_add_ps(s.low, s.high);
  const __m128 s4 = _mm_add_ps(_mm256_castps256_ps128(s8), _mm256_extractf128_ps(s8, 1));
  const __m128 s2 = _mm_add_ps(s4, _mm_movehl_ps(s4, s4));
  return _mm_cvtss_f32(_mm_add_ss(s2, _mm_shuffle_ps(s2, s2, 1)));
}

// Dot products of kRows rows with one vector.
template <class Format, int kRows>
HEARTH_INLINE void DotProducts(const uint8_t* const* rows, const float* x, int64_t n, float* sum) {
  Sum16 acc[kRows];
  for (int r = 0; r < kRows; ++r) acc[r] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
  int64_t i = 0;
  for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
    const __m256 low = _mm256_loadu_ps(x + i);
    const __m256 high = _mm256_loadu_ps(x + i + kLanes);
    for (int r = 0; r < kRows; ++r) {
      acc[r].low = _mm256_fmadd_ps(Format::Load(rows[r], i, kLanes), low, acc[r].low);
      acc[r].high = _mm256_fmadd_ps(Format::Load(rows[r], i + kLanes, kLanes), high, acc[r].high);
    }
  }
  if (i < n) {
    const int64_t rest = n - i;
    const __m256 low = LoadFirst(x + i, rest);
    const __m256 high = LoadFirst(x + i + kLanes, rest - kLanes);
    const __m256 in_low = _mm256_castsi256_ps(FirstLanes(rest));
    const __m256 in_high = _mm256_castsi256_ps(FirstLanes(rest - kLanes));
    for (int r = 0; r < kRows; ++r) {
      const __m256 w_low = Format::Load(rows[r], i, rest);
      const __m256 w_high = Format::Load(rows[r], i + kLanes, rest - kLanes);
      // Blended: fma(0, 0, -0) would be +0.
      acc[r].low = _mm256_blendv_ps(acc[r].low, _mm256_fmadd_ps(w_low, low, acc[r].low), in_low);
      acc[r].high =
          _mm256_blendv_ps(acc[r].high, _mm256_fmadd_ps(w_high, high, acc[r].high), in_high);
    }
  }
  for (int r = 0; r < kRows; ++r) sum[r] = Reduce16(acc[r]);
}

constexpr int kRowTile = 4;  // rows multiplied at a time: 8 chains of fma

template <class Format>
void MatmulF(const MatrixView& w, int64_t row_begin, int64_t row_end, const float* x,
             int64_t x_stride, int64_t n_tokens, float* y, int64_t y_stride) {
  for (int64_t r = row_begin; r < row_end; r += kRowTile) {
    const uint8_t* rows[kRowTile];
    for (int64_t i = 0; i < kRowTile; ++i) {
      const int64_t row = r + i < row_end ? r + i : row_end - 1;
      rows[i] = static_cast<const uint8_t*>(w.data) + static_cast<size_t>(row) * w.row_bytes;
    }
    const int64_t n_row = row_end - r < kRowTile ? row_end - r : kRowTile;
    for (int64_t t = 0; t < n_tokens; ++t) {
      float sum[kRowTile];
      DotProducts<Format, kRowTile>(rows, x + t * x_stride, w.k, sum);
      for (int64_t i = 0; i < n_row; ++i) y[t * y_stride + r + i] = sum[i];
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
  for (int64_t i = 0; i < n; i += kLanes) StoreFirst(y + i, n - i, Format::Load(row, i, n - i));
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
  DotProducts<F32, 1>(&row, x, n, &sum);
  const float mean = sum / static_cast<float>(n);
  const float scale = 1.0f / _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(mean + eps)));
  for (int64_t i = 0; i < n; i += kLanes) {
    const __m256 scaled = _mm256_mul_ps(LoadFirst(x + i, n - i), _mm256_set1_ps(scale));
    StoreFirst(y + i, n - i, _mm256_mul_ps(scaled, LoadFirst(weight + i, n - i)));
  }
}

void Rope(float* v, const float* cos, const float* sin, int64_t n) {
  const int64_t half = n / 2;
  for (int64_t i = 0; i < half; i += kLanes) {
    const int64_t rest = half - i;
    const __m256 a = LoadFirst(v + i, rest);
    const __m256 b = LoadFirst(v + i + half, rest);
    const __m256 c = LoadFirst(cos + i, rest);
    const __m256 s = LoadFirst(sin + i, rest);
    StoreFirst(v + i, rest, _mm256_fmsub_ps(a, c, _mm256_mul_ps(b, s)));
    StoreFirst(v + i + half, rest, _mm256_fmadd_ps(b, c, _mm256_mul_ps(a, s)));
  }
}

void ReluMul(const float* gate, const float* up, int64_t n, float* out) {
  for (int64_t i = 0; i < n; i += kLanes) {
    // vmaxps gives its second operand for NaN and for two zeros, which is ref.cc's comparison.
    const __m256 g = _mm256_max_ps(_mm256_setzero_ps(), LoadFirst(gate + i, n - i));
    StoreFirst(out + i, n - i, _mm256_mul_ps(g, LoadFirst(up + i, n - i)));
  }
}

void Add(const float* x, int64_t n, float* y) {
  for (int64_t i = 0; i < n; i += kLanes) {
    StoreFirst(y + i, n - i, _mm256_add_ps(LoadFirst(y + i, n - i), LoadFirst(x + i, n - i)));
  }
}

void Axpy(float a, const float* x, int64_t n, float* y) {
  for (int64_t i = 0; i < n; i += kLanes) {
    const __m256 sum =
        _mm256_fmadd_ps(_mm256_set1_ps(a), LoadFirst(x + i, n - i), LoadFirst(y + i, n - i));
    StoreFirst(y + i, n - i, sum);
  }
}

void ToF16(const float* x, int64_t n, uint16_t* y) {
  for (int64_t i = 0; i < n; i += kLanes) {
    const __m128i half =
        _mm256_cvtps_ph(LoadFirst(x + i, n - i), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    if (n - i >= kLanes) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(y + i), half);
    } else {
      memcpy(y + i, &half, 2 * static_cast<size_t>(n - i));
    }
  }
}

void FromF16(const uint16_t* x, int64_t n, float* y) {
  ConvertRow<F16>(reinterpret_cast<const uint8_t*>(x), n, y);
}

// -------------------------------------------------------------------------------------------------
// Attention

// So few keys or values at a time that the first cache keeps them for all heads.
constexpr int64_t kKeysAtOnce = 32;

void ScoresOfOne(const float* q, const uint16_t* k, int64_t stride, int64_t n_key, int64_t head_dim,
                 float scale, float* scores) {
  for (int64_t j = 0; j < n_key; j += kRowTile) {
    const int64_t n = n_key - j < kRowTile ? n_key - j : kRowTile;
    const uint8_t* keys[kRowTile];
    for (int64_t i = 0; i < kRowTile; ++i) {
      keys[i] = reinterpret_cast<const uint8_t*>(k + (i < n ? j + i : n_key - 1) * stride);
    }
    float sum[kRowTile];
    DotProducts<F16, kRowTile>(keys, q, head_dim, sum);
    for (int64_t i = 0; i < n; ++i) scores[j + i] = scale * sum[i];
  }
}

void AttentionScores(const float* q, int64_t n_query, int64_t q_stride, const uint16_t* k,
                     int64_t k_stride, int64_t n_key, int64_t head_dim, float scale, float* scores,
                     int64_t score_stride) {
  for (int64_t j = 0; j < n_key; j += kKeysAtOnce) {
    const int64_t n = n_key - j < kKeysAtOnce ? n_key - j : kKeysAtOnce;
    const uint16_t* keys = k + j * k_stride;
    PrefetchStream(keys, static_cast<size_t>(n * k_stride) * sizeof *k);
    for (int64_t h = 0; h < n_query; ++h) {
      ScoresOfOne(q + h * q_stride, keys, k_stride, n, head_dim, scale,
                  scores + h * score_stride + j);
    }
  }
}

// x <= 0 or NaN in each lane.
HEARTH_INLINE __m256 Exp(__m256 x) {
  const __m256 keep = _mm256_cmp_ps(x, _mm256_set1_ps(kExpMin), _CMP_NLT_UQ);  // NaN too
  const __m256 n = _mm256_round_ps(_mm256_mul_ps(x, _mm256_set1_ps(kLog2E)),
                                   _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  __m256 r = _mm256_fmadd_ps(n, _mm256_set1_ps(-kLn2Hi), x);
  r = _mm256_fmadd_ps(n, _mm256_set1_ps(-kLn2Lo), r);
  __m256 p = _mm256_set1_ps(kExpC6);
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(kExpC5));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(kExpC4));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(kExpC3));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(kExpC2));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f));
  const __m256i power =
      _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23);
  return _mm256_and_ps(keep, _mm256_mul_ps(p, _mm256_castsi256_ps(power)));
}

// The largest of n that is not NaN, else -infinity. A maximum may be taken in any order.
HEARTH_INLINE float Max(const float* x, int64_t n) {
  const __m256 lowest = _mm256_castsi256_ps(_mm256_set1_epi32(static_cast<int32_t>(0xff800000)));
  __m256 max = lowest;
  for (int64_t i = 0; i < n; i += kLanes) {
    const __m256 v =
        _mm256_blendv_ps(lowest, LoadFirst(x + i, n - i), _mm256_castsi256_ps(FirstLanes(n - i)));
    // vmaxps gives its second operand where either is NaN.
    max = _mm256_max_ps(v, max);
  }
  __m128 m = _mm_max_ps(_mm256_castps256_ps128(max), _mm256_extractf128_ps(max, 1));
  m = _mm_max_ps(m, _mm_movehl_ps(m, m));
  return _mm_cvtss_f32(_mm_max_ss(m, _mm_shuffle_ps(m, m, 1)));
}

float Softmax(float* s, int64_t n) {
  const __m256 max = _mm256_set1_ps(Max(s, n));
  Sum16 sum = {_mm256_setzero_ps(), _mm256_setzero_ps()};
  for (int64_t j = 0; j < n; j += kLanes) {
    const __m256 p = Exp(_mm256_sub_ps(LoadFirst(s + j, n - j), max));
    StoreFirst(s + j, n - j, p);
    __m256* part = j % (2 * kLanes) == 0 ? &sum.low : &sum.high;
    *part = _mm256_add_ps(*part, _mm256_and_ps(p, _mm256_castsi256_ps(FirstLanes(n - j))));
  }
  return Reduce16(sum);
}

// Adds the weighted values to sum, 8*kRegisters elements; of a lone register only the first n
// exist.
template <int kRegisters>
HEARTH_INLINE void WeightedSum(const float* p, const uint16_t* v, int64_t stride, int64_t n_key,
                               int64_t n, float* sum) {
  __m256 acc[kRegisters];
  for (int r = 0; r < kRegisters; ++r) acc[r] = LoadFirst(sum + r * kLanes, n);
  for (int64_t j = 0; j < n_key; ++j) {
    const __m256 weight = _mm256_set1_ps(p[j]);
    const uint8_t* value = reinterpret_cast<const uint8_t*>(v + j * stride);
    for (int r = 0; r < kRegisters; ++r)
      acc[r] = _mm256_fmadd_ps(weight, F16::Load(value, r * kLanes, n), acc[r]);
  }
  for (int r = 0; r < kRegisters; ++r) StoreFirst(sum + r * kLanes, n, acc[r]);
}

void ValuesOfOne(const float* p, const uint16_t* v, int64_t stride, int64_t n_key, int64_t head_dim,
                 float* sum) {
  constexpr int kRegisters = 8;  // enough chains to hide an fma's latency
  int64_t i = 0;
  for (; i + kRegisters * kLanes <= head_dim; i += kRegisters * kLanes) {
    WeightedSum<kRegisters>(p, v + i, stride, n_key, kLanes, sum + i);
  }
  for (; i < head_dim; i += kLanes) WeightedSum<1>(p, v + i, stride, n_key, head_dim - i, sum + i);
}

void AttentionValues(const float* p, int64_t n_query, int64_t p_stride, const uint16_t* v,
                     int64_t v_stride, int64_t n_key, int64_t head_dim, float* sum,
                     int64_t sum_stride) {
  for (int64_t j = 0; j < n_key; j += kKeysAtOnce) {
    const int64_t n = n_key - j < kKeysAtOnce ? n_key - j : kKeysAtOnce;
    const uint16_t* values = v + j * v_stride;
    PrefetchStream(values, static_cast<size_t>(n * v_stride) * sizeof *v);
    for (int64_t h = 0; h < n_query; ++h)
      ValuesOfOne(p + h * p_stride + j, values, v_stride, n, head_dim, sum + h * sum_stride);
  }
}

// -------------------------------------------------------------------------------------------------
// Logits

bool AllFinite(const float* x, int64_t n) {
  const __m256i exponent = _mm256_set1_epi32(0x7f800000);
  for (int64_t i = 0; i < n; i += kLanes) {
    const __m256i bits = _mm256_and_si256(_mm256_castps_si256(LoadFirst(x + i, n - i)), exponent);
    if (_mm256_movemask_epi8(_mm256_cmpeq_epi32(bits, exponent)) != 0) return false;
  }
  return true;
}

int64_t Argmax(const float* x, int64_t n) {
  const __m256 max = _mm256_set1_ps(Max(x, n));
  for (int64_t i = 0; i < n; i += kLanes) {
    const __m256 equal = _mm256_cmp_ps(LoadFirst(x + i, n - i), max, _CMP_EQ_OQ);
    const int hit =
        _mm256_movemask_ps(_mm256_and_ps(equal, _mm256_castsi256_ps(FirstLanes(n - i))));
    if (hit == 0) continue;
    int64_t lane = 0;
    while ((hit >> lane & 1) == 0) ++lane;
    return i + lane;
  }
  return 0;  // all are NaN
}

constexpr Kernels TableOf(const char* name) {
  return {
      .name = name,
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
}

}  // namespace
}  // namespace hearth

#endif  // HEARTH_KERNELS_AVX2_KERNELS_H_
