// The ids of one table in a batch ordered by row: equal ids lie together, in order of appearance.
#pragma once
#include "features.h"

namespace lapidary {

// One id: its row, then its feature among those of the table, then its bag, or its position where ids have weights. In one
// number, so that sorting moves nothing else.
struct EntryLayout {
  int featureBits, placeBits, rowBits;
  int rowShift() const { return featureBits + placeBits; }
};

struct SortedIds {
  at::Tensor memory;  // A tensor, because pages of large ones are kept from step to step.
  const uint64_t* entries;
  int64_t count;
};

// The features that look up one table, in their order.
struct TableIds {
  int64_t count = 0;
  std::vector<Feature> features;
  EntryLayout layout{};
};

// The features of each table. Weighted bags are given room for the bag of each id.
std::vector<TableIds> idsOfTables(const char* op, at::TensorList tables, FeatureList& list);

// Also writes the bag of each id of a weighted feature (`bagOf`).
SortedIds sortIds(const TableIds& ids);

}  // namespace lapidary
