// Numeric functions on plain pointers: one table of functions per ISA, chosen once. ref.cc is the
// specification.
//
// Every function of every table gives the same bits as ref.cc (docs/adr/0001): the order of each
// floating-point operation is part of its contract, written here. That makes a result independent
// of batch size, threads and ISA.
//   - A quantised dot product adds one term a 32-block, blocks in rising order, by fused
//     multiply-add.
//   - A float dot product keeps 16 partial sums: lane i takes elements i, i+16, i+32 ... in rising
//     order by fused multiply-add (a tail shorter than 16 touches the first lanes only), then
//     Reduce16.
//   - Reduce16(s): s[i] += s[i+8] for i<8, then s[i] += s[i+4] for i<4, then
//     (s[0]+s[2]) + (s[1]+s[3]).
// Same bits means the same number, a zero of the same sign, a NaN for a NaN, whose payload is
// unspecified. Rounding is to nearest even and subnormals are kept (the default MXCSR) on every
// calling thread. A typed pointer has its type's alignment and no more, a void pointer none. No
// function reads a byte outside the rows it is given. Outputs never overlap inputs unless said
// otherwise. A count of 0 is allowed and does nothing.
#ifndef HEARTH_KERNELS_KERNELS_H_
#define HEARTH_KERNELS_KERNELS_H_

#include <stddef.h>
#include <stdint.h>

#include "kernels/block.h"

namespace hearth {

// Rows of activations in 8-bit blocks: row t has k int8 at q + t*k, and k/32 scales and offsets at
// d/offset + t*(k/32). x[i] ~ d[i/32] * q[i];  offset[b] = -8 * the sum of q over block b: the
// initial value that turns a sum of products with nibbles 0..15 into one with -8..7.  k is a
// multiple of 32. q is within -127..127, never -128: the 16-bit sums of products in AVX2 rely on
// it.
struct Q8Rows {
  const int8_t* q;
  const float* d;
  const int32_t* offset;
  int64_t k;
};

// A matrix: rows of `k` weights in GGUF layout, `row_bytes` apart. The first n_interleaved of them,
// a multiple of kInterleavedRows, are interleaved instead (kernels/interleaved_rows.h), in the same
// bytes.
struct MatrixView {
  TensorType type;
  const void* data;
  size_t row_bytes;
  int64_t k;
  int64_t n_interleaved = 0;
};

struct Kernels {
  const char* name;

  // Activation quantisation, per 32-block: d = max|x| / 127, q = x * (1/d) rounded to nearest, ties
  // to even; 1/d is one division. If 1/d is infinite (all of the block below 4e-37, zero included),
  // d = 0 and q = 0. If any of the block is NaN, d = NaN, else if any is infinite, d = infinity; q
  // = 0 in both cases, so every result that uses the block is NaN. n is a multiple of 32.
  void (*quantize_q8)(const float* x, int64_t n, int8_t* q, float* d, int32_t* offset);

  // Interleaves kInterleavedRows rows of k weights, row_bytes apart, into `group`, which does not
  // overlap them. type is quantised.
  void (*repack_rows)(TensorType type, int64_t k, const void* rows, void* group);

  // y[t*y_stride + r] = w.row(r) . x.row(t) for r in [row_begin, row_end), t in [0, n_tokens).
  // w.type is quantised; w.k == x.k. Rows may be interleaved. acc starts at +0. With dx = x.d[b],
  // per 32-block b, exact in integers up to the conversion to float:
  //   Q4_0  acc = fma(dw*dx, float(sum((nibble-8) * q)), acc)
  //   Q4_1  acc = fma(dw*dx, float(sum(nibble * q)), acc),
  //         then acc = fma(mw*dx, float(sum(q)), acc)
  //   Q8_0  acc = fma(dw*dx, float(sum(qw * q)), acc)
  //   Q6_K  acc = fma(dw*dx, float(h0 + h1), acc), h the 16-weight halves: scale * sum((q6-32) * q)
  //   Q5_0  acc = fma(dw*dx, float(sum((q5-16) * q)), acc)
  //   Q5_1  as Q4_1, of q5
  //   Q4_K, Q5_K  acc = fma(dw*dx, float(s * sum(q4 * q)), acc) with q4 or q5,
  //         then acc = fma(dmin*dx, float(-m * sum(q)), acc)
  //   Q2_K  acc = fma(dw*dx, float(h0 + h1), acc), h the 16-weight halves: s * sum(q2 * q),
  //         then acc = fma(dmin*dx, float(-(m0 * sum0 + m1 * sum1)), acc), sum that of a half's q
  //   Q3_K  as Q6_K, of q3-4
  void (*matmul_q)(const MatrixView& w, int64_t row_begin, int64_t row_end, const Q8Rows& x,
                   int64_t n_tokens, float* y, int64_t y_stride);

  // y[i] = w.row(rows[i]) . x for n_row rows in ascending order, of a matrix without interleaved
  // rows, and one token: for callers that need only some rows. Otherwise as matmul_q.
  void (*matmul_rows)(const MatrixView& w, const int32_t* rows, int64_t n_row, const Q8Rows& x,
                      float* y);

  // matmul_q for float matrices, never interleaved (F32, F16, BF16; converted exactly to float) and
  // float activations: row t at x + t*x_stride. A float dot product.
  void (*matmul_f)(const MatrixView& w, int64_t row_begin, int64_t row_end, const float* x,
                   int64_t x_stride, int64_t n_tokens, float* y, int64_t y_stride);

