#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <random>
#include <set>
#include <vector>

#include "base/testing.h"
#include "kernels/dispatch.h"
#include "kernels/isas_testing.h"
#include "transformer/activations.h"
#include "transformer/attention.h"
#include "transformer/kv_cache.h"
#include "transformer/moe.h"
#include "transformer/router.h"

namespace hearth {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct Routed {
  std::vector<int32_t> ids;
  std::vector<float> gates;
};

Routed Route(const std::vector<float>& logits, int n_used, Gating gating) {
  Routed routed{std::vector<int32_t>(static_cast<size_t>(n_used)),
                std::vector<float>(static_cast<size_t>(n_used))};
  RouteToken(logits.data(), static_cast<int>(logits.size()), n_used, gating, routed.ids.data(),
             routed.gates.data());
  return routed;
}

TEST(RouteToken, SigmoidIsNormalisedOverTheChosen) {
  const Routed r = Route({0.0f, 2.0f, -1.0f, 1.0f}, 2, Gating::kSigmoid);
  EXPECT_TRUE((r.ids == std::vector<int32_t>{1, 3}));
  const double a = 1 / (1 + std::exp(-2.0));
  const double b = 1 / (1 + std::exp(-1.0));
  EXPECT_NEAR(static_cast<double>(r.gates[0]), a / (a + b), 1e-6);
  EXPECT_NEAR(static_cast<double>(r.gates[1]), b / (a + b), 1e-6);
}

TEST(RouteToken, SoftmaxIsOverTheChosen) {
  const Routed r = Route({0.0f, 2.0f, -1.0f, 1.0f}, 2, Gating::kSoftmax);
  EXPECT_TRUE((r.ids == std::vector<int32_t>{1, 3}));
  EXPECT_NEAR(static_cast<double>(r.gates[0]), 1 / (1 + std::exp(-1.0)), 1e-6);
  EXPECT_NEAR(static_cast<double>(r.gates[0] + r.gates[1]), 1.0, 1e-6);
}

TEST(RouteToken, RanksOnLogitsWhereProbabilitiesSaturate) {
  // In float the sigmoid of all of these is 1.
  const Routed r = Route({20.0f, 40.0f, 30.0f, 50.0f}, 3, Gating::kSigmoid);
  EXPECT_TRUE((r.ids == std::vector<int32_t>{3, 1, 2}));
}

TEST(RouteToken, VerySmallSigmoidsStillSumToOne) {
  const Routed r = Route({-200.0f, -201.0f, -500.0f}, 2, Gating::kSigmoid);
  EXPECT_NEAR(static_cast<double>(r.gates[0]), 1 / (1 + std::exp(-1.0)), 1e-6);
  EXPECT_NEAR(static_cast<double>(r.gates[0] + r.gates[1]), 1.0, 1e-6);
}

TEST(RouteToken, TiesGoToTheLowerId) {
  EXPECT_TRUE(
      (Route({1, 3, 3, 1, 3}, 4, Gating::kSoftmax).ids == std::vector<int32_t>{1, 2, 4, 0}));
  EXPECT_TRUE((Route({0, 0, 0}, 2, Gating::kSigmoid).ids == std::vector<int32_t>{0, 1}));
}

TEST(RouteToken, GivesDistinctIdsWhateverTheLogits) {
  const float kValues[] = {kNan, kInfinity, -kInfinity, 0.0f, 1.0f, 1.0f, -1e30f};
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    std::vector<float> logits(8);
    for (float& logit : logits) logit = kValues[random() % std::size(kValues)];
    const int n_used = 1 + static_cast<int>(random() % 8);
    const Routed r = Route(logits, n_used, Gating::kSigmoid);
    const std::set<int32_t> distinct(r.ids.begin(), r.ids.end());
    EXPECT_EQ(distinct.size(), static_cast<size_t>(n_used));
    EXPECT_TRUE(*distinct.begin() >= 0 && *distinct.rbegin() < 8);
  }
  EXPECT_TRUE((Route({kNan, -kInfinity, kNan, 1}, 3, Gating::kSoftmax).ids ==
               std::vector<int32_t>{3, 1, 0}));
}

