// The schemas of our own operators. Each kernel file registers its implementations.
#include "bridge/torch.h"

TORCH_LIBRARY(lapidary, library) {
  library.def("segment_sum(Tensor values, Tensor offsets) -> Tensor");
  library.def("segment_max(Tensor values, Tensor offsets) -> Tensor");
  library.def(
      "rowwise_adagrad_(Tensor(a!) table, Tensor(b!) moments, Tensor indices, Tensor gradients, float lr, float eps) "
      "-> ()");
  library.def("norm(Tensor input, Tensor scale, Tensor? shift, str kind, float eps, bool float8=False) -> Tensor");
  library.def(
      "residual_norm(Tensor input, Tensor residual, Tensor scale, Tensor? shift, str kind, float eps, bool float8=False) "
      "-> (Tensor, Tensor)");
  library.def("gated(Tensor gate, Tensor values, str activation, bool float8=False) -> Tensor");
  library.def("bias_activation(Tensor input, Tensor? bias, str activation, bool float8=False) -> Tensor");
  library.def(
      "dense(Tensor input, Tensor weight, Tensor? bias, str activation, bool half=False, bool float8=False) -> Tensor");
  library.def("masked_log_loss(Tensor logits, Tensor labels, Tensor mask, Tensor known) -> Tensor");
  library.def("float8_encode(Tensor self) -> (Tensor, Tensor)");
  library.def("float8_decode(Tensor codes, Tensor scales, int[] shape, ScalarType dtype) -> Tensor");
}
