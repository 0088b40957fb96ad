// The schemas of our own operators. Each kernel file registers its implementations.
#include "bridge/torch.h"

TORCH_LIBRARY(lapidary, library) {
  library.def("segment_sum(Tensor values, Tensor offsets) -> Tensor");
  library.def("segment_max(Tensor values, Tensor offsets) -> Tensor");
  library.def(
      "rowwise_adagrad_(Tensor(a!) table, Tensor(b!) moments, Tensor indices, Tensor gradients, float lr, float eps) "
      "-> ()");
}
