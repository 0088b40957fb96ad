// The choice among the kernels' instruction sets.
#include <cstdlib>
#include <cstring>

#include "attention.h"

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

// 0 = plain, 3 and 4 = the x86-64 levels.
static int level() {
  static const int chosen = [] {
#if defined(__x86_64__)
    const char* given = std::getenv("ATEN_CPU_CAPABILITY");
    const char* allowed = given == nullptr ? "" : given;
    const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
    const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                    __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                    __builtin_cpu_supports("avx512cd");
    if (std::strcmp(allowed, "default") == 0 || !v3) return 0;
    return v4 && std::strcmp(allowed, "avx2") != 0 ? 4 : 3;
#else
    return 0;
#endif
  }();
  return chosen;
}

template <>
Kernels<float> kernels() {
#if defined(__x86_64__)
  if (level() == 4) return v4::singles();
  if (level() == 3) return v3::singles();
#endif
  return plain::singles();
}

template <>
Kernels<double> kernels() {
#if defined(__x86_64__)
  if (level() == 4) return v4::doubles();
  if (level() == 3) return v3::doubles();
#endif
  return plain::doubles();
}

}  // namespace lapidary::attention
