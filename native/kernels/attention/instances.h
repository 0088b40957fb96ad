// The kernels of one instruction set, LAPIDARY_ISA, of W lanes of float32 and MR rows in registers beside them.
#pragma once
#include "backward.h"
#include "forward.h"

namespace lapidary::attention::LAPIDARY_ISA {

template <typename T, int W, int MR>
__attribute__((flatten)) static void forwardKernel(const Problem<T>& p, const Item& item, Scratch<T>& scratch, T*, T*) {
  forwardItem<T, W, MR>(p, item, scratch);
}
template <typename T, int W, int MR>
__attribute__((flatten)) static void backwardKernel(const Problem<T>& p, const Item& item, Scratch<T>& scratch, T* keys, T* values) {
  backwardItem<T, W, MR>(p, item, scratch, keys, values);
}

Kernels<float> singles() { return {forwardKernel<float, LAPIDARY_W, LAPIDARY_MR>, backwardKernel<float, LAPIDARY_W, LAPIDARY_MR>}; }
Kernels<double> doubles() {
  return {forwardKernel<double, LAPIDARY_W / 2, LAPIDARY_MR>, backwardKernel<double, LAPIDARY_W / 2, LAPIDARY_MR>};
}

}  // namespace lapidary::attention::LAPIDARY_ISA
