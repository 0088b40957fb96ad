#include "isa.h"

#include <cstdlib>
#include <cstring>

namespace lapidary {

namespace {

#if defined(LAPIDARY_X86)
Isa ofProcessor() {
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("bmi2")) return Isa::kPlain;
  const bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
                    __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512cd");
  if (!wide) return Isa::kAvx2;
  return __builtin_cpu_supports("avx512bf16") ? Isa::kAvx512Bf16 : Isa::kAvx512;
}
#else
Isa ofProcessor() { return Isa::kPlain; }
#endif

Isa allowed() {
  const char* limit = std::getenv("ATEN_CPU_CAPABILITY");
  if (limit == nullptr) return Isa::kAvx512Bf16;
  if (std::strcmp(limit, "default") == 0) return Isa::kPlain;
  if (std::strcmp(limit, "avx2") == 0) return Isa::kAvx2;
  return std::strcmp(limit, "avx512") == 0 ? Isa::kAvx512 : Isa::kAvx512Bf16;
}

}  // namespace

Isa isa() {
  static const Isa isa = ofProcessor() < allowed() ? ofProcessor() : allowed();
  return isa;
}

const char* isaName() {
  constexpr const char* kNames[] = {"plain", "avx2", "avx512", "avx512-bf16"};
  return kNames[static_cast<int>(isa())];
}

}  // namespace lapidary
