// The primitives of a vector instruction set in plain C++.
// Nothing here must be one function, and compilers take minutes to make it one.
#define HEARTH_INLINE inline

#include "kernels/emulated_testing.h"

#include <cmath>
#include <cstdlib>
#include <cstring>

#include "kernels/dispatch.h"
#include "kernels/table-inl.h"

namespace hearth {
namespace {

template <class T, int kCount>
struct Array {
  T v[kCount];
};

// kTileTokens: the tokens of a tile of quantised products, kMostVectors: the vectors of one of
// float products, and the heads of one of attention's values.
template <int kLaneCount, int kTileTokens, int kMostVectors>
struct Emulated {
  static constexpr int kLanes = kLaneCount;
  using F = Array<float, kLanes>;
  using I = Array<uint32_t, kLanes>;
  using Bytes = Array<uint8_t, 16>;
  using Mask = int64_t;  // so many lanes
  using Scale16 = I;

  static constexpr int kTokens = 16;
  static constexpr int kTokenTile = kTileTokens;
  static constexpr int kFloatTokens = kMostVectors;
  static constexpr int FloatRows(int n) { return n == 1 ? 4 : n == 2 ? 2 : n == 3 ? 1 : 4; }
  static constexpr int kValueHeads = kMostVectors;
  static constexpr int ValueRegisters(int heads) { return heads == 1 ? 3 : 2; }
  static constexpr size_t kFarBytes = 16384;
  static constexpr size_t kNearBytes = 2048;
  static void PrefetchFar(const char*) {}
  static void PrefetchNear(const char*) {}

  template <class Op>
  static F Each(const Op& op) {
    F out;
    for (int i = 0; i < kLanes; ++i) out.v[i] = op(i);
    return out;
  }
  template <class Op>
  static I EachInt(const Op& op) {
    I out;
    for (int i = 0; i < kLanes; ++i) out.v[i] = static_cast<uint32_t>(op(i));
    return out;
  }
  template <class Op>
  static Bytes EachByte(const Op& op) {
    Bytes out;
    for (int i = 0; i < 16; ++i) out.v[i] = static_cast<uint8_t>(op(i));
    return out;
  }
  template <class Op>
  static I EachByte4(const Op& op) {
    return EachInt([&](int i) {
      uint32_t lane = 0;
      for (int byte = 0; byte < 4; ++byte) lane |= (op(i, byte) & 0xffu) << 8 * byte;
      return lane;
    });
  }
  static uint32_t ByteOf(uint32_t lane, int byte) { return lane >> 8 * byte & 0xff; }
  static uint32_t Bits(float x) {
    uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    return bits;
  }

  static Mask FirstLanes(int64_t n) { return n < kLanes ? n : kLanes; }
  template <class T>
  static Array<T, kLanes> LoadAs(const void* p, Mask n) {
    Array<T, kLanes> out = {};
    std::memcpy(&out, p, static_cast<size_t>(n) * sizeof(T));
    return out;
  }
  static F Load(const void* p, Mask n = kLanes) { return LoadAs<float>(p, n); }
  static float HalfToFloat(uint16_t half) {
    float x;
    KernelsFor(Isa::kRef).from_f16(&half, 1, &x);
    return x;
  }
  static F LoadHalf(const void* p, Mask n = kLanes) {
    const auto half = LoadAs<uint16_t>(p, n);
    return Each([&](int i) { return HalfToFloat(half.v[i]); });
  }
  static F LoadBf16(const void* p, Mask n = kLanes) {
    const auto half = LoadAs<uint16_t>(p, n);
    return Each([&](int i) {
      const uint32_t bits = static_cast<uint32_t>(half.v[i]) << 16;
      float x;
      std::memcpy(&x, &bits, sizeof x);
      return x;
    });
  }
  static void Store(float* p, const F& v, Mask n = kLanes) {
    std::memcpy(p, v.v, static_cast<size_t>(n) * sizeof v.v[0]);
  }
  static void StoreHalf(uint16_t* p, const F& v, Mask n = kLanes) {
    KernelsFor(Isa::kRef).to_f16(v.v, n, p);
  }

