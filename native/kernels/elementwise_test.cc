// Functions of vectors, and attention: every table gives the bits of ref (docs/adr/0001), whatever
// the length and the values.
#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "base/testing.h"
#include "kernels/dispatch.h"
#include "kernels/inputs_testing.h"

namespace hearth {
namespace {

using namespace testing;  // NOLINT: inputs_testing.h

// Runs body(table, n, flavour) for every table, 0..67 and two longer lengths, and every flavour of
// values.
void ForSizes(const std::function<void(const Kernels&, int64_t, int)>& body) {
  for (const Kernels* table : Tables()) {
    for (int flavour = 0; flavour < kFlavours; ++flavour) {
      for (int64_t n = 0; n <= 67; ++n) body(*table, n, flavour);
      body(*table, 1000, flavour);
      body(*table, 1536, flavour);
    }
  }
}

TEST(Isa, VectorFunctions) {
  Random random{6};
  ForSizes([&](const Kernels& table, int64_t n, int flavour) {
    const Exact<float> a = RandomFloats(n, flavour, random);
    const Exact<float> b = RandomFloats(n, flavour, random);
    const std::string name = std::string(table.name) + " n " + std::to_string(n) + " ";
    Exact<float> got(n), want(n);
    table.relu_mul(a.data(), b.data(), n, got.data());
    Ref().relu_mul(a.data(), b.data(), n, want.data());
    ExpectSame(got.data(), want.data(), n, name + "relu_mul");

    table.silu_mul(a.data(), b.data(), n, got.data());
    Ref().silu_mul(a.data(), b.data(), n, want.data());
    ExpectSame(got.data(), want.data(), n, name + "silu_mul");

    if (n > 0) {
      table.rms_norm(a.data(), b.data(), n, 1e-6f, got.data());
      Ref().rms_norm(a.data(), b.data(), n, 1e-6f, want.data());
      ExpectSame(got.data(), want.data(), n, name + "rms_norm");
    }

    got = Copy(b.data(), n);
    want = Copy(b.data(), n);
    table.add(a.data(), n, got.data());
    Ref().add(a.data(), n, want.data());
    ExpectSame(got.data(), want.data(), n, name + "add");

    const float factor = flavour == 4 ? random.AnyBits() : 1.7f * random.Uniform();
    table.axpy(factor, a.data(), n, got.data());
    Ref().axpy(factor, a.data(), n, want.data());
    ExpectSame(got.data(), want.data(), n, name + "axpy");

    got = Copy(a.data(), n);
    want = Copy(a.data(), n);
    const float sum = table.softmax(got.data(), n);
    const float sum_want = Ref().softmax(want.data(), n);
    ExpectSame(got.data(), want.data(), n, name + "softmax");
    ExpectSame(&sum, &sum_want, 1, name + "softmax sum");

    Exact<uint16_t> half(n), half_want(n);
    table.to_f16(a.data(), n, half.data());
    Ref().to_f16(a.data(), n, half_want.data());
    ExpectSame(half.data(), half_want.data(), n, name + "to_f16");

    EXPECT_EQ(table.all_finite(a.data(), n), Ref().all_finite(a.data(), n));
    if (n > 0) EXPECT_EQ(table.argmax(a.data(), n), Ref().argmax(a.data(), n));
  });
}

TEST(Isa, Rope) {
  Random random{7};
  ForSizes([&](const Kernels& table, int64_t n, int flavour) {
    const Exact<float> v = RandomFloats(2 * n, flavour, random);
    const Exact<float> cos = RandomFloats(n, flavour, random);
    const Exact<float> sin = RandomFloats(n, flavour, random);
    Exact<float> got = Copy(v.data(), 2 * n);
    Exact<float> want = Copy(v.data(), 2 * n);
    table.rope(got.data(), cos.data(), sin.data(), 2 * n);
    Ref().rope(want.data(), cos.data(), sin.data(), 2 * n);
    ExpectSame(got.data(), want.data(), 2 * n,
               std::string(table.name) + " rope " + std::to_string(2 * n));
  });
}

// Outputs of the vector functions end where they should.
TEST(Isa, VectorFunctionsWriteTheirElementsOnly) {
  for (const Kernels* table : Tables()) {
    for (int64_t n = 0; n <= 67; ++n) {
      const std::vector<float> x(static_cast<size_t>(n) + 1, 0.5f);
      const std::vector<uint16_t> halves(static_cast<size_t>(n) + 1, 0x3800);
      const size_t end = static_cast<size_t>(n);
      std::vector<float> y(end + 32, kGuard);
      table->relu_mul(x.data(), x.data(), n, y.data());
      table->silu_mul(x.data(), x.data(), n, y.data());
      if (n > 0) table->rms_norm(x.data(), x.data(), n, 1e-6f, y.data());
      table->add(x.data(), n, y.data());
      table->axpy(2.0f, x.data(), n, y.data());
      table->from_f16(halves.data(), n, y.data());
      table->softmax(y.data(), n);
      table->rope(y.data(), x.data(), x.data(), n / 2 * 2);
      table->attention_values(x.data(), 1, 0, halves.data(), n, 1, n, y.data(), 0);
      for (size_t i = end; i < y.size(); ++i) EXPECT_EQ(y[i], kGuard);
      table->attention_scores(x.data(), 1, 0, halves.data(), 0, n, 1, 1.0f, y.data(), 0);
      for (size_t i = end; i < y.size(); ++i) EXPECT_EQ(y[i], kGuard);
      std::vector<uint16_t> z(end + 32, 0x1234);
      table->to_f16(x.data(), n, z.data());
      for (size_t i = end; i < z.size(); ++i) EXPECT_EQ(z[i], 0x1234);
    }
  }
}

// All halves, and floats at, just below and just above every boundary between two halves.
TEST(Isa, HalfConversions) {
  std::vector<uint16_t> halves(65536);
  for (size_t i = 0; i < halves.size(); ++i) halves[i] = static_cast<uint16_t>(i);
  std::vector<float> want(halves.size());
  Ref().from_f16(halves.data(), 65536, want.data());
  std::vector<float> edges;
  for (uint32_t h = 0; h < 0x7c00; ++h) {
    const float next = h == 0x7bff ? 65536.0f : want[h + 1];
    const float middle = 0.5f * (want[h] + next);
    for (const float x :
         {want[h], std::nextafter(middle, 0.0f), middle, std::nextafter(middle, kInf)}) {
      edges.push_back(x);
      edges.push_back(-x);
    }
  }
  Random random{8};
  for (int i = 0; i < 200000; ++i) edges.push_back(random.AnyBits());
  const int64_t n_edge = static_cast<int64_t>(edges.size());
  std::vector<uint16_t> edges_want(edges.size());
  Ref().to_f16(edges.data(), n_edge, edges_want.data());
  for (const Kernels* table : Tables()) {
    std::vector<float> got(halves.size());
    table->from_f16(halves.data(), 65536, got.data());
    ExpectSame(got.data(), want.data(), 65536, std::string(table->name) + " from_f16");
    std::vector<uint16_t> edges_got(edges.size());
    table->to_f16(edges.data(), n_edge, edges_got.data());
    ExpectSame(edges_got.data(), edges_want.data(), n_edge, std::string(table->name) + " to_f16");
  }
}

TEST(Isa, Exp) {
  // s[0] = 0 is the maximum, so that every other element is Exp of itself.
  std::vector<float> s = {
      0.0f, -0.0f, -87.0f, std::nextafter(-87.0f, 0.0f), std::nextafter(-87.0f, -kInf), -1e-45f};
  Random random{9};
  for (int i = 0; i < 100000; ++i) s.push_back(-50.0f + 50.0f * random.Uniform());
  for (int i = 0; i < 253; ++i) s.push_back(-0.5f * static_cast<float>(i) * 0.6931472f);
  std::vector<float> want = s;
  const int64_t n = static_cast<int64_t>(s.size());
  const float sum_want = Ref().softmax(want.data(), n);
  for (const Kernels* table : Tables()) {
    std::vector<float> got = s;
    const float sum = table->softmax(got.data(), n);
    ExpectSame(got.data(), want.data(), n, std::string(table->name) + " exp");
    ExpectSame(&sum, &sum_want, 1, std::string(table->name) + " sum of exp");
  }
}

TEST(Isa, Attention) {
  Random random{10};
  for (const int64_t head_dim :
       {1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 80, 100, 127, 128, 129, 150, 256}) {
    for (const int64_t n_key : {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 33}) {
      for (int flavour = 0; flavour < kFlavours; ++flavour) {
        const int64_t stride = head_dim + random.Below(3);
        const int64_t n_half = n_key == 0 ? 0 : (n_key - 1) * stride + head_dim;
        const Exact<float> values = RandomFloats(n_half, flavour, random);
        Exact<uint16_t> halves(n_half);
        Ref().to_f16(values.data(), n_half, halves.data());
        // Every number of heads comes up, with all the numbers of keys.
        const int64_t n_query = 1 + random.Below(14);
        const int64_t q_stride = head_dim + 1, p_stride = n_key + 2, sum_stride = head_dim + 3;
        const Exact<float> q = RandomFloats((n_query - 1) * q_stride + head_dim, flavour, random);
        const Exact<float> p = RandomFloats((n_query - 1) * p_stride + n_key, flavour, random);
        const Exact<float> start = RandomFloats((n_query - 1) * sum_stride + head_dim, 0, random);
        Exact<float> scores_want(p.size()), out_want(start.size());
        const auto scores_of = [&](const Kernels& table, Exact<float>& scores) {
          std::fill(scores.data(), scores.data() + scores.size(), kGuard);
          table.attention_scores(q.data(), n_query, q_stride, halves.data(), stride, n_key,
                                 head_dim, 0.3f, scores.data(), p_stride);
        };
        const auto values_of = [&](const Kernels& table, int64_t n_first, Exact<float>& out) {
          std::copy(start.data(), start.data() + start.size(), out.data());
          // In two runs, as where a ring wraps.
          table.attention_values(p.data(), n_query, p_stride, halves.data(), stride, n_first,
                                 head_dim, out.data(), sum_stride);
          if (n_first == n_key) return;
          table.attention_values(p.data() + n_first, n_query, p_stride,
                                 halves.data() + n_first * stride, stride, n_key - n_first,
                                 head_dim, out.data(), sum_stride);
        };
        scores_of(Ref(), scores_want);
        values_of(Ref(), n_key, out_want);
        for (const Kernels* table : Tables()) {
          const std::string name = std::string(table->name) + " head " + std::to_string(head_dim) +
                                   " keys " + std::to_string(n_key) + " heads " +
                                   std::to_string(n_query);
          Exact<float> scores(p.size()), out(start.size());
          scores_of(*table, scores);
          ExpectSame(scores.data(), scores_want.data(), scores.size(), name + " scores");
          values_of(*table, n_key == 0 ? 0 : random.Below(static_cast<int>(n_key) + 1), out);
          ExpectSame(out.data(), out_want.data(), out.size(), name + " values");
        }
      }
    }
  }
}

TEST(Isa, AllFiniteSeesEveryElement) {
  for (const Kernels* table : Tables()) {
    for (int64_t n = 1; n <= 67; ++n) {
      Exact<float> x(n);
      for (int64_t i = 0; i < n; ++i)
        x[i] = i % 2 == 0 ? std::numeric_limits<float>::max() : -1e-45f;
      EXPECT_TRUE(table->all_finite(x.data(), n));
      for (int64_t i = 0; i < n; ++i) {
        const float kept = x[i];
        for (const float bad : {kInf, -kInf, kNan, -kNan}) {
          x[i] = bad;
          EXPECT_FALSE(table->all_finite(x.data(), n));
        }
        x[i] = kept;
      }
    }
  }
}

TEST(Isa, ArgmaxFindsTheFirstLargest) {
  for (const Kernels* table : Tables()) {
    for (int64_t n = 1; n <= 67; ++n) {
      for (int64_t at = 0; at < n; ++at) {
        Exact<float> x(n);
        for (int64_t i = 0; i < n; ++i) x[i] = i % 3 == 0 ? kNan : i % 3 == 1 ? -kInf : -5.0f;
        for (int64_t i = at; i < n; i += 7) x[i] = -4.0f;
        EXPECT_EQ(table->argmax(x.data(), n), at);
      }
      Exact<float> x(n);
      for (int64_t i = 0; i < n; ++i) x[i] = kNan;
      EXPECT_EQ(table->argmax(x.data(), n), 0);
      x[n - 1] = -kInf;
      EXPECT_EQ(table->argmax(x.data(), n), n - 1);
      for (int64_t i = 0; i < n; ++i) x[i] = i == 0 ? -0.0f : 0.0f;
      EXPECT_EQ(table->argmax(x.data(), n), 0);
    }
  }
}

}  // namespace
}  // namespace hearth
