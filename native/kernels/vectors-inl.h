// What the kernels of an instruction set are made of. A file of one ISA defines a struct of
// primitives, V, and instantiates the bodies of the `-inl.h` files with it; what a body does, and
// in which order it adds, is the same for all (kernels.h). Everything here and there is in an
// unnamed namespace: each file that includes it compiles a copy of its own with its own flags, and
// no linker can give one ISA the code of another.
//
// V has (emulated_testing.h is the shortest, in plain C++):
//   kLanes                  floats of a register, at most 16
//   F, I, Mask, Bytes       kLanes floats; as many 32-bit integers; lanes of these; 16 bytes
//   kFloatTokens, FloatRows(n)      tile of a float product: at most so many vectors; rows for n
//   kValueHeads, ValueRegisters(n)  tile of attention's values: at most so many heads; registers
//                                   of a head for n of them
//   kFarBytes, kNearBytes   how far memory is read ahead of, 0 for never; PrefetchFar, PrefetchNear
//   FirstLanes(n)           a mask of the first n lanes, n >= 1
//   Load(p[, mask])         floats without alignment; LoadHalf, LoadBf16 of 16-bit floats. With a
//                           mask, other lanes are not read and are 0
//   Store(p, v[, mask]), StoreHalf(p, v[, mask])
//   Zero, Set, Sub, Mul, Div, FmaSub = a*b - c: in each lane
//   Add(a, b[, mask]), Fma(a, b, c[, mask]) = a*b + c, Max(a, b[, mask]) = a > b ? a : b, which is
//                           b where one is NaN. With a mask, other lanes are the last operand's
//   Relu(x)                 0 > x ? 0 : x: keeps -0 and NaN
//   HalfToFloat             one
//   Round                   to a whole number, ties to even; PowerOfTwo(n) = 2^n of whole n
//   ZeroBelow(x, limit, v)  0 in the lanes where x < limit, else v (NaN is not below)
//   Equal(a, b, mask)       the index of the first lane of mask where they are equal, or -1
//   Reduce(F*)              Reduce16 of kernels.h; Reduce4(a, b, c, d, p) of four, to p
//   MaxLane                 the largest lane of floats without NaN
//   Magnitude(F)            the bits of |x| as an integer; MaxInt, MaxIntLane
//   RoundToInt, SumLanes, KeepInt(bool, I), StoreBytes(p, I*)   for quantising: 32 of them to bytes
//   LoadBytes, LowNibbles, HighNibbles, SubBytes, SixBits<quarter>(ql, qh), ToFloats(Bytes, F*)
//                           16 weights of a block, for dequantising
// and what products-inl.h says, unless it multiplies quantised rows in its own way.
#ifndef HEARTH_KERNELS_VECTORS_INL_H_
#define HEARTH_KERNELS_VECTORS_INL_H_

#include <stddef.h>
#include <stdint.h>

#include "kernels/inline.h"

namespace hearth {
namespace {

constexpr int kSums = 16;  // partial sums of a float product, rows of a group

// Sixteen floats in as many registers as they take.
template <class V>
struct Wide {
  static constexpr int kRegisters = kSums / V::kLanes;
  typename V::F r[kRegisters];
};

template <class V>
HEARTH_INLINE void Clear(Wide<V>* sums, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    for (int r = 0; r < Wide<V>::kRegisters; ++r) sums[i].r[r] = V::Zero();
  }
}

// Calls body(i) for i = 0, kLanes, ... and, where fewer elements are left, body(i, mask): so that a
// body takes `auto... mask` and hands it to what it calls.
template <class V, class Body>
HEARTH_INLINE void ForLanes(int64_t n, const Body& body) {
  int64_t i = 0;
  for (; i + V::kLanes <= n; i += V::kLanes) body(i);
  if (i < n) body(i, V::FirstLanes(n - i));
}

// The same for what is added up in 16 partial sums: calls body(i, r[, mask]), where elements i..
// belong to register r of the sums.
template <class V, class Body>
HEARTH_INLINE void ForSums(int64_t n, const Body& body) {
  int64_t i = 0;
  for (; i + kSums <= n; i += kSums) {
    for (int r = 0; r < Wide<V>::kRegisters; ++r) body(i + r * V::kLanes, r);
  }
  for (int r = 0; i < n; ++r, i += V::kLanes) body(i, r, V::FirstLanes(n - i));
}

// Calls body(Count<n>()) for n in 1..kMost.
template <int kCount>
struct Count {
  static constexpr int kValue = kCount;
};
template <int kMost, class Body>
HEARTH_INLINE void ForCount(int64_t n, const Body& body) {
  if constexpr (kMost > 1) {
    if (n < kMost) return ForCount<kMost - 1>(n, body);
  }
  body(Count<kMost>());
}

// Calls body(first, Count<n>()) for tiles of at most kMost that cover 0..n, as equal as can be.
template <int kMost, class Body>
HEARTH_INLINE void ForTiles(int64_t n, const Body& body) {
  const int64_t n_tile = (n + kMost - 1) / kMost;
  for (int64_t i = 0; i < n_tile; ++i) {
    const int64_t first = n * i / n_tile;
    ForCount<kMost>(n * (i + 1) / n_tile - first, [&](auto count) { body(first, count); });
  }
}

constexpr size_t kCacheLineBytes = 64;

// Asks for what follows after [p, p + bytes), which is read now, in order. Past the end of memory
// it does nothing. The processor's own prefetcher ends at each page of 4 KiB, and what it is asked
// for by instructions waits in the first cache's few buffers: so memory is asked far ahead for the
// second cache, and that shortly before use for the first (docs/adr/0008).
template <class V>
HEARTH_INLINE void PrefetchStream(const void* p, size_t bytes) {
  if constexpr (V::kFarBytes > 0) {
    const char* at = static_cast<const char*>(p);
    for (size_t i = 0; i < bytes; i += kCacheLineBytes) {
      V::PrefetchFar(at + i + V::kFarBytes);
      V::PrefetchNear(at + i + V::kNearBytes);
    }
  }
}

// Asks for [p, p + bytes) itself.
template <class V>
HEARTH_INLINE void PrefetchRange(const void* p, size_t bytes) {
  if constexpr (V::kFarBytes > 0) {
    const char* at = static_cast<const char*>(p);
    for (size_t i = 0; i < bytes; i += kCacheLineBytes) V::PrefetchNear(at + i);
  }
}

HEARTH_INLINE const uint8_t* AsBytes(const void* p) { return static_cast<const uint8_t*>(p); }

}  // namespace
}  // namespace hearth

#endif  // HEARTH_KERNELS_VECTORS_INL_H_