  static F Set(float x) {
    return Each([=](int) { return x; });
  }
  static F Zero() { return Set(0.0f); }
  static F Sub(const F& a, const F& b) {
    return Each([&](int i) { return a.v[i] - b.v[i]; });
  }
  static F Mul(const F& a, const F& b) {
    return Each([&](int i) { return a.v[i] * b.v[i]; });
  }
  static F Div(const F& a, const F& b) {
    return Each([&](int i) { return a.v[i] / b.v[i]; });
  }
  static F FmaSub(const F& a, const F& b, const F& c) {
    return Each([&](int i) { return std::fma(a.v[i], b.v[i], -c.v[i]); });
  }
  static F Add(const F& a, const F& b, Mask n = kLanes) {
    return Each([&](int i) { return i < n ? a.v[i] + b.v[i] : b.v[i]; });
  }
  static F Fma(const F& a, const F& b, const F& c, Mask n = kLanes) {
    return Each([&](int i) { return i < n ? std::fma(a.v[i], b.v[i], c.v[i]) : c.v[i]; });
  }
  static F Max(const F& a, const F& b, Mask n = kLanes) {
    return Each([&](int i) { return i < n && a.v[i] > b.v[i] ? a.v[i] : b.v[i]; });
  }
  static F Relu(const F& x) {
    return Each([&](int i) { return 0.0f > x.v[i] ? 0.0f : x.v[i]; });
  }
  static F Round(const F& x) {
    return Each([&](int i) { return std::nearbyint(x.v[i]); });
  }
  static F PowerOfTwo(const F& n) {
    return Each([&](int i) {
      return std::abs(n.v[i]) < 127.0f ? std::ldexp(1.0f, static_cast<int>(n.v[i])) : 1.0f;
    });
  }
  static F ZeroBelow(const F& x, const F& limit, const F& v) {
    return Each([&](int i) { return x.v[i] < limit.v[i] ? 0.0f : v.v[i]; });
  }
  static int Equal(const F& a, const F& b, Mask n) {
    for (int i = 0; i < n; ++i) {
      if (a.v[i] == b.v[i]) return i;
    }
    return -1;
  }
  static float Reduce(const F* wide) {
    float s[kSums];
    std::memcpy(s, wide, sizeof s);
    for (int i = 0; i < 8; ++i) s[i] += s[i + 8];
    for (int i = 0; i < 4; ++i) s[i] += s[i + 4];
    return (s[0] + s[2]) + (s[1] + s[3]);
  }
  static void Reduce4(const F* a, const F* b, const F* c, const F* d, float* p) {
    const float sums[4] = {Reduce(a), Reduce(b), Reduce(c), Reduce(d)};
    std::memcpy(p, sums, sizeof sums);
  }
  static float MaxLane(const F& v) {
    float max = v.v[0];
    for (const float x : v.v) max = x > max ? x : max;
    return max;
  }

  static F ToFloat(const I& v) {
    return Each([&](int i) { return static_cast<float>(static_cast<int32_t>(v.v[i])); });
  }
  static I Magnitude(const F& x) {
    return EachInt([&](int i) { return Bits(x.v[i]) & 0x7fffffff; });
  }
  static I MaxInt(const I& a, const I& b) {
    return EachInt([&](int i) { return a.v[i] > b.v[i] ? a.v[i] : b.v[i]; });  // of magnitudes
  }
  static I AddInt(const I& a, const I& b) {
    return EachInt([&](int i) { return a.v[i] + b.v[i]; });
  }
  static int32_t MaxIntLane(const I& v) {
    uint32_t max = 0;
    for (const uint32_t lane : v.v) max = lane > max ? lane : max;
    return static_cast<int32_t>(max);
  }
  static int32_t SumLanes(const I& v) {
    uint32_t sum = 0;
    for (const uint32_t lane : v.v) sum += lane;
    return static_cast<int32_t>(sum);
  }
  static I RoundToInt(const F& x) {
    return EachInt([&](int i) {
      return std::abs(x.v[i]) < 128.0f ? static_cast<int32_t>(std::nearbyint(x.v[i])) : INT32_MIN;
    });
  }
  static I KeepInt(bool keep, const I& v) {
    return EachInt([&](int i) { return keep ? v.v[i] : 0; });
  }
  static void StoreBytes(int8_t* p, const I* v) {
    for (int i = 0; i < kQ8Block; ++i) p[i] = static_cast<int8_t>(v[i / kLanes].v[i % kLanes]);
  }

