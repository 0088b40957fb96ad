// How jagged attention is shared among threads.
#include "plan.h"

#include <algorithm>

namespace lapidary::attention {

// Keys that rows [begin, end) of an example may see, as one range, and about how many pairs that makes.
static void look(const Mask& mask, int64_t keys, Item& item) {
  item.keyBegin = keys;
  item.keyEnd = 0;
  item.cost = 0;
  constexpr int64_t kStep = 16;
  for (int64_t row = item.begin; row < item.end; row += kStep) {
    const VisibleKeys visible = visibleKeys(mask, row, keys);
    item.cost += kStep * (kStep + visible.high - visible.low + std::min(visible.prefix, visible.low));
  }
  // What is visible moves on with the row.
  for (const int64_t row : {item.begin, item.end - 1}) {
    const VisibleKeys visible = visibleKeys(mask, row, keys);
    if (visible.prefix > 0) item.keyBegin = 0;
    item.keyEnd = std::max({item.keyEnd, visible.prefix, visible.high});
    item.keyBegin = std::min(item.keyBegin, visible.low);
  }
  item.keyBegin = std::min(item.keyBegin, item.keyEnd);
}

int64_t pairsOf(const Mask& mask, const Lengths& lengths) {
  int64_t pairs = 0;
  for (int64_t example = 0; example < lengths.examples; ++example) {
    const int64_t keys = lengths.keys[example + 1] - lengths.keys[example];
    for (int64_t row = 0; row < lengths.queries[example + 1] - lengths.queries[example]; ++row) {
      const VisibleKeys visible = visibleKeys(mask, row, keys);
      const int64_t twice = std::max<int64_t>(0, std::min(visible.high, visible.prefix) - visible.low);
      pairs += visible.high - visible.low + visible.prefix - twice;
    }
  }
  return pairs;
}

Plan planOf(const Mask& mask, const Lengths& lengths, int64_t keyHeads, int64_t rowsPerItem) {
  Plan plan;
  for (int64_t example = 0; example < lengths.examples; ++example) {
    const int64_t rows = lengths.queries[example + 1] - lengths.queries[example];
    const int64_t keys = lengths.keys[example + 1] - lengths.keys[example];
    for (int64_t head = 0; head < keyHeads; ++head) {
      for (int64_t begin = 0; begin < rows; begin += rowsPerItem) {
        const int64_t end = std::min(rows, rows - begin < rowsPerItem * 3 / 2 ? rows : begin + rowsPerItem);
        Item item{example, head, begin, end, 0, 0, 0, static_cast<int64_t>(plan.items.size()), -1};
        look(mask, keys, item);
        if (begin > 0 || end < rows) {
          item.partial = plan.partialRows;
          plan.partialRows += item.keyEnd - item.keyBegin;
        } else {
          item.keyBegin = 0;  // The only one of its keys: it gives all of them a gradient, also those that no row sees.
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
