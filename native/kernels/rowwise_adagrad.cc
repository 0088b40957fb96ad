// rowwise_adagrad_: one Adagrad step on the rows of a table that a batch touched.
//   g_r = Σ_i [indices_i = r] gradients_i ;  moments_r += mean_j(g_rj²) ;  table_r -= lr · g_r / (√moments_r + eps)
// table [V, D], moments [V] of its dtype, indices [N] (int64, duplicates allowed), gradients [N, D].
#include <algorithm>
#include <array>
#include <numeric>

#include "bridge/torch.h"

namespace lapidary {

static void checkArguments(const at::Tensor& table, const at::Tensor& moments, const at::Tensor& indices,
                           const at::Tensor& gradients) {
  TORCH_CHECK(table.dim() == 2 && table.is_contiguous(), "rowwise_adagrad_: table must be contiguous [V, D], got ",
              table.sizes());
  TORCH_CHECK(moments.dim() == 1 && moments.is_contiguous() && moments.size(0) == table.size(0) && moments.scalar_type() == table.scalar_type(),
              "rowwise_adagrad_: moments must be contiguous [", table.size(0), "] of the table's dtype, got ", moments.sizes());
  TORCH_CHECK(indices.dim() == 1 && indices.scalar_type() == at::kLong, "rowwise_adagrad_: indices must be int64 [N]");
  TORCH_CHECK(gradients.dim() == 2 && gradients.size(0) == indices.size(0) && gradients.size(1) == table.size(1) &&
                  gradients.scalar_type() == table.scalar_type(),
              "rowwise_adagrad_: gradients must be [", indices.size(0), ", ", table.size(1), "] of the table's dtype, got ",
              gradients.sizes());
}

// Positions 0 … count-1 ordered by their row, equal rows in order of appearance: a radix sort, so that its time grows
// with the rows of the batch and the digits of the table's length, not with the table.
static std::vector<int64_t> orderByRow(const int64_t* rows, int64_t count, int64_t tableRows) {
  constexpr int kBits = 11;
  constexpr int64_t kDigits = int64_t{1} << kBits;
  std::vector<int64_t> order(count), next(count);
  std::iota(order.begin(), order.end(), 0);
  for (int shift = 0; shift < 63 && (tableRows - 1) >> shift > 0; shift += kBits) {
    const auto digit = [&](int64_t position) { return rows[position] >> shift & (kDigits - 1); };
    std::array<int64_t, kDigits + 1> starts{};
    for (int64_t i = 0; i < count; ++i) ++starts[digit(i) + 1];
    std::partial_sum(starts.begin(), starts.end(), starts.begin());
    for (const int64_t position : order) next[starts[digit(position)]++] = position;
    order.swap(next);
  }
  return order;
}

template <typename T>
static inline void addRow(T* __restrict sum, const T* __restrict row, int64_t dim) {
  for (int64_t j = 0; j < dim; ++j) sum[j] += row[j];
}

static void rowwiseAdagradCpu(at::Tensor table, at::Tensor moments, const at::Tensor& indicesIn,
                              const at::Tensor& gradientsIn, double lr, double eps) {
  checkArguments(table, moments, indicesIn, gradientsIn);
  const at::Tensor indices = indicesIn.contiguous();
  const at::Tensor gradients = gradientsIn.contiguous();
  const int64_t count = indices.size(0);
  const int64_t dim = table.size(1);
  const int64_t* rows = indices.data_ptr<int64_t>();
  for (int64_t i = 0; i < count; ++i) {
    TORCH_CHECK_INDEX(rows[i] >= 0 && rows[i] < table.size(0), "rowwise_adagrad_: row ", rows[i],
                      " is out of range for a table of ", table.size(0), " rows");
  }
  const std::vector<int64_t> order = orderByRow(rows, count, table.size(0));
  std::vector<int64_t> starts;
  for (int64_t i = 0; i < count; ++i) {
    if (i == 0 || rows[order[i]] != rows[order[i - 1]]) starts.push_back(i);
  }
  const auto groups = static_cast<int64_t>(starts.size());
  starts.push_back(count);
  AT_DISPATCH_FLOATING_TYPES(table.scalar_type(), "rowwise_adagrad_", [&] {
    scalar_t* weights = table.data_ptr<scalar_t>();
    scalar_t* sums = moments.data_ptr<scalar_t>();
    const scalar_t* from = gradients.data_ptr<scalar_t>();
    at::parallel_for(0, groups, 256, [&](int64_t begin, int64_t end) {
      std::vector<scalar_t> gradient(dim);
      for (int64_t group = begin; group < end; ++group) {
        std::fill(gradient.begin(), gradient.end(), scalar_t(0));
        for (int64_t i = starts[group]; i < starts[group + 1]; ++i) {
          addRow(gradient.data(), from + order[i] * dim, dim);
        }
        scalar_t square(0);
        for (int64_t j = 0; j < dim; ++j) square += gradient[j] * gradient[j];
        const int64_t row = rows[order[starts[group]]];
        sums[row] += square / static_cast<scalar_t>(std::max<int64_t>(dim, 1));
        const auto step = static_cast<scalar_t>(lr / (std::sqrt(static_cast<double>(sums[row])) + eps));
        for (int64_t j = 0; j < dim; ++j) weights[row * dim + j] -= step * gradient[j];
      }
    });
  });
}

// The plain composition, for devices that have no kernel of ours.
static void rowwiseAdagradComposite(at::Tensor table, at::Tensor moments, const at::Tensor& indices,
                                    const at::Tensor& gradients, double lr, double eps) {
  checkArguments(table, moments, indices, gradients);
  const auto [rows, inverse] = at::_unique(indices, true, true);
  const at::Tensor sums = at::zeros({rows.size(0), table.size(1)}, gradients.options()).index_add(0, inverse, gradients);
  moments.index_add_(0, rows, sums.square().mean(1));
  const at::Tensor scale = moments.index_select(0, rows).sqrt().add(eps).reciprocal().mul(-lr);
  table.index_add_(0, rows, sums * scale.unsqueeze(1));
}

}  // namespace lapidary

TORCH_LIBRARY_IMPL(lapidary, CPU, library) { library.impl("rowwise_adagrad_", lapidary::rowwiseAdagradCpu); }
TORCH_LIBRARY_IMPL(lapidary, CompositeExplicitAutograd, library) {
  library.impl("rowwise_adagrad_", lapidary::rowwiseAdagradComposite);
}
