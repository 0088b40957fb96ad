// For kernels that are one operator to libtorch, and so count their own products.
#pragma once

namespace lapidary {

bool countsFlops();
void addFlops(double flops);

}  // namespace lapidary
