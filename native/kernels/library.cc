// The schemas of our own operators. Each kernel file registers its implementations.
#include "bridge/torch.h"

TORCH_LIBRARY(lapidary, library) {
  library.def("segment_sum(Tensor values, Tensor offsets) -> Tensor");
  library.def("segment_max(Tensor values, Tensor offsets) -> Tensor");
  library.def(
      "jagged_attention(Tensor query, Tensor key, Tensor value, *, Tensor query_offsets, Tensor key_offsets, "
      "Tensor? position_bias=None, str activation=\"softmax\", float scale=1.0, float factor=1.0, bool causal=False, "
      "int window=0, int global_keys=0, int block=0, float rotary_base=0.0) -> Tensor");

  // One entry of features, codes, offsets, weights and gradients per feature; a feature is of the table of that number.
  // Leaves: what the gradient of each table flows to; the tables themselves if there is none.
  library.def(
      "tables_pool(Tensor[] tables, int[] features, Tensor[] codes, Tensor[] offsets, Tensor[] weights, bool mean, "
      "Tensor[] leaves) -> Tensor[]");
  library.def(
      "tables_linear(Tensor[] tables, int[] features, Tensor[] codes, Tensor weight, Tensor? bias, float? eps, Tensor[] leaves) -> Tensor");
  library.def(
      "tables_attention(Tensor[] tables, int[] features, Tensor[] codes, *, Tensor query, Tensor values_and_bias, Tensor prior, "
      "Tensor prior_values, Tensor offsets, float scale, float eps, Tensor[] leaves) -> Tensor");
  library.def(
      "tables_adagrad_(Tensor(a!)[] tables, Tensor(b!)[] moments, int[] features, Tensor[] codes, Tensor[] offsets, "
      "Tensor[] weights, bool mean, Tensor[] gradients, *, float lr, float eps, int seed=0, int step=0) -> ()");
  library.def("to_rows(Tensor values, ScalarType dtype, *, int? seed=None, int step=0) -> Tensor");
  library.def("from_rows(Tensor rows) -> Tensor");
  library.def(
      "history_gather_(Tensor(a!) codes, Tensor[] columns, Tensor[] tables, float[] delays, *, Tensor gaps, float unit, "
      "Tensor starts, Tensor times, Tensor offsets, float[] scales=[]) -> ()");
  library.def("norm(Tensor input, Tensor scale, Tensor? shift, str kind, float eps, bool float8=False) -> Tensor");
  library.def(
      "residual_norm(Tensor input, Tensor residual, Tensor scale, Tensor? shift, str kind, float eps, bool float8=False) "
      "-> (Tensor, Tensor)");
  library.def("gated(Tensor gate, Tensor values, str activation, bool float8=False) -> Tensor");
  library.def("bias_activation(Tensor input, Tensor? bias, str activation, bool float8=False) -> Tensor");
  library.def(
      "dense(Tensor input, Tensor weight, Tensor? bias, str activation, bool half=False, bool float8=False) -> Tensor");
  library.def("token_map(Tensor input, Tensor weight) -> Tensor");
  library.def("token_products(Tensor input, Tensor factor) -> Tensor");
  library.def(
      "adamw_(Tensor(a!) values, Tensor(b!) first, Tensor(c!) second, Tensor gradient, *, float lr, float beta1, float beta2, "
      "float eps, float weight_decay, int step) -> ()");
  library.def("masked_log_loss(Tensor logits, Tensor labels, Tensor mask, Tensor known) -> Tensor");
  library.def("float8_encode(Tensor self) -> (Tensor, Tensor)");
  library.def("float8_decode(Tensor codes, Tensor scales, int[] shape, ScalarType dtype) -> Tensor");
}
