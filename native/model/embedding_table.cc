#include "model/embedding_table.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <new>
#include <utility>

#include "kernels/interleaved_rows.h"

namespace hearth {
namespace {

// Most of a source file's tokens are among a few thousand, so most rows are read once; but the rows
// kept must stay a small part of the table.
constexpr int64_t kRowsKeptMax = 4096;
constexpr int64_t kRowsKeptPart = 16;

size_t RowsKept(const ModelSpec& spec) {
  return static_cast<size_t>(std::clamp<int64_t>(spec.n_vocab / kRowsKeptPart, 1, kRowsKeptMax));
}

size_t RowBytesOf(const ModelSpec& spec) {
  const TensorInfo& tensor = *spec.Find("token_embd.weight");
  return RowBytes(tensor.type, tensor.shape[0]);
}

// Reads the ranges and waits.
Status ReadNow(Reader& reader, std::span<const ReadRange> ranges) {
  std::mutex mutex;
  std::condition_variable ended;
  bool done = false;
  Status outcome;
  reader.Submit(ranges, ReadPriority::kDemand, [&](Status status) {
    // Under the lock: what it refers to ends as soon as the waiting thread sees `done`.
    std::lock_guard lock(mutex);
    outcome = std::move(status);
    done = true;
    ended.notify_one();
  });
  std::unique_lock lock(mutex);
  ended.wait(lock, [&] { return done; });
  return outcome;
}

}  // namespace

EmbeddingTable::EmbeddingTable(const ModelSpec& spec, const ResidentWeights& weights,
                               const Kernels& kernels, Reader& reader)
    : spec_(spec),
      table_(weights.token_embd()),
      kernels_(kernels),
      reader_(reader),
      tensor_(*spec.Find("token_embd.weight")),
      row_bytes_(RowBytesOf(spec)),
      row_(row_bytes_) {
  if (table_.data != nullptr) return;
  kept_.assign(RowsKept(spec), -1);
  rows_.resize(kept_.size() * row_bytes_);
}

size_t EmbeddingTable::BytesFor(const ModelSpec& spec, bool on_disk) {
  return on_disk ? RowsKept(spec) * (RowBytesOf(spec) + sizeof(int32_t)) : 0;
}

std::byte* EmbeddingTable::RowAt(int32_t token) {
  return rows_.data() + static_cast<size_t>(token) % kept_.size() * row_bytes_;
}

Status EmbeddingTable::Lookup(std::span<const int32_t> tokens, float* x) {
  const auto n_embd = spec_.n_embd;
  if (table_.data != nullptr) {
    for (const int32_t token : tokens) {
      CopyRow(table_, token, row_.data());
      kernels_.dequantize_row(tensor_.type, row_.data(), n_embd, x);
      x += n_embd;
    }
    return Status::Ok();
  }
  // As many at once as have slots of their own: a later token may take an earlier one's slot.
  while (!tokens.empty()) {
    std::vector<bool> taken(kept_.size(), false);
    size_t n = 0;
    for (; n < tokens.size(); ++n) {
      const size_t slot = static_cast<size_t>(tokens[n]) % kept_.size();
      const auto before = tokens.first(n);
      if (taken[slot] && std::find(before.begin(), before.end(), tokens[n]) == before.end()) break;
      taken[slot] = true;
    }
    RETURN_IF_ERROR(ReadMissing(tokens.first(n)));
    for (const int32_t token : tokens.first(n)) {
      kernels_.dequantize_row(tensor_.type, RowAt(token), n_embd, x);
      x += n_embd;
    }
    tokens = tokens.subspan(n);
  }
  return Status::Ok();
}

Status EmbeddingTable::ReadMissing(std::span<const int32_t> tokens) {
  std::vector<ReadRange> ranges;
  ranges.reserve(tokens.size());
  for (const int32_t token : tokens) {
    int32_t& kept = kept_[static_cast<size_t>(token) % kept_.size()];
    if (kept == token) continue;
    kept = token;
    ranges.push_back(
        {tensor_.offset + static_cast<uint64_t>(token) * row_bytes_, row_bytes_, RowAt(token)});
  }
  if (ranges.empty()) return Status::Ok();
  // Some may have arrived; which ones is unknown.
  const auto forget = [&] { std::fill(kept_.begin(), kept_.end(), -1); };
  try {
    Status status = ReadNow(reader_, ranges);
    if (!status.ok()) forget();
    return status;
  } catch (const std::bad_alloc&) {
    forget();
    return Status::OutOfMemory();
  }
}

}  // namespace hearth
