// Which instruction sets a test goes through.
#ifndef HEARTH_KERNELS_ISAS_TESTING_H_
#define HEARTH_KERNELS_ISAS_TESTING_H_

#include <string>
#include <vector>

#include "base/cpu.h"
#include "base/testing.h"
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
      Skip(kernels + "this compiler cannot build them");
    } else {
      isas.push_back(row.isa);
    }
  }
  return isas;
}

}  // namespace hearth::testing

#endif  // HEARTH_KERNELS_ISAS_TESTING_H_