  static Bytes LoadBytes(const void* p) {
    Bytes out;
    std::memcpy(&out, p, sizeof out);
    return out;
  }
  static Bytes LowNibbles(const Bytes& b) {
    return EachByte([&](int i) { return b.v[i] & 0xf; });
  }
  static Bytes HighNibbles(const Bytes& b) {
    return EachByte([&](int i) { return b.v[i] >> 4; });
  }
  static Bytes SubBytes(const Bytes& b, int c) {
    return EachByte([&](int i) { return b.v[i] - c; });
  }
  template <int kQuarter>
  static uint32_t SixBitsOf(uint32_t ql, uint32_t qh) {
    return (kQuarter >= 2 ? ql >> 4 : ql & 0xf) | (qh >> 2 * kQuarter & 3) << 4;
  }
  template <int kQuarter>
  static Bytes SixBits(const Bytes& ql, const Bytes& qh) {
    return EachByte([&](int i) { return SixBitsOf<kQuarter>(ql.v[i], qh.v[i]); });
  }
  static void ToFloats(const Bytes& q, F* v) {
    for (int i = 0; i < 16; ++i) v[i / kLanes].v[i % kLanes] = static_cast<int8_t>(q.v[i]);
  }

  static I LoadInts(const void* p) { return LoadAs<uint32_t>(p, kLanes); }
  static void StoreInts(void* p, const I& v) { std::memcpy(p, v.v, sizeof v.v); }
  static I LowNibbles(const I& v) {
    return EachInt([&](int i) { return v.v[i] & 0x0f0f0f0f; });
  }
  static I HighNibbles(const I& v) {
    return EachInt([&](int i) { return v.v[i] >> 4 & 0x0f0f0f0f; });
  }
  template <int kQuarter>
  static I SixBits(const I& ql, const I& qh) {
    return EachByte4([&](int i, int byte) {
      return SixBitsOf<kQuarter>(ByteOf(ql.v[i], byte), ByteOf(qh.v[i], byte));
    });
  }
  template <int kColumn>
  static I AddFifthBits(const I& w, const I& bits) {
    return EachByte4([&](int i, int byte) {
      return ByteOf(w.v[i], byte) | (bits.v[i] >> (4 * kColumn + byte) & 1) << 4;
    });
  }
  template <int kBit, int kTo>
  static I AddBit(const I& w, const I& bits) {
    return EachByte4([&](int i, int byte) {
      return ByteOf(w.v[i], byte) | (ByteOf(bits.v[i], byte) >> kBit & 1) << kTo;
    });
  }
  template <int kQuarter>
  static I BitPair(const I& v) {
    return EachInt([&](int i) { return v.v[i] >> 2 * kQuarter & 0x03030303; });
  }
  static I SubBytes(const I& v, uint32_t c) {
    return EachByte4([&](int i, int byte) { return ByteOf(v.v[i], byte) - c; });
  }
  static I JoinShorts(const I& low, const I& high) {
    return EachInt([&](int i) { return low.v[i] | high.v[i] << 16; });
  }
  static F LowHalf(const I& v) {
    return Each([&](int i) { return HalfToFloat(static_cast<uint16_t>(v.v[i])); });
  }
  static F HighHalf(const I& v) {
    return Each([&](int i) { return HalfToFloat(static_cast<uint16_t>(v.v[i] >> 16)); });
  }
  static void SixBitPairs(const I* column, I* scales, I* minima) {
    for (int half = 0; half < 2; ++half) {
      const auto part = [&](bool minimum) {
        return EachByte4([&](int i, int byte) {
          uint8_t bytes[12];
          for (int c = 0; c < 3; ++c) std::memcpy(bytes + 4 * c, &column[c].v[i], 4);
          const ScaleAndMinimum of_32 = ScaleAndMinimumOf(bytes, 4 * half + byte);
          return static_cast<uint32_t>(minimum ? of_32.minimum : of_32.scale);
        });
      };
      scales[half] = part(false);
      minima[half] = part(true);
    }
  }
  template <int kByte>
  static F ByteToFloat(const I& v) {
    return Each([&](int i) { return static_cast<float>(ByteOf(v.v[i], kByte)); });
  }
  static I LoadShorts(const void* p) {
    const auto shorts = LoadAs<uint16_t>(p, kLanes);
    return EachInt([&](int i) { return shorts.v[i]; });
  }
  template <class Group>
  static I GatherShorts(const Group& group, int row, size_t offset) {
    return EachInt([&](int i) { return Load16(group.Row(row + i) + offset); });
  }
  template <class Group>
  static void LoadColumns(const Group& group, int row, size_t offset, I* column) {
    for (int j = 0; j < 4; ++j) {
      column[j] = EachInt([&](int i) {
        uint32_t bytes;
        std::memcpy(&bytes, group.Row(row + i) + offset + 4 * static_cast<size_t>(j), 4);
        return bytes;
      });
    }
  }
  template <class Group>
  static F GatherHalves(const Group& group, int row, size_t offset) {
    return Each([&](int i) { return HalfToFloat(Load16(group.Row(row + i) + offset)); });
  }

