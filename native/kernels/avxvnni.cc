// Kernels for AVX2 with AVX-VNNI (Alder Lake, Zen 5 and later): vpdpbusd adds four columns'
// products with four activations to one integer a row.
#include "kernels/avx2-inl.h"

namespace hearth {
namespace {

struct AvxVnni : Avx2 {
  static constexpr int kTokenTile = 4;

  // dot[t][r] = start[t] + the products of 32 columns of unsigned bytes.
  template <int kRegisters, int kCount>
  static HEARTH_INLINE void DotNibbles(const I (*w)[8], const BlockActivations& x,
                                       const int32_t* start, I (*dot)[kRegisters]) {
    for (int t = 0; t < kCount; ++t) {
      for (int r = 0; r < kRegisters; ++r) dot[t][r] = _mm256_set1_epi32(start[t]);
    }
    HEARTH_UNROLL
    for (int j = 0; j < 8; ++j) {
      for (int t = 0; t < kCount; ++t) {
        const I q = Broadcast4(x.Q(t) + 4 * j);
        for (int r = 0; r < kRegisters; ++r)
          dot[t][r] = _mm256_dpbusd_avx_epi32(dot[t][r], w[r][j], q);
      }
    }
  }

  // 31 fits as well as 15.
  template <int kRegisters, int kCount>
  static HEARTH_INLINE void DotFiveBits(const I (*w)[8], const BlockActivations& x,
                                        const int32_t* start, I (*dot)[kRegisters]) {
    DotNibbles<kRegisters, kCount>(w, x, start, dot);
  }

  // Weight + 128 is unsigned, and 16 times the offset takes the 128 out again.
  static HEARTH_INLINE I SignedWeights(I w) {
    return _mm256_xor_si256(w, _mm256_set1_epi8(static_cast<char>(0x80)));
  }
  template <int kRegisters, int kCount>
  static HEARTH_INLINE void DotSigned(const I (*w)[8], const BlockActivations& x,
                                      I (*dot)[kRegisters]) {
    int32_t start[kCount];
    for (int t = 0; t < kCount; ++t) start[t] = 16 * x.Offset(t);
    DotNibbles<kRegisters, kCount>(w, x, start, dot);
  }
};

}  // namespace

extern constinit const Kernels kAvxVnniKernels = TableOf<AvxVnni>("avxvnni");

}  // namespace hearth
