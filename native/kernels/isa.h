// The instruction set that the kernels run on: one choice for all of them, made once per process.
#pragma once

namespace lapidary {

// Each holds those before it: the x86-64 levels 1, 3 and 4, and level 4 with products of bfloat16.
enum class Isa { kPlain, kAvx2, kAvx512, kAvx512Bf16 };

// The best one that this processor has and ATEN_CPU_CAPABILITY, libtorch's own switch, allows: `default` (plain), `avx2` or
// `avx512`; anything else allows all.
Isa isa();

// As users read it: "plain", "avx2", "avx512" or "avx512-bf16".
const char* isaName();

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define LAPIDARY_X86 1
#define LAPIDARY_ANYWHERE __attribute__((noinline))
#define LAPIDARY_AVX2 __attribute__((noinline, target("arch=x86-64-v3")))
#define LAPIDARY_AVX512 __attribute__((noinline, target("arch=x86-64-v4")))
template <typename Body>
LAPIDARY_ANYWHERE auto plainly(const Body& body) { return body(); }
template <typename Body>
LAPIDARY_AVX2 auto withAvx2(const Body& body) { return body(); }
template <typename Body>
LAPIDARY_AVX512 auto withAvx512(const Body& body) { return body(); }
#endif

// Runs one body, which is compiled for each instruction set. The body is a lambda marked LAPIDARY_LAMBDA, and all that it
// calls is LAPIDARY_INLINE: what is not inlined is compiled for none of them.
template <typename Body>
inline auto onEachIsa(const Body& body) {
#if defined(LAPIDARY_X86)
  if (isa() >= Isa::kAvx512) return withAvx512(body);
  if (isa() == Isa::kAvx2) return withAvx2(body);
  return plainly(body);
#else
  return body();
#endif
}

}  // namespace lapidary
