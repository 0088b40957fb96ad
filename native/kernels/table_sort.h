// The ids of a batch ordered by row: equal ids lie together, in order of appearance.
#pragma once
#include <memory>

#include "table_features.h"

namespace lapidary {

// One id: its row, counted through all tables of the call, then its feature, then its bag, or its position where ids have
// weights. In one number, so that sorting moves nothing else.
struct EntryLayout {
  int featureBits, placeBits, rowBits;
  std::vector<int64_t> firstRows;  // of each table, and behind the last
  int rowShift() const { return featureBits + placeBits; }
};

struct SortedIds {
  EntryLayout layout;
  std::unique_ptr<uint64_t[]> entries;
  int64_t count = 0;
};

// Also gives every weighted feature the bag of each of its ids (`bagOf`).
SortedIds sortIds(const char* op, at::TensorList tables, FeatureList& list);

}  // namespace lapidary
