#include "transformer/moe.h"

#include <algorithm>
#include <string>

namespace hearth {
namespace {

// Columns of a transposed matrix are shared out in whole blocks of every type.
constexpr int64_t kColumnGrain = kSuperBlock;
// Neurons whose gate is closed need no row of `up`. Picking the others costs slightly more per row
// than reading all in order, so it is done only if more than this share was idle lately; measured.
constexpr double kIdleShareWorthSkipping = 0.25;
constexpr double kIdleShareAtFirst = 0.5;
constexpr double kForgetting = 0.1;  // the weight of the newest group
constexpr int64_t kGatherGrain = 8;  // rows, of a kilobyte or two
// Partial sums of a float dot product, and tokens whose partial sums of kColumnGrain columns stay
// in the L2 cache.
constexpr int64_t kPartialSums = 16;
constexpr int64_t kTokenTile = 4;
constexpr int64_t kColumnScratch = kColumnGrain * (1 + kTokenTile * kPartialSums);

// The ReLU of this gate is zero. A NaN is not idle.
bool IsIdle(float gate) { return gate <= 0; }

MatrixView ViewOf(const ExpertStore& store, const ExpertMatrix& matrix,
                  const PinnedExpert& expert) {
  const int64_t n_interleaved =
      matrix.interleaved ? matrix.n_row / kInterleavedRows * kInterleavedRows : 0;
  return MatrixView{matrix.type, expert.data() + store.OffsetOf(matrix, expert.id()),
                    matrix.row_bytes(), matrix.row_length, n_interleaved};
}

// Calls body(member, begin, end) for the parts of [begin, end) of `group.size() * n` items that
// fall to each member.
template <typename Group, typename Body>
void ForMembers(const Group& group, int64_t n, int64_t begin, int64_t end, const Body& body) {
  while (begin < end) {
    const int64_t member = begin / n;
    const int64_t first = begin % n;
    const int64_t last = std::min(n, first + (end - begin));
    body(group[static_cast<size_t>(member)], first, last);
    begin += last - first;
  }
}

// The mean, at least 1.
template <typename Group>
int64_t TokensPerMember(const Group& group) {
  int64_t n_row = 0;
  for (const auto& member : group) n_row += member.n_row;
  return std::max<int64_t>(1, n_row / static_cast<int64_t>(group.size()));
}

// Activations that a quantised matrix reads need their 8-bit form.
bool InputQ8(const ModelSpec& spec) { return spec.AnyQuantized({"ffn_gate_exps", "ffn_up_exps"}); }
bool HiddenQ8(const ModelSpec& spec) {
  return !spec.down_transposed && spec.AnyQuantized({"ffn_down_exps"});
}

int64_t ColumnScratch(const ModelSpec& spec, int n_threads) {
  return spec.down_transposed ? n_threads * kColumnScratch : 0;
}

}  // namespace

std::vector<int> Routing::Experts(int n_expert) const {
  std::vector<bool> used(static_cast<size_t>(n_expert));
  for (const int32_t id : ids) used[static_cast<size_t>(id)] = true;
  std::vector<int> experts;
  for (int e = 0; e < n_expert; ++e) {
    if (used[static_cast<size_t>(e)]) experts.push_back(e);
  }
  return experts;
}

std::vector<int> Routing::ByPopularity(int n_expert) const {
  // Choices first, then how high they ranked.
  std::vector<int64_t> weight(static_cast<size_t>(n_expert));
  for (size_t i = 0; i < ids.size(); ++i) {
    const auto rank = static_cast<int64_t>(i) % n_used;
    weight[static_cast<size_t>(ids[i])] += (int64_t{1} << 32) + n_used - rank;
  }
  std::vector<int> experts = Experts(n_expert);
  std::stable_sort(experts.begin(), experts.end(), [&](int a, int b) {
    return weight[static_cast<size_t>(a)] > weight[static_cast<size_t>(b)];
  });
  return experts;
}

size_t Moe::BytesFor(const ModelSpec& spec, int n_threads, int64_t n_token) {
  const int64_t n_row = n_token * spec.n_expert_used;
  return Activations::BytesFor(n_row, spec.n_embd, InputQ8(spec)) +
         Activations::BytesFor(n_row, spec.n_ff, HiddenQ8(spec)) +
         static_cast<size_t>(n_row * (2 * spec.n_ff + spec.n_embd) +
                             ColumnScratch(spec, n_threads)) *
             sizeof(float);
}

Result<std::unique_ptr<Moe>> Moe::Create(const ModelSpec& spec, const ExpertStore& store,
                                         const Kernels& kernels, ThreadPool& pool) {
  std::unique_ptr<Moe> moe(new Moe(spec, store, kernels, pool));
  RETURN_IF_ERROR(AllocateFloats({{&moe->column_scratch_, ColumnScratch(spec, pool.size())}}));
  moe->idle_share_.assign(static_cast<size_t>(spec.n_layer), kIdleShareAtFirst);
  return moe;
}

Status Moe::Resize(int64_t n_token) {
  const int64_t n_row = n_token * spec_.n_expert_used;
  Result<Activations> gathered = Activations::Create(n_row, spec_.n_embd, InputQ8(spec_));
  if (!gathered.ok()) return gathered.status();
  Result<Activations> hidden = Activations::Create(n_row, spec_.n_ff, HiddenQ8(spec_));
  if (!hidden.ok()) return hidden.status();
  RETURN_IF_ERROR(AllocateFloats({{&gate_, n_row * spec_.n_ff},
                                  {&up_, n_row * spec_.n_ff},
                                  {&output_, n_row * spec_.n_embd}}));
  gathered_ = std::move(gathered).value();
  hidden_ = std::move(hidden).value();
  row_of_.resize(static_cast<size_t>(n_row));
  choice_of_.resize(static_cast<size_t>(n_row));
  return Status::Ok();
}

Status Moe::Run(int il, const Routing& routing, const Activations& input, ExpertBatch& batch,
                const std::atomic<bool>& cancelled, float* out) {
  n_row_used_ = 0;
  while (true) {
    if (cancelled.load(std::memory_order_relaxed)) return Status::Cancelled();
    Result<std::vector<PinnedExpert>> ready = batch.Next(spec_.n_expert);
    if (!ready.ok()) return ready.status();
    if (ready.value().empty()) break;
    std::vector<Member> group;
    for (PinnedExpert& expert : ready.value()) group.push_back(Member{std::move(expert), 0, 0});
    AssignRows(routing, group);
    if (routing.n_token > 1) Gather(il, routing, input, group);
    GateAndUp(il, routing.n_token, input, group);
    if (spec_.down_transposed) {
      DownTransposed(il, group);
    } else {
      Down(il, group);
    }
  }
  CHECK(n_row_used_ == routing.n_token * routing.n_used, "the batch misses an expert");
  Reduce(routing, out);
  return Status::Ok();
}

void Moe::AssignRows(const Routing& routing, std::vector<Member>& group) {
  for (Member& member : group) {
    member.row0 = n_row_used_;
    for (size_t i = 0; i < routing.ids.size(); ++i) {
      if (routing.ids[i] != member.expert.id()) continue;
      choice_of_[static_cast<size_t>(n_row_used_)] = static_cast<int32_t>(i);
      row_of_[i] = n_row_used_++;
    }
    member.n_row = n_row_used_ - member.row0;
  }
}

// Lays each expert's tokens one after another. Only the form that its matrices read is copied.
void Moe::Gather(int il, const Routing& routing, const Activations& input,
                 const std::vector<Member>& group) {
  const ExpertLayerLayout& layout = store_.layer(il);
  const bool q8 = IsQuantized(layout.gate.type) || IsQuantized(layout.up.type);
  const bool floats = !IsQuantized(layout.gate.type) || !IsQuantized(layout.up.type);
  const int64_t row0 = group.front().row0;
  pool_.ParallelFor(n_row_used_ - row0, kGatherGrain, [&](int64_t begin, int64_t end, int) {
    for (int64_t r = row0 + begin; r < row0 + end; ++r) {
      const int64_t t = choice_of_[static_cast<size_t>(r)] / routing.n_used;
      if (floats) gathered_.CopyFloats(r, input, t);
      if (q8) gathered_.CopyQ8(r, input, t);
    }
  });
}

void Moe::GateAndUp(int il, int64_t n_token, const Activations& input,
                    const std::vector<Member>& group) {
  const ExpertLayerLayout& layout = store_.layer(il);
  const int64_t n_ff = spec_.n_ff;
  // A single token is read where it is; more are gathered by expert.
  const bool single = n_token == 1;
  const bool may_skip = spec_.block.activation == Activation::kRelu &&
                        IsQuantized(layout.up.type) && !layout.up.interleaved;
  const auto activate =
      spec_.block.activation == Activation::kSilu ? kernels_.silu_mul : kernels_.relu_mul;
  double& idle_share = idle_share_[static_cast<size_t>(il)];
  const bool skip = may_skip && idle_share > kIdleShareWorthSkipping;
  std::atomic<int64_t> n_idle{0};
  const int64_t grain =
      RowGrain(layout.gate.row_bytes() + layout.up.row_bytes(), TokensPerMember(group));
  pool_.ParallelFor(
      static_cast<int64_t>(group.size()) * n_ff, grain, [&](int64_t begin, int64_t end, int) {
        ForMembers(group, n_ff, begin, end, [&](const Member& m, int64_t first, int64_t last) {
          const Activations& rows = single ? input : gathered_;
          const int64_t row0 = single ? 0 : m.row0;
          const MatrixView up = ViewOf(store_, layout.up, m.expert);
          float* g = gate_.As<float>() + m.row0 * n_ff;
          float* u = up_.As<float>() + m.row0 * n_ff;
          rows.MatMul(kernels_, ViewOf(store_, layout.gate, m.expert), first, last, row0, m.n_row,
                      g, n_ff);
          if (m.n_row == 1 && may_skip) {
            n_idle.fetch_add(std::count_if(g + first, g + last, IsIdle), std::memory_order_relaxed);
            if (skip) return UpOfActive(up, rows, row0, g, first, last, hidden_.row(m.row0));
          }
          rows.MatMul(kernels_, up, first, last, row0, m.n_row, u, n_ff);
          for (int64_t r = 0; r < m.n_row; ++r) {
            activate(g + r * n_ff + first, u + r * n_ff + first, last - first,
                     hidden_.row(m.row0 + r) + first);
          }
        });
      });
  const int64_t n_single =
      std::count_if(group.begin(), group.end(), [](const Member& m) { return m.n_row == 1; });
  if (!may_skip || n_single == 0) return;
  const double share = static_cast<double>(n_idle) / static_cast<double>(n_single * n_ff);
  idle_share += kForgetting * (share - idle_share);
}

// hidden = relu(g) * up for neurons [first, last) of one token. Rows of idle ones are not read:
// their product would be multiplied by zero.
void Moe::UpOfActive(const MatrixView& up, const Activations& input, int64_t row, const float* g,
                     int64_t first, int64_t last, float* hidden) const {
  constexpr int64_t kRowsAtOnce = 256;
  int32_t active[kRowsAtOnce];
  float u[kRowsAtOnce];
  for (; first < last; first += kRowsAtOnce) {
    const int64_t end = std::min(first + kRowsAtOnce, last);
    int64_t n = 0;
    for (int64_t i = first; i < end; ++i) {
      hidden[i] = 0.0f;
      active[n] = static_cast<int32_t>(i);
      n += IsIdle(g[i]) ? 0 : 1;
    }
    input.MatMulRows(kernels_, up, active, n, row, u);
    for (int64_t i = 0; i < n; ++i) hidden[active[i]] = g[active[i]] * u[i];
  }
}

void Moe::Down(int il, const std::vector<Member>& group) {
  const ExpertMatrix& down = store_.layer(il).down;
  const int64_t row0 = group.front().row0;
  pool_.ParallelFor(n_row_used_ - row0, 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t r = begin; r < end; ++r) hidden_.Quantize(kernels_, row0 + r);
  });
  const int64_t n_embd = spec_.n_embd;
  float* output = output_.As<float>();
  pool_.ParallelFor(
      static_cast<int64_t>(group.size()) * n_embd,
      RowGrain(down.row_bytes(), TokensPerMember(group)), [&](int64_t begin, int64_t end, int) {
        ForMembers(group, n_embd, begin, end, [&](const Member& m, int64_t first, int64_t last) {
          hidden_.MatMul(kernels_, ViewOf(store_, down, m.expert), first, last, m.row0, m.n_row,
                         output + m.row0 * n_embd, n_embd);
        });
      });
}

