// Every read of a model file fails once, as a drive's would: of the dense weights while the model
// is loaded, of experts while it evaluates. The call under way says so, or needs no such read; the
// next one gives the same numbers as ever.
#include <atomic>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/testing.h"
#include "engine/expert_layout.h"
#include "engine/model_testing.h"
#include "engine/session.h"
#include "kernels/dispatch.h"

namespace hearth {
namespace {

// Fails one read, the n-th from FailAfter(n) on.
class FailingFile : public File {
 public:
  explicit FailingFile(std::unique_ptr<File> file) : file_(std::move(file)) {}

  void FailAfter(int n) { n_left_ = n; }
  int n_read() const { return n_read_; }

  Status Read(const ReadRange& range) const override {
    ++n_read_;
    if (n_left_.fetch_sub(1) == 0) return Status::Io("the drive has failed");
    return file_->Read(range);
  }
  uint64_t bytes() const override { return file_->bytes(); }
  const std::string& path() const override { return file_->path(); }

 private:
  const std::unique_ptr<File> file_;
  mutable std::atomic<int> n_left_{-1};
  mutable std::atomic<int> n_read_{0};
};

using Logits = std::vector<float>;

constexpr int kSlots = 4;
constexpr int kChunk = 16;
constexpr int kContext = 64;

// The parts of an engine over the file; what fails first.
Result<Logits> Evaluate(const ModelSpec& spec, const FailingFile& file,
                        const std::vector<int32_t>& tokens, bool again) {
  const Kernels& kernels = KernelsFor(BestIsa());
  const ExpertStore store = MakeExpertStore(spec);
  ThreadPool pool(1);
  Result<std::unique_ptr<ResidentWeights>> weights =
      ResidentWeights::Load(spec, file, kernels, false, nullptr);
  if (!weights.ok()) return weights.status();
  const std::unique_ptr<Reader> reader = MakeFileReader(file, 2);
  const auto prepare = [&](int il, int id, int matrix, std::byte* slot) {
    RepackMatrix(kernels, store, il, id, matrix, slot);
  };
  Result<std::unique_ptr<ExpertCache>> cache = ExpertCache::Create(
      store, *reader, {.n_slot = kSlots, .n_expert_used = spec.n_expert_used, .prepare = prepare});
  if (!cache.ok()) return cache.status();
  Result<std::unique_ptr<Transformer>> transformer = Transformer::Create(
      spec, *weights.value(), store, *cache.value(), *reader, kernels, pool, kChunk, kContext);
  if (!transformer.ok()) return transformer.status();
  SessionOptions options;
  options.n_ctx = kContext;
  Result<std::unique_ptr<Session>> session = Session::Create(spec, *transformer.value(), options);
  if (!session.ok()) return session.status();
  Result<SyncReport> report = session.value()->Sync(tokens, {});
  // The same session goes on where the drive has recovered.
  if (!report.ok() && again) report = session.value()->Sync(tokens, {});
  if (!report.ok()) return report.status();
  const auto logits = session.value()->logits();
  return Logits(logits.begin(), logits.end());
}

TEST(ReadFailure, AtAnyPointIsToldAndChangesNoLaterResult) {
  const RandomModel model(TensorType::kQ4_0, Gating::kSoftmax);
  FailingFile file(std::move(File::Open(model.spec().path)).value());
  const std::vector<int32_t> tokens = model.Tokens(24, 3);
  const Result<Logits> expected = Evaluate(model.spec(), file, tokens, false);
  ASSERT_TRUE(expected.ok());
  Logits whole = Result<Logits>(expected).value();
  const int n_read = file.n_read();
  EXPECT_GT(n_read, 100);
  int n_told = 0;
  int n_recovered = 0;
  for (int n = 0; n < n_read; ++n) {
    file.FailAfter(n);
    Result<Logits> said = Evaluate(model.spec(), file, tokens, false);
    n_told += said.ok() ? 0 : 1;
    if (said.ok()) {
      EXPECT_TRUE(said.value() == whole);
    } else {
      EXPECT_TRUE(said.status().code() == StatusCode::kIo);
      EXPECT_EQ(said.status().message(), "the drive has failed");
    }
    file.FailAfter(n);
    Result<Logits> recovered = Evaluate(model.spec(), file, tokens, true);
    if (recovered.ok()) {
      ++n_recovered;
      EXPECT_TRUE(recovered.value() == whole);
    }
  }
  EXPECT_GT(n_told, n_read / 2);
  // All but those of the dense weights, without which there is no session.
  EXPECT_GT(n_recovered, n_read / 4);
}

}  // namespace
}  // namespace hearth
