// What forward and backward of jagged attention do alike: packing rows, cutting queries into tiles, scores and the bias.
// A tile holds N = NV·W queries, one per lane; its scores are [keys × N], so that sums over keys need no shuffles.
#pragma once
#include <algorithm>
#include <utility>

#include "attention.h"
#include "simd.h"

namespace lapidary::attention::LAPIDARY_ISA {

// The rows of one example and head, packed, with rotary positions applied.
template <typename T>
struct Work {
  int64_t firstQuery, firstKey, keys;
  int64_t head = 0, keyBegin = 0;
  const T *key = nullptr, *value = nullptr;
  // The bias of this head, for each distance from `distanceBegin`, so that neighbouring queries lie side by side.
  T *position = nullptr, *positionGradient = nullptr;
  int64_t distanceBegin = 0, distances = 0;
};

template <typename T>
LAPIDARY_INLINE Work<T> workOf(const Problem<T>& p, const Item& item) {
  const int64_t firstKey = p.keyBounds[item.example];
  return {p.queryBounds[item.example], firstKey, p.keyBounds[item.example + 1] - firstKey};
}

// Turns each pair (2i, 2i+1) of a row by the angles of its position, or back.
template <typename T>
LAPIDARY_INLINE void rotateRow(const Problem<T>& p, int64_t position, T direction, T* row) {
  const T* turns = p.rotations + position * p.dim;
  for (int64_t i = 0; i + 1 < p.dim; i += 2) {
    const T cosine = turns[i], sine = direction * turns[i + 1], a = row[i], b = row[i + 1];
    row[i] = a * cosine - b * sine;
    row[i + 1] = a * sine + b * cosine;
  }
}

// Keys and values of an item, [keys × dim] and [keys × valueDim].
template <typename T>
LAPIDARY_INLINE void packKeys(const Problem<T>& p, const Item& item, Scratch<T>& scratch, Work<T>& w) {
  const int64_t count = item.keyEnd - item.keyBegin;
  T* key = scratch.take(count * p.dim);
  T* value = scratch.take(count * p.valueDim);
  for (int64_t j = 0; j < count; ++j) {
    const int64_t row = w.firstKey + item.keyBegin + j;
    std::copy_n(p.key.at(row, item.keyHead), p.dim, key + j * p.dim);
    std::copy_n(p.value.at(row, item.keyHead), p.valueDim, value + j * p.valueDim);
    if (p.rotations != nullptr) rotateRow<T>(p, item.keyBegin + j, T(1), key + j * p.dim);
  }
  w.key = key;
  w.value = value;
  w.keyBegin = item.keyBegin;
}

// Spreads the head's bias over all distances that the item can meet, with room for the last tile's empty lanes.
template <typename T>
LAPIDARY_INLINE void spreadBias(const Problem<T>& p, const Item& item, int64_t lanes, T* to, Work<T>& w) {
  const int64_t reach = p.positionReach;
  if (p.positionBias == nullptr) return;
  const T scale = p.activation == Activation::Softmax ? static_cast<T>(kLog2E) : T(1);
  const T* bias = p.positionBias + w.head * p.positionStride;
  w.distanceBegin = item.begin - item.keyEnd + 1;
  w.distances = item.end - 1 + lanes - item.keyBegin - w.distanceBegin;
  for (int64_t i = 0; i < w.distances; ++i) {
    to[i] = scale * bias[std::clamp(w.distanceBegin + i, -reach, reach) + reach];
  }
  w.position = to;
}

template <typename T, int W, int NV>
struct Tile {
  static constexpr int N = NV * W;
  IntVec<T, W> low[NV], high[NV], prefix[NV];
  int64_t row = 0, count = 0;
  int64_t fullLow = 0, fullHigh = 0, fullPrefix = 0;  // Keys that every lane sees.
  std::pair<int64_t, int64_t> ranges[2];              // Keys that some lane sees, in order, apart from each other.
  int numRanges = 0;
};

template <typename T, int W, int NV>
LAPIDARY_INLINE Tile<T, W, NV> tileOf(const Problem<T>& p, const Work<T>& w, int64_t row, int64_t count) {
  Tile<T, W, NV> tile;
  tile.row = row;
  tile.count = count;
  int64_t low = w.keys, high = 0, prefix = 0;
  tile.fullHigh = tile.fullPrefix = w.keys;
  for (int lane = 0; lane < NV * W; ++lane) {
    const VisibleKeys visible = lane < count ? visibleKeys(p.mask, row + lane, w.keys) : VisibleKeys{0, 0, 0};
    tile.low[lane / W][lane % W] = visible.low;
    tile.high[lane / W][lane % W] = visible.high;
    tile.prefix[lane / W][lane % W] = visible.prefix;
    if (lane >= count) continue;
    if (visible.low < visible.high) {
      low = std::min(low, visible.low);
      high = std::max(high, visible.high);
    }
    prefix = std::max(prefix, visible.prefix);
    tile.fullLow = std::max(tile.fullLow, visible.low);
    tile.fullHigh = std::min(tile.fullHigh, visible.high);
    tile.fullPrefix = std::min(tile.fullPrefix, visible.prefix);
  }
  for (const auto& [begin, end] : {std::pair(int64_t{0}, prefix), std::pair(low, high)}) {
    if (begin >= end) continue;
    auto* last = tile.numRanges > 0 ? &tile.ranges[tile.numRanges - 1] : nullptr;
    if (last != nullptr && begin <= last->second) {
      last->second = std::max(last->second, end);
    } else {
      tile.ranges[tile.numRanges++] = {begin, end};
    }
  }
  return tile;
}

template <typename T, int W, int NV>
LAPIDARY_INLINE bool allVisible(const Tile<T, W, NV>& tile, int64_t begin, int64_t end) {
  return (begin >= tile.fullLow && end <= tile.fullHigh) || end <= tile.fullPrefix;
}

// All bits set in the lanes that see the key.
template <typename T, int W, int NV>
LAPIDARY_INLINE IntVec<T, W> visible(const Tile<T, W, NV>& tile, int n, int64_t key) {
  const IntVec<T, W> j = static_cast<typename IntegerOf<T>::type>(key) - IntVec<T, W>{};
  return ((tile.low[n] <= j) & (j < tile.high[n])) | (j < tile.prefix[n]);
}

// The rows of a tile turned on their side, [dim × N], times `factor`; `rows` keeps them as they are, [N × width].
template <typename T, int N>
LAPIDARY_INLINE void packQueries(const T* rows, int64_t width, int64_t count, int64_t dim, T factor, T* to) {
  for (int64_t lane = 0; lane < count; ++lane) {
    for (int64_t c = 0; c < dim; ++c) to[c * N + lane] = factor * rows[lane * width + c];
  }
  for (int64_t c = 0; c < dim; ++c) std::fill(to + c * N + count, to + (c + 1) * N, T(0));
}

template <typename T, int W, int NV>
LAPIDARY_INLINE void addBias(const Work<T>& w, const Tile<T, W, NV>& tile, int64_t begin, int64_t end, T* scores) {
  constexpr int N = NV * W;
  for (int64_t key = begin; key < end; ++key) {
    T* row = scores + (key - begin) * N;
    const T* bias = w.position + (tile.row - key - w.distanceBegin);
#pragma GCC unroll 16
    for (int n = 0; n < NV; ++n) store<T, W>(row + n * W, load<T, W>(row + n * W) + load<T, W>(bias + n * W));
  }
}

// Scores of the tile's queries with keys [begin, end): [keys × N].
template <typename T, int W, int MR, int NV>
LAPIDARY_INLINE void scoresOf(const Problem<T>& p, const Work<T>& w, const Tile<T, W, NV>& tile, int64_t begin, int64_t end,
                              const T* queries, T* scores) {
  constexpr int N = NV * W;
  const T* keys = w.key + (begin - w.keyBegin) * p.dim;
  multiply<T, W, MR, false>(end - begin, N, p.dim, keys, p.dim, queries, N, scores, N, false);
  if (w.position != nullptr) addBias<T, W, NV>(w, tile, begin, end, scores);
}

// SiLU of a score, and its derivative.
template <typename T, int W>
LAPIDARY_INLINE void silu(Vec<T, W> score, Vec<T, W>& weight, Vec<T, W>& slope) {
  const Vec<T, W> sigmoid = T(1) / (T(1) + exp2Of<W>(score * static_cast<T>(-kLog2E)));
  weight = score * sigmoid;
  slope = sigmoid * (T(1) + score * (T(1) - sigmoid));
}

}  // namespace lapidary::attention::LAPIDARY_ISA