// A transposed matrix has a row a neuron, so the output is a sum of rows. Neurons are added in the
// order of a float dot product (kernels.h): sixteen partial sums, reduced at the end; so float
// weights give the same bits in both layouts.
void Moe::DownTransposed(int il, const std::vector<Member>& group) {
  const ExpertMatrix& down = store_.layer(il).down;
  const int64_t n_embd = spec_.n_embd;
  const int64_t n_column = (n_embd + kColumnGrain - 1) / kColumnGrain * kColumnGrain;
  pool_.ParallelFor(static_cast<int64_t>(group.size()) * n_column, kColumnGrain,
                    [&](int64_t begin, int64_t end, int worker) {
                      float* scratch = column_scratch_.As<float>() + worker * kColumnScratch;
                      ForMembers(group, n_column, begin, end,
                                 [&](const Member& m, int64_t first, int64_t last) {
                                   last = std::min(last, n_embd);
                                   for (; first < last; first += kColumnGrain) {
                                     DownColumns(ViewOf(store_, down, m.expert), m, first,
                                                 std::min(first + kColumnGrain, last), scratch);
                                   }
                                 });
                    });
}

// Columns [first, last), at most kColumnGrain, of the outputs of one expert's tokens, a few tokens
// at a time.
void Moe::DownColumns(const MatrixView& down, const Member& m, int64_t first, int64_t last,
                      float* scratch) {
  const int64_t width = last - first;
  const auto* columns = static_cast<const std::byte*>(down.data) + RowBytes(down.type, first);
  float* const weights = scratch;
  float* const sums = scratch + kColumnGrain;  // [kTokenTile, kPartialSums, width]
  for (int64_t r0 = 0; r0 < m.n_row; r0 += kTokenTile) {
    const int64_t n_row = std::min(kTokenTile, m.n_row - r0);
    const auto sum = [&](int64_t r, int64_t lane) {
      return sums + (r * kPartialSums + lane) * width;
    };
    std::fill(sums, sum(n_row, 0), 0.0f);
    for (int64_t neuron = 0; neuron < spec_.n_ff; ++neuron) {
      if (IsIdleForAll(m.row0 + r0, n_row, neuron)) continue;
      kernels_.dequantize_row(down.type, columns + static_cast<size_t>(neuron) * down.row_bytes,
                              width, weights);
      for (int64_t r = 0; r < n_row; ++r) {
        kernels_.axpy(hidden_.row(m.row0 + r0 + r)[neuron], weights, width,
                      sum(r, neuron % kPartialSums));
      }
    }
    for (int64_t r = 0; r < n_row; ++r) {
      for (int64_t step = kPartialSums / 2; step > 0; step /= 2) {
        for (int64_t lane = 0; lane < step; ++lane)
          kernels_.add(sum(r, lane + step), width, sum(r, lane));
      }
      std::copy(sum(r, 0), sum(r, 0) + width,
                output_.As<float>() + (m.row0 + r0 + r) * spec_.n_embd + first);
    }
  }
}

