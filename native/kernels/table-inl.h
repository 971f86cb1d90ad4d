// The table of kernels of one ISA, from its struct of primitives (vectors-inl.h).
#ifndef HEARTH_KERNELS_TABLE_INL_H_
#define HEARTH_KERNELS_TABLE_INL_H_

#include "kernels/elementwise-inl.h"
#include "kernels/float_products-inl.h"
#include "kernels/formats-inl.h"
#include "kernels/kernels.h"
#include "kernels/products-inl.h"

namespace hearth {
namespace {

// Product multiplies a group of rows with tokens (products-inl.h).
template <class V, class Product = OneRowALane<V>>
constexpr Kernels TableOf(const char* name) {
  return {
      .name = name,
      .quantize_q8 = QuantizeQ8<V>,
      .repack_rows = RepackRows<V>,
      .matmul_q = MatmulQ<Product>,
      .matmul_rows = MatmulRows<Product>,
      .matmul_f = MatmulF<V>,
      .dequantize_row = DequantizeRow<V>,
      .rms_norm = RmsNorm<V>,
      .rope = Rope<V>,
      .relu_mul = ReluMul<V>,
      .silu_mul = SiluMul<V>,
      .add = Add<V>,
      .axpy = Axpy<V>,
      .to_f16 = ToF16<V>,
      .from_f16 = FromF16<V>,
      .attention_scores = AttentionScores<V>,
      .softmax = Softmax<V>,
      .attention_values = AttentionValues<V>,
      .all_finite = AllFinite<V>,
      .argmax = Argmax<V>,
  };
}

}  // namespace
}  // namespace hearth

#endif  // HEARTH_KERNELS_TABLE_INL_H_
