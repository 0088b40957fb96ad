// The features of one call over many tables: whose ids index which table, in which bags. What lookups and updates share.
#pragma once
#include "rows.h"

namespace lapidary {

// What an operator is given; one entry per feature in each list. `offsets` and `weights` are empty if no feature has any,
// and so is the entry of a feature that has none.
struct Lookup {
  at::TensorList tables;
  at::IntArrayRef features;
  at::TensorList codes;
  at::TensorList offsets;
  at::TensorList weights;
  bool mean;

  bool hasOffsets(size_t f) const { return !offsets.empty() && offsets[f].numel() > 0; }
  bool hasWeights(size_t f) const { return !weights.empty() && weights[f].numel() > 0; }
};

// One feature, checked: its ids are rows of its table, its offsets run from 0 to the number of ids.
struct Feature {
  int64_t table;
  int64_t ids;
  int64_t bags;
  bool wide;               // int64 ids, else int32
  const void* codes;
  const int64_t* offsets;  // Null: every id is a bag of its own.
  const void* weights;     // Null: every id counts once. Of the sums' type.
  const void* gradient = nullptr;
  int64_t* bagOf = nullptr;  // Room for the bag of each id; null where the place of an id tells it.

  LAPIDARY_INLINE int64_t code(int64_t i) const {
    return wide ? static_cast<const int64_t*>(codes)[i] : static_cast<const int32_t*>(codes)[i];
  }
  LAPIDARY_INLINE int64_t begin(int64_t bag) const { return offsets == nullptr ? bag : offsets[bag]; }
  LAPIDARY_INLINE int64_t end(int64_t bag) const { return offsets == nullptr ? bag + 1 : offsets[bag + 1]; }
};

// Checked features, and the copies that keep their memory alive where an argument was not contiguous.
struct FeatureList {
  std::vector<Feature> features;
  std::vector<at::Tensor> kept;
  int64_t dim = 0;
  at::ScalarType sums = at::kFloat;

  int64_t ids() const {
    int64_t sum = 0;
    for (const Feature& feature : features) sum += feature.ids;
    return sum;
  }
};

// Calls `body(i)` for each task i on libtorch's threads, of which few ids are not worth many. A thread takes the next task
// when it is done with one: tasks differ in size, and cores in what else they are doing. Inside of another task they run
// one after the other.
template <typename Body>
inline void forEachTask(int64_t tasks, int64_t ids, const Body& body) {
  constexpr int64_t kIdsPerThread = 1024;
  const int64_t threads = std::min<int64_t>({tasks, at::get_num_threads(), ids / kIdsPerThread + 1});
  std::atomic<int64_t> next{0};
  at::parallel_for(0, threads, 1, [&](int64_t, int64_t) {
    for (int64_t task = next++; task < tasks; task = next++) body(task);
  });
}

// Everything that can be wrong is found here, before anything is changed.
void checkShapes(const char* op, const Lookup& lookup);
FeatureList checkFeatures(const char* op, const Lookup& lookup);

// The bags' gradients, one tensor [B_f, D] per feature.
void checkGradients(const char* op, const Lookup& lookup, at::TensorList gradients, FeatureList& list);

// Leaves: none, or what the gradient of each table flows to.
void checkLeaves(const char* op, at::TensorList tables, at::TensorList leaves);

// tables_pool, as whoever calls it would have it: with gradients where they are recorded.
std::vector<at::Tensor> poolTables(const Lookup& lookup, at::TensorList leaves);

// The number of bags of a feature.
inline int64_t bagsOf(const Lookup& lookup, size_t f) {
  return lookup.hasOffsets(f) ? lookup.offsets[f].numel() - 1 : lookup.codes[f].numel();
}

// The bag of every id, by plain operators. → [ids] int64
at::Tensor bagIds(const Lookup& lookup, size_t f);

// What each id of a feature counts in its bag: its weight, divided by the bag's length for a mean. Undefined if always one.
at::Tensor idScales(const Lookup& lookup, size_t f, at::ScalarType type);

}  // namespace lapidary