// Then its row adds nothing to any of these outputs: their sums begin at +0.
bool Moe::IsIdleForAll(int64_t row0, int64_t n_row, int64_t neuron) const {
  for (int64_t r = row0; r < row0 + n_row; ++r) {
    if (hidden_.row(r)[neuron] != 0.0f) return false;
  }
  return true;
}

void Moe::Reduce(const Routing& routing, float* out) {
  const int64_t n_embd = spec_.n_embd;
  const int n_used = routing.n_used;
  pool_.ParallelFor(routing.n_token, 1, [&](int64_t begin, int64_t end, int) {
    std::vector<int> by_id(static_cast<size_t>(n_used));
    for (int64_t t = begin; t < end; ++t) {
      const int32_t* ids = &routing.ids[static_cast<size_t>(t * n_used)];
      for (int r = 0; r < n_used; ++r) by_id[static_cast<size_t>(r)] = r;
      std::sort(by_id.begin(), by_id.end(), [&](int a, int b) { return ids[a] < ids[b]; });
      float* sum = out + t * n_embd;
      std::fill(sum, sum + n_embd, 0.0f);
      for (const int r : by_id) {
        const auto i = static_cast<size_t>(t * n_used + r);
        kernels_.axpy(routing.gates[i], output_.As<float>() + row_of_[i] * n_embd, n_embd, sum);
      }
    }
  });
}

}  // namespace hearth
