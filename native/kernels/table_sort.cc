// A radix sort of the ids of a batch: its time grows with the ids and the digits of the tables' rows, not with the tables.
#include "table_sort.h"

namespace lapidary {

static int bitsFor(int64_t values) {
  int bits = 0;
  while (bits < 63 && (values - 1) >> bits > 0) ++bits;
  return bits;
}

static EntryLayout layoutFor(const char* op, at::TensorList tables, const FeatureList& list) {
  EntryLayout layout;
  layout.firstRows.push_back(0);
  for (const at::Tensor& table : tables) layout.firstRows.push_back(layout.firstRows.back() + table.size(0));
  int64_t places = 0;
  for (const Feature& feature : list.features) places = std::max({places, feature.bags, feature.ids});
  layout.featureBits = bitsFor(static_cast<int64_t>(list.features.size()));
  layout.placeBits = bitsFor(places);
  layout.rowBits = bitsFor(layout.firstRows.back());
  TORCH_CHECK(layout.featureBits + layout.placeBits + layout.rowBits <= 64, op, ": ", list.features.size(), " features of ", places,
              " ids over ", layout.firstRows.back(), " rows are too many for one call; make several");
  return layout;
}

// Bags of one feature, and where its entries begin. Small features are shared among threads in one go.
struct FillPiece {
  size_t feature;
  int64_t begin, end, firstEntry;
  int64_t* bagOf;
};

static std::vector<FillPiece> fillPieces(FeatureList& list) {
  constexpr int64_t kBagsPerPiece = 4096;
  std::vector<FillPiece> pieces;
  int64_t firstEntry = 0;
  for (size_t f = 0; f < list.features.size(); ++f) {
    Feature& feature = list.features[f];
    int64_t* bagOf = nullptr;
    if (feature.weights != nullptr && feature.offsets != nullptr) {
      list.kept.push_back(at::empty({feature.ids}, at::kLong));
      bagOf = list.kept.back().data_ptr<int64_t>();
    }
    for (int64_t begin = 0; begin < feature.bags; begin += kBagsPerPiece) {
      pieces.push_back({f, begin, std::min(feature.bags, begin + kBagsPerPiece), firstEntry, bagOf});
    }
    feature.bagOf = bagOf;
    firstEntry += feature.ids;
  }
  return pieces;
}

static void fillEntries(const EntryLayout& layout, FeatureList& list, uint64_t* entries) {
  const std::vector<FillPiece> pieces = fillPieces(list);
  at::parallel_for(0, static_cast<int64_t>(pieces.size()), 4, [&](int64_t from, int64_t to) {
    for (int64_t p = from; p < to; ++p) {
      const FillPiece& piece = pieces[p];
      const Feature& feature = list.features[piece.feature];
      const uint64_t firstRow = layout.firstRows[feature.table];
      const uint64_t tag = static_cast<uint64_t>(piece.feature) << layout.placeBits;
      uint64_t* own = entries + piece.firstEntry;
      for (int64_t bag = piece.begin; bag < piece.end; ++bag) {
        for (int64_t i = feature.begin(bag); i < feature.end(bag); ++i) {
          const uint64_t place = feature.weights == nullptr ? bag : i;
          own[i] = (firstRow + feature.code(i)) << layout.rowShift() | tag | place;
          if (piece.bagOf != nullptr) piece.bagOf[i] = bag;
        }
      }
    }
  });
}

// One digit: pieces count their digits, then each moves its entries behind those of lower digits and of earlier pieces,
// so that the order does not depend on the number of pieces.
static void sortDigit(const uint64_t* from, uint64_t* to, int64_t count, int shift, int bits, int64_t pieces) {
  const int64_t digits = int64_t{1} << bits;
  const auto digit = [=](uint64_t entry) { return static_cast<int64_t>(entry >> shift) & (digits - 1); };
  std::vector<int64_t> starts(pieces * digits, 0);
  const auto each = [&](auto body) {
    at::parallel_for(0, pieces, 1, [&](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p) body(starts.data() + p * digits, count * p / pieces, count * (p + 1) / pieces);
    });
  };
  each([&](int64_t* counts, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) ++counts[digit(from[i])];
  });
  int64_t sum = 0;
  for (int64_t d = 0; d < digits; ++d) {
    for (int64_t p = 0; p < pieces; ++p) sum += std::exchange(starts[p * digits + d], sum);
  }
  each([&](int64_t* next, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) to[next[digit(from[i])]++] = from[i];
  });
}

SortedIds sortIds(const char* op, at::TensorList tables, FeatureList& list) {
  constexpr int kMaxDigitBits = 11;
  constexpr int64_t kIdsPerPiece = 16384;
  SortedIds sorted;
  sorted.layout = layoutFor(op, tables, list);
  for (const Feature& feature : list.features) sorted.count += feature.ids;
  sorted.entries.reset(new uint64_t[sorted.count]);
  fillEntries(sorted.layout, list, sorted.entries.get());
  std::unique_ptr<uint64_t[]> other(new uint64_t[sorted.count]);
  const int64_t pieces = std::max<int64_t>(1, std::min<int64_t>(at::get_num_threads(), sorted.count / kIdsPerPiece));
  const int passes = (sorted.layout.rowBits + kMaxDigitBits - 1) / kMaxDigitBits;
  for (int pass = 0; pass < passes; ++pass) {
    const int low = sorted.layout.rowBits * pass / passes, high = sorted.layout.rowBits * (pass + 1) / passes;
    sortDigit(sorted.entries.get(), other.get(), sorted.count, sorted.layout.rowShift() + low, high - low, pieces);
    sorted.entries.swap(other);
  }
  return sorted;
}

}  // namespace lapidary
