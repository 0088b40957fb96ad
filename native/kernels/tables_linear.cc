// tables_linear: a linear map of the concatenated lookups of all features, without the concatenation.
//   y_l = W [row_{code_1l} ∥ … ∥ row_{code_Fl}] + b = b + Σ_f W_f row_{code_fl},   W = [W_1 ∥ … ∥ W_F] [E, F·D]
// Rows that a batch repeats are multiplied once: P_f = rows_f W_fᵀ of the distinct ids, then y_l adds F rows of P.
// With ε, rows are normalized before: n(row) = row / √(mean(row²) + ε), of the distinct ids alone.
//   dP_u = Σ_{l, f: row u} dy_l ;  dW_f = dP_fᵀ rows_f ;  drows_f = dP_f W_f ;  db = Σ_l dy_l
#include "bridge/flops.h"
#include "fused.h"
#include "table_distinct.h"

namespace lapidary {

namespace {

// Rows whose sums stay in the first cache while all features are added.
constexpr int64_t kBlock = 64;

template <typename T>
struct AddJob {
  T* rows;             // P or dP. [U, E]
  const int32_t* row;  // [F, L]
  T* results;          // y or dy. [L, E]
  int64_t features, length, dim;
};

template <typename T>
struct MultiplyJob {
  const T *rows, *weight;  // [U_f, D]; W_fᵀ [D, E]
  T* results;              // [U_f, E]
  int64_t in, dim;
};

// P_u = W_f row_u for u in [begin, end): in one order, so that no row depends on how many there are.
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
      const T* __restrict weight = job.weight + k * dim;
      for (int64_t j = 0; j < dim; ++j) sum[j] += factor * weight[j];
    }
    for (int64_t j = 0; j < dim; ++j) result[j] = sum[j];
  }
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

// Widths known to the compiler need no loop ends.
#define LAPIDARY_BY_DIM(BODY) \
  if (job.dim == 8) BODY(8);  \
  else if (job.dim == 16) BODY(16); \
  else if (job.dim == 32) BODY(32); \
  else if (job.dim == 64) BODY(64); \
  else BODY(0);
#define LAPIDARY_RANGE(NAME, BODY, JOB)                                           \
  LAPIDARY_CLONES static void NAME(const JOB& job, int64_t begin, int64_t end) { \
    LAPIDARY_BY_DIM(BODY)                                                        \
  }
#define LAPIDARY_MULTIPLY(D) multiplyRows<std::decay_t<decltype(*job.rows)>, D>(job, begin, end)
#define LAPIDARY_GATHER(D) gatherSums<std::decay_t<decltype(*job.rows)>, D>(job, begin, end)
#define LAPIDARY_SCATTER(D) scatterSums<std::decay_t<decltype(*job.rows)>, D>(job, begin, end)
LAPIDARY_RANGE(multiply, LAPIDARY_MULTIPLY, MultiplyJob<float>)
LAPIDARY_RANGE(multiply, LAPIDARY_MULTIPLY, MultiplyJob<double>)
LAPIDARY_RANGE(gather, LAPIDARY_GATHER, AddJob<float>)
LAPIDARY_RANGE(gather, LAPIDARY_GATHER, AddJob<double>)
LAPIDARY_RANGE(scatter, LAPIDARY_SCATTER, AddJob<float>)
LAPIDARY_RANGE(scatter, LAPIDARY_SCATTER, AddJob<double>)

// W_f [E, D]
static at::Tensor part(const at::Tensor& weight, size_t f, int64_t dim) {
  const auto first = static_cast<int64_t>(f) * dim;
  return weight.slice(1, first, first + dim);
}

struct Summed {
  at::Tensor result;
  NormalizedRows rows;  // Without ε as they are, and no inverse.
  DistinctIds distinct;
};

static void checkLinear(const FeatureArguments& given, const at::Tensor& weight, const at::Tensor& bias) {
  checkShapes("tables_linear", given);
  const auto count = static_cast<int64_t>(given.features.size());
  const int64_t dim = rowDim(given.tables[0]);
  TORCH_CHECK(count > 0, "tables_linear: there must be a feature");
  const at::ScalarType type = sumType(given.tables[0].scalar_type());
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
                                      result.data_ptr<scalar_t>() + first * width, dim, width};
      at::parallel_for(0, distinct.first[f + 1] - first, 512, [&](int64_t begin, int64_t end) { multiply(job, begin, end); });
    }
  });
  return result;
}

