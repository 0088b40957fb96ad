// tables_pool: lookups of all features of a batch in one call, over tables of any row format.
//   y_fb = Σ_{i in bag b of f} weight_fi · row_{code_fi} of f's table  (/ the bag's length for a mean; 0 for an empty bag)
// One result [B_f, D] per feature; without offsets every id is a bag of its own, which is how sequences are looked up.
#include "features.h"

namespace lapidary {

namespace {

// How many ids ahead rows are fetched.
constexpr int64_t kAhead = 32;

// A piece of the bags of one feature.
struct PoolJob {
  const Feature* feature;
  const void* table;
  int64_t width, dim;
  void* result;
  bool mean;
};

template <typename Rows, int64_t kDim>
LAPIDARY_INLINE void poolBags(const PoolJob& job, int64_t begin, int64_t end) {
  using Sum = typename Rows::Sum;
  using Element = typename Rows::Element;
  const Feature& feature = *job.feature;
  const int64_t dim = kDim > 0 ? kDim : job.dim;
  const auto* rows = static_cast<const Element*>(job.table);
  const auto* weights = static_cast<const Sum*>(feature.weights);
  const int64_t last = feature.begin(end);
  Sum fixed[kDim > 0 ? kDim : 1];  // Stays in registers where the compiler knows the width.
  std::vector<Sum> any(kDim > 0 ? 0 : dim);
  Sum* __restrict sum = kDim > 0 ? fixed : any.data();
  for (int64_t bag = begin; bag < end; ++bag) {
    for (int64_t j = 0; j < dim; ++j) sum[j] = 0;
    const int64_t from = feature.begin(bag), to = feature.end(bag);
    for (int64_t i = from; i < to; ++i) {
      if (i + kAhead < last) fetchLines(rows + feature.code(i + kAhead) * job.width, job.width * sizeof(Element));
      const typename Rows::Reader row(rows + feature.code(i) * job.width, dim);
      if (weights == nullptr) {
        for (int64_t j = 0; j < dim; ++j) sum[j] += row[j];
      } else {
        const Sum weight = weights[i];
        for (int64_t j = 0; j < dim; ++j) sum[j] += weight * row[j];
      }
    }
    const Sum scale = job.mean && to - from > 1 ? Sum(1) / static_cast<Sum>(to - from) : Sum(1);
    Sum* __restrict result = static_cast<Sum*>(job.result) + bag * dim;
    for (int64_t j = 0; j < dim; ++j) result[j] = scale * sum[j];
  }
}

// Widths known to the compiler need no loop ends.
template <typename Rows>
LAPIDARY_INLINE void poolAnyDim(const PoolJob& job, int64_t begin, int64_t end) {
  if (job.dim == 32) poolBags<Rows, 32>(job, begin, end);
  else if (job.dim == 64) poolBags<Rows, 64>(job, begin, end);
  else if (job.dim == 128) poolBags<Rows, 128>(job, begin, end);
  else poolBags<Rows, 0>(job, begin, end);
}

}  // namespace

template <typename Rows>
static void pool(Rows, const PoolJob& job, int64_t begin, int64_t end) {
  onEachIsa([&]() LAPIDARY_LAMBDA { poolAnyDim<Rows>(job, begin, end); });
}

// The first bag of each of `pieces` pieces of a feature with about as many ids each.
static std::vector<int64_t> balancedBags(const Feature& feature, int64_t pieces) {
  std::vector<int64_t> bounds{0};
  for (int64_t p = 1; p < pieces; ++p) {
    const int64_t id = feature.ids / pieces * p;
    const int64_t bag = feature.offsets == nullptr
                            ? id
                            : std::lower_bound(feature.offsets, feature.offsets + feature.bags, id) - feature.offsets;
    bounds.push_back(std::max(bounds.back(), bag));
  }
  bounds.push_back(feature.bags);
  return bounds;
}

// Pieces of work of all features, so that many small features are shared among threads as well as one large one is.
static std::vector<at::Tensor> tablesPoolCpu(at::TensorList tables, at::IntArrayRef features, at::TensorList codes,
                                             at::TensorList offsets, at::TensorList weights, bool mean, at::TensorList) {
  constexpr int64_t kIdsPerPiece = 2048;
  const FeatureList list = checkFeatures("tables_pool", {tables, features, codes, offsets, weights, mean});
  struct Piece {
    PoolJob job;
    int64_t begin, end;
  };
  std::vector<at::Tensor> results;
  std::vector<Piece> pieces;
  for (const Feature& feature : list.features) {
    const at::Tensor& table = tables[feature.table];
    results.push_back(at::empty({feature.bags, list.dim}, table.options().dtype(list.sums)));
    const PoolJob job{&feature, table.data_ptr(), table.size(1), list.dim, results.back().data_ptr(), mean};
    const auto bounds = balancedBags(feature, std::max<int64_t>(1, feature.ids / kIdsPerPiece));
    for (size_t p = 0; p + 1 < bounds.size(); ++p) pieces.push_back({job, bounds[p], bounds[p + 1]});
  }
  forEachTask(static_cast<int64_t>(pieces.size()), list.ids(), [&](int64_t p) {
    const Piece& piece = pieces[p];
    withRows(tables[piece.job.feature->table].scalar_type(), "tables_pool",
             [&](auto rows) { pool(rows, piece.job, piece.begin, piece.end); });
  });
  return results;
}

// The plain composition, for devices that have no kernel of ours.
static std::vector<at::Tensor> tablesPoolComposite(at::TensorList tables, at::IntArrayRef features, at::TensorList codes,
                                                   at::TensorList offsets, at::TensorList weights, bool mean,
                                                   at::TensorList) {
  const Lookup lookup{tables, features, codes, offsets, weights, mean};
  checkShapes("tables_pool", lookup);
  std::vector<at::Tensor> results;
  for (size_t f = 0; f < features.size(); ++f) {
    at::Tensor rows = plainRows(tables[features[f]].index_select(0, codes[f]));
    const at::Tensor scales = idScales(lookup, f, rows.scalar_type());
    if (scales.defined()) rows = rows * scales.unsqueeze(1);
    if (lookup.hasOffsets(f)) {
      rows = at::zeros({bagsOf(lookup, f), rows.size(1)}, rows.options()).index_add(0, bagIds(lookup, f), rows);
    }
    results.push_back(rows);
  }
  return results;
}

namespace {

// d/d leaf: the sparse gradient of its table's rows, which are the ids, with their bags' gradients as values; of a table
// that one feature looks up id by id it is the result's gradient itself, not a copy. d/d weight: ⟨bag's gradient, row⟩.
// Pooled features need no gradient per id: tables_adagrad_ takes that of the bags.
class TablesPool : public torch::autograd::Function<TablesPool> {
 public:
  static torch::autograd::variable_list forward(torch::autograd::AutogradContext* context, at::TensorList leaves,
                                                at::TensorList weights, const Lookup& lookup) {
    at::AutoDispatchBelowADInplaceOrView guard;
    auto results = poolTables({lookup.tables, lookup.features, lookup.codes, lookup.offsets, weights, lookup.mean}, {});
    const bool needsRows = std::any_of(weights.begin(), weights.end(), [](const at::Tensor& w) { return w.requires_grad(); });
    std::vector<at::Tensor> saved;
    for (const at::TensorList list : {lookup.codes, lookup.offsets, weights, needsRows ? lookup.tables : at::TensorList()}) {
      saved.insert(saved.end(), list.begin(), list.end());
    }
    context->save_for_backward(saved);
    context->set_materialize_grads(false);
    std::vector<int64_t> rows;
    c10::List<bool> wanted;
    for (const at::Tensor& leaf : leaves) {
      rows.push_back(leaf.size(0));
      wanted.push_back(leaf.requires_grad());
    }
    context->saved_data["features"] = lookup.features.vec();
    context->saved_data["rows"] = rows;
    context->saved_data["wanted"] = wanted;
    context->saved_data["offsets"] = !lookup.offsets.empty();
    context->saved_data["weights"] = !weights.empty();
    context->saved_data["mean"] = lookup.mean;
    return results;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = context->get_saved_variables();
    auto& data = context->saved_data;
    const std::vector<int64_t> features = data["features"].toIntVector();
    const std::vector<int64_t> rows = data["rows"].toIntVector();
    const size_t count = features.size();
    at::TensorList rest(saved);
    const auto take = [&](bool present) {
      const at::TensorList list = present ? rest.slice(0, count) : at::TensorList();
      rest = rest.slice(list.size());
      return list;
    };
    const at::TensorList codes = take(true), offsets = take(data["offsets"].toBool()), weights = take(data["weights"].toBool());
    const Lookup lookup{{}, features, codes, offsets, weights, data["mean"].toBool()};
    torch::autograd::variable_list results = tableGradients(lookup, gradients, rows, data["wanted"].toBoolList());
    for (size_t f = 0; f < weights.size(); ++f) {
      results.push_back(weights[f].requires_grad() && gradients[f].defined() ? weightGradient(lookup, f, gradients[f], rest)
                                                                            : at::Tensor());
    }
    results.emplace_back();
    return results;
  }

