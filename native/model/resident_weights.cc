#include "model/resident_weights.h"

#include <algorithm>
#include <string>

#include "kernels/interleaved_rows.h"

namespace hearth {
namespace {

// Reads of this size keep a progress display alive and cost nothing in throughput.
constexpr size_t kReadBytes = 8 << 20;

size_t RoundUp(size_t bytes) { return (bytes + kCacheLineBytes - 1) & ~(kCacheLineBytes - 1); }

size_t FloatBytes(const TensorInfo& tensor) {
  return static_cast<size_t>(tensor.shape[0] * tensor.n_row()) * sizeof(float);
}

constexpr const char* kMatrixNames[] = {"attn_q", "attn_k", "attn_v", "attn_output"};
constexpr const char* kFloatNames[] = {"attn_norm", "ffn_norm", "ffn_gate_inp"};
constexpr const char* kHeadNormNames[] = {"attn_q_norm", "attn_k_norm"};

// Hands out parts of one buffer and fills them from the file.
class Loader {
 public:
  Loader(const ModelSpec& spec, const File& file, const Kernels& kernels, AlignedBuffer& storage,
         const std::function<void(size_t)>& progress)
      : spec_(spec), file_(file), kernels_(kernels), storage_(storage), progress_(progress) {}

  // The tensor in the file's layout; with `multiplied` its rows are repacked.
  Status Matrix(const TensorInfo& tensor, bool multiplied, MatrixView* view) {
    std::byte* dest = Take(static_cast<size_t>(tensor.bytes));
    RETURN_IF_ERROR(Read(tensor, dest));
    *view = View(tensor.type, dest, tensor.shape[0], tensor.n_row(), multiplied);
    return Status::Ok();
  }

  // Its two matrices follow each other.
  Status Predictor(const TensorInfo& tensor, MatrixView* in, MatrixView* out) {
    std::byte* dest = Take(static_cast<size_t>(tensor.bytes));
    RETURN_IF_ERROR(Read(tensor, dest));
    const size_t in_bytes = RowBytes(tensor.type, kPredictorWidth * spec_.n_embd);
    *in = View(tensor.type, dest, spec_.n_embd, kPredictorWidth, true);
    *out = View(tensor.type, dest + in_bytes, kPredictorWidth, spec_.n_vocab, true);
    return Status::Ok();
  }

  // The tensor as floats.
  Status Floats(const TensorInfo& tensor, const float** floats) {
    std::byte* dest = Take(FloatBytes(tensor));
    *floats = reinterpret_cast<const float*>(dest);
    if (tensor.type == TensorType::kF32) {
      RETURN_IF_ERROR(Read(tensor, dest));
      return CheckWritten(tensor, dest);
    }
    std::vector<std::byte> raw(static_cast<size_t>(tensor.bytes));
    RETURN_IF_ERROR(Read(tensor, raw.data()));
    RETURN_IF_ERROR(CheckWritten(tensor, raw.data()));
    kernels_.dequantize_row(tensor.type, raw.data(), tensor.shape[0] * tensor.n_row(),
                            reinterpret_cast<float*>(dest));
    return Status::Ok();
  }

 private:
  MatrixView View(TensorType type, std::byte* data, int64_t k, int64_t n_row, bool interleaved) {
    MatrixView view{type, data, RowBytes(type, k), k};
    if (!interleaved || !IsQuantized(type)) return view;
    scratch_.resize(std::max(scratch_.size(), RepackScratchBytes(view.row_bytes)));
    view.n_interleaved = RepackRows(kernels_, type, k, n_row, data, data, scratch_.data());
    return view;
  }

  std::byte* Take(size_t bytes) {
    std::byte* part = storage_.data() + used_;
    used_ += RoundUp(bytes);
    CHECK(used_ <= storage_.bytes(), "BytesFor counts every tensor that Load takes");
    return part;
  }

  // Programs that give a file its whole size before they write it leave zeros where they have not
  // been. A norm or a router of zeros would let nothing through, so no model has one; matrices of
  // zeros there are. Norms and routers lie in every layer: a missing end or part is noticed.
  Status CheckWritten(const TensorInfo& tensor, const std::byte* data) const {
    const std::byte* end = data + tensor.bytes;
    if (std::any_of(data, end, [](std::byte b) { return b != std::byte{0}; })) return Status::Ok();
    return Status::BadModel("cannot use model '" + spec_.path + "': its tensor '" + tensor.name +
                            "' is nothing but zeros: the file has not been written to its end; "
                            "download it again");
  }

