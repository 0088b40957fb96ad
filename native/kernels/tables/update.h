// The update of the rows that a batch touched, for any rule.
#pragma once
#include "sort.h"

namespace lapidary {

// Some entries of one table, whole rows of it: all that a rule needs to change them.
struct UpdateJob {
  const uint64_t* entries;
  int64_t count;
  const Feature* features;
  int featureBits, placeBits;
  void* table;
  int64_t width, dim;
  void* moments;  // What the optimizer remembers. [V]
  bool mean;
  uint64_t seed, step;
};

// How far ahead memory is fetched: that of rows by rows, however many ids each has, that of gradients by ids.
constexpr int64_t kRowsAhead = 16;
constexpr int64_t kGradientsAhead = 5;

LAPIDARY_INLINE int64_t rowOf(const UpdateJob& job, uint64_t entry) {
  return static_cast<int64_t>(entry >> (job.featureBits + job.placeBits));
}

struct Place {
  const Feature& feature;
  int64_t place, bag;
};

LAPIDARY_INLINE Place placeOf(const UpdateJob& job, uint64_t entry) {
  const Feature& feature = job.features[entry >> job.placeBits & ((uint64_t{1} << job.featureBits) - 1)];
  const auto place = static_cast<int64_t>(entry & ((uint64_t{1} << job.placeBits) - 1));
  return {feature, place, feature.bagOf == nullptr ? place : feature.bagOf[place]};
}

// sum += what an id counts in its bag · the bag's gradient. No gradient per id is ever written.
template <typename Sum, int64_t kDim>
LAPIDARY_INLINE void addGradient(const UpdateJob& job, uint64_t entry, Sum* __restrict sum) {
  const int64_t dim = kDim > 0 ? kDim : job.dim;
  const Place at = placeOf(job, entry);
  const Sum* __restrict gradient = static_cast<const Sum*>(at.feature.gradient) + at.bag * dim;
  Sum scale = at.feature.weights == nullptr ? Sum(1) : static_cast<const Sum*>(at.feature.weights)[at.place];
  if (job.mean) scale /= static_cast<Sum>(at.feature.end(at.bag) - at.feature.begin(at.bag));
  for (int64_t j = 0; j < dim; ++j) sum[j] += scale * gradient[j];
}

// In a fixed order of sixteen partial sums, which a compiler may keep in vectors.
template <typename Sum>
LAPIDARY_INLINE Sum sumOfSquares(const Sum* values, int64_t dim) {
  Sum lanes[16] = {};
  int64_t j = 0;
  for (; j + 16 <= dim; j += 16) {
    for (int64_t k = 0; k < 16; ++k) lanes[k] += values[j + k] * values[j + k];
  }
  for (; j < dim; ++j) lanes[j % 16] += values[j] * values[j];
  for (int64_t half = 8; half > 0; half /= 2) {
    for (int64_t k = 0; k < half; ++k) lanes[k] += lanes[k + half];
  }
  return lanes[0];
}

// Adds up the gradient of each row and gives it to the rule, with the row's values, which it changes and are written back.
template <typename Rows, int64_t kDim, typename Rule>
LAPIDARY_INLINE void updateRows(const UpdateJob& job, const Rule& rule) {
  using Sum = typename Rows::Sum;
  using Element = typename Rows::Element;
  const int64_t dim = kDim > 0 ? kDim : job.dim;
  Sum fixed[kDim > 0 ? 2 * kDim : 1];
  std::vector<Sum> any(kDim > 0 ? 0 : 2 * dim);
  Sum* gradient = kDim > 0 ? fixed : any.data();
  Sum* values = gradient + dim;
  auto* table = static_cast<Element*>(job.table);
  int64_t ahead = 0;  // The first entry of a row that is not fetched yet.
  const auto fetchRow = [&]() LAPIDARY_LAMBDA {
    if (ahead == job.count) return;
    const int64_t row = rowOf(job, job.entries[ahead]);
    fetchLines(table + row * job.width, job.width * sizeof(Element));
    rule.template fetch<Sum>(job, row);
    do ++ahead;
    while (ahead < job.count && rowOf(job, job.entries[ahead]) == row);
  };
  for (int64_t r = 0; r < kRowsAhead; ++r) fetchRow();
  for (int64_t i = 0; i < job.count;) {
    const int64_t row = rowOf(job, job.entries[i]);
    fetchRow();
    for (int64_t j = 0; j < dim; ++j) gradient[j] = 0;
    do {
      if (i + kGradientsAhead < job.count) {
        const Place at = placeOf(job, job.entries[i + kGradientsAhead]);
        fetchLines(static_cast<const Sum*>(at.feature.gradient) + at.bag * dim, dim * sizeof(Sum));
      }
      addGradient<Sum, kDim>(job, job.entries[i], gradient);
      ++i;
    } while (i < job.count && rowOf(job, job.entries[i]) == row);
    Element* memory = table + row * job.width;
    const typename Rows::Reader reader(memory, dim);
    for (int64_t j = 0; j < dim; ++j) values[j] = reader[j];
    rule.template apply<Sum>(job, row, dim, gradient, values);
    Rows::write(memory, values, dim, RowNoise(job.seed, job.step, static_cast<uint64_t>(row)));
  }
}

template <typename Rows, typename Rule>
LAPIDARY_INLINE void updateAnyDim(const UpdateJob& job, const Rule& rule) {
  if (job.dim == 32) updateRows<Rows, 32>(job, rule);
  else if (job.dim == 64) updateRows<Rows, 64>(job, rule);
  else if (job.dim == 128) updateRows<Rows, 128>(job, rule);
  else updateRows<Rows, 0>(job, rule);
}

// Compiled for each row format and instruction set.
template <typename Rows, typename Rule>
static void update(Rows, const UpdateJob& job, const Rule& rule) {
  onEachIsa([&]() LAPIDARY_LAMBDA { updateAnyDim<Rows>(job, rule); });
}

// What an update is given beside its features.
struct UpdateArguments {
  const char* op;
  at::TensorList gradients;
  at::TensorList moments;
  uint64_t seed;
  uint64_t step;
};

// Sorts the ids of one table and calls `update(entries, count)` with pieces of them that share no row.
template <typename Update>
inline void updateTable(const TableIds& ids, const Update& update) {
  constexpr int64_t kIdsPerPiece = 4096;
  const SortedIds sorted = sortIds(ids);
  const auto rowAt = [&](int64_t i) { return sorted.entries[i] >> ids.layout.rowShift(); };
  const auto startOfRow = [&](int64_t i) {
    while (i > 0 && i < sorted.count && rowAt(i) == rowAt(i - 1)) ++i;
    return i;
  };
  const int64_t pieces = std::max<int64_t>(1, sorted.count / kIdsPerPiece);
  forEachTask(pieces, ids.count, [&](int64_t p) {
    const int64_t begin = startOfRow(sorted.count * p / pieces), end = startOfRow(sorted.count * (p + 1) / pieces);
    if (begin < end) update(sorted.entries + begin, end - begin);
  });
}

// Calls `update(job)` with pieces of the ids of all tables, sorted by row. A table with a large part of the ids has all
// threads work at it; the others are shared among threads, and the ids of each stay in the cache of one core.
template <typename Update>
inline void updateTables(const Lookup& lookup, const UpdateArguments& rest, const Update& update) {
  FeatureList list = checkFeatures(rest.op, lookup);
  checkGradients(rest.op, lookup, rest.gradients, list);
  const std::vector<TableIds> tables = idsOfTables(rest.op, lookup.tables, list);
  const auto updateOne = [&](int64_t t) {
    const at::Tensor& table = lookup.tables[t];
    const EntryLayout& layout = tables[t].layout;
    updateTable(tables[t], [&](const uint64_t* entries, int64_t count) {
      const UpdateJob job{entries, count, tables[t].features.data(), layout.featureBits, layout.placeBits,
                          table.data_ptr(), table.size(1), list.dim, rest.moments[t].data_ptr(),
                          lookup.mean && !lookup.offsets.empty(), rest.seed + static_cast<uint64_t>(t), rest.step};
      withRows(table.scalar_type(), rest.op, [&](auto rows) { update(rows, job); });
    });
  };
  const int64_t total = list.ids();
  std::vector<int64_t> shared;
  for (size_t t = 0; t < tables.size(); ++t) {
    if (tables[t].count * 4 * at::get_num_threads() > total) updateOne(t);
    else if (tables[t].count > 0) shared.push_back(t);
  }
  forEachTask(static_cast<int64_t>(shared.size()), total, [&](int64_t i) { updateOne(shared[i]); });
}

}  // namespace lapidary