 private:
  static torch::autograd::variable_list tableGradients(const Lookup& lookup,
                                                       const torch::autograd::variable_list& gradients,
                                                       const std::vector<int64_t>& rows, const c10::List<bool>& wanted) {
    std::vector<std::vector<at::Tensor>> indices(rows.size()), values(rows.size());
    for (size_t f = 0; f < lookup.features.size(); ++f) {
      const int64_t table = lookup.features[f];
      if (!wanted.get(table) || !gradients[f].defined()) continue;
      at::Tensor value = lookup.hasOffsets(f) ? gradients[f].index_select(0, bagIds(lookup, f)) : gradients[f];
      const at::Tensor scales = idScales(lookup, f, value.scalar_type());
      if (scales.defined()) value = value * scales.unsqueeze(1);
      indices[table].push_back(lookup.codes[f].to(at::kLong));
      values[table].push_back(value);
    }
    torch::autograd::variable_list results(rows.size());
    for (size_t t = 0; t < rows.size(); ++t) {
      if (values[t].empty()) continue;
      const at::Tensor index = indices[t].size() == 1 ? indices[t][0] : at::cat(indices[t]);
      const at::Tensor value = values[t].size() == 1 ? values[t][0].contiguous() : at::cat(values[t]);
      results[t] = at::_sparse_coo_tensor_unsafe(index.unsqueeze(0), value, {rows[t], value.size(1)});
    }
    return results;
  }

