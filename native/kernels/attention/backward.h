// Backward of jagged attention. Scores and weights are computed again; with P the weights, dP = dO Vᵀ and
//   softmax: dS = P ∘ (dP − Σ_c dO_c O_c);  else dS = silu'(S) ∘ dP:
//   dV = Pᵀ dO,  dK = scale · dSᵀ Q,  dQ = scale · dS K,  and the bias receives dS.
#pragma once
#include "tile.h"

namespace lapidary::attention::LAPIDARY_ISA {

constexpr int64_t kBackwardChunk = 64;

template <typename T>
struct BackwardBuffers {
  T *rows, *queries, *gradients, *gradientColumns;  // [N × wide], [dim × N], [N × wide], [valueDim × N]
  T *weights, *slopes, *queryGradient;              // [keys × N] twice, [dim × N]
  T *keyGradient, *valueGradient;                   // [keys of the item × wide]
};

constexpr int64_t roundUp(int64_t value, int64_t unit) { return (value + unit - 1) / unit * unit; }

// Weights from scores, and dS in place of dP.
template <typename T, int W, int NV>
LAPIDARY_INLINE void differentiateChunk(Activation activation, const Tile<T, W, NV>& tile, int64_t begin, int64_t end,
                                        const T* logSums, const T* products, T* weights, T* slopes) {
  using V = Vec<T, W>;
  const bool all = allVisible(tile, begin, end);
  V logSum[NV], product[NV];
#pragma GCC unroll 16
  for (int n = 0; n < NV; ++n) {
    logSum[n] = load<T, W>(logSums + n * W);
    product[n] = load<T, W>(products + n * W);
  }
  for (int64_t j = 0; j < end - begin; ++j) {
#pragma GCC unroll 16
    for (int n = 0; n < NV; ++n) {
      const int64_t at = j * NV * W + n * W;
      const V score = load<T, W>(weights + at), upstream = load<T, W>(slopes + at);
      V weight, slope;
      if (activation == Activation::Softmax) {
        weight = exp2Of<W>(score - logSum[n]);
        slope = weight * (upstream - product[n]);
      } else {
        silu<T, W>(score, weight, slope);
        slope *= upstream;
      }
      if (!all) {
        const auto mask = visible(tile, n, begin + j);
        weight = mask ? weight : V{};
        slope = mask ? slope : V{};
      }
      store<T, W>(weights + at, weight);
      store<T, W>(slopes + at, slope);
    }
  }
}

template <typename T, int W, int NV>
LAPIDARY_INLINE void addBiasGradient(const Work<T>& w, const Tile<T, W, NV>& tile, int64_t begin, int64_t end, const T* slopes) {
  constexpr int N = NV * W;
  // Steps of N keys, so that an addition does not wait for the one before it to reach memory.
  for (int64_t first = begin; first < std::min(begin + N, end); ++first) {
    for (int64_t key = first; key < end; key += N) {
      T* to = w.positionGradient + (tile.row - key - w.distanceBegin);
      const T* from = slopes + (key - begin) * N;
#pragma GCC unroll 16
      for (int n = 0; n < NV; ++n) store<T, W>(to + n * W, load<T, W>(to + n * W) + load<T, W>(from + n * W));
    }
  }
}

// Reads a tile's queries, its upstream gradients, and what softmax kept of it.
template <typename T, int N>
LAPIDARY_INLINE void loadTile(const Problem<T>& p, const Work<T>& w, int64_t row, int64_t count, int64_t wide,
                              int64_t valueWide, const BackwardBuffers<T>& b, T* logSums, T* products) {
  const bool softmax = p.activation == Activation::Softmax;
  std::fill_n(b.rows, N * wide, T(0));
  std::fill_n(b.gradients, N * valueWide, T(0));
  for (int64_t lane = 0; lane < count; ++lane) {
    const int64_t at = w.firstQuery + row + lane;
    T* query = b.rows + lane * wide;
    std::copy_n(p.query.at(at, w.head), p.dim, query);
    if (p.rotations != nullptr) rotateRow<T>(p, row + lane, T(1), query);
    const T* upstream = p.gradient.at(at, w.head);
    for (int64_t c = 0; c < p.valueDim; ++c) b.gradients[lane * valueWide + c] = static_cast<T>(p.factor) * upstream[c];
    if (!softmax) continue;
    const T* output = p.output.at(at, w.head);
    T sum(0);
    for (int64_t c = 0; c < p.valueDim; ++c) sum += upstream[c] * output[c];
    products[lane] = sum;
    logSums[lane] = p.logSums[at * p.heads + w.head];
  }
  packQueries<T, N>(b.rows, wide, count, p.dim, static_cast<T>(p.scale * (softmax ? kLog2E : 1)), b.queries);
  packQueries<T, N>(b.gradients, valueWide, count, p.valueDim, T(1), b.gradientColumns);
}

template <typename T, int W, int MR, int NV>
LAPIDARY_INLINE void backwardTile(const Problem<T>& p, const Work<T>& w, int64_t row, int64_t count,
                                  const BackwardBuffers<T>& b) {
  constexpr int N = NV * W;
  const int64_t wide = roundUp(p.dim, W), valueWide = roundUp(p.valueDim, W);
  const Tile<T, W, NV> tile = tileOf<T, W, NV>(p, w, row, count);
  alignas(64) T logSums[N] = {}, products[N] = {};
  loadTile<T, N>(p, w, row, count, wide, valueWide, b, logSums, products);
  std::fill_n(b.queryGradient, p.dim * N, T(0));
  for (int r = 0; r < tile.numRanges; ++r) {
    for (int64_t begin = tile.ranges[r].first; begin < tile.ranges[r].second; begin += kBackwardChunk) {
      const int64_t end = std::min(begin + kBackwardChunk, tile.ranges[r].second), keys = end - begin;
      const int64_t first = begin - w.keyBegin;
      scoresOf<T, W, MR, NV>(p, w, tile, begin, end, b.queries, b.weights);
      multiply<T, W, MR, false>(keys, N, p.valueDim, w.value + first * p.valueDim, p.valueDim, b.gradientColumns, N,
                                b.slopes, N, false);
      if (p.activation == Activation::Softmax) {
        differentiateChunk<T, W, NV>(Activation::Softmax, tile, begin, end, logSums, products, b.weights, b.slopes);
      } else {
        differentiateChunk<T, W, NV>(Activation::Silu, tile, begin, end, logSums, products, b.weights, b.slopes);
      }
      multiply<T, W, MR, false>(keys, valueWide, count, b.weights, N, b.gradients, valueWide,
                                b.valueGradient + first * valueWide, valueWide, true);
      multiply<T, W, MR, false>(keys, wide, count, b.slopes, N, b.rows, wide, b.keyGradient + first * wide, wide, true);
      multiply<T, W, MR, true>(p.dim, N, keys, w.key + first * p.dim, p.dim, b.slopes, N, b.queryGradient, N, true);
      if (w.positionGradient != nullptr) addBiasGradient<T, W, NV>(w, tile, begin, end, b.slopes);
    }
  }
  for (int64_t lane = 0; lane < count; ++lane) {
    T* to = p.queryGradient.at(w.firstQuery + row + lane, w.head);
    for (int64_t c = 0; c < p.dim; ++c) to[c] = static_cast<T>(p.scale) * b.queryGradient[c * N + lane];
    if (p.rotations != nullptr) rotateRow<T>(p, row + lane, T(-1), to);
  }
}

// Brings gradients of distances back to the columns of the bias.
template <typename T>
LAPIDARY_INLINE void foldBias(const Problem<T>& p, const Work<T>& w, T* to) {
  for (int64_t i = 0; i < w.distances; ++i) {
    to[std::clamp(w.distanceBegin + i, -p.positionReach, p.positionReach) + p.positionReach] += w.positionGradient[i];
  }
}

// The item's share of dK and dV: to the result if no other item has these keys, else to its rows of partial sums.
template <typename T>
LAPIDARY_INLINE void storeKeys(const Problem<T>& p, const Item& item, const Work<T>& w, int64_t wide, int64_t valueWide,
                               const BackwardBuffers<T>& b, T* keyPartial, T* valuePartial) {
  const bool whole = keyPartial == nullptr;
  for (int64_t j = 0; j < item.keyEnd - item.keyBegin; ++j) {
    const int64_t row = w.firstKey + item.keyBegin + j;
    T* key = whole ? p.keyGradient.at(row, item.keyHead) : keyPartial + j * p.dim;
    T* value = whole ? p.valueGradient.at(row, item.keyHead) : valuePartial + j * p.valueDim;
    for (int64_t c = 0; c < p.dim; ++c) key[c] = static_cast<T>(p.scale) * b.keyGradient[j * wide + c];
    if (p.rotations != nullptr) rotateRow<T>(p, item.keyBegin + j, T(-1), key);
    std::copy_n(b.valueGradient + j * valueWide, p.valueDim, value);
  }
}

template <typename T, int W, int MR>
LAPIDARY_INLINE void backwardItem(const Problem<T>& p, const Item& item, Scratch<T>& scratch, T* keyPartial, T* valuePartial) {
  constexpr int64_t N = 2 * W;
  const int64_t wide = roundUp(p.dim, W), valueWide = roundUp(p.valueDim, W);
  const int64_t keys = item.keyEnd - item.keyBegin;
  const int64_t distances = p.positionBias == nullptr ? 0 : keys + (item.end - item.begin) + 2 * N;
  scratch.reset(keys * (p.dim + p.valueDim + wide + valueWide) + N * (2 * p.dim + p.valueDim + wide + valueWide) +
                2 * N * kBackwardChunk + 2 * distances + 512);
  Work<T> w = workOf(p, item);
  packKeys<T>(p, item, scratch, w);
  BackwardBuffers<T> b;
  b.rows = scratch.take(N * wide);
  b.queries = scratch.take(N * p.dim);
  b.gradients = scratch.take(N * valueWide);
  b.gradientColumns = scratch.take(N * p.valueDim);
  b.weights = scratch.take(N * kBackwardChunk);
  b.slopes = scratch.take(N * kBackwardChunk);
  b.queryGradient = scratch.take(N * p.dim);
  b.keyGradient = scratch.take(keys * wide);
  b.valueGradient = scratch.take(keys * valueWide);
  std::fill_n(b.keyGradient, keys * wide, T(0));
  std::fill_n(b.valueGradient, keys * valueWide, T(0));
  T* bias = scratch.take(distances);
  T* biasGradient = scratch.take(distances);
  for (int64_t g = 0; g < p.group(); ++g) {
    w.head = item.keyHead * p.group() + g;
    spreadBias<T>(p, item, N, bias, w);
    if (p.positionGradients != nullptr) {
      w.positionGradient = biasGradient;
      std::fill_n(biasGradient, distances, T(0));
    }
    for (int64_t row = item.begin; row < item.end; row += N) {
      const int64_t count = std::min(N, item.end - row);
      if (count <= W) {
        backwardTile<T, W, MR, 1>(p, w, row, count, b);
      } else {
        backwardTile<T, W, MR, 2>(p, w, row, count, b);
      }
    }
    if (w.positionGradient == nullptr) continue;
    foldBias<T>(p, w, p.positionGradients + (item.number * p.group() + g) * (2 * p.positionReach + 1));
  }
  storeKeys<T>(p, item, w, wide, valueWide, b, keyPartial, valuePartial);
}

}  // namespace lapidary::attention::LAPIDARY_ISA
