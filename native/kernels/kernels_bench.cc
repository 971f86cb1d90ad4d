// Speed of the matrix products, one thread: GB/s of weights read and GOP/s (two a multiplication)
// for each ISA, type and number of tokens. Usage: kernels_bench [MiB of weights] [rows are k long],
// by default 192 and 1536.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "kernels/dispatch.h"

namespace hearth {
namespace {

struct TypeName {
  TensorType type;
  const char* name;
};

constexpr TypeName kTypes[] = {{TensorType::kQ4_0, "Q4_0"}, {TensorType::kQ4_1, "Q4_1"},
                               {TensorType::kQ8_0, "Q8_0"}, {TensorType::kQ6_K, "Q6_K"},
                               {TensorType::kF16, "F16"},   {TensorType::kF32, "F32"}};

double Seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Bytes whose halves are floats of ordinary size, so that no product meets a NaN or a subnormal.
void FillWeights(TensorType type, std::vector<uint8_t>& data) {
  uint32_t state = 1;
  for (size_t i = 0; i < data.size(); ++i) {
    state = state * 1664525u + 1013904223u;
    data[i] = static_cast<uint8_t>((state >> 24) & 0x2f);
    if (type == TensorType::kF32 && i % 4 == 3) data[i] = 0x3c;
  }
}

void Measure(const Kernels& kernels, const TypeName& type, int64_t k, int64_t n_tokens,
             size_t bytes) {
  const size_t row_bytes = RowBytes(type.type, k);
  const int64_t n_row = static_cast<int64_t>(bytes / row_bytes) / 16 * 16;
  std::vector<uint8_t> weights(static_cast<size_t>(n_row) * row_bytes);
  FillWeights(type.type, weights);
  std::vector<float> x(static_cast<size_t>(n_tokens * k));
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = 0.01f * static_cast<float>(static_cast<int>(i % 201) - 100);
  std::vector<int8_t> q(x.size());
  std::vector<float> d(x.size() / kQ8Block);
  std::vector<int32_t> offset(x.size() / kQ8Block);
  kernels.quantize_q8(x.data(), n_tokens * k, q.data(), d.data(), offset.data());
  std::vector<float> y(static_cast<size_t>(n_tokens * n_row));

  const MatrixView w = {type.type, weights.data(), row_bytes, k};
  const Q8Rows rows = {q.data(), d.data(), offset.data(), k};
  double best = 1e30;
  const double start = Seconds();
  for (int run = 0; run < 3 || (Seconds() - start < 0.5 && run < 50); ++run) {
    const double begin = Seconds();
    if (IsQuantized(type.type)) {
      kernels.matmul_q(w, 0, n_row, rows, n_tokens, y.data(), n_row);
    } else {
      kernels.matmul_f(w, 0, n_row, x.data(), k, n_tokens, y.data(), n_row);
    }
    const double took = Seconds() - begin;
    if (took < best) best = took;
  }
  const double products =
      static_cast<double>(n_row) * static_cast<double>(k) * static_cast<double>(n_tokens);
  std::printf("%-11s %-5s k=%-5lld tokens=%-4lld %7.2f GB/s %8.1f GOP/s\n", kernels.name, type.name,
              static_cast<long long>(k), static_cast<long long>(n_tokens),
              static_cast<double>(weights.size()) / best / 1e9, 2 * products / best / 1e9);
  std::fflush(stdout);
}

}  // namespace
}  // namespace hearth

int main(int argc, char** argv) {
  using hearth::Isa;
  const size_t bytes = (argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 192) << 20;
  const int64_t k = argc > 2 ? std::strtol(argv[2], nullptr, 10) : 1536;
  for (const Isa isa : {Isa::kAvx2, Isa::kAvx512Vnni}) {
    if (!hearth::IsaAvailable(isa)) continue;
    for (const hearth::TypeName& type : hearth::kTypes) {
      for (const int64_t n_tokens : {1, 4, 32, 128}) {
        // Many tokens re-use the weights: less of them tells the same.
        hearth::Measure(hearth::KernelsFor(isa), type, k, n_tokens,
                        n_tokens == 1 ? bytes : bytes / 16);
      }
    }
  }
  return 0;
}
