// Speed of the matrix products: GB/s of weights read and GOP/s (two a multiplication) for each ISA,
// type, layout and number of tokens. Matrices have an expert's shape and are taken at random from a
// pool that no cache holds, as a router does.
// Usage: kernels_bench [MiB of weights, by default 2048] [threads, 1] [row length, 1536]
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string_view>
#include <thread>
#include <vector>

#include "base/aligned_buffer.h"
#include "kernels/dispatch.h"
#include "kernels/interleaved_rows.h"

namespace hearth {
namespace {

constexpr int64_t kMatrixRows = 768;
constexpr double kSeconds = 0.4;

struct TypeName {
  TensorType type;
  const char* name;
};

constexpr TypeName kTypes[] = {{TensorType::kQ4_0, "Q4_0"}, {TensorType::kQ4_1, "Q4_1"},
                               {TensorType::kQ8_0, "Q8_0"}, {TensorType::kQ6_K, "Q6_K"},
                               {TensorType::kQ5_0, "Q5_0"}, {TensorType::kQ5_1, "Q5_1"},
                               {TensorType::kQ4_K, "Q4_K"}, {TensorType::kQ5_K, "Q5_K"},
                               {TensorType::kF16, "F16"},   {TensorType::kF32, "F32"}};

enum class Layout { kRowsSmallPages, kRows, kGroups };
constexpr const char* kLayoutNames[] = {"rows, small pages", "rows", "groups"};

double Seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

uint32_t Next(uint32_t* state) { return *state = *state * 1664525u + 1013904223u; }

// Bytes whose halves are floats of ordinary size, so that no product meets a NaN or a subnormal.
void FillWeights(TensorType type, std::byte* data, size_t bytes) {
  uint32_t state = 1;
  for (size_t i = 0; i < bytes; ++i) {
    data[i] = static_cast<std::byte>((Next(&state) >> 24) & 0x2f);
    if (type == TensorType::kF32 && i % 4 == 3) data[i] = std::byte{0x3c};
  }
}

// The same matrix over and over, in memory of its own each time.
class Pool {
 public:
  Pool(const Kernels& kernels, TensorType type, int64_t k, Layout layout, size_t bytes)
      : view_{type, nullptr, RowBytes(type, k), k},
        matrix_bytes_(view_.row_bytes * kMatrixRows),
        n_matrix_(bytes / matrix_bytes_) {
    if (layout == Layout::kRowsSmallPages) {
      small_.resize(n_matrix_ * matrix_bytes_);
      data_ = small_.data();
    } else {
      huge_ = std::move(AlignedBuffer::Allocate(n_matrix_ * matrix_bytes_)).value();
      data_ = huge_.data();
    }
    FillWeights(type, data_, matrix_bytes_);
    std::vector<std::byte> scratch(RepackScratchBytes(view_.row_bytes));
    if (layout == Layout::kGroups)
      view_.n_interleaved = RepackRows(kernels, type, k, kMatrixRows, data_, data_, scratch.data());
    for (size_t i = 1; i < n_matrix_; ++i)
      std::copy(data_, data_ + matrix_bytes_, data_ + i * matrix_bytes_);
  }

  size_t matrix_bytes() const { return matrix_bytes_; }
  MatrixView Any(uint32_t* random) const {
    MatrixView view = view_;
    view.data = data_ + (Next(random) >> 4) % n_matrix_ * matrix_bytes_;
    return view;
  }

 private:
  MatrixView view_;
  size_t matrix_bytes_;
  size_t n_matrix_;
  std::vector<std::byte> small_;
  AlignedBuffer huge_;
  std::byte* data_;
};

// Matrices that one thread multiplied within kSeconds.
int64_t Work(const Kernels& kernels, const Pool& pool, int64_t k, int64_t n_tokens, uint32_t seed) {
  std::vector<float> x(static_cast<size_t>(n_tokens * k));
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = 0.01f * static_cast<float>(static_cast<int>(i % 201) - 100);
  std::vector<int8_t> q(x.size());
  std::vector<float> d(x.size() / kQ8Block);
  std::vector<int32_t> offset(x.size() / kQ8Block);
  kernels.quantize_q8(x.data(), n_tokens * k, q.data(), d.data(), offset.data());
  std::vector<float> y(static_cast<size_t>(n_tokens * kMatrixRows));
  const Q8Rows rows = {q.data(), d.data(), offset.data(), k};
  int64_t n = 0;
  for (const double end = Seconds() + kSeconds; Seconds() < end; ++n) {
    const MatrixView w = pool.Any(&seed);
    if (IsQuantized(w.type)) {
      kernels.matmul_q(w, 0, kMatrixRows, rows, n_tokens, y.data(), kMatrixRows);
    } else {
      kernels.matmul_f(w, 0, kMatrixRows, x.data(), k, n_tokens, y.data(), kMatrixRows);
    }
  }
  return n;
}

void Measure(const Kernels& kernels, const TypeName& type, Layout layout, const Pool& pool,
             int64_t k, int64_t n_tokens, int n_threads) {
  std::vector<int64_t> done(static_cast<size_t>(n_threads));
  std::vector<std::thread> threads;
  const double begin = Seconds();
  for (int i = 0; i < n_threads; ++i) {
    threads.emplace_back([&, i] {
      done[static_cast<size_t>(i)] =
          Work(kernels, pool, k, n_tokens, static_cast<uint32_t>(i) * 7919 + 1);
    });
  }
  for (std::thread& thread : threads) thread.join();
  const double took = Seconds() - begin;
  double n = 0;
  for (const int64_t each : done) n += static_cast<double>(each);
  const double products = n * static_cast<double>(kMatrixRows * k * n_tokens);
  std::printf("%-11s %-5s %-18s tokens=%-4lld %7.2f GB/s %8.1f GOP/s\n", kernels.name, type.name,
              kLayoutNames[static_cast<int>(layout)], static_cast<long long>(n_tokens),
              n * static_cast<double>(pool.matrix_bytes()) / took / 1e9, 2 * products / took / 1e9);
  std::fflush(stdout);
}

}  // namespace
}  // namespace hearth

int main(int argc, char** argv) {
  using hearth::Layout;
  const size_t bytes = (argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 2048) << 20;
  const int n_threads = argc > 2 ? static_cast<int>(std::strtol(argv[2], nullptr, 10)) : 1;
  const int64_t k = argc > 3 ? std::strtol(argv[3], nullptr, 10) : 1536;
  for (const auto& [isa, name, needs] : hearth::kIsas) {
    const hearth::Kernels& kernels = hearth::KernelsFor(isa);
    if (isa == hearth::Isa::kRef || kernels.name != std::string_view(name)) continue;
    for (const hearth::TypeName& type : hearth::kTypes) {
      for (const Layout layout : {Layout::kRowsSmallPages, Layout::kRows, Layout::kGroups}) {
        if (layout == Layout::kGroups && !hearth::IsQuantized(type.type)) continue;
        const hearth::Pool pool(kernels, type.type, k, layout, bytes);
        for (const int64_t n_tokens : {1, 2, 4, 8, 16, 32})
          hearth::Measure(kernels, type, layout, pool, k, n_tokens, n_threads);
      }
    }
  }
  return 0;
}
