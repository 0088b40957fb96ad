// One instance of the kernels per instruction set, and the choice among them.
#include <cstdlib>
#include <cstring>

#include "attention_backward.h"
#include "attention_forward.h"

namespace lapidary::attention {

// W lanes of float32, MR rows in registers beside two vectors each: as many as the instruction set has registers for.
#define LAPIDARY_KERNELS(NAME, TARGET, T, W, MR)                                                                       \
  TARGET static void forward##NAME(const Problem<T>& p, const Item& item, Scratch<T>& scratch, T*, T*) {               \
    forwardItem<T, W, MR>(p, item, scratch);                                                                           \
  }                                                                                                                    \
  TARGET static void backward##NAME(const Problem<T>& p, const Item& item, Scratch<T>& scratch, T* keys, T* values) {  \
    backwardItem<T, W, MR>(p, item, scratch, keys, values);                                                            \
  }

#if defined(__x86_64__)
#define LAPIDARY_V4 __attribute__((flatten, target("arch=x86-64-v4,prefer-vector-width=512")))
#define LAPIDARY_V3 __attribute__((flatten, target("arch=x86-64-v3")))
LAPIDARY_KERNELS(V4, LAPIDARY_V4, float, 16, 8)
LAPIDARY_KERNELS(V3, LAPIDARY_V3, float, 8, 4)
LAPIDARY_KERNELS(DoubleV4, LAPIDARY_V4, double, 8, 8)
LAPIDARY_KERNELS(DoubleV3, LAPIDARY_V3, double, 4, 4)
#endif
#define LAPIDARY_PLAIN __attribute__((flatten))
LAPIDARY_KERNELS(Plain, LAPIDARY_PLAIN, float, 4, 4)
LAPIDARY_KERNELS(DoublePlain, LAPIDARY_PLAIN, double, 2, 4)

// 0 = plain, 3 and 4 = the x86-64 levels.
static int level() {
  static const int chosen = [] {
    const char* allowed = std::getenv("ATEN_CPU_CAPABILITY");
    if (allowed == nullptr) allowed = "";
#if defined(__x86_64__)
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
  if (level() == 4) return {forwardV4, backwardV4};
  if (level() == 3) return {forwardV3, backwardV3};
#endif
  return {forwardPlain, backwardPlain};
}

template <>
Kernels<double> kernels() {
#if defined(__x86_64__)
  if (level() == 4) return {forwardDoubleV4, backwardDoubleV4};
  if (level() == 3) return {forwardDoubleV3, backwardDoubleV3};
#endif
  return {forwardDoublePlain, backwardDoublePlain};
}

}  // namespace lapidary::attention
