// tables_adagrad_: the backward of a lookup fused with the update of the rows that it touched. It takes the lookup's
// features and its result's gradient; g_r = Σ over the ids of row r of weight · their bag's gradient.
// Rows narrower than float32 are rounded stochastically, keyed by (seed + table's place, step, row, column).
#include "update.h"

#include <array>

namespace lapidary {

namespace {

// moments_r += mean_j g_rj² ;  w_r -= lr · g_r / (√moments_r + eps)
struct Adagrad {
  double lr, eps;

  template <typename Sum>
  LAPIDARY_INLINE void fetch(const UpdateJob& job, int64_t row) const {
    fetchLines(static_cast<Sum*>(job.moments) + row, sizeof(Sum));
  }
  template <typename Sum>
  LAPIDARY_INLINE void apply(const UpdateJob& job, int64_t row, int64_t dim, const Sum* __restrict gradient,
                             Sum* __restrict values) const {
    Sum& moment = static_cast<Sum*>(job.moments)[row];
    moment += sumOfSquares(gradient, dim) / static_cast<Sum>(std::max<int64_t>(dim, 1));
    const auto step = static_cast<Sum>(lr / (std::sqrt(static_cast<double>(moment)) + eps));
    for (int64_t j = 0; j < dim; ++j) values[j] -= step * gradient[j];
  }
};

}  // namespace

constexpr const char* kOp = "tables_adagrad_";

static void checkMoments(at::TensorList tables, at::TensorList moments) {
  TORCH_CHECK(moments.size() == tables.size(), kOp, ": there must be ", tables.size(), " moments, got ", moments.size());
  for (size_t t = 0; t < tables.size(); ++t) {
    const at::ScalarType type = sumType(tables[t].scalar_type());
    const std::array<int64_t, 1> shape{tables[t].size(0)};
    TORCH_CHECK(moments[t].sizes() == at::IntArrayRef(shape) && moments[t].is_contiguous() && moments[t].scalar_type() == type, kOp,
                ": moments must be contiguous ", type, " ", at::IntArrayRef(shape), ", got ", moments[t].scalar_type(), " ",
                moments[t].sizes());
  }
}

// The gradient of each touched row of a table, by plain operators, for devices that have no kernel of ours.
struct PlainRowGradient {
  at::Tensor rows, gradient;
};

static PlainRowGradient plainRowGradient(const Lookup& lookup, at::TensorList gradients, int64_t table) {
  std::vector<at::Tensor> codes, values;
  for (size_t f = 0; f < lookup.features.size(); ++f) {
    if (lookup.features[f] != table) continue;
    at::Tensor value = lookup.hasOffsets(f) ? gradients[f].index_select(0, bagIds(lookup, f)) : gradients[f];
    const at::Tensor scales = idScales(lookup, f, value.scalar_type());
    codes.push_back(lookup.codes[f].to(at::kLong));
    values.push_back(scales.defined() ? value * scales.unsqueeze(1) : value);
  }
  if (codes.empty()) return {};
  const at::Tensor all = at::cat(values);
  const auto [rows, inverse] = at::_unique(at::cat(codes), true, true);
  return {rows, at::zeros({rows.size(0), all.size(1)}, all.options()).index_add(0, inverse, all)};
}

static void adagradCpu(at::TensorList tables, at::TensorList moments, at::IntArrayRef features, at::TensorList codes,
                       at::TensorList offsets, at::TensorList weights, bool mean, at::TensorList gradients, double lr, double eps,
                       int64_t seed, int64_t step) {
  const Adagrad rule{lr, eps};
  const Lookup lookup{tables, features, codes, offsets, weights, mean};
  checkShapes(kOp, lookup);
  checkMoments(tables, moments);
  updateTables(lookup, {kOp, gradients, moments, static_cast<uint64_t>(seed), static_cast<uint64_t>(step)},
               [&](auto rows, const UpdateJob& job) { update(rows, job, rule); });
}

static void adagradComposite(at::TensorList tables, at::TensorList moments, at::IntArrayRef features, at::TensorList codes,
                             at::TensorList offsets, at::TensorList weights, bool mean, at::TensorList gradients, double lr,
                             double eps, int64_t, int64_t) {
  const Lookup lookup{tables, features, codes, offsets, weights, mean};
  checkShapes(kOp, lookup);
  checkMoments(tables, moments);
  FeatureList none;
  checkGradients(kOp, lookup, gradients, none);
  for (size_t t = 0; t < tables.size(); ++t) {
    at::Tensor table = tables[t], sums = moments[t];
    TORCH_CHECK_NOT_IMPLEMENTED(table.scalar_type() != at::kByte, kOp, ": int8 rows are updated on CPU only");
    const PlainRowGradient touched = plainRowGradient(lookup, gradients, t);
    if (!touched.rows.defined()) continue;
    sums.index_add_(0, touched.rows, touched.gradient.square().mean(1));
    const at::Tensor scale = sums.index_select(0, touched.rows).sqrt().add(eps).reciprocal().mul(-lr);
    const at::Tensor rows = plainRows(table.index_select(0, touched.rows)) + touched.gradient * scale.unsqueeze(1);
    table.index_copy_(0, touched.rows, rows.to(table.scalar_type()));
  }
}

}  // namespace lapidary

TORCH_LIBRARY_IMPL(lapidary, CPU, library) { library.impl("tables_adagrad_", lapidary::adagradCpu); }
TORCH_LIBRARY_IMPL(lapidary, CompositeExplicitAutograd, library) {
  library.impl("tables_adagrad_", lapidary::adagradComposite);
}
