// How jagged attention is shared among threads.
#include "plan.h"

#include <array>
#include <cmath>

namespace lapidary::attention {

// Where each bucket of time begins, and the bucket of each power of two.
struct TimeBuckets {
  std::array<uint64_t, kTimeBuckets + 2> begins{};
  std::array<uint8_t, 64> first{};

  static int64_t of(double x) { return static_cast<int64_t>(std::floor(std::log(x) / 0.301)); }

  TimeBuckets() {
    for (int64_t b = 1; b < kTimeBuckets + 2; ++b) {
      uint64_t low = begins[b - 1], high = ~uint64_t{0};
      while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        if (of(static_cast<double>(middle)) >= b) {
          high = middle;
        } else {
          low = middle + 1;
        }
      }
      begins[b] = low;
    }
    for (int power = 0; power < 64; ++power) first[power] = static_cast<uint8_t>(of(std::ldexp(1.0, power)));
  }
};

static const TimeBuckets kBuckets;

int64_t timeBucket(int64_t difference) {
  const uint64_t gap = difference < 0 ? -static_cast<uint64_t>(difference) : static_cast<uint64_t>(difference);
  if (gap <= 1) return 0;
  int64_t bucket = kBuckets.first[63 - __builtin_clzll(gap)];
  while (gap >= kBuckets.begins[bucket + 1]) ++bucket;
  return bucket;
}

// Keys that rows [begin, end) of an example may see, as one range, and about how many pairs that makes.
static void look(const Mask& mask, int64_t keys, int64_t candidates, Item& item) {
  item.keyBegin = keys;
  item.keyEnd = 0;
  item.cost = 0;
  constexpr int64_t kStep = 16;
  for (int64_t row = item.begin; row < item.end; row += kStep) {
    const Sight sight = sightOf(mask, row, keys, candidates);
    item.cost += kStep * (kStep + sight.high - sight.low + std::min(sight.prefix, sight.low));
  }
  // What is seen grows with the row, except by the candidates, which stand at one place.
  for (const int64_t row : {item.begin, item.end - 1}) {
    const Sight sight = sightOf(mask, row, keys, candidates);
    if (sight.prefix > 0) item.keyBegin = 0;
    item.keyEnd = std::max({item.keyEnd, sight.prefix, sight.high, sight.self + 1});
    item.keyBegin = std::min(item.keyBegin, sight.low);
  }
  item.keyBegin = std::min(item.keyBegin, item.keyEnd);
}

int64_t pairsOf(const Mask& mask, const Lengths& lengths) {
  int64_t pairs = 0;
  for (int64_t example = 0; example < lengths.examples; ++example) {
    const int64_t keys = lengths.keys[example + 1] - lengths.keys[example];
    const int64_t candidates = lengths.candidates == nullptr ? 0 : lengths.candidates[example];
    for (int64_t row = 0; row < lengths.queries[example + 1] - lengths.queries[example]; ++row) {
      const Sight sight = sightOf(mask, row, keys, candidates);
      const int64_t twice = std::max<int64_t>(0, std::min(sight.high, sight.prefix) - sight.low);
      pairs += sight.high - sight.low + sight.prefix - twice + (sight.self < 0 ? 0 : 1);
    }
  }
  return pairs;
}

Plan planOf(const Mask& mask, const Lengths& lengths, int64_t keyHeads, int64_t rowsPerItem) {
  Plan plan;
  for (int64_t example = 0; example < lengths.examples; ++example) {
    const int64_t rows = lengths.queries[example + 1] - lengths.queries[example];
    const int64_t keys = lengths.keys[example + 1] - lengths.keys[example];
    const int64_t candidates = lengths.candidates == nullptr ? 0 : lengths.candidates[example];
    for (int64_t head = 0; head < keyHeads; ++head) {
      for (int64_t begin = 0; begin < rows; begin += rowsPerItem) {
        const int64_t end = std::min(rows, rows - begin < rowsPerItem * 3 / 2 ? rows : begin + rowsPerItem);
        Item item{example, head, begin, end, 0, 0, 0, static_cast<int64_t>(plan.items.size()), -1};
        look(mask, keys, candidates, item);
        if (begin > 0 || end < rows) {
          item.partial = plan.partialRows;
          plan.partialRows += item.keyEnd - item.keyBegin;
        } else {
          item.keyBegin = 0;  // The only one of its keys: it gives all of them a gradient, also those that nobody sees.
          item.keyEnd = keys;
        }
        plan.items.push_back(item);
        if (end == rows) break;
      }
    }
  }
  plan.inOrder = plan.items;
  std::sort(plan.items.begin(), plan.items.end(), [](const Item& a, const Item& b) {
    return a.cost != b.cost ? a.cost > b.cost : a.number < b.number;
  });
  return plan;
}

}  // namespace lapidary::attention
