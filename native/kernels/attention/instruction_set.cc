// The choice among the kernels' instruction sets.
#include "attention.h"
#include "../isa.h"

namespace lapidary::attention {

#define LAPIDARY_DECLARE(NAME)  \
  namespace NAME {              \
  Kernels<float> singles();     \
  Kernels<double> doubles();    \
  }
LAPIDARY_DECLARE(plain)
#if defined(__x86_64__)
LAPIDARY_DECLARE(v3)
LAPIDARY_DECLARE(v4)
#endif

template <>
Kernels<float> kernels() {
#if defined(__x86_64__)
  if (isa() >= Isa::kAvx512) return v4::singles();
  if (isa() == Isa::kAvx2) return v3::singles();
#endif
  return plain::singles();
}

template <>
Kernels<double> kernels() {
#if defined(__x86_64__)
  if (isa() >= Isa::kAvx512) return v4::doubles();
  if (isa() == Isa::kAvx2) return v3::doubles();
#endif
  return plain::doubles();
}

}  // namespace lapidary::attention
