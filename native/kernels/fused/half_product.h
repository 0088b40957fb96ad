// Products of bfloat16 factors with float32 sums and results: in pairs where the processor multiplies them (AVX512-BF16), and
// else of the widened factors (half_product_wide.cc). Their bits depend on the shapes alone, not on the number of threads.
#pragma once
#include "bridge/torch.h"

namespace lapidary {

// One factor of a product, [rows, columns], or what stands there transposed.
struct HalfFactor {
  at::Tensor matrix;  // bfloat16
  bool transposed = false;
};

// a b + bias, only the factors rounded: [M, K] [K, N] + [N] → float32 [M, N]. `bias`: contiguous float32, or undefined.
at::Tensor halfProduct(const HalfFactor& a, const HalfFactor& b, const at::Tensor& bias);

// The same on any processor, in float32.
at::Tensor halfProductWidened(const HalfFactor& a, const HalfFactor& b, const at::Tensor& bias);

}  // namespace lapidary
