// The NEON tables and what they share. They differ in matmul_q only (kernels/neon_products.h): the
// rest is compiled once, for the lesser of the two.
#ifndef HEARTH_KERNELS_NEON_H_
#define HEARTH_KERNELS_NEON_H_

#include <stdint.h>

#include "kernels/kernels.h"

namespace hearth {

// Defined where HEARTH_NEON_KERNELS is. Ask KernelsFor (kernels/dispatch.h) instead of naming one.
extern const Kernels kNeonDotprodKernels;
extern const Kernels kNeonI8mmKernels;

namespace neon {

void QuantizeQ8(const float* x, int64_t n, int8_t* q, float* d, int32_t* offset);
void GroupRows(TensorType type, int64_t k, const void* rows, void* group);
void MatmulRows(const MatrixView& w, const int32_t* rows, int64_t n_row, const Q8Rows& x, float* y);
void MatmulF(const MatrixView& w, int64_t row_begin, int64_t row_end, const float* x,
             int64_t x_stride, int64_t n_tokens, float* y, int64_t y_stride);
void DequantizeRow(TensorType type, const void* row, int64_t n, float* y);
void RmsNorm(const float* x, const float* weight, int64_t n, float eps, float* y);
void Rope(float* v, const float* cos, const float* sin, int64_t n);
void ReluMul(const float* gate, const float* up, int64_t n, float* out);
void Add(const float* x, int64_t n, float* y);
void Axpy(float a, const float* x, int64_t n, float* y);
void ToF16(const float* x, int64_t n, uint16_t* y);
void FromF16(const uint16_t* x, int64_t n, float* y);
void AttentionScores(const float* q, int64_t n_query, int64_t q_stride, const uint16_t* k,
                     int64_t k_stride, int64_t n_key, int64_t head_dim, float scale, float* scores,
                     int64_t score_stride);
float Softmax(float* s, int64_t n);
void AttentionValues(const float* p, int64_t n_query, int64_t p_stride, const uint16_t* v,
                     int64_t v_stride, int64_t n_key, int64_t head_dim, float* sum,
                     int64_t sum_stride);
bool AllFinite(const float* x, int64_t n);
int64_t Argmax(const float* x, int64_t n);

// All but matmul_q.
constexpr Kernels TableOf(const char* name, decltype(Kernels::matmul_q) matmul_q) {
  return {
      .name = name,
      .quantize_q8 = QuantizeQ8,
      .group_rows = GroupRows,
      .matmul_q = matmul_q,
      .matmul_rows = MatmulRows,
      .matmul_f = MatmulF,
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

}  // namespace neon
}  // namespace hearth

#endif  // HEARTH_KERNELS_NEON_H_
