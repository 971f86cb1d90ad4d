// Which instruction sets a test goes through.
#ifndef HEARTH_KERNELS_ISAS_TESTING_H_
#define HEARTH_KERNELS_ISAS_TESTING_H_

#include <string>
#include <vector>

#include "base/cpu.h"
#include "base/testing.h"
#include "kernels/block.h"
#include "kernels/dispatch.h"

namespace hearth::testing {

// Those whose kernels this build has and this processor runs, ref first. The others of this
// architecture are reported as skipped.
inline std::vector<Isa> IsasHere() {
  std::vector<Isa> isas;
  for (const IsaRow& row : kIsas) {
    if (!IsaOfThisArchitecture(row.isa)) continue;
    const std::string kernels = std::string("kernels ") + row.name + ": ";
    if (!IsaAvailable(row.isa)) {
      Skip(kernels + "this processor lacks " + row.needs);
    } else if (!IsaCompiled(row.isa)) {
      Skip(kernels + "this build lacks them");
    } else {
      isas.push_back(row.isa);
    }
  }
  return isas;
}

// Where the half floats of a quantised block are, in bytes from its start: its scale, then what is
// added to or taken from all of its weights.
inline std::vector<size_t> HalfFloatsOf(TensorType type) {
  switch (type) {
    case TensorType::kQ6_K:
      return {208};
    case TensorType::kQ2_K:
      return {80, 82};
    case TensorType::kQ3_K:
      return {108};
    case TensorType::kQ4_1:
    case TensorType::kQ5_1:
    case TensorType::kQ4_K:
    case TensorType::kQ5_K:
      return {0, 2};
    default:
      return {0};
  }
}

inline std::vector<TensorType> TypesThatAre(bool quantized) {
  std::vector<TensorType> types;
  for (int i = 0; i < kTensorTypeCount; ++i) {
    const auto type = static_cast<TensorType>(i);
    if (IsQuantized(type) == quantized) types.push_back(type);
  }
  return types;
}

}  // namespace hearth::testing

#endif  // HEARTH_KERNELS_ISAS_TESTING_H_
