// Distinct ids by open addressing: the place of an id in a table of a power of two is its lowest bits, so that ids of small
// tables meet nobody there, and others are looked for in the next places.
#include "distinct.h"

namespace lapidary {

static int64_t powerAbove(int64_t count) {
  int64_t power = 16;
  while (power < count) power *= 2;
  return power;
}

// Writes the place of each id among the distinct ones, and returns those.
static std::vector<int64_t> distinctOf(const Feature& feature, int32_t* places) {
  constexpr int32_t kNobody = -1;
  const int64_t slots = powerAbove(2 * feature.ids);
  std::vector<int32_t> slotOf(slots, kNobody);
  std::vector<int64_t> found;
  for (int64_t i = 0; i < feature.ids; ++i) {
    const int64_t code = feature.code(i);
    int64_t slot = code & (slots - 1);
    while (slotOf[slot] != kNobody && found[slotOf[slot]] != code) slot = (slot + 1) & (slots - 1);
    if (slotOf[slot] == kNobody) {
      slotOf[slot] = static_cast<int32_t>(found.size());
      found.push_back(code);
    }
    places[i] = slotOf[slot];
  }
  return found;
}

DistinctIds distinctIds(const char* op, const FeatureList& list) {
  const auto count = static_cast<int64_t>(list.features.size());
  const int64_t length = count == 0 ? 0 : list.features[0].ids;
  for (const Feature& feature : list.features) {
    TORCH_CHECK(feature.ids == length, op, ": features must have as many ids each, got ", length, " and ", feature.ids);
  }
  TORCH_CHECK(count * length <= std::numeric_limits<int32_t>::max(), op, ": ", count, " features of ", length,
              " ids are too many for one call; make several");
  DistinctIds distinct{std::vector<at::Tensor>(count), {0}, at::empty({count, length}, at::kInt)};
  int32_t* rows = distinct.rows.data_ptr<int32_t>();
  forEachTask(count, list.ids(), [&](int64_t f) {
    const std::vector<int64_t> found = distinctOf(list.features[f], rows + f * length);
    distinct.codes[f] = at::empty({static_cast<int64_t>(found.size())}, at::kLong);
    std::copy(found.begin(), found.end(), distinct.codes[f].data_ptr<int64_t>());
  });
  for (const at::Tensor& codes : distinct.codes) distinct.first.push_back(distinct.first.back() + codes.size(0));
  for (int64_t f = 0; f < count; ++f) {
    const auto before = static_cast<int32_t>(distinct.first[f]);
    for (int64_t i = f * length; i < (f + 1) * length; ++i) rows[i] += before;
  }
  return distinct;
}

static std::vector<uint64_t> tupleHashes(const FeatureList& list, int64_t length) {
  std::vector<uint64_t> hashes(length, 0);
  for (const Feature& feature : list.features) {
    for (int64_t i = 0; i < length; ++i) hashes[i] = (hashes[i] + feature.code(i) + 1) * 0x9e3779b97f4a7c15u;
  }
  return hashes;
}

c10::optional<DistinctTuples> distinctTuples(const FeatureList& list) {
  constexpr int32_t kNobody = -1;
  const int64_t length = list.features.empty() ? 0 : list.features[0].ids;
  const auto isOther = [&](const Feature& feature) { return feature.ids != length; };
  if (list.features.size() < 2 || length > std::numeric_limits<int32_t>::max()) return {};
  if (std::any_of(list.features.begin(), list.features.end(), isOther)) return {};  // Told by whoever needs them alike.
  const std::vector<uint64_t> hashes = tupleHashes(list, length);
  const auto same = [&](int64_t a, int64_t b) {
    const auto agrees = [&](const Feature& feature) { return feature.code(a) == feature.code(b); };
    return hashes[a] == hashes[b] && std::all_of(list.features.begin(), list.features.end(), agrees);
  };
  const int64_t slots = powerAbove(length);
  std::vector<int32_t> slotOf(slots, kNobody);
  std::vector<int64_t> found;  // Where each tuple is first.
  DistinctTuples tuples{{}, at::empty({length}, at::kInt)};
  int32_t* places = tuples.places.data_ptr<int32_t>();
  for (int64_t i = 0; i < length; ++i) {
    int64_t slot = mix64(hashes[i]) & (slots - 1);
    while (slotOf[slot] != kNobody && !same(found[slotOf[slot]], i)) slot = (slot + 1) & (slots - 1);
    if (slotOf[slot] == kNobody) {
      if (static_cast<int64_t>(found.size()) >= length / 2) return {};
      slotOf[slot] = static_cast<int32_t>(found.size());
      found.push_back(i);
    }
    places[i] = slotOf[slot];
  }
  for (const Feature& feature : list.features) {
    tuples.codes.push_back(at::empty({static_cast<int64_t>(found.size())}, at::kLong));
    int64_t* codes = tuples.codes.back().data_ptr<int64_t>();
    for (size_t t = 0; t < found.size(); ++t) codes[t] = feature.code(found[t]);
  }
  return tuples;
}

at::Tensor distinctRows(at::TensorList tables, at::IntArrayRef features, const DistinctIds& distinct) {
  return at::cat(poolTables({tables, features, distinct.codes, {}, {}, false}, {}));
}

NormalizedRows normalized(const at::Tensor& rows, double eps) {
  const at::Tensor inverse = (rows.square().mean(-1, true) + eps).rsqrt();
  return {rows * inverse, inverse};
}

at::Tensor normalizedBackward(const NormalizedRows& made, const at::Tensor& gradient) {
  return (gradient - made.rows * (made.rows * gradient).mean(-1, true)) * made.inverse;
}

void saveDistinct(torch::autograd::AutogradContext* context, std::vector<at::Tensor> own, const DistinctIds& distinct,
                  at::IntArrayRef features, at::TensorList leaves) {
  own.push_back(distinct.rows);
  own.insert(own.end(), distinct.codes.begin(), distinct.codes.end());
  context->save_for_backward(own);
  std::vector<int64_t> tableRows;
  c10::List<bool> wanted;
  for (const at::Tensor& leaf : leaves) {
    tableRows.push_back(leaf.size(0));
    wanted.push_back(leaf.requires_grad());
  }
  context->saved_data["features"] = features.vec();
  context->saved_data["first"] = distinct.first;
  context->saved_data["tableRows"] = tableRows;
  context->saved_data["wanted"] = wanted;
}

DistinctIds savedDistinct(torch::autograd::AutogradContext* context, const torch::autograd::variable_list& saved, size_t own) {
  const auto ids = saved.begin() + static_cast<int64_t>(own);
  return {{ids + 1, saved.end()}, context->saved_data["first"].toIntVector(), *ids};
}

torch::autograd::variable_list tableGradients(torch::autograd::AutogradContext* context, const DistinctIds& distinct,
                                              const at::Tensor& rows) {
  const std::vector<int64_t> features = context->saved_data["features"].toIntVector();
  const std::vector<int64_t> tableRows = context->saved_data["tableRows"].toIntVector();
  const c10::List<bool> wanted = context->saved_data["wanted"].toBoolList();
  torch::autograd::variable_list gradients(tableRows.size());
  for (size_t t = 0; t < tableRows.size(); ++t) {
    std::vector<at::Tensor> indices, values;
    for (size_t f = 0; f < features.size(); ++f) {
      if (features[f] != static_cast<int64_t>(t)) continue;
      indices.push_back(distinct.codes[f]);
      values.push_back(rows.slice(0, distinct.first[f], distinct.first[f + 1]));
    }
    if (indices.empty() || !wanted.get(t)) continue;
    gradients[t] = at::_sparse_coo_tensor_unsafe(at::cat(indices).unsqueeze(0), at::cat(values), {tableRows[t], rows.size(1)});
  }
  return gradients;
}

}  // namespace lapidary
