// Which table runs here, and 8-bit activations: every table gives the bits of ref (docs/adr/0001),
// whatever the shape and the values. products_test.cc and elementwise_test.cc have the other
// functions. That ref itself is right is ref_test.cc's business.
#include <cstdlib>
#include <cstring>
#include <string>

#include "base/testing.h"
#include "kernels/dispatch.h"
#include "kernels/inputs_testing.h"

namespace hearth {
namespace {

using namespace testing;  // NOLINT: inputs_testing.h

TEST(Dispatch, GivesTheTableThatWasAskedForOrTheNextLower) {
  EXPECT_EQ(std::string(KernelsFor(Isa::kRef).name), std::string("ref"));
  for (const IsaRow& asked : kIsas) {
    Isa given = Isa::kRef;
    for (const Isa isa : testing::IsasHere()) {
      if (isa <= asked.isa) given = isa;
    }
    EXPECT_EQ(std::string(KernelsFor(asked.isa).name), std::string(IsaName(given)));
  }
}

// The ISA of an emulated processor is known: none of its tables may be left out.
TEST(Dispatch, FindsWhatTheProcessorHas) {
  const char* expected = std::getenv("HEARTH_EXPECTED_ISA");
  if (expected == nullptr) return;
  EXPECT_EQ(std::string(IsaName(BestIsa())), std::string(expected));
  EXPECT_EQ(std::string(KernelsFor(BestIsa()).name), std::string(expected));
}

TEST(Dispatch, TablesAreFull) {
  for (const IsaRow& row : kIsas) {
    const Kernels& k = KernelsFor(row.isa);
    EXPECT_TRUE(k.quantize_q8 && k.matmul_q && k.matmul_f && k.dequantize_row && k.rms_norm &&
                k.rope);
    EXPECT_TRUE(k.relu_mul && k.silu_mul && k.add && k.axpy && k.to_f16 && k.from_f16 &&
                k.attention_scores && k.softmax);
    EXPECT_TRUE(k.attention_values && k.all_finite && k.argmax);
  }
}

TEST(Isa, QuantizeQ8) {
  Random random{1};
  for (const Kernels* table : Tables()) {
    for (const int64_t n : {0, 32, 64, 96, 256, 2144}) {
      for (int flavour = 0; flavour < kFlavours + 2; ++flavour) {
        Exact<float> x(n);
        Fill(x.data(), n, flavour % kFlavours, random);
        for (int64_t i = 0; i < n && flavour >= kFlavours; ++i) {
          // 6: scale 1 and many ties; 7: around the size below which a block is flushed to zero.
          x[i] = flavour == 6
                     ? (i % 32 == 0 ? 127.0f : static_cast<float>(random.Below(255) - 127) * 0.5f)
                     : random.Uniform() * 127 * 0x1p-128f * (random.Below(2) == 0 ? 1.0f : 1.05f);
        }
        Exact<int8_t> q(n), q_ref(n);
        Exact<float> d(n / 32), d_ref(n / 32);
        Exact<int32_t> offset(n / 32), offset_ref(n / 32);
        table->quantize_q8(x.data(), n, q.data(), d.data(), offset.data());
        Ref().quantize_q8(x.data(), n, q_ref.data(), d_ref.data(), offset_ref.data());
        ExpectSame(d.data(), d_ref.data(), n / 32, std::string(table->name) + " scales");
        EXPECT_TRUE(std::memcmp(q.data(), q_ref.data(), static_cast<size_t>(n)) == 0);
        EXPECT_TRUE(
            std::memcmp(offset.data(), offset_ref.data(), static_cast<size_t>(n / 32) * 4) == 0);
      }
    }
  }
}

}  // namespace
}  // namespace hearth
