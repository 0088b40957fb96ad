// tables_adagrad_, tables_adam_: the backward of a lookup fused with the update of the rows that it touched. They take the
// lookup's features and its result's gradient; g_r = Σ over the ids of row r of weight · their bag's gradient.
// Rows narrower than float32 are rounded stochastically, keyed by (seed + table's place, step, row, column).
#include "update.h"

namespace lapidary {

namespace {

// moments_r += mean_j g_rj² ;  w_r -= lr · g_r / (√(moments_r / replicas) + eps)
struct Adagrad {
  double lr, eps, replicas;

  template <typename Sum>
  LAPIDARY_INLINE void fetch(const UpdateJob& job, int64_t row, int64_t) const {
    fetchLines(static_cast<Sum*>(job.first) + row, sizeof(Sum));
  }
  template <typename Sum>
  LAPIDARY_INLINE void apply(const UpdateJob& job, int64_t row, int64_t dim, const Sum* __restrict gradient,
                             Sum* __restrict values) const {
    Sum& moment = static_cast<Sum*>(job.first)[row];
    moment += sumOfSquares(gradient, dim) / static_cast<Sum>(std::max<int64_t>(dim, 1));
    const auto step = static_cast<Sum>(lr / (std::sqrt(static_cast<double>(moment) / replicas) + eps));
    for (int64_t j = 0; j < dim; ++j) values[j] -= step * gradient[j];
  }
};

// m_r ← β₁m_r + (1−β₁)g_r ;  v_r ← β₂v_r + (1−β₂)g_r² ;  w_r -= lr · m̂_r / (√v̂_r + eps), on touched rows only
struct Adam {
  double lr, beta1, beta2, eps, correction1, correction2;

