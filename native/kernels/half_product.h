// Products of bfloat16 factors with float32 sums and results, for CPUs that multiply pairs of bfloat16 (AVX512-BF16).
#pragma once
#include "bridge/torch.h"

namespace lapidary {

// Whether this CPU has the instructions; without them bfloat16 is emulated and slower than float32.
bool hasHalfProducts();

// One factor of a product, [rows, columns], or what stands there transposed.
struct HalfFactor {
  at::Tensor matrix;  // bfloat16 in a halfProduct
  bool transposed = false;
};

// a b + bias, all rounded only once, at the end: [M, K] [K, N] + [N] → float32 [M, N]. `bias` may be undefined.
at::Tensor halfProduct(const HalfFactor& a, const HalfFactor& b, const at::Tensor& bias);

}  // namespace lapidary
