// What jagged_attention is called with, and whether it fits together.
#pragma once
#include "attention.h"

namespace lapidary {

attention::Activation activationOf(c10::string_view name);

struct Arguments {
  at::Tensor query, key, value, queryOffsets, keyOffsets, positionBias;
  attention::Activation activation;
  double scale, factor;
  attention::Mask mask;
  double rotaryBase;

  void check() const;
  // Of a width that the kernels compute in, contiguous where they need it.
  Arguments ready() const;
  // Rows of the longest example, of queries or keys.
  int64_t longest() const;
};

}  // namespace lapidary