static Summed sumRows(const FeatureArguments& given, const at::Tensor& weight, const at::Tensor& bias, c10::optional<double> eps) {
  const FeatureList list = checkFeatures("tables_linear", given);
  Summed out;
  out.distinct = distinctIds("tables_linear", list);
  const at::Tensor rows = distinctRows(given.tables, given.features, out.distinct);
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

namespace {

class TablesLinear : public torch::autograd::Function<TablesLinear> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, at::TensorList leaves, const at::Tensor& weight,
                            const c10::optional<at::Tensor>& biasIn, c10::optional<double> eps,
                            const FeatureArguments& given) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const at::Tensor bias = orEmpty(biasIn);
    const Summed out = sumRows(given, weight, bias, eps);
    std::vector<at::Tensor> saved{weight, out.rows.rows, out.rows.inverse, out.distinct.rows};
    saved.insert(saved.end(), out.distinct.codes.begin(), out.distinct.codes.end());
    context->save_for_backward(saved);
    std::vector<int64_t> tableRows;
    c10::List<bool> wanted;
    for (const at::Tensor& leaf : leaves) {
      tableRows.push_back(leaf.size(0));
      wanted.push_back(leaf.requires_grad());
    }
    context->saved_data["features"] = given.features.vec();
    context->saved_data["first"] = out.distinct.first;
    context->saved_data["tableRows"] = tableRows;
    context->saved_data["wanted"] = wanted;
    context->saved_data["bias"] = bias.defined() && bias.requires_grad();
    return out.result;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = context->get_saved_variables();
    auto& data = context->saved_data;
    const at::Tensor weight = saved[0], rows = saved[1], inverse = saved[2];
    const at::Tensor gradient = gradients[0].contiguous();
    const DistinctIds distinct{{saved.begin() + 4, saved.end()}, data["first"].toIntVector(), saved[3]};
    const at::Tensor mapped = scattered(distinct, gradient);
    at::Tensor weights = at::empty(weight.sizes(), weight.options()), back = at::empty_like(rows);
    for (size_t f = 0; f < distinct.codes.size(); ++f) {
      const int64_t begin = distinct.first[f], end = distinct.first[f + 1];
      const at::Tensor own = mapped.slice(0, begin, end);
      part(weights, f, rows.size(1)).copy_(at::mm(own.t(), rows.slice(0, begin, end)));
      at::Tensor to = back.slice(0, begin, end);
      at::mm_out(to, own, part(weight, f, rows.size(1)));
    }
    if (inverse.defined()) back = normalizedBackward({rows, inverse}, back);
    torch::autograd::variable_list results =
        tableGradients(distinct, data["features"].toIntVector(), back, data["tableRows"].toIntVector(), data["wanted"].toBoolList());
    results.push_back(weights);
    results.push_back(data["bias"].toBool() ? gradient.sum(0) : at::Tensor());
    results.resize(results.size() + 2);
    return results;
  }

 private:
  static at::Tensor scattered(const DistinctIds& distinct, const at::Tensor& gradient) {
    at::Tensor mapped = at::zeros({distinct.count(), gradient.size(1)}, gradient.options());
    AT_DISPATCH_FLOATING_TYPES(gradient.scalar_type(), "tables_linear", [&] {
      const AddJob<scalar_t> job{mapped.data_ptr<scalar_t>(), distinct.rows.data_ptr<int32_t>(), gradient.data_ptr<scalar_t>(),
                                 distinct.rows.size(0), distinct.rows.size(1), gradient.size(1)};
      at::parallel_for(0, job.features, 1, [&](int64_t begin, int64_t end) { scatter(job, begin, end); });
    });
    return mapped;
  }
};

}  // namespace

// The plain composition, for devices that have no kernel of ours.
static at::Tensor mapPlainly(const FeatureArguments& given, const at::Tensor& weight, const c10::optional<at::Tensor>& bias,
                             c10::optional<double> eps, at::TensorList leaves) {
  std::vector<at::Tensor> rows = poolTables(given, leaves);
  if (eps) std::transform(rows.begin(), rows.end(), rows.begin(), [&](const at::Tensor& x) { return normalized(x, *eps).rows; });
  return at::linear(at::cat(rows, 1), weight, bias);
}

// One function for both keys: whether a gradient is recorded, it sees itself.
static at::Tensor tablesLinear(at::TensorList tables, at::IntArrayRef features, at::TensorList codes, const at::Tensor& weight,
                               const c10::optional<at::Tensor>& bias, c10::optional<double> eps, at::TensorList leaves) {
  const FeatureArguments given{tables, features, codes, {}, {}, false};
  checkLinear(given, weight, orEmpty(bias));
  checkLeaves("tables_linear", tables, leaves);
  if (!hasKernel(weight)) return mapPlainly(given, weight, bias, eps, leaves);
  if (at::GradMode::is_enabled()) return TablesLinear::apply(leaves.empty() ? tables : leaves, weight, bias, eps, given);
  at::AutoDispatchBelowADInplaceOrView guard;
  return sumRows(given, weight, orEmpty(bias), eps).result;
}

}  // namespace lapidary

TORCH_LIBRARY_IMPL(lapidary, CompositeExplicitAutograd, library) { library.impl("tables_linear", lapidary::tablesLinear); }
TORCH_LIBRARY_IMPL(lapidary, Autograd, library) { library.impl("tables_linear", lapidary::tablesLinear); }