ModelSpec OneLayer(bool rope, int64_t window) {
  ModelSpec spec;
  spec.n_layer = 1;
  spec.n_embd = 64;
  spec.n_head = 4;
  spec.n_head_kv = 2;
  spec.head_dim = 16;
  spec.block.attention = {{window, rope ? std::optional(RopeSpec{10000}) : std::nullopt}};
  return spec;
}

TEST(KvCache, RingsKeepTheWindowAndSomeSlack) {
  const ModelSpec spec = OneLayer(true, 8);
  Result<KvCache> created = KvCache::Create(spec, 100, {0, 4});
  ASSERT_TRUE(created.ok());
  KvCache& kv = created.value();
  EXPECT_EQ(kv.capacity(0), 12);
  kv.NoteWritten(12);
  for (int64_t n = 0; n <= 12; ++n) EXPECT_TRUE(kv.CanRewindTo(n));
  kv.NoteWritten(20);  // positions 0 to 7 are gone
  EXPECT_FALSE(kv.CanRewindTo(0));
  EXPECT_FALSE(kv.CanRewindTo(14));  // would need position 7
  EXPECT_TRUE(kv.CanRewindTo(15));
  EXPECT_TRUE(kv.CanRewindTo(20));
  kv.NoteWritten(16);  // after a rewind, written again: what is gone stays gone
  EXPECT_FALSE(kv.CanRewindTo(14));
  kv.Clear();
  EXPECT_TRUE(kv.CanRewindTo(0));
}

TEST(KvCache, FirstPositionsAreKeptAndARingFollows) {
  Result<KvCache> created = KvCache::Create(OneLayer(true, 8), 100, {20, 4});
  ASSERT_TRUE(created.ok());
  KvCache& kv = created.value();
  EXPECT_EQ(kv.capacity(0), 32);
  EXPECT_EQ(kv.SlotOf(0, 19), 19);
  EXPECT_EQ(kv.RunAt(0, 13), 7);
  EXPECT_EQ(kv.SlotOf(0, 20), 20);
  EXPECT_EQ(kv.SlotOf(0, 31), 31);
  EXPECT_EQ(kv.RunAt(0, 31), 1);
  EXPECT_EQ(kv.SlotOf(0, 32), 20);
  EXPECT_EQ(kv.RunAt(0, 33), 11);
  kv.NoteWritten(60);  // of the ring, positions 48 to 59 are left
  for (int64_t n = 0; n <= 20; ++n) EXPECT_TRUE(kv.CanRewindTo(n));
  for (int64_t n = 21; n <= 54; ++n) EXPECT_FALSE(kv.CanRewindTo(n));
  for (int64_t n = 55; n <= 60; ++n) EXPECT_TRUE(kv.CanRewindTo(n));
  // Written again from there on: the ring is another one.
  kv.NoteRewound(15);
  kv.NoteWritten(30);
  for (int64_t n = 0; n <= 30; ++n) EXPECT_TRUE(kv.CanRewindTo(n));
}

TEST(KvCache, GlobalLayersRewindAnywhere) {
  Result<KvCache> created = KvCache::Create(OneLayer(false, 0), 50, {0, 4});
  ASSERT_TRUE(created.ok());
  created.value().NoteWritten(50);
  for (int64_t n = 0; n <= 50; ++n) EXPECT_TRUE(created.value().CanRewindTo(n));
}

// All positions of a sequence through attention, cut into chunks of the given length.
std::vector<float> RunAttention(const ModelSpec& spec, Isa isa, int n_threads, int64_t n_chunk,
                                KvCache::Windows windows, const std::vector<float>& q,
                                const std::vector<float>& k, const std::vector<float>& v) {
  const Kernels& kernels = KernelsFor(isa);
  ThreadPool pool(n_threads);
  const auto n_token = static_cast<int64_t>(q.size()) / spec.n_q();
  Result<KvCache> kv = KvCache::Create(spec, n_token, windows);
  RopeTables ropes(spec);
  std::vector<float> scores(
      static_cast<size_t>(n_token * n_threads * spec.n_head / spec.n_head_kv));
  std::vector<float> out(q.size());
  std::vector<float> queries = q;
  std::vector<float> keys = k;
  for (int64_t t = 0; t < n_token; t += n_chunk) {
    const ChunkSpan chunk{t, std::min(n_chunk, n_token - t)};
    kv.value().NoteWritten(t + chunk.n_token);
    ropes.SetPositions(t, chunk.n_token);
    const HeadSteps steps{nullptr, ropes.of(0)};
    StoreKeysAndValues(kernels, pool, spec, 0, chunk, steps,
                       &keys[static_cast<size_t>(t * spec.n_kv())],
                       &v[static_cast<size_t>(t * spec.n_kv())], kv.value());
    Attend(kernels, pool, spec, 0, chunk, steps, &queries[static_cast<size_t>(t * spec.n_q())],
           kv.value(), scores.data(), &out[static_cast<size_t>(t * spec.n_q())]);
  }
  return out;
}

