// For tests only: a small random model in a temporary file, and a reader that disturbs.
#ifndef HEARTH_ENGINE_MODEL_TESTING_H_
#define HEARTH_ENGINE_MODEL_TESTING_H_

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "io/reader.h"
#include "model/model_spec.h"

namespace hearth {

// What a RandomModel has besides.
struct RandomModelExtras {
  int64_t n_vocab = 50;
  std::optional<TensorType> predictor;  // of the approximate head: as random as all else
  std::function<void(BlockSpec*)> describe = nullptr;  // changes the blocks
  // By a matrix's name within its layer ("attn_q") or its whole one; unset: all are of one type.
  std::function<TensorType(const std::string& name)> type_of = nullptr;
  bool tied = false;  // no output.weight: the head is the embedding
};

// The file is removed when this object ends. Shape of the 21B in small: layer 0 global without
// positions, the others windowed with RoPE; n_head * head_dim != n_embd. Matrices are of `type`,
// the router and norms F32.
class RandomModel {
 public:
  RandomModel(TensorType type, Gating gating, uint32_t seed = 1, RandomModelExtras extras = {})
      : random_(seed) {
    static std::atomic<int> counter{0};
    ModelSpec& s = spec_;
    s.path = (std::filesystem::temp_directory_path() /
              ("hearth-test-" + std::to_string(std::random_device{}()) + "-" +
               std::to_string(counter++) + ".bin"))
                 .string();
    s.n_layer = 3;
    s.n_embd = 64;
    s.n_head = 6;
    s.n_head_kv = 2;
    s.head_dim = 16;
    s.n_ff = 96;
    s.n_vocab = extras.n_vocab;
    s.n_expert = 6;
    s.n_expert_used = 2;
    s.rms_eps = 1e-6f;
    s.n_ctx_train = 256;
    s.block.gating = gating;
    s.block.attention = {{0, std::nullopt}, {16, RopeSpec{10000}}, {16, RopeSpec{10000}}};
    if (extras.describe) extras.describe(&s.block);
    const auto of = [&](const char* name) { return extras.type_of ? extras.type_of(name) : type; };
    Add("token_embd.weight", of("token_embd"), {s.n_embd, s.n_vocab});
    if (!extras.tied) Add("output.weight", of("output"), {s.n_embd, s.n_vocab});
    Add("output_norm.weight", TensorType::kF32, {s.n_embd});
    for (int il = 0; il < s.n_layer; ++il) {
      const std::string p = "blk." + std::to_string(il) + ".";
      Add(p + "attn_norm.weight", TensorType::kF32, {s.n_embd});
      Add(p + "ffn_norm.weight", TensorType::kF32, {s.n_embd});
      Add(p + "attn_q.weight", of("attn_q"), {s.n_embd, s.n_q()});
      Add(p + "attn_k.weight", of("attn_k"), {s.n_embd, s.n_kv()});
      Add(p + "attn_v.weight", of("attn_v"), {s.n_embd, s.n_kv()});
      if (s.block.qk_norm) {
        Add(p + "attn_q_norm.weight", TensorType::kF32, {s.head_dim});
        Add(p + "attn_k_norm.weight", TensorType::kF32, {s.head_dim});
      }
      Add(p + "attn_output.weight", of("attn_output"), {s.n_q(), s.n_embd});
      Add(p + "ffn_gate_inp.weight", TensorType::kF32, {s.n_embd, s.n_expert});
      Add(p + "ffn_gate_exps.weight", of("ffn_gate_exps"), {s.n_embd, s.n_ff, s.n_expert});
      Add(p + "ffn_up_exps.weight", of("ffn_up_exps"), {s.n_embd, s.n_ff, s.n_expert});
      Add(p + "ffn_down_exps.weight", of("ffn_down_exps"), {s.n_ff, s.n_embd, s.n_expert});
    }
    if (extras.predictor) {
      Add(kPredictorName, *extras.predictor, {(s.n_embd + s.n_vocab) * kPredictorWidth});
    }
    spec_.file_bytes = bytes_.size();
    Write();
  }
  RandomModel(const RandomModel&) = delete;
  RandomModel& operator=(const RandomModel&) = delete;
  ~RandomModel() { std::filesystem::remove(spec_.path); }

  const ModelSpec& spec() const { return spec_; }

  // The weights of an F32 tensor, by its whole name.
  std::vector<float> Floats(const std::string& tensor) const {
    const TensorInfo& info = *spec_.Find(tensor);
    std::vector<float> floats(static_cast<size_t>(info.bytes) / sizeof(float));
    std::memcpy(floats.data(), bytes_.data() + info.offset, info.bytes);
    return floats;
  }

  // Overwrites bytes of a tensor in the file, from its start.
  void Damage(const std::string& tensor, const void* bytes, size_t n) {
    std::memcpy(bytes_.data() + spec_.Find(tensor)->offset, bytes, n);
    Write();
  }
  // Cuts the file to a part of its length / makes it whole again.
  void Truncate() { std::filesystem::resize_file(spec_.path, spec_.file_bytes / 8); }
  void Write() {
    std::ofstream file(spec_.path, std::ios::binary | std::ios::trunc);
    file.write(reinterpret_cast<const char*>(bytes_.data()),
               static_cast<std::streamsize>(bytes_.size()));
  }