  // The products of columns 4*first.. of count registers, unsigned bytes minus `zero`, in each
  // lane.
  static I Dot(const I* w, int first, int count, const int8_t* q, int32_t start, int32_t zero) {
    return EachInt([&](int i) {
      int32_t sum = start;
      for (int j = first; j < first + count; ++j) {
        for (int byte = 0; byte < 4; ++byte)
          sum += (static_cast<int32_t>(ByteOf(w[j].v[i], byte)) - zero) * q[4 * j + byte];
      }
      return sum;
    });
  }
  template <int kRegisters, int kCount>
  static void DotNibbles(const I (*w)[8], const BlockActivations& x, const int32_t* start,
                         I (*dot)[kRegisters]) {
    for (int t = 0; t < kCount; ++t) {
      for (int r = 0; r < kRegisters; ++r) dot[t][r] = Dot(w[r], 0, 8, x.Q(t), start[t], 0);
    }
  }
  template <int kRegisters, int kCount>
  static void DotFiveBits(const I (*w)[8], const BlockActivations& x, const int32_t* start,
                          I (*dot)[kRegisters]) {
    DotNibbles<kRegisters, kCount>(w, x, start, dot);
  }
  // As with vpdpbusd where there are 16 lanes.
  static I SignedWeights(const I& w) {
    return EachInt([&](int i) { return w.v[i] ^ 0x80808080; });
  }
  template <int kRegisters, int kCount>
  static void DotSigned(const I (*w)[8], const BlockActivations& x, I (*dot)[kRegisters]) {
    for (int t = 0; t < kCount; ++t) {
      for (int r = 0; r < kRegisters; ++r) {
        dot[t][r] = kLanes == 16 ? Dot(w[r], 0, 8, x.Q(t), 16 * x.Offset(t), 0)
                                 : Dot(w[r], 0, 8, x.Q(t), 0, 128);
      }
    }
  }
  template <int kTimes>
  static void SumsOf16(const int8_t* q, int32_t* sums) {
    for (int i = 0; i < 16; ++i) {
      sums[i] = 0;
      for (int j = 0; j < 16; ++j) sums[i] += kTimes * q[16 * i + j];
    }
  }
  template <int kByte>
  static Scale16 ScaleOfByte(const I& v) {
    return EachInt([&](int i) { return static_cast<int8_t>(ByteOf(v.v[i], kByte)); });
  }
  template <int kStep, bool kLess, int kRegisters, int kCount, class Sums>
  static void DotHalves(const I (*w)[8], const Scale16* first, const Scale16* second,
                        const BlockActivations& x, const Sums* sums, F (*dot)[kRegisters]) {
    for (int t = 0; t < kCount; ++t) {
      const int32_t* sum = sums[t].of + 2 * kStep;
      for (int r = 0; r < kRegisters; ++r) {
        const I low = Dot(w[r], 0, 4, x.Q(t), kLess ? -sum[0] : 0, 0);
        const I high = Dot(w[r], 4, 4, x.Q(t), kLess ? -sum[1] : 0, 0);
        dot[t][r] = ToFloat(
            EachInt([&](int i) { return low.v[i] * first[r].v[i] + high.v[i] * second[r].v[i]; }));
      }
    }
  }
  template <int kStep, int kRegisters, int kCount, class Sums>
  static void MinusSums(const Scale16* first, const Scale16* second, const Sums* sums,
                        F (*out)[kRegisters]) {
    for (int t = 0; t < kCount; ++t) {
      const auto low = static_cast<uint32_t>(-sums[t].of[2 * kStep]);
      const auto high = static_cast<uint32_t>(-sums[t].of[2 * kStep + 1]);
      for (int r = 0; r < kRegisters; ++r) {
        out[t][r] =
            ToFloat(EachInt([&](int i) { return low * first[r].v[i] + high * second[r].v[i]; }));
      }
    }
  }
};

}  // namespace

std::vector<const Kernels*> testing::EmulatedTables() {
  static constexpr Kernels k16 = TableOf<Emulated<16, 1, 6>>("emulated, 16 lanes");
  static constexpr Kernels k8 = TableOf<Emulated<8, 4, 1>>("emulated, 8 lanes");
  static constexpr Kernels k4 = TableOf<Emulated<4, 3, 4>>("emulated, 4 lanes");
  return {&k16, &k8, &k4};
}

}  // namespace hearth