std::vector<float> RandomFloats(int64_t n, uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<float> values(static_cast<size_t>(n));
  for (float& value : values) value = uniform(random);
  return values;
}

// The definition, in double: rotate, score, softmax over the window, sum.
std::vector<double> PlainAttention(const ModelSpec& spec, const std::vector<float>& q,
                                   const std::vector<float>& k, const std::vector<float>& v) {
  const int64_t dim = spec.head_dim;
  const int64_t n_token = static_cast<int64_t>(q.size()) / spec.n_q();
  const auto rotated = [&](const std::vector<float>& rows, int64_t n_row, int64_t pos,
                           int64_t head) {
    std::vector<double> vec(static_cast<size_t>(dim));
    for (int64_t i = 0; i < dim; ++i) {
      vec[static_cast<size_t>(i)] =
          static_cast<double>(rows[static_cast<size_t>(pos * n_row + head * dim + i)]);
    }
    if (!spec.block.attention[0].rope) return vec;
    std::vector<double> turned = vec;
    for (int64_t i = 0; i < dim / 2; ++i) {
      const double angle = static_cast<double>(pos) *
                           std::pow(spec.block.attention[0].rope->freq_base,
                                    -2.0 * static_cast<double>(i) / static_cast<double>(dim));
      const double a = vec[static_cast<size_t>(i)];
      const double b = vec[static_cast<size_t>(i + dim / 2)];
      turned[static_cast<size_t>(i)] = a * std::cos(angle) - b * std::sin(angle);
      turned[static_cast<size_t>(i + dim / 2)] = b * std::cos(angle) + a * std::sin(angle);
    }
    return turned;
  };
  std::vector<double> out(q.size());
  for (int64_t t = 0; t < n_token; ++t) {
    for (int64_t head = 0; head < spec.n_head; ++head) {
      const int64_t head_kv = head / (spec.n_head / spec.n_head_kv);
      const std::vector<double> query = rotated(q, spec.n_q(), t, head);
      const int64_t window = spec.block.attention[0].window;
      const int64_t first = window == 0 ? 0 : std::max<int64_t>(0, t - window + 1);
      std::vector<double> weights;
      double sum = 0;
      for (int64_t j = first; j <= t; ++j) {
        const std::vector<double> key = rotated(k, spec.n_kv(), j, head_kv);
        double dot = 0;
        for (size_t i = 0; i < key.size(); ++i) dot += query[i] * key[i];
        weights.push_back(std::exp(dot / std::sqrt(static_cast<double>(dim))));
        sum += weights.back();
      }
      for (int64_t j = first; j <= t; ++j) {
        for (int64_t i = 0; i < dim; ++i) {
          out[static_cast<size_t>(t * spec.n_q() + head * dim + i)] +=
              weights[static_cast<size_t>(j - first)] / sum *
              static_cast<double>(v[static_cast<size_t>(j * spec.n_kv() + head_kv * dim + i)]);
        }
      }
    }
  }
  return out;
}