  Status Read(const TensorInfo& tensor, std::byte* dest) {
    for (size_t done = 0; done < tensor.bytes;) {
      const size_t bytes = std::min(kReadBytes, static_cast<size_t>(tensor.bytes) - done);
      RETURN_IF_ERROR(file_.Read({tensor.offset + done, bytes, dest + done}));
      done += bytes;
      read_ += bytes;
      if (progress_) progress_(read_);
    }
    return Status::Ok();
  }

  const ModelSpec& spec_;
  const File& file_;
  const Kernels& kernels_;
  AlignedBuffer& storage_;
  const std::function<void(size_t)>& progress_;
  std::vector<std::byte> scratch_;
  size_t used_ = 0;
  size_t read_ = 0;
};

}  // namespace

bool ResidentWeights::CanLeaveEmbedding(const ModelSpec& spec) {
  return spec.Find("output.weight") != nullptr;
}

size_t ResidentWeights::BytesFor(const ModelSpec& spec, bool embedding_on_disk) {
  size_t bytes = RoundUp(FloatBytes(*spec.Find("output_norm.weight")));
  if (!embedding_on_disk) bytes += RoundUp(spec.Find("token_embd.weight")->bytes);
  if (const TensorInfo* head = spec.Find("output.weight")) bytes += RoundUp(head->bytes);
  if (const TensorInfo* predictor = spec.Find(kPredictorName)) bytes += RoundUp(predictor->bytes);
  for (int il = 0; il < spec.n_layer; ++il) {
    for (const char* name : kMatrixNames) bytes += RoundUp(spec.FindInLayer(il, name)->bytes);
    for (const char* name : kFloatNames) bytes += RoundUp(FloatBytes(*spec.FindInLayer(il, name)));
    if (!spec.block.qk_norm) continue;
    for (const char* name : kHeadNormNames)
      bytes += RoundUp(FloatBytes(*spec.FindInLayer(il, name)));
  }
  return bytes;
}

Result<std::unique_ptr<ResidentWeights>> ResidentWeights::Load(
    const ModelSpec& spec, const File& file, const Kernels& kernels, bool embedding_on_disk,
    const std::function<void(size_t)>& progress) {
  CHECK(!embedding_on_disk || CanLeaveEmbedding(spec), "the head needs the embedding in memory");
  auto weights = std::make_unique<ResidentWeights>();
  Result<AlignedBuffer> storage = AlignedBuffer::Allocate(BytesFor(spec, embedding_on_disk));
  if (!storage.ok()) return storage.status();
  weights->storage_ = std::move(storage).value();
  Loader loader(spec, file, kernels, weights->storage_, progress);

  const TensorInfo* head = spec.Find("output.weight");
  const TensorInfo* predictor = spec.Find(kPredictorName);
  // Rows that are only looked up, or picked by the predictor, are not interleaved.
  if (!embedding_on_disk) {
    RETURN_IF_ERROR(loader.Matrix(*spec.Find("token_embd.weight"),
                                  head == nullptr && predictor == nullptr, &weights->token_embd_));
  }
  RETURN_IF_ERROR(loader.Floats(*spec.Find("output_norm.weight"), &weights->output_norm_));
  weights->head_ = weights->token_embd_;
  if (head != nullptr) RETURN_IF_ERROR(loader.Matrix(*head, predictor == nullptr, &weights->head_));
  if (predictor != nullptr) {
    RETURN_IF_ERROR(
        loader.Predictor(*predictor, &weights->predictor_in_, &weights->predictor_out_));
  }
  for (int il = 0; il < spec.n_layer; ++il) {
    LayerWeights layer;
    MatrixView* matrices[] = {&layer.attn_q, &layer.attn_k, &layer.attn_v, &layer.attn_output};
    for (size_t i = 0; i < std::size(kMatrixNames); ++i) {
      RETURN_IF_ERROR(loader.Matrix(*spec.FindInLayer(il, kMatrixNames[i]), true, matrices[i]));
    }
    const float* router = nullptr;
    const float** floats[] = {&layer.attn_norm, &layer.ffn_norm, &router};
    for (size_t i = 0; i < std::size(kFloatNames); ++i) {
      RETURN_IF_ERROR(loader.Floats(*spec.FindInLayer(il, kFloatNames[i]), floats[i]));
    }
    const float** head_norms[] = {&layer.attn_q_norm, &layer.attn_k_norm};
    for (size_t i = 0; spec.block.qk_norm && i < std::size(kHeadNormNames); ++i) {
      RETURN_IF_ERROR(loader.Floats(*spec.FindInLayer(il, kHeadNormNames[i]), head_norms[i]));
    }
    layer.router =
        MatrixView{TensorType::kF32, router, RowBytes(TensorType::kF32, spec.n_embd), spec.n_embd};
    weights->layers_.push_back(layer);
  }
  return weights;
}

}  // namespace hearth