  std::vector<int32_t> Tokens(size_t n, uint32_t seed) const {
    std::mt19937 random(seed);
    std::vector<int32_t> tokens(n);
    for (int32_t& token : tokens) token = static_cast<int32_t>(random() % 50);
    return tokens;
  }

 private:
  void Add(std::string name, TensorType type, std::vector<int64_t> shape) {
    TensorInfo tensor;
    tensor.name = std::move(name);
    tensor.type = type;
    tensor.shape = std::move(shape);
    tensor.offset = bytes_.size();
    const bool norm = tensor.name.find("norm") != std::string::npos;
    const int64_t n_block = tensor.shape[0] / BlockLength(type) * tensor.n_row();
    for (int64_t i = 0; i < n_block; ++i) AddBlock(type, norm);
    tensor.bytes = bytes_.size() - tensor.offset;
    spec_.tensors.push_back(std::move(tensor));
  }

  void AddBlock(TensorType type, bool norm) {
    if (type == TensorType::kF32) {
      std::uniform_real_distribution<float> uniform(-0.3f, 0.3f);
      const float value = uniform(random_) + (norm ? 1.0f : 0.0f);
      const auto* raw = reinterpret_cast<const std::byte*>(&value);
      bytes_.insert(bytes_.end(), raw, raw + sizeof(value));
      return;
    }
    if (type == TensorType::kF16) {
      // Of either sign, below 1/4: exponents of up to 12.
      const auto half = static_cast<uint16_t>((random_() & 0x83ff) | 0x2c00 | (random_() & 0x400));
      bytes_.push_back(static_cast<std::byte>(half & 0xff));
      bytes_.push_back(static_cast<std::byte>(half >> 8));
      return;
    }
    // Q4_0 and Q8_0: a scale, 0x2800 is 1/32 and 0x1800 is 1/512 as a half float; and quants.
    bytes_.push_back(std::byte{0x00});
    bytes_.push_back(type == TensorType::kQ4_0 ? std::byte{0x28} : std::byte{0x18});
    for (size_t i = 2; i < BlockBytes(type); ++i)
      bytes_.push_back(static_cast<std::byte>(random_()));
  }

  ModelSpec spec_;
  std::vector<std::byte> bytes_;
  std::mt19937 random_;
};

// Reads in random order, late, and failing for a share of the reads.
class DisturbingReader : public Reader {
 public:
  // `on_read` is called before each job, with their number so far.
  DisturbingReader(const File& file, uint32_t seed, double failure_share,
                   std::function<void(int)> on_read = nullptr)
      : file_(file), random_(seed), fails_(failure_share), on_read_(std::move(on_read)) {
    for (int i = 0; i < 2; ++i) threads_.emplace_back([this] { Loop(); });
  }
  ~DisturbingReader() override {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  void Submit(std::span<const ReadRange> ranges, ReadPriority priority,
              std::function<void(Status)> done) override {
    {
      std::lock_guard lock(mutex_);
      jobs_.push_back({{ranges.begin(), ranges.end()}, std::move(done), priority});
    }
    wake_.notify_one();
  }
  void Promote(const std::byte*) override {}
  bool Withdraw(const std::byte* first_dest) override {
    std::lock_guard lock(mutex_);
    return std::erase_if(jobs_, [&](const Job& job) {
             return job.ranges[0].dest == first_dest && job.priority == ReadPriority::kSpeculative;
           }) > 0;
  }
  uint64_t bytes_read() const override { return 0; }

 private:
  struct Job {
    std::vector<ReadRange> ranges;
    std::function<void(Status)> done;
    ReadPriority priority = ReadPriority::kDemand;
  };

  void Loop() {
    std::unique_lock lock(mutex_);
    while (true) {
      wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      std::swap(jobs_[random_() % jobs_.size()], jobs_.back());
      const Job job = std::move(jobs_.back());
      jobs_.pop_back();
      const bool fails = fails_(random_);
      const auto delay = std::chrono::microseconds(random_() % 200);
      const int n_read = ++n_read_;
      lock.unlock();
      if (on_read_) on_read_(n_read);
      std::this_thread::sleep_for(delay);
      Status status = fails ? Status::Io("disturbed") : Status::Ok();
      for (const ReadRange& range : job.ranges) {
        if (status.ok()) status = file_.Read(range);
        if (status.ok() && range.arrived) range.arrived();
      }
      job.done(std::move(status));
      lock.lock();
    }
  }

  const File& file_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::mt19937 random_;
  std::bernoulli_distribution fails_;
  std::function<void(int)> on_read_;
  int n_read_ = 0;
  std::vector<Job> jobs_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace hearth

#endif  // HEARTH_ENGINE_MODEL_TESTING_H_
