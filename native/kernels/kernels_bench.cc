// Speed of the matrix products: GB/s of weights read and GOP/s (two a multiplication) for each ISA,
// type, layout and number of tokens. Matrices have an expert's shape and are taken at random from a
// pool that no cache holds, as a router does. `best` is the speed of the fastest single product:
// with a pool of one matrix, that of the kernel when its weights are in the cache and nothing
// interrupts it, which comparisons on a busy machine need. Usage: kernels_bench [MiB of weights, by
// default 2048] [threads, 1] [row length, 1536] [ISA]
// [type, or attention]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>
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

constexpr TypeName kTypes[] = {
    {TensorType::kQ4_0, "Q4_0"}, {TensorType::kQ4_1, "Q4_1"}, {TensorType::kQ8_0, "Q8_0"},
    {TensorType::kQ6_K, "Q6_K"}, {TensorType::kQ5_0, "Q5_0"}, {TensorType::kQ5_1, "Q5_1"},
    {TensorType::kQ4_K, "Q4_K"}, {TensorType::kQ5_K, "Q5_K"}, {TensorType::kQ2_K, "Q2_K"},
    {TensorType::kQ3_K, "Q3_K"}, {TensorType::kF16, "F16"},   {TensorType::kBF16, "BF16"},
    {TensorType::kF32, "F32"}};

enum class Layout { kRowsSmallPages, kRows, kInterleaved };
constexpr const char* kLayoutNames[] = {"rows, small pages", "rows", "interleaved"};

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
        n_matrix_(std::max<size_t>(1, bytes / matrix_bytes_)) {
    if (layout == Layout::kRowsSmallPages) {
      small_.resize(n_matrix_ * matrix_bytes_);
      data_ = small_.data();
    } else {
      huge_ = std::move(AlignedBuffer::Allocate(n_matrix_ * matrix_bytes_)).value();
      data_ = huge_.data();
    }
    FillWeights(type, data_, matrix_bytes_);
    std::vector<std::byte> scratch(RepackScratchBytes(view_.row_bytes));
    if (layout == Layout::kInterleaved)
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

// What one thread did within kSeconds.
struct Done {
  int64_t n = 0;                                             // matrices
  double fastest = std::numeric_limits<double>::infinity();  // seconds for one
};

Done Work(const Kernels& kernels, const Pool& pool, int64_t k, int64_t n_tokens, uint32_t seed) {
  std::vector<float> x(static_cast<size_t>(n_tokens * k));
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = 0.01f * static_cast<float>(static_cast<int>(i % 201) - 100);
  std::vector<int8_t> q(x.size());
  std::vector<float> d(x.size() / kQ8Block);
  std::vector<int32_t> offset(x.size() / kQ8Block);
  kernels.quantize_q8(x.data(), n_tokens * k, q.data(), d.data(), offset.data());
  std::vector<float> y(static_cast<size_t>(n_tokens * kMatrixRows));
  const Q8Rows rows = {q.data(), d.data(), offset.data(), k};
  Done done;
  double before = Seconds();
  for (const double end = before + kSeconds; before < end; ++done.n) {
    const MatrixView w = pool.Any(&seed);
    if (IsQuantized(w.type)) {
      kernels.matmul_q(w, 0, kMatrixRows, rows, n_tokens, y.data(), kMatrixRows);
    } else {
      kernels.matmul_f(w, 0, kMatrixRows, x.data(), k, n_tokens, y.data(), kMatrixRows);
    }
    const double after = Seconds();
    done.fastest = std::min(done.fastest, after - before);
    before = after;
  }
  return done;
}

void Measure(const Kernels& kernels, const TypeName& type, Layout layout, const Pool& pool,
             int64_t k, int64_t n_tokens, int n_threads) {
  std::vector<Done> done(static_cast<size_t>(n_threads));
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
  double fastest = std::numeric_limits<double>::infinity();
  for (const Done& each : done) {
    n += static_cast<double>(each.n);
    fastest = std::min(fastest, each.fastest);
  }
  const double operations = 2 * static_cast<double>(kMatrixRows * k * n_tokens);
  std::printf("%-11s %-5s %-18s tokens=%-4lld %7.2f GB/s %8.1f GOP/s, best %8.1f\n", kernels.name,
              type.name, kLayoutNames[static_cast<int>(layout)], static_cast<long long>(n_tokens),
              n * static_cast<double>(pool.matrix_bytes()) / took / 1e9,
              n * operations / took / 1e9, operations / fastest / 1e9);
  std::fflush(stdout);
}

// Attention of several heads that share their keys and values, on one thread, in the cache: the
// fastest of many.
void MeasureAttention(const Kernels& kernels, int64_t n_head, int64_t n_key) {
  constexpr int64_t kDim = 128;
  std::vector<float> q(static_cast<size_t>(n_head * kDim), 0.01f);
  std::vector<uint16_t> halves(static_cast<size_t>(n_key * kDim), 0x2c00);  // 1/16
  std::vector<float> weights(static_cast<size_t>(n_head * n_key));
  std::vector<float> sums(q.size());
  double scores = std::numeric_limits<double>::infinity();
  double values = scores;
  for (const double end = Seconds() + kSeconds; Seconds() < end;) {
    const double begin = Seconds();
    kernels.attention_scores(q.data(), n_head, kDim, halves.data(), kDim, n_key, kDim, 0.1f,
                             weights.data(), n_key);
    const double middle = Seconds();
    kernels.attention_values(weights.data(), n_head, n_key, halves.data(), kDim, n_key, kDim,
                             sums.data(), kDim);
    scores = std::min(scores, middle - begin);
    values = std::min(values, Seconds() - middle);
  }
  const double operations = 2 * static_cast<double>(n_head * n_key * kDim);
  std::printf(
      "%-11s attention of %lld heads, %lld keys: scores best %6.1f, values best %6.1f GOP/s\n",
      kernels.name, static_cast<long long>(n_head), static_cast<long long>(n_key),
      operations / scores / 1e9, operations / values / 1e9);
  std::fflush(stdout);
}

}  // namespace
}  // namespace hearth

int main(int argc, char** argv) {
  using hearth::Layout;
  const size_t bytes = (argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 2048) << 20;
  const int n_threads = argc > 2 ? static_cast<int>(std::strtol(argv[2], nullptr, 10)) : 1;
  const int64_t k = argc > 3 ? std::strtol(argv[3], nullptr, 10) : 1536;
  const std::string only_isa = argc > 4 ? argv[4] : "";
  const std::string only_type = argc > 5 ? argv[5] : "";
  for (const auto& [isa, name, needs] : hearth::kIsas) {
    const hearth::Kernels& kernels = hearth::KernelsFor(isa);
    if (isa == hearth::Isa::kRef || kernels.name != std::string_view(name)) continue;
    if (!only_isa.empty() && only_isa != name) continue;
    if (only_type.empty() || only_type == "attention") {
      for (const int64_t n_head : {1, 2, 4, 6, 7, 8})
        hearth::MeasureAttention(kernels, n_head, 512);
    }
    for (const hearth::TypeName& type : hearth::kTypes) {
      if (!only_type.empty() && only_type != type.name) continue;
      for (const Layout layout : {Layout::kRowsSmallPages, Layout::kRows, Layout::kInterleaved}) {
        if (layout == Layout::kInterleaved && !hearth::IsQuantized(type.type)) continue;
        const hearth::Pool pool(kernels, type.type, k, layout, bytes);
        for (const int64_t n_tokens : {1, 2, 4, 8, 16, 32})
          hearth::Measure(kernels, type, layout, pool, k, n_tokens, n_threads);
      }
    }
  }
  return 0;
}
