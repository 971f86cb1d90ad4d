// From a tensor type known at run time to one known at compile time.
#ifndef HEARTH_KERNELS_FOR_TYPE_H_
#define HEARTH_KERNELS_FOR_TYPE_H_

#include <stdlib.h>

#include "kernels/block.h"
#include "kernels/inline.h"

namespace hearth {
namespace {  // a copy for each file, with its flags

template <TensorType kType>
struct TypeTag {
  static constexpr TensorType kValue = kType;
};

// Calls f(TypeTag<type>), for which the type is a constant: `f(auto tag)`, `decltype(tag)::kValue`.
template <class F, int kIndex = 0>
HEARTH_INLINE void ForType(TensorType type, const F& f) {
  if constexpr (kIndex < kTensorTypeCount) {
    constexpr TensorType kType = static_cast<TensorType>(kIndex);
    if (type == kType) return f(TypeTag<kType>());
    return ForType<F, kIndex + 1>(type, f);
  } else {
    abort();  // not one of TensorType's values
  }
}

// The same for types that are quantised; a caller that gives another has broken its contract.
template <class F>
HEARTH_INLINE void ForQuantizedType(TensorType type, const F& f) {
  ForType(type, [&](auto tag) {
    if constexpr (IsQuantized(decltype(tag)::kValue)) {
      f(tag);
    } else {
      abort();
    }
  });
}

// And for those that are not.
template <class F>
HEARTH_INLINE void ForFloatType(TensorType type, const F& f) {
  ForType(type, [&](auto tag) {
    if constexpr (IsQuantized(decltype(tag)::kValue)) {
      abort();
    } else {
      f(tag);
    }
  });
}

}  // namespace
}  // namespace hearth

#endif  // HEARTH_KERNELS_FOR_TYPE_H_