  template <typename Sum>
  LAPIDARY_INLINE void fetch(const UpdateJob& job, int64_t row, int64_t dim) const {
    fetchLines(static_cast<Sum*>(job.first) + row * dim, dim * sizeof(Sum));
    fetchLines(static_cast<Sum*>(job.second) + row * dim, dim * sizeof(Sum));
  }
  template <typename Sum>
  LAPIDARY_INLINE void apply(const UpdateJob& job, int64_t row, int64_t dim, const Sum* __restrict gradient,
                             Sum* __restrict values) const {
    Sum* __restrict first = static_cast<Sum*>(job.first) + row * dim;
    Sum* __restrict second = static_cast<Sum*>(job.second) + row * dim;
    const Sum b1(beta1), b2(beta2), rest1(1 - beta1), rest2(1 - beta2), e(eps);
    const Sum rate(lr / correction1), scale(1 / std::sqrt(correction2));
    for (int64_t j = 0; j < dim; ++j) {
      first[j] = b1 * first[j] + rest1 * gradient[j];
      second[j] = b2 * second[j] + rest2 * gradient[j] * gradient[j];
      values[j] -= rate * first[j] / (std::sqrt(second[j]) * scale + e);
    }
  }
};

}  // namespace

void checkMemory(const char* op, at::TensorList tables, at::TensorList memory, bool perElement) {
  TORCH_CHECK(memory.size() == tables.size(), op, ": there must be ", tables.size(), " moments, got ", memory.size());
  for (size_t t = 0; t < tables.size(); ++t) {
    std::vector<int64_t> shape{tables[t].size(0)};
    if (perElement) shape.push_back(rowDim(tables[t]));
    TORCH_CHECK(memory[t].sizes() == at::IntArrayRef(shape) && memory[t].is_contiguous() &&
                    memory[t].scalar_type() == sumType(tables[t].scalar_type()),
                op, ": moments must be contiguous ", sumType(tables[t].scalar_type()), " ", at::IntArrayRef(shape), ", got ",
                memory[t].scalar_type(), " ", memory[t].sizes());
  }
}

PlainRowGradient plainRowGradient(const FeatureArguments& given, at::TensorList gradients, int64_t table) {
  std::vector<at::Tensor> codes, values;
  for (size_t f = 0; f < given.features.size(); ++f) {
    if (given.features[f] != table) continue;
    at::Tensor value = given.hasOffsets(f) ? gradients[f].index_select(0, bagIds(given, f)) : gradients[f];
    const at::Tensor scales = idScales(given, f, value.scalar_type());
    codes.push_back(given.codes[f].to(at::kLong));
    values.push_back(scales.defined() ? value * scales.unsqueeze(1) : value);
  }
  if (codes.empty()) return {};
  const at::Tensor all = at::cat(values);
  const auto [rows, inverse] = at::_unique(at::cat(codes), true, true);
  return {rows, at::zeros({rows.size(0), all.size(1)}, all.options()).index_add(0, inverse, all)};
}

// Applies `rule(table's place, row gradient) → what is added to the rows`.
template <typename Rule>
static void updatePlainly(const char* op, const FeatureArguments& given, at::TensorList gradients, const Rule& rule) {
  checkShapes(op, given);
  FeatureList none;
  checkGradients(op, given, gradients, none);
  for (size_t t = 0; t < given.tables.size(); ++t) {
    at::Tensor table = given.tables[t];
    TORCH_CHECK_NOT_IMPLEMENTED(table.scalar_type() != at::kByte, op, ": int8 rows are updated on CPU only");
    const PlainRowGradient touched = plainRowGradient(given, gradients, t);
    if (!touched.rows.defined()) continue;
    const at::Tensor change = rule(t, touched);
    table.index_copy_(0, touched.rows, (plainRows(table.index_select(0, touched.rows)) + change).to(table.scalar_type()));
  }
}

static void adagradCpu(at::TensorList tables, at::TensorList moments, at::IntArrayRef features, at::TensorList codes,
                       at::TensorList offsets, at::TensorList weights, bool mean, at::TensorList gradients, double lr, double eps,
                       double replicas, int64_t seed, int64_t step) {
  const Adagrad rule{lr, eps, replicas};
  const FeatureArguments given{tables, features, codes, offsets, weights, mean};
  checkShapes("tables_adagrad_", given);
  checkMemory("tables_adagrad_", tables, moments, false);
  updateTables(given, {"tables_adagrad_", gradients, moments, {}, static_cast<uint64_t>(seed), static_cast<uint64_t>(step)},
               [&](auto rows, const UpdateJob& job) { update(rows, job, rule); });
}

static void adagradComposite(at::TensorList tables, at::TensorList moments, at::IntArrayRef features, at::TensorList codes,
                             at::TensorList offsets, at::TensorList weights, bool mean, at::TensorList gradients, double lr,
                             double eps, double replicas, int64_t, int64_t) {
  const FeatureArguments given{tables, features, codes, offsets, weights, mean};
  checkShapes("tables_adagrad_", given);
  checkMemory("tables_adagrad_", tables, moments, false);
  updatePlainly("tables_adagrad_", given, gradients, [&](size_t t, const PlainRowGradient& touched) {
    at::Tensor sums = moments[t];
    sums.index_add_(0, touched.rows, touched.gradient.square().mean(1));
    const at::Tensor scale = sums.index_select(0, touched.rows).div(replicas).sqrt().add(eps).reciprocal().mul(-lr);
    return touched.gradient * scale.unsqueeze(1);
  });
}

static void adamCpu(at::TensorList tables, at::TensorList first, at::TensorList second, at::IntArrayRef features,
                    at::TensorList codes, at::TensorList offsets, at::TensorList weights, bool mean, at::TensorList gradients,
                    double lr, double beta1, double beta2, double eps, int64_t step, int64_t seed) {
  const Adam rule{lr, beta1, beta2, eps, 1 - std::pow(beta1, step), 1 - std::pow(beta2, step)};
  const FeatureArguments given{tables, features, codes, offsets, weights, mean};
  checkShapes("tables_adam_", given);
  checkMemory("tables_adam_", tables, first, true);
  checkMemory("tables_adam_", tables, second, true);
  TORCH_CHECK(step >= 1, "tables_adam_: steps are counted from 1, got ", step);
  updateTables(given, {"tables_adam_", gradients, first, second, static_cast<uint64_t>(seed), static_cast<uint64_t>(step)},
               [&](auto rows, const UpdateJob& job) { update(rows, job, rule); });
}

static void adamComposite(at::TensorList tables, at::TensorList first, at::TensorList second, at::IntArrayRef features,
                          at::TensorList codes, at::TensorList offsets, at::TensorList weights, bool mean,
                          at::TensorList gradients, double lr, double beta1, double beta2, double eps, int64_t step, int64_t) {
  const FeatureArguments given{tables, features, codes, offsets, weights, mean};
  checkShapes("tables_adam_", given);
  checkMemory("tables_adam_", tables, first, true);
  checkMemory("tables_adam_", tables, second, true);
  TORCH_CHECK(step >= 1, "tables_adam_: steps are counted from 1, got ", step);
  updatePlainly("tables_adam_", given, gradients, [&](size_t t, const PlainRowGradient& touched) {
    at::Tensor means = first[t], squares = second[t];
    const at::Tensor m = means.index_select(0, touched.rows).mul(beta1).add(touched.gradient, 1 - beta1);
    const at::Tensor v = squares.index_select(0, touched.rows).mul(beta2).add(touched.gradient.square(), 1 - beta2);
    means.index_copy_(0, touched.rows, m);
    squares.index_copy_(0, touched.rows, v);
    return m / (v.div(1 - std::pow(beta2, step)).sqrt() + eps) * (-lr / (1 - std::pow(beta1, step)));
  });
}

}  // namespace lapidary

TORCH_LIBRARY_IMPL(lapidary, CPU, library) {
  library.impl("tables_adagrad_", lapidary::adagradCpu);
  library.impl("tables_adam_", lapidary::adamCpu);
}
TORCH_LIBRARY_IMPL(lapidary, CompositeExplicitAutograd, library) {
  library.impl("tables_adagrad_", lapidary::adagradComposite);
  library.impl("tables_adam_", lapidary::adamComposite);
}
