// A radix sort of the ids of a table: its time grows with the ids and the digits of the table's rows.
#include "sort.h"

namespace lapidary {

static int bitsFor(int64_t values) {
  int bits = 0;
  while (bits < 63 && (values - 1) >> bits > 0) ++bits;
  return bits;
}

static EntryLayout layoutFor(const char* op, const TableIds& ids, int64_t rows) {
  int64_t places = 0;
  for (const Feature& feature : ids.features) places = std::max({places, feature.bags, feature.ids});
  const EntryLayout layout{bitsFor(static_cast<int64_t>(ids.features.size())), bitsFor(places), bitsFor(rows)};
  TORCH_CHECK(layout.rowShift() + layout.rowBits <= 64, op, ": ", ids.features.size(), " features of ", places, " ids over ", rows,
              " rows of one table are too many for one call; make several");
  return layout;
}

std::vector<TableIds> idsOfTables(const char* op, at::TensorList tables, FeatureList& list) {
  std::vector<TableIds> result(tables.size());
  for (Feature& feature : list.features) {
    if (feature.weights != nullptr && feature.offsets != nullptr) {
      list.kept.push_back(at::empty({feature.ids}, at::kLong));
      feature.bagOf = list.kept.back().data_ptr<int64_t>();
    }
    TableIds& table = result[feature.table];
    table.features.push_back(feature);
    table.count += feature.ids;
  }
  for (size_t t = 0; t < tables.size(); ++t) result[t].layout = layoutFor(op, result[t], tables[t].size(0));
  return result;
}

// Some bags of one feature, and where the feature's entries begin.
struct FillPiece {
  size_t feature;
  int64_t begin, end, firstEntry;
};

static void fillEntries(const TableIds& ids, uint64_t* entries) {
  constexpr int64_t kBagsPerPiece = 4096;
  std::vector<FillPiece> pieces;
  int64_t firstEntry = 0;
  for (size_t f = 0; f < ids.features.size(); ++f) {
    const Feature& feature = ids.features[f];
    for (int64_t begin = 0; begin < feature.bags; begin += kBagsPerPiece) {
      pieces.push_back({f, begin, std::min(feature.bags, begin + kBagsPerPiece), firstEntry});
    }
    firstEntry += feature.ids;
  }
  forEachTask(static_cast<int64_t>(pieces.size()), ids.count, [&](int64_t p) {
    const FillPiece& piece = pieces[p];
    const Feature& feature = ids.features[piece.feature];
    const uint64_t tag = static_cast<uint64_t>(piece.feature) << ids.layout.placeBits;
    uint64_t* own = entries + piece.firstEntry;
    for (int64_t bag = piece.begin; bag < piece.end; ++bag) {
      for (int64_t i = feature.begin(bag); i < feature.end(bag); ++i) {
        const uint64_t place = feature.weights == nullptr ? bag : i;
        own[i] = static_cast<uint64_t>(feature.code(i)) << ids.layout.rowShift() | tag | place;
        if (feature.bagOf != nullptr) feature.bagOf[i] = bag;
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

SortedIds sortIds(const TableIds& ids) {
  constexpr int kMaxDigitBits = 11;
  constexpr int64_t kIdsPerPiece = 16384;
  const EntryLayout& layout = ids.layout;
  const at::Tensor memory = at::empty({2, ids.count}, at::kLong);
  uint64_t* from = reinterpret_cast<uint64_t*>(memory.data_ptr<int64_t>());
  uint64_t* to = from + ids.count;
  fillEntries(ids, from);
  const int64_t pieces = std::max<int64_t>(1, std::min<int64_t>(at::get_num_threads(), ids.count / kIdsPerPiece));
  const int passes = (layout.rowBits + kMaxDigitBits - 1) / kMaxDigitBits;
  for (int pass = 0; pass < passes; ++pass) {
    const int low = layout.rowBits * pass / passes, high = layout.rowBits * (pass + 1) / passes;
    sortDigit(from, to, ids.count, layout.rowShift() + low, high - low, pieces);
    std::swap(from, to);
  }
  return {memory, from, ids.count};
}

}  // namespace lapidary
