// The schemas of our own operators. Each kernel file registers its implementations.
#include "bridge/torch.h"

TORCH_LIBRARY(lapidary, library) {
  library.def("segment_sum(Tensor values, Tensor offsets) -> Tensor");
  library.def("segment_max(Tensor values, Tensor offsets) -> Tensor");
  library.def(
      "rowwise_adagrad_(Tensor(a!) table, Tensor(b!) moments, Tensor indices, Tensor gradients, float lr, float eps) "
      "-> ()");
  library.def(
      "jagged_attention(Tensor query, Tensor key, Tensor value, *, Tensor query_offsets, Tensor key_offsets, "
      "Tensor? candidates=None, Tensor? position_bias=None, Tensor? time_bias=None, Tensor? query_times=None, "
      "Tensor? key_times=None, str activation=\"softmax\", float scale=1.0, float factor=1.0, bool causal=False, "
      "int window=0, int prefix=0, int block=0, float rotary_base=0.0) -> Tensor");
}
