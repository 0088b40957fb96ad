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
  const char* given = std::getenv("ATEN_CPU_CAPABILITY");
  if (given == nullptr) return Isa::kAvx512Bf16;
  if (std::strcmp(given, "default") == 0) return Isa::kPlain;
  if (std::strcmp(given, "avx2") == 0) return Isa::kAvx2;
  return std::strcmp(given, "avx512") == 0 ? Isa::kAvx512 : Isa::kAvx512Bf16;
}

}  // namespace

Isa isa() {
  static const Isa chosen = ofProcessor() < allowed() ? ofProcessor() : allowed();
  return chosen;
}

const char* isaName() {
  constexpr const char* kNames[] = {"plain", "avx2", "avx512", "avx512-bf16"};
  return kNames[static_cast<int>(isa())];
}

}  // namespace lapidary
