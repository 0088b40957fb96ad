// Forward of jagged attention: an online softmax over chunks of keys, or a plain sum of their SiLU.
#pragma once
#include "tile.h"

namespace lapidary::attention::LAPIDARY_ISA {

constexpr int64_t kForwardChunk = 128;  // Keys whose scores with one tile fit the first cache beside keys and values.

template <typename T, int W, int NV>
struct Running {
  Vec<T, W> max[NV], sum[NV];
};

// Scores become 2^(score - max); sums so far are brought to the new maximum.
template <typename T, int W, int NV>
LAPIDARY_INLINE void softmaxChunk(const Tile<T, W, NV>& tile, int64_t begin, int64_t end, int64_t valueDim,
                                  Running<T, W, NV>& state, T* scores, T* mixed) {
  using V = Vec<T, W>;
  constexpr int N = NV * W;
  const int64_t count = end - begin;
  if (!allVisible(tile, begin, end)) {
    const V none = V{} - std::numeric_limits<T>::infinity();
    for (int64_t j = 0; j < count; ++j) {
#pragma GCC unroll 16
      for (int n = 0; n < NV; ++n) {
        T* at = scores + j * N + n * W;
        store<T, W>(at, visible(tile, n, begin + j) ? load<T, W>(at) : none);
      }
    }
  }
  V max[NV];
#pragma GCC unroll 16
  for (int n = 0; n < NV; ++n) max[n] = state.max[n];
  for (int64_t j = 0; j < count; ++j) {
#pragma GCC unroll 16
    for (int n = 0; n < NV; ++n) max[n] = larger(max[n], load<T, W>(scores + j * N + n * W));
  }
#pragma GCC unroll 16
  for (int n = 0; n < NV; ++n) {
    const V shrink = exp2Of<W>(state.max[n] - max[n]);
    state.max[n] = max[n];
    state.sum[n] *= shrink;
    for (int64_t c = 0; c < valueDim; ++c) store<T, W>(mixed + c * N + n * W, load<T, W>(mixed + c * N + n * W) * shrink);
  }
  V sum[NV];
#pragma GCC unroll 16
  for (int n = 0; n < NV; ++n) sum[n] = state.sum[n];
  for (int64_t j = 0; j < count; ++j) {
#pragma GCC unroll 16
    for (int n = 0; n < NV; ++n) {
      T* at = scores + j * N + n * W;
      const V weight = exp2Of<W>(load<T, W>(at) - max[n]);
      sum[n] += weight;
      store<T, W>(at, weight);
    }
  }
#pragma GCC unroll 16
  for (int n = 0; n < NV; ++n) state.sum[n] = sum[n];
}

template <typename T, int W, int NV>
LAPIDARY_INLINE void activateChunk(const Tile<T, W, NV>& tile, int64_t begin, int64_t end, T* scores) {
  using V = Vec<T, W>;
  const bool all = allVisible(tile, begin, end);
  for (int64_t j = 0; j < end - begin; ++j) {
#pragma GCC unroll 16
    for (int n = 0; n < NV; ++n) {
      T* at = scores + j * NV * W + n * W;
      V weight, slope;
      silu<T, W>(load<T, W>(at), weight, slope);
      store<T, W>(at, all ? weight : (visible(tile, n, begin + j) ? weight : V{}));
    }
  }
}

// Divides by the sums and keeps their logarithms. A row that sees no key is 0; one whose scores are all -∞ is NaN.
template <typename T, int W, int NV>
LAPIDARY_INLINE void finishSoftmax(const Problem<T>& p, const Work<T>& w, const Tile<T, W, NV>& tile,
                                   const Running<T, W, NV>& state, T* factors) {
  for (int64_t lane = 0; lane < tile.count; ++lane) {
    const T sum = state.sum[lane / W][lane % W], max = state.max[lane / W][lane % W];
    const VisibleKeys visible = visibleKeys(p.mask, tile.row + lane, w.keys);
    const bool blind = visible.low >= visible.high && visible.prefix == 0;
    const T nan = std::numeric_limits<T>::quiet_NaN();
    T logSum = max + std::log2(sum);
    factors[lane] = static_cast<T>(p.factor) / sum;
    if (sum == T(0)) {
      logSum = blind ? std::numeric_limits<T>::infinity() : nan;
      factors[lane] = blind ? T(0) : nan;
    }
    if (p.logSums != nullptr) p.logSums[(w.firstQuery + tile.row + lane) * p.heads + w.head] = logSum;
  }
}

template <typename T>
struct ForwardBuffers {
  T *rows, *queries, *scores, *mixed;
};

template <typename T, int W, int MR, int NV>
LAPIDARY_INLINE void forwardTile(const Problem<T>& p, const Work<T>& w, int64_t row, int64_t count,
                                 const ForwardBuffers<T>& buffers) {
  constexpr int N = NV * W;
  const bool softmax = p.activation == Activation::Softmax;
  const Tile<T, W, NV> tile = tileOf<T, W, NV>(p, w, row, count);
  for (int64_t lane = 0; lane < count; ++lane) {
    T* to = buffers.rows + lane * p.dim;
    std::copy_n(p.query.at(w.firstQuery + row + lane, w.head), p.dim, to);
    if (p.rotations != nullptr) rotateRow<T>(p, row + lane, T(1), to);
  }
  packQueries<T, N>(buffers.rows, p.dim, count, p.dim, static_cast<T>(p.scale * (softmax ? kLog2E : 1)), buffers.queries);
  std::fill_n(buffers.mixed, p.valueDim * N, T(0));
  Running<T, W, NV> state;
#pragma GCC unroll 16
  for (int n = 0; n < NV; ++n) {
    state.max[n] = splat<T, W>(std::numeric_limits<T>::lowest());
    state.sum[n] = Vec<T, W>{};
  }
  for (int r = 0; r < tile.numRanges; ++r) {
    for (int64_t begin = tile.ranges[r].first; begin < tile.ranges[r].second; begin += kForwardChunk) {
      const int64_t end = std::min(begin + kForwardChunk, tile.ranges[r].second);
      scoresOf<T, W, MR, NV>(p, w, tile, begin, end, buffers.queries, buffers.scores);
      if (softmax) {
        softmaxChunk<T, W, NV>(tile, begin, end, p.valueDim, state, buffers.scores, buffers.mixed);
      } else {
        activateChunk<T, W, NV>(tile, begin, end, buffers.scores);
      }
      multiply<T, W, MR, true>(p.valueDim, N, end - begin, w.value + (begin - w.keyBegin) * p.valueDim, p.valueDim,
                               buffers.scores, N, buffers.mixed, N, true);
    }
  }
  T factors[N];
  if (softmax) {
    finishSoftmax<T, W, NV>(p, w, tile, state, factors);
  } else {
    std::fill_n(factors, N, static_cast<T>(p.factor));
  }
  for (int64_t lane = 0; lane < count; ++lane) {
    T* to = p.result.at(w.firstQuery + row + lane, w.head);
    // A blind row's sum may be of other lanes' NaN: 0 · NaN is no zero.
    for (int64_t c = 0; c < p.valueDim; ++c) to[c] = factors[lane] == T(0) ? T(0) : factors[lane] * buffers.mixed[c * N + lane];
  }
}

template <typename T, int W, int MR>
LAPIDARY_INLINE void forwardItem(const Problem<T>& p, const Item& item, Scratch<T>& scratch) {
  constexpr int64_t N = 2 * W;
  const int64_t keys = item.keyEnd - item.keyBegin;
  const int64_t distances = p.positionBias == nullptr ? 0 : keys + (item.end - item.begin) + 2 * N;
  scratch.reset(keys * (p.dim + p.valueDim) + N * (2 * p.dim + p.valueDim + kForwardChunk) + distances + 256);
  Work<T> w = workOf(p, item);
  packKeys<T>(p, item, scratch, w);
  const ForwardBuffers<T> buffers = {scratch.take(N * p.dim), scratch.take(N * p.dim), scratch.take(N * kForwardChunk),
                                     scratch.take(N * p.valueDim)};
  T* bias = scratch.take(distances);
  for (int64_t g = 0; g < p.group(); ++g) {
    w.head = item.keyHead * p.group() + g;
    spreadBias<T>(p, item, N, bias, w);
    for (int64_t row = item.begin; row < item.end; row += N) {
      const int64_t count = std::min(N, item.end - row);
      if (count <= W) {
        forwardTile<T, W, MR, 1>(p, w, row, count, buffers);
      } else {
        forwardTile<T, W, MR, 2>(p, w, row, count, buffers);
      }
    }
  }
}

}  // namespace lapidary::attention::LAPIDARY_ISA
