// tables_linear: a linear map of the concatenated lookups of all features, without the concatenation.
//   y_l = W [row_{code_1l} ∥ … ∥ row_{code_Fl}] + b = b + Σ_f W_f row_{code_fl},   W = [W_1 ∥ … ∥ W_F] [E, F·D]
// Rows that a batch repeats are multiplied once: P_f = rows_f W_fᵀ of the distinct ids, then y_l adds F rows of P. Where
// many positions have the same ids of all features, y is made of the distinct ones and copied, dy added up before the rest.
// With ε, rows are normalized before: n(row) = row / √(mean(row²) + ε), of the distinct ids alone.
//   dP_u = Σ_{l, f: row u} dy_l ;  dW_f = dP_fᵀ rows_f ;  drows_f = dP_f W_f ;  db = Σ_l dy_l
#include "bridge/flops.h"
#include "../fused/fused.h"
#include "distinct.h"

namespace lapidary {

namespace {

// Rows whose sums stay in the first cache while all features are added.
constexpr int64_t kBlock = 64;
// Rows of a gradient of weights that are made together.
constexpr int64_t kOuter = 8;
// Multiplications that are worth a thread.
constexpr int64_t kProducts = 1 << 17;

template <typename T>
struct AddJob {
  T* rows;             // P or dP. [U, E]
  const int32_t* row;  // [F, L]
  T* results;          // y or dy. [L, E]
  int64_t features, length, dim;
};

template <typename T>
struct MultiplyJob {
  const T *rows, *weight;  // [U_f, in]; [in, dim], one row every `stride`
  T* results;              // [U_f, dim]
  int64_t in, stride, dim;
};

template <typename T>
struct OuterJob {
  const T *gradients, *rows;  // dP of a feature [U_f, E]; its rows [U_f, D]
  T* results;                 // dW_f [E, D], one row every `stride`
  int64_t count, out, stride, dim;
};

// The products below are small and of many shapes, and add in one order: a library's depend on how many threads it has.

// results_u = weightᵀ row_u for u in [begin, end)
template <typename T, int64_t kDim>
LAPIDARY_INLINE void multiplyRows(const MultiplyJob<T>& job, int64_t begin, int64_t end) {
  const int64_t dim = kDim > 0 ? kDim : job.dim;
  T fixed[kDim > 0 ? kDim : 1];  // Stays in registers where the compiler knows the width.
  for (int64_t u = begin; u < end; ++u) {
    T* __restrict result = job.results + u * dim;
    T* __restrict sum = kDim > 0 ? fixed : result;
    for (int64_t j = 0; j < dim; ++j) sum[j] = 0;
    for (int64_t k = 0; k < job.in; ++k) {
      const T factor = job.rows[u * job.in + k];
      const T* __restrict weight = job.weight + k * job.stride;
      for (int64_t j = 0; j < dim; ++j) sum[j] += factor * weight[j];
    }
    for (int64_t j = 0; j < dim; ++j) result[j] = sum[j];
  }
}

// Σ_u dP_ue row_u for kRows values of e from `first` on.
template <typename T, int64_t kDim, int64_t kRows>
LAPIDARY_INLINE void sumOuter(const OuterJob<T>& job, int64_t first) {
  const int64_t dim = kDim > 0 ? kDim : job.dim;
  T fixed[kRows][kDim > 0 ? kDim : 1];
  T* sums[kRows];
  for (int64_t r = 0; r < kRows; ++r) sums[r] = kDim > 0 ? fixed[r] : job.results + (first + r) * job.stride;
  for (int64_t r = 0; r < kRows; ++r) std::fill_n(sums[r], dim, T(0));
  for (int64_t u = 0; u < job.count; ++u) {
    const T* gradient = job.gradients + u * job.out + first;
    const T* __restrict row = job.rows + u * dim;
    for (int64_t r = 0; r < kRows; ++r) {
      T* __restrict sum = sums[r];
      for (int64_t j = 0; j < dim; ++j) sum[j] += gradient[r] * row[j];
    }
  }
  if (kDim == 0) return;
  for (int64_t r = 0; r < kRows; ++r) std::copy_n(sums[r], dim, job.results + (first + r) * job.stride);
}

// dW_f of blocks [begin, end) of kOuter values of e. Threads share whole blocks: how a compiler rounds a product that is
// added may differ between the loops for many rows and for one, so that which of them makes a row depends on its shape alone.
template <typename T, int64_t kDim>
LAPIDARY_INLINE void outerBlocks(const OuterJob<T>& job, int64_t begin, int64_t end) {
  // Eight registers of 64 bytes hide the latency of an addition.
  constexpr int64_t kBytes = (kDim > 0 ? kDim : 1) * sizeof(T);
  constexpr int64_t kRows = kBytes >= 512 ? 1 : kBytes <= 64 ? kOuter : 512 / kBytes;
  const int64_t last = std::min(job.out, end * kOuter);
  int64_t e = begin * kOuter;
  for (; e + kRows <= last; e += kRows) sumOuter<T, kDim, kRows>(job, e);
  for (; e < last; ++e) sumOuter<T, kDim, 1>(job, e);
}

// y_l += Σ_f P_u for l in [begin, end)
template <typename T, int64_t kDim>
LAPIDARY_INLINE void gatherSums(const AddJob<T>& job, int64_t begin, int64_t end) {
  const int64_t dim = kDim > 0 ? kDim : job.dim;
  for (int64_t from = begin; from < end; from += kBlock) {
    const int64_t to = std::min(end, from + kBlock);
    for (int64_t f = 0; f < job.features; ++f) {
      const int32_t* row = job.row + f * job.length;
      for (int64_t l = from; l < to; ++l) {
        const T* __restrict add = job.rows + row[l] * dim;
        T* __restrict sum = job.results + l * dim;
        for (int64_t j = 0; j < dim; ++j) sum[j] += add[j];
      }
    }
  }
}

// dP_u += dy_l for all l of the features [begin, end), whose rows nobody else has.
template <typename T, int64_t kDim>
LAPIDARY_INLINE void scatterSums(const AddJob<T>& job, int64_t begin, int64_t end) {
  const int64_t dim = kDim > 0 ? kDim : job.dim;
  for (int64_t from = 0; from < job.length; from += kBlock) {
    const int64_t to = std::min(job.length, from + kBlock);
    for (int64_t f = begin; f < end; ++f) {
      const int32_t* row = job.row + f * job.length;
      for (int64_t l = from; l < to; ++l) {
        const T* __restrict add = job.results + l * dim;
        T* __restrict sum = job.rows + row[l] * dim;
        for (int64_t j = 0; j < dim; ++j) sum[j] += add[j];
      }
    }
  }
}

}  // namespace

template <typename T>
static void multiply(const MultiplyJob<T>& job, int64_t begin, int64_t end) {
  onEachIsa([&]() LAPIDARY_LAMBDA { byWidth(job.dim, [&](auto dim) LAPIDARY_LAMBDA { multiplyRows<T, dim()>(job, begin, end); }); });
}
template <typename T>
static void outer(const OuterJob<T>& job, int64_t begin, int64_t end) {
  onEachIsa([&]() LAPIDARY_LAMBDA { byWidth(job.dim, [&](auto dim) LAPIDARY_LAMBDA { outerBlocks<T, dim()>(job, begin, end); }); });
}
template <typename T>
static void gather(const AddJob<T>& job, int64_t begin, int64_t end) {
  onEachIsa([&]() LAPIDARY_LAMBDA { byWidth(job.dim, [&](auto dim) LAPIDARY_LAMBDA { gatherSums<T, dim()>(job, begin, end); }); });
}
template <typename T>
static void scatter(const AddJob<T>& job, int64_t begin, int64_t end) {
  onEachIsa([&]() LAPIDARY_LAMBDA { byWidth(job.dim, [&](auto dim) LAPIDARY_LAMBDA { scatterSums<T, dim()>(job, begin, end); }); });
}

struct Summed {
  at::Tensor result;
  NormalizedRows rows;  // Without ε as they are, and no inverse.
  DistinctIds distinct;
  at::Tensor places;    // Of each position its row of the sums that were made. [L] int32; undefined if each has its own.
};

static void checkLinear(const Lookup& lookup, const at::Tensor& weight, const at::Tensor& bias) {
  checkShapes("tables_linear", lookup);
  const auto count = static_cast<int64_t>(lookup.features.size());
  const int64_t dim = rowDim(lookup.tables[0]);
  TORCH_CHECK(count > 0, "tables_linear: there must be a feature");
  const at::ScalarType type = sumType(lookup.tables[0].scalar_type());
  TORCH_CHECK(weight.dim() == 2 && weight.size(1) == count * dim && weight.scalar_type() == type,
              "tables_linear: weight must be ", type, " [E, ", count * dim, "], got ", weight.scalar_type(), " ", weight.sizes());
  TORCH_CHECK(!bias.defined() || (bias.dim() == 1 && bias.size(0) == weight.size(0) && bias.scalar_type() == type),
              "tables_linear: bias must be ", type, " [", weight.size(0), "]");
}

// P. → [U, E]
static at::Tensor mapped(const DistinctIds& distinct, const at::Tensor& rows, const at::Tensor& weight) {
  const int64_t dim = rows.size(1), width = weight.size(0);
  const at::Tensor result = at::empty({distinct.count(), width}, rows.options());
  const at::Tensor columns = weight.t().contiguous();  // [F·D, E]
  if (countsFlops()) addFlops(2.0 * static_cast<double>(distinct.count() * dim * width));
  AT_DISPATCH_FLOATING_TYPES(rows.scalar_type(), "tables_linear", [&] {
    for (size_t f = 0; f < distinct.codes.size(); ++f) {
      const int64_t first = distinct.first[f];
      const MultiplyJob<scalar_t> job{rows.data_ptr<scalar_t>() + first * dim, columns.data_ptr<scalar_t>() + f * dim * width,
                                      result.data_ptr<scalar_t>() + first * width, dim, width, width};
      at::parallel_for(0, distinct.first[f + 1] - first, 512, [&](int64_t begin, int64_t end) { multiply(job, begin, end); });
    }
  });
  return result;
}

struct MapGradients {
  at::Tensor rows, weight;
};

// drows_f = dP_f W_f and dW_f = dP_fᵀ rows_f, of dP [U, E].
static MapGradients mappedBackward(const DistinctIds& distinct, const at::Tensor& gradient, const at::Tensor& rows, const at::Tensor& weightIn) {
  const at::Tensor weight = weightIn.contiguous();
  const int64_t dim = rows.size(1), width = weight.size(0), stride = weight.size(1);
  const MapGradients out{at::empty_like(rows), at::empty_like(weight)};
  if (countsFlops()) addFlops(4.0 * static_cast<double>(distinct.count() * dim * width));
  AT_DISPATCH_FLOATING_TYPES(rows.scalar_type(), "tables_linear", [&] {
    for (size_t f = 0; f < distinct.codes.size(); ++f) {
      const int64_t first = distinct.first[f], count = distinct.first[f + 1] - first, column = f * dim;
      const scalar_t* own = gradient.data_ptr<scalar_t>() + first * width;
      const MultiplyJob<scalar_t> back{own, weight.data_ptr<scalar_t>() + column, out.rows.data_ptr<scalar_t>() + first * dim, width, stride, dim};
      at::parallel_for(0, count, 512, [&](int64_t begin, int64_t end) { multiply(back, begin, end); });
      const OuterJob<scalar_t> sums{own, rows.data_ptr<scalar_t>() + first * dim, out.weight.data_ptr<scalar_t>() + column, count, width, stride, dim};
      const int64_t grain = std::max<int64_t>(1, kProducts / (count * dim * kOuter + 1));
      at::parallel_for(0, (width + kOuter - 1) / kOuter, grain, [&](int64_t begin, int64_t end) { outer(sums, begin, end); });
    }
  });
  return out;
}

static Summed sumPositions(const Lookup& lookup, const at::Tensor& weight, const at::Tensor& bias, c10::optional<double> eps) {
  const FeatureList list = checkFeatures("tables_linear", lookup);
  Summed out;
  out.distinct = distinctIds("tables_linear", list);
  const at::Tensor rows = distinctRows(lookup.tables, lookup.features, out.distinct);
  out.rows = eps ? normalized(rows, *eps) : NormalizedRows{rows, {}};
  const int64_t width = weight.size(0), length = list.features[0].ids;
  const at::Tensor products = mapped(out.distinct, out.rows.rows, weight);
  out.result = bias.defined() ? bias.expand({length, width}).clone(at::MemoryFormat::Contiguous) : at::zeros({length, width}, rows.options());
  AT_DISPATCH_FLOATING_TYPES(rows.scalar_type(), "tables_linear", [&] {
    const AddJob<scalar_t> job{products.data_ptr<scalar_t>(), out.distinct.rows.data_ptr<int32_t>(), out.result.data_ptr<scalar_t>(),
                               static_cast<int64_t>(list.features.size()), length, width};
    at::parallel_for(0, length, 512, [&](int64_t begin, int64_t end) { gather(job, begin, end); });
  });
  return out;
}

// rows[place_l] → [L, E]
static at::Tensor copiedRows(const at::Tensor& rows, const at::Tensor& places) {
  const int64_t length = places.size(0), width = rows.size(1);
  const at::Tensor result = at::empty({length, width}, rows.options());
  AT_DISPATCH_FLOATING_TYPES(rows.scalar_type(), "tables_linear", [&] {
    const scalar_t* from = rows.data_ptr<scalar_t>();
    scalar_t* to = result.data_ptr<scalar_t>();
    const int32_t* place = places.data_ptr<int32_t>();
    at::parallel_for(0, length, 512, [&](int64_t begin, int64_t end) {
      for (int64_t l = begin; l < end; ++l) std::copy_n(from + place[l] * width, width, to + l * width);
    });
  });
  return result;
}

static Summed sumRows(const Lookup& lookup, const at::Tensor& weight, const at::Tensor& bias, c10::optional<double> eps) {
  const auto tuples = distinctTuples(checkFeatures("tables_linear", lookup));
  if (!tuples) return sumPositions(lookup, weight, bias, eps);
  Summed out = sumPositions({lookup.tables, lookup.features, tuples->codes, {}, {}, false}, weight, bias, eps);
  out.result = copiedRows(out.result, tuples->places);
  out.places = tuples->places;
  return out;
}

namespace {

class TablesLinear : public torch::autograd::Function<TablesLinear> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, at::TensorList leaves, const at::Tensor& weight,
                            const c10::optional<at::Tensor>& biasIn, c10::optional<double> eps,
                            const Lookup& lookup) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const at::Tensor bias = orEmpty(biasIn);
    const Summed out = sumRows(lookup, weight, bias, eps);
    saveDistinct(context, {weight, out.rows.rows, out.rows.inverse, out.places}, out.distinct, lookup.features, leaves);
    context->saved_data["bias"] = bias.defined() && bias.requires_grad();
    return out.result;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor weight = saved[0], rows = saved[1], inverse = saved[2], places = saved[3];
    const DistinctIds distinct = savedDistinct(context, saved, 4);
    const at::Tensor positions = gradients[0].contiguous();
    const at::Tensor gradient = places.defined() ? scattered(positions, places.unsqueeze(0), distinct.rows.size(1)) : positions;
    const MapGradients made = mappedBackward(distinct, scattered(gradient, distinct.rows, distinct.count()), rows, weight);
    const at::Tensor back = inverse.defined() ? normalizedBackward({rows, inverse}, made.rows) : made.rows;
    torch::autograd::variable_list results = tableGradients(context, distinct, back);
    results.push_back(made.weight);
    results.push_back(context->saved_data["bias"].toBool() ? gradient.sum(0) : at::Tensor());
    results.resize(results.size() + 2);
    return results;
  }

 private:
  // Σ of the gradient's rows that each of `count` rows was added to. @shape gradient [L, E]; rows [F, L] → [count, E]
  static at::Tensor scattered(const at::Tensor& gradient, const at::Tensor& rows, int64_t count) {
    at::Tensor sums = at::zeros({count, gradient.size(1)}, gradient.options());
    AT_DISPATCH_FLOATING_TYPES(gradient.scalar_type(), "tables_linear", [&] {
      const AddJob<scalar_t> job{sums.data_ptr<scalar_t>(), rows.data_ptr<int32_t>(), gradient.data_ptr<scalar_t>(),
                                 rows.size(0), rows.size(1), gradient.size(1)};
      at::parallel_for(0, job.features, 1, [&](int64_t begin, int64_t end) { scatter(job, begin, end); });
    });
    return sums;
  }
};

}  // namespace