TEST(Attention, FollowsTheDefinition) {
  for (const bool rope : {false, true}) {
    for (const int64_t window : {0, 1, 5, 16}) {
      const ModelSpec spec = OneLayer(rope, window);
      const int64_t n_token = 40;
      const auto q = RandomFloats(n_token * spec.n_q(), 1);
      const auto k = RandomFloats(n_token * spec.n_kv(), 2);
      const auto v = RandomFloats(n_token * spec.n_kv(), 3);
      const auto expected = PlainAttention(spec, q, k, v);
      const auto out = RunAttention(spec, BestIsa(), 1, 7, {3, 7}, q, k, v);
      // Keys and values are rounded to half floats, by up to 2^-12 of numbers up to 1. A score, q .
      // k / 4 over 16 elements, then errs by at most 16 * 2^-12 / 4 = 2^-10, a weight by twice that
      // of itself, and the output, a mean of values up to 1, by 2^-9 + 2^-12: 2.2e-3. Allowed: less
      // than twice that.
      for (size_t i = 0; i < out.size(); ++i)
        EXPECT_NEAR(static_cast<double>(out[i]), expected[i], 4e-3);
    }
  }
}

TEST(Attention, SameBitsForAnyChunkThreadRingAndIsa) {
  for (const int64_t window : {0, 6}) {
    const ModelSpec spec = OneLayer(true, window);
    const int64_t n_token = 37;
    const auto q = RandomFloats(n_token * spec.n_q(), 4);
    const auto k = RandomFloats(n_token * spec.n_kv(), 5);
    const auto v = RandomFloats(n_token * spec.n_kv(), 6);
    const auto expected = RunAttention(spec, Isa::kRef, 1, n_token, {0, n_token}, q, k, v);
    for (const Isa isa : testing::IsasHere()) {
      for (const int64_t n_chunk : {1, 2, 5, 16}) {
        using Windows = KvCache::Windows;
        for (const Windows windows : {Windows{0, n_chunk}, Windows{0, n_chunk + 3},
                                      Windows{5, n_chunk}, Windows{11, n_chunk + 1}}) {
          for (const int n_threads : {1, 3}) {
            EXPECT_TRUE(RunAttention(spec, isa, n_threads, n_chunk, windows, q, k, v) == expected);
          }
        }
      }
    }
  }
}

TEST(Routing, ListsDistinctExpertsByRisingId) {
  Routing routing;
  routing.ids = {5, 1, 1, 7, 5, 0};
  EXPECT_TRUE((routing.Experts(8) == std::vector<int>{0, 1, 5, 7}));
}

TEST(Activations, MatMulReadsTheFormThatTheMatrixNeeds) {
  const Kernels& kernels = KernelsFor(BestIsa());
  Result<Activations> created = Activations::Create(3, 32, true);
  ASSERT_TRUE(created.ok());
  Activations& a = created.value();
  for (int64_t t = 0; t < 3; ++t) {
    for (int64_t i = 0; i < 32; ++i)
      a.row(t)[i] = static_cast<float>(t + 1) * static_cast<float>(i - 16);
    a.Quantize(kernels, t);
  }
  const std::vector<float> ones(32, 1.0f);
  const MatrixView w{TensorType::kF32, ones.data(), 128, 32};
  float y[2] = {};
  a.MatMul(kernels, w, 0, 1, 1, 2, y, 1);
  EXPECT_EQ(y[0], -32.0f);
  EXPECT_EQ(y[1], -48.0f);

  std::vector<uint8_t> q8(kQ8_0Bytes, 1);  // 32 weights of 1, at scale 1
  q8[0] = 0x00;
  q8[1] = 0x3c;
  const MatrixView w8{TensorType::kQ8_0, q8.data(), kQ8_0Bytes, 32};
  a.MatMul(kernels, w8, 0, 1, 0, 1, y, 1);
  EXPECT_NEAR(y[0], -16.0f, 16.0f / 127 * 32 / 2);

  Result<Activations> copy = Activations::Create(1, 32, true);
  ASSERT_TRUE(copy.ok());
  copy.value().CopyQ8(0, a, 2);
  float z = 0;
  copy.value().MatMul(kernels, w8, 0, 1, 0, 1, &z, 1);
  a.MatMul(kernels, w8, 0, 1, 2, 1, y, 1);
  EXPECT_EQ(z, y[0]);
  copy.value().CopyFloats(0, a, 1);
  copy.value().MatMul(kernels, w, 0, 1, 0, 1, &z, 1);
  EXPECT_EQ(z, -32.0f);
}

}  // namespace
}  // namespace hearth