  // y = one row of any type as floats: d*q in one rounding for Q4_0/Q5_0/Q8_0; fma(d, q, m) for
  // Q4_1/Q5_1; (d*scale)*q for Q6_K/Q3_K; fma(d*s, q, -(dmin*m)) for Q4_K/Q5_K/Q2_K, whose products
  // of d and s, dmin and m are exact. n weights.
  void (*dequantize_row)(TensorType type, const void* row, int64_t n, float* y);

  // y = x / sqrt(mean(x^2) + eps) * weight. The sum of squares is a float dot product; scale = 1 /
  // sqrtf(sum/n + eps) in float (division then square root then division, each correctly rounded);
  // y[i] = (x[i]*scale) * weight[i].
  void (*rms_norm)(const float* x, const float* weight, int64_t n, float eps, float* y);

  // Rotates pairs (v[i], v[i + n/2]) of one head (NEOX order): with c = cos[i], s = sin[i], a, b
  // the pair: v[i] = fma(a, c, -(b*s)), v[i+n/2] = fma(b, c, a*s). n even; in place.
  void (*rope)(float* v, const float* cos, const float* sin, int64_t n);

  // out[i] = (0 > gate[i] ? 0 : gate[i]) * up[i] (ReGLU; gate = NaN gives NaN, gate = -0 keeps its
  // sign).
  void (*relu_mul)(const float* gate, const float* up, int64_t n, float* out);

  // out[i] = (gate[i] * s) * up[i] (SwiGLU), s = (gate[i] < 0 ? e : 1) / (1 + e) with e =
  // Exp(-|gate[i]|), the function of softmax below: no overflow, and s is the logistic function to
  // an ulp or two. Below -87 e is 0 and the product a zero; a NaN gives NaN, -infinity as well.
  void (*silu_mul)(const float* gate, const float* up, int64_t n, float* out);

  // y[i] += x[i].
  void (*add)(const float* x, int64_t n, float* y);

  // y[i] = fma(a, x[i], y[i]).
  void (*axpy)(float a, const float* x, int64_t n, float* y);

  // Half floats, round to nearest, ties to even; both directions. Overflow gives infinity.
  void (*to_f16)(const float* x, int64_t n, uint16_t* y);
  void (*from_f16)(const uint16_t* x, int64_t n, float* y);

  // n_query query heads against the same n_key half-float keys: scores[i*score_stride + j] = scale
  // * (query i . key j), query i at q + i*q_stride, key j at k + j*k_stride (halves). A float dot
  // product, then one multiplication.
  void (*attention_scores)(const float* q, int64_t n_query, int64_t q_stride, const uint16_t* k,
                           int64_t k_stride, int64_t n_key, int64_t head_dim, float scale,
                           float* scores, int64_t score_stride);

  // Softmax weights in place: p[j] = Exp(s[j] - max), unnormalised; returns their sum. max over all
  // but NaN; the sum keeps 16 partial sums (plain additions) like a float dot product. Exp(x): 0
  // for x < -87; otherwise n = rint(x * log2(e)), r = fma(n, -ln2_hi, x), r = fma(n, -ln2_lo, r), a
  // degree-6 polynomial in r by Horner with fma, times 2^n built in the exponent bits. The
  // constants are below. NaN stays NaN, and a maximum of +-infinity gives NaN (infinity minus
  // itself), so the sum shows both.
  float (*softmax)(float* s, int64_t n);

  // For each of n_query query heads, its weights at p and its sum p_stride and sum_stride apart:
  // sum[i] = fma(p[j], value j [i], sum[i]) for j in rising order; value j at v + j*v_stride.
  // Accumulates into sum, so that a run of keys can be passed in parts (a ring buffer wraps)
  // without changing the order.
  void (*attention_values)(const float* p, int64_t n_query, int64_t p_stride, const uint16_t* v,
                           int64_t v_stride, int64_t n_key, int64_t head_dim, float* sum,
                           int64_t sum_stride);

  // True if no element is NaN or infinite.
  bool (*all_finite)(const float* x, int64_t n);

  // Index of the largest element, the lowest one on ties (+0 and -0 tie); NaN loses to everything;
  // 0 if all are NaN. n >= 1.
  int64_t (*argmax)(const float* x, int64_t n);
};

// Constants of Exp, shared by all tables. The polynomial 1 + r + c2 r^2 + ... + c6 r^6 is a minimax
// fit of e^r over |r| <= ln(2)/2 with each coefficient rounded to float before the next was fitted;
// its relative error is 3.2e-9, a nineteenth of half an ulp. ln2_hi has 13 significant bits, so n *
// ln2_hi is exact.
inline constexpr float kExpMin = -87.0f;  // e^-87 is still a normal number
inline constexpr float kLog2E = 0x1.715476p+0f;
inline constexpr float kLn2Hi = 0x1.62ep-1f;
inline constexpr float kLn2Lo = 0x1.0bfbe8p-15f;
inline constexpr float kExpC2 = 0x1.fffffcp-2f;
inline constexpr float kExpC3 = 0x1.55548cp-3f;
inline constexpr float kExpC4 = 0x1.555858p-5f;
inline constexpr float kExpC5 = 0x1.123de0p-7f;
inline constexpr float kExpC6 = 0x1.6ac74ep-10f;

// The table that runs on every machine. Get any table from KernelsFor (kernels/dispatch.h): this
// processor may lack the instructions of another.
extern const Kernels kRefKernels;

}  // namespace hearth

#endif  // HEARTH_KERNELS_KERNELS_H_