// The plain composition, for devices that have no kernel of ours.
static at::Tensor mapPlainly(const Lookup& lookup, const at::Tensor& weight, const c10::optional<at::Tensor>& bias,
                             c10::optional<double> eps, at::TensorList leaves) {
  std::vector<at::Tensor> rows = poolTables(lookup, leaves);
  if (eps) std::transform(rows.begin(), rows.end(), rows.begin(), [&](const at::Tensor& x) { return normalized(x, *eps).rows; });
  return at::linear(at::cat(rows, 1), weight, bias);
}

// One function for both keys: whether a gradient is recorded, it sees itself.
static at::Tensor tablesLinear(at::TensorList tables, at::IntArrayRef features, at::TensorList codes, const at::Tensor& weight,
                               const c10::optional<at::Tensor>& bias, c10::optional<double> eps, at::TensorList leaves) {
  const Lookup lookup{tables, features, codes, {}, {}, false};
  checkLinear(lookup, weight, orEmpty(bias));
  checkLeaves("tables_linear", tables, leaves);
  if (!hasKernel(weight)) return mapPlainly(lookup, weight, bias, eps, leaves);
  if (at::GradMode::is_enabled()) return TablesLinear::apply(leaves.empty() ? tables : leaves, weight, bias, eps, lookup);
  at::AutoDispatchBelowADInplaceOrView guard;
  return sumRows(lookup, weight, orEmpty(bias), eps).result;
}

}  // namespace lapidary

TORCH_LIBRARY_IMPL(lapidary, CompositeExplicitAutograd, library) { library.impl("tables_linear", lapidary::tablesLinear); }
TORCH_LIBRARY_IMPL(lapidary, Autograd, library) { library.impl("tables_linear", lapidary::tablesLinear); }
