// Checks of what lookups and updates of tables are given.
#include "features.h"

namespace lapidary {

template <typename Id, typename Unsigned>
LAPIDARY_INLINE Unsigned largest(const Id* codes, int64_t count) {
  Unsigned most = 0;  // Of unsigned ids, so that negative ones are the largest.
  for (int64_t i = 0; i < count; ++i) most = std::max(most, static_cast<Unsigned>(codes[i]));
  return most;
}

static uint64_t largestNarrow(const int32_t* codes, int64_t count) {
  return onEachIsa([&]() LAPIDARY_LAMBDA { return largest<int32_t, uint32_t>(codes, count); });
}

static uint64_t largestWide(const int64_t* codes, int64_t count) {
  return onEachIsa([&]() LAPIDARY_LAMBDA { return largest<int64_t, uint64_t>(codes, count); });
}

static void checkCodes(const char* op, const Feature& feature, int64_t rows) {
  if (feature.ids == 0) return;
  const uint64_t most = feature.wide ? largestWide(static_cast<const int64_t*>(feature.codes), feature.ids)
                                     : largestNarrow(static_cast<const int32_t*>(feature.codes), feature.ids);
  if (most < static_cast<uint64_t>(rows)) return;
  for (int64_t i = 0; i < feature.ids; ++i) {
    const int64_t code = feature.code(i);
    TORCH_CHECK_INDEX(code >= 0 && code < rows, op, ": row ", code, " is out of range for a table of ", rows, " rows");
  }
}

static void checkOffsets(const char* op, const Feature& feature) {
  const int64_t* bounds = feature.offsets;
  TORCH_CHECK(bounds[0] == 0 && bounds[feature.bags] == feature.ids, op, ": offsets must run from 0 to ", feature.ids,
              ", got ", bounds[0], " to ", bounds[feature.bags]);
  for (int64_t s = 0; s < feature.bags; ++s) {
    TORCH_CHECK(bounds[s] <= bounds[s + 1], op, ": offsets must not decrease, they do at ", s);
  }
}

static void checkTables(const char* op, at::TensorList tables) {
  TORCH_CHECK(!tables.empty(), op, ": there must be a table");
  for (const at::Tensor& table : tables) {
    TORCH_CHECK(table.dim() == 2 && table.is_contiguous(), op, ": tables must be contiguous [V, D], got ", table.sizes());
    withRows(table.scalar_type(), op, [](auto) {});
    TORCH_CHECK(rowDim(table) >= 0 && rowDim(table) == rowDim(tables[0]), op, ": rows must have one width, got ",
                rowDim(table), " and ", rowDim(tables[0]));
    TORCH_CHECK(sumType(table.scalar_type()) == sumType(tables[0].scalar_type()), op,
                ": float64 tables do not mix with others");
  }
}

void checkShapes(const char* op, const Lookup& lookup) {
  checkTables(op, lookup.tables);
  const size_t count = lookup.features.size();
  TORCH_CHECK(lookup.codes.size() == count, op, ": there must be ", count, " tensors of codes, got ", lookup.codes.size());
  TORCH_CHECK(lookup.offsets.empty() || lookup.offsets.size() == count, op, ": there must be no or ", count,
              " tensors of offsets, got ", lookup.offsets.size());
  TORCH_CHECK(lookup.weights.empty() || lookup.weights.size() == count, op, ": there must be no or ", count,
              " tensors of weights, got ", lookup.weights.size());
  const at::ScalarType sums = sumType(lookup.tables[0].scalar_type());
  for (size_t f = 0; f < count; ++f) {
    const at::Tensor& codes = lookup.codes[f];
    TORCH_CHECK(lookup.features[f] >= 0 && lookup.features[f] < static_cast<int64_t>(lookup.tables.size()), op, ": feature ", f,
                " is of table ", lookup.features[f], ", there are ", lookup.tables.size());
    TORCH_CHECK(codes.dim() == 1 && (codes.scalar_type() == at::kInt || codes.scalar_type() == at::kLong), op,
                ": codes must be int32 or int64 [N], got ", codes.scalar_type(), " ", codes.sizes());
    if (lookup.hasOffsets(f)) {
      const at::Tensor& offsets = lookup.offsets[f];
      TORCH_CHECK(offsets.dim() == 1 && offsets.scalar_type() == at::kLong, op,
                  ": offsets must be int64 [B+1], got ", offsets.scalar_type(), " ", offsets.sizes());
    }
    if (lookup.hasWeights(f)) {
      const at::Tensor& weights = lookup.weights[f];
      TORCH_CHECK(weights.sizes() == codes.sizes() && weights.scalar_type() == sums, op, ": weights must be ", sums, " [",
                  codes.size(0), "], got ", weights.scalar_type(), " ", weights.sizes());
    }
  }
}

FeatureList checkFeatures(const char* op, const Lookup& lookup) {
  checkShapes(op, lookup);
  FeatureList list;
  list.dim = rowDim(lookup.tables[0]);
  list.sums = sumType(lookup.tables[0].scalar_type());
  const auto dense = [&](const at::Tensor& tensor) -> const void* {
    list.kept.push_back(tensor.contiguous());
    return list.kept.back().data_ptr();
  };
  for (size_t f = 0; f < lookup.features.size(); ++f) {
    const at::Tensor& codes = lookup.codes[f];
    Feature feature{lookup.features[f], codes.size(0), bagsOf(lookup, f), codes.scalar_type() == at::kLong, dense(codes), nullptr,
                    lookup.hasWeights(f) ? dense(lookup.weights[f]) : nullptr};
    if (lookup.hasOffsets(f)) {
      feature.offsets = static_cast<const int64_t*>(dense(lookup.offsets[f]));
      checkOffsets(op, feature);
    }
    checkCodes(op, feature, lookup.tables[feature.table].size(0));
    list.features.push_back(feature);
  }
  return list;
}

void checkGradients(const char* op, const Lookup& lookup, at::TensorList gradients, FeatureList& list) {
  const size_t count = lookup.features.size();
  TORCH_CHECK(gradients.size() == count, op, ": there must be ", count, " gradients, got ", gradients.size());
  const int64_t dim = rowDim(lookup.tables[0]);
  const at::ScalarType sums = sumType(lookup.tables[0].scalar_type());
  for (size_t f = 0; f < count; ++f) {
    TORCH_CHECK(gradients[f].dim() == 2 && gradients[f].size(0) == bagsOf(lookup, f) && gradients[f].size(1) == dim &&
                    gradients[f].scalar_type() == sums,
                op, ": the gradient of feature ", f, " must be ", sums, " [", bagsOf(lookup, f), ", ", dim, "], got ",
                gradients[f].scalar_type(), " ", gradients[f].sizes());
    if (list.features.empty()) continue;
    list.kept.push_back(gradients[f].contiguous());
    list.features[f].gradient = list.kept.back().data_ptr();
  }
}

void checkLeaves(const char* op, at::TensorList tables, at::TensorList leaves) {
  TORCH_CHECK(leaves.empty() || leaves.size() == tables.size(), op, ": there must be no or ", tables.size(), " leaves, got ",
              leaves.size());
  for (size_t t = 0; t < leaves.size(); ++t) {
    TORCH_CHECK(tables[t].dim() == 2 && leaves[t].sizes() == at::IntArrayRef({tables[t].size(0), rowDim(tables[t])}) &&
                    leaves[t].scalar_type() == sumType(tables[t].scalar_type()),
                op, ": leaf ", t, " must be ", sumType(tables[t].scalar_type()), " as its table's values, got ",
                leaves[t].scalar_type(), " ", leaves[t].sizes());
  }
}

at::Tensor bagIds(const Lookup& lookup, size_t f) {
  const at::Tensor& codes = lookup.codes[f];
  const auto options = codes.options().dtype(at::kLong);
  if (!lookup.hasOffsets(f)) return at::arange(codes.size(0), options);
  return at::repeat_interleave(at::arange(bagsOf(lookup, f), options), lookup.offsets[f].diff(), 0, codes.size(0));
}

at::Tensor idScales(const Lookup& lookup, size_t f, at::ScalarType type) {
  at::Tensor scales;
  if (lookup.hasWeights(f)) scales = lookup.weights[f];
  if (lookup.mean && lookup.hasOffsets(f)) {
    const at::Tensor lengths = lookup.offsets[f].diff().to(type).index_select(0, bagIds(lookup, f));
    scales = scales.defined() ? scales / lengths : lengths.reciprocal();
  }
  return scales;
}

}  // namespace lapidary