  static at::Tensor weightGradient(const Lookup& lookup, size_t f, const at::Tensor& gradient, at::TensorList tables) {
    const at::Tensor rows = plainRows(tables[lookup.features[f]].index_select(0, lookup.codes[f]));
    const at::Tensor inner = (rows * gradient.index_select(0, bagIds(lookup, f))).sum(1);
    Lookup unweighted = lookup;
    unweighted.weights = {};
    const at::Tensor scales = idScales(unweighted, f, inner.scalar_type());
    return scales.defined() ? inner * scales : inner;
  }
};

}  // namespace

static std::vector<at::Tensor> tablesPoolAutograd(at::TensorList tables, at::IntArrayRef features, at::TensorList codes,
                                                  at::TensorList offsets, at::TensorList weights, bool mean,
                                                  at::TensorList leaves) {
  checkLeaves("tables_pool", tables, leaves);
  return TablesPool::apply(leaves.empty() ? tables : leaves, weights,
                           Lookup{tables, features, codes, offsets, {}, mean});
}

std::vector<at::Tensor> poolTables(const Lookup& lookup, at::TensorList leaves) {
  static const auto op =
      c10::Dispatcher::singleton()
          .findSchemaOrThrow("lapidary::tables_pool", "")
          .typed<std::vector<at::Tensor>(at::TensorList, at::IntArrayRef, at::TensorList, at::TensorList, at::TensorList, bool,
                                         at::TensorList)>();
  return op.call(lookup.tables, lookup.features, lookup.codes, lookup.offsets, lookup.weights, lookup.mean, leaves);
}

}  // namespace lapidary

TORCH_LIBRARY_IMPL(lapidary, CPU, library) { library.impl("tables_pool", lapidary::tablesPoolCpu); }
TORCH_LIBRARY_IMPL(lapidary, CompositeExplicitAutograd, library) {
  library.impl("tables_pool", lapidary::tablesPoolComposite);
}
TORCH_LIBRARY_IMPL(lapidary, Autograd, library) { library.impl("tables_pool", lapidary::tablesPoolAutograd); }
