// What operators over segments share: rows [L, ...] cut by offsets [B+1] (int64, from 0 to L, never decreasing).
#pragma once
#include "bridge/torch.h"

namespace lapidary {

inline void checkSegments(const char* op, const at::Tensor& values, const at::Tensor& offsets) {
  TORCH_CHECK(values.dim() >= 1, op, ": values must have rows, got a scalar");
  TORCH_CHECK(offsets.dim() == 1 && offsets.scalar_type() == at::kLong && offsets.size(0) >= 1, op,
              ": offsets must be int64 [B+1], got ", offsets.scalar_type(), " ", offsets.sizes());
}

inline void checkBounds(const char* op, const int64_t* bounds, int64_t segments, int64_t rows) {
  TORCH_CHECK(bounds[0] == 0 && bounds[segments] == rows, op, ": offsets must run from 0 to ", rows, ", got ", bounds[0],
              " to ", bounds[segments]);
  for (int64_t s = 0; s < segments; ++s) {
    TORCH_CHECK(bounds[s] <= bounds[s + 1], op, ": offsets must not decrease, they do at ", s);
  }
}

// One row of the values' width per segment.
inline std::vector<int64_t> segmentShape(const at::Tensor& values, const at::Tensor& offsets) {
  std::vector<int64_t> shape = values.sizes().vec();
  shape[0] = offsets.size(0) - 1;
  return shape;
}

// The segment of each row.
inline at::Tensor segmentIds(const at::Tensor& offsets, int64_t rows) {
  return at::repeat_interleave(at::arange(offsets.size(0) - 1, offsets.options()), offsets.diff(), 0, rows);
}

}  // namespace lapidary
