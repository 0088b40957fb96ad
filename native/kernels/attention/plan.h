// How jagged attention is shared among threads: items, heavy ones first. What an item computes depends neither on the
// thread nor on when it runs, and sums over items are made in their order, so results are equal bit for bit.
#pragma once
#include <atomic>

#include "attention.h"

namespace lapidary::attention {

struct Lengths {
  int64_t examples = 0;
  const int64_t *queries = nullptr, *keys = nullptr;
};

struct Plan {
  std::vector<Item> items;    // Heaviest first.
  std::vector<Item> inOrder;  // By example, head, row.
  int64_t partialRows = 0;
};

Plan planOf(const Mask& mask, const Lengths& lengths, int64_t keyHeads, int64_t rowsPerItem);

// Pairs of a row and a key that it sees.
int64_t pairsOf(const Mask& mask, const Lengths& lengths);

// Runs body(index, scratch) for each index; whoever is free takes the next.
template <typename T, typename Body>
void inParallel(int64_t count, const Body& body) {
  std::atomic<int64_t> next{0};
  const int64_t threads = std::min<int64_t>(count, at::get_num_threads());
  at::parallel_for(0, threads, 1, [&](int64_t begin, int64_t end) {
    static thread_local Scratch<T> scratch;  // Kept: fresh memory costs more than what is computed in it.
    for (int64_t thread = begin; thread < end; ++thread) {
      for (int64_t i = next++; i < count; i = next++) body(i, scratch);
    }
  });
}

}  // namespace lapidary::attention
