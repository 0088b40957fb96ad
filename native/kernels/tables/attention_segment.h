// The loops of tables_attention over one segment; what they compute is said in tables_attention.cc.
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>

#include "../vector.h"

namespace lapidary {

// Rows whose weights stay in the first cache while they are turned around.
constexpr int64_t kTile = 64;

// One segment's share of the work. Forward writes `result` and `logSums`; backward reads them, and writes the gradients.
template <typename T>
struct AttendJob {
  const T *query, *keys, *valuesAndBias, *prior, *priorValues;
  const int32_t* row;  // [F, L]
  const int64_t *first, *bounds;  // Distinct rows of the features before each, [F + 1]; [B + 1]
  T *result, *logSums;  // [B, V·F], [B, F]
  int64_t heads, length, dim, valueDim;
  T scale;
  const T* gradient = nullptr;                                // [B, V·F]
  T *queryGradient = nullptr, *scoreGradient = nullptr;       // [B, F, D]; [F, L], of s
  T *valuesAndBiasGradient = nullptr;                                  // [L, V·F + F]
  T *priorGradient = nullptr, *priorValueGradient = nullptr;  // [B, F], of s; [B, V·F]
  int64_t values() const { return heads * valueDim; }
  int64_t columns() const { return values() + heads; }
  // Heads side by side in whole registers.
  int64_t wide() const { return (heads + Lanes<T>::kCount - 1) / Lanes<T>::kCount * Lanes<T>::kCount; }
  int64_t countOf(int64_t b) const { return bounds[b + 1] - bounds[b]; }
  int64_t longest(int64_t size) const {
    int64_t most = 0;
    for (int64_t b = 0; b < size; ++b) most = std::max(most, countOf(b));
    return most;
  }
  // A feature with fewer distinct rows in the batch than the segment has rows meets all of them: once is enough.
  bool isFew(int64_t f, int64_t count) const { return first[f + 1] - first[f] <= count; }
};

// What a segment of `count` rows needs. Weights are [1 + count, wide], the row in front first.
template <typename T>
struct Room {
  T *weights, *sums, *most, *inner, *perRow;
  static int64_t size(const AttendJob<T>& job, int64_t count) { return (count + 4) * job.wide() + job.heads * count; }
  Room(const AttendJob<T>& job, int64_t count, T* from)
      : weights(from), sums(from + (count + 1) * job.wide()), most(sums + job.wide()), inner(most + job.wide()), perRow(inner + job.wide()) {}
};

template <typename T, int64_t kDim>
LAPIDARY_INLINE T product(const T* __restrict x, const T* __restrict y, int64_t anyDim) {
  const int64_t dim = kDim > 0 ? kDim : anyDim;
  T sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t j = 0; j < dim; ++j) sum += x[j] * y[j];
  return sum;
}

// q_bf · n of every distinct row of the features that have few. perRow [F, count]
template <typename T, int64_t kDim>
LAPIDARY_INLINE void likenessOfRows(const AttendJob<T>& job, int64_t b, T* perRow) {
  const int64_t dim = kDim > 0 ? kDim : job.dim, count = job.countOf(b);
  for (int64_t f = 0; f < job.heads; ++f) {
    if (!job.isFew(f, count)) continue;
    const T* query = job.query + (b * job.heads + f) * dim;
    for (int64_t u = job.first[f]; u < job.first[f + 1]; ++u) perRow[f * count + u - job.first[f]] = product<T, kDim>(query, job.keys + u * dim, dim);
  }
}

// s of all heads: of the row in front, then of the segment's. Lanes without a head are -∞.
template <typename T, int64_t kDim>
LAPIDARY_INLINE void scoresOf(const AttendJob<T>& job, int64_t b, const Room<T>& room) {
  const int64_t dim = kDim > 0 ? kDim : job.dim, wide = job.wide(), heads = job.heads;
  const int64_t begin = job.bounds[b], count = job.countOf(b);
  likenessOfRows<T, kDim>(job, b, room.perRow);
  std::fill_n(room.weights, (count + 1) * wide, -std::numeric_limits<T>::infinity());
  for (int64_t f = 0; f < heads; ++f) room.weights[f] = job.scale * job.prior[f];
  for (int64_t from = 0; from < count; from += kTile) {
    const int64_t to = std::min(count, from + kTile);
    for (int64_t f = 0; f < heads; ++f) {
      const T* query = job.query + (b * heads + f) * dim;
      const int32_t* row = job.row + f * job.length + begin;
      const T* known = room.perRow + f * count;
      const int64_t before = job.first[f];
      T* s = room.weights + wide + f;
      if (job.isFew(f, count)) for (int64_t l = from; l < to; ++l) s[l * wide] = known[row[l] - before];
      else for (int64_t l = from; l < to; ++l) s[l * wide] = product<T, kDim>(query, job.keys + row[l] * dim, dim);
    }
    for (int64_t l = from; l < to; ++l) {
      T* __restrict s = room.weights + (l + 1) * wide;
      const T* __restrict own = job.valuesAndBias + (begin + l) * job.columns() + job.values();
      for (int64_t f = 0; f < heads; ++f) s[f] = job.scale * (s[f] + own[f]);
    }
  }
}

// Calls `add(u, factor)` for head f's lookups in the segment; of few rows once each, with the sum of what their lookups have.
template <typename T, typename Add>
LAPIDARY_INLINE void forEachRow(const AttendJob<T>& job, int64_t b, int64_t f, T* perRow, const Add& add) {
  const int64_t count = job.countOf(b), begin = job.first[f], end = job.first[f + 1];
  const T* ds = job.scoreGradient + f * job.length + job.bounds[b];
  const int32_t* row = job.row + f * job.length + job.bounds[b];
  if (!job.isFew(f, count)) {
    for (int64_t l = 0; l < count; ++l) add(row[l], ds[l]);
    return;
  }
  std::fill_n(perRow, end - begin, T(0));
  for (int64_t l = 0; l < count; ++l) perRow[row[l] - begin] += ds[l];
  // What the segment does not look up must not meet it: zero times NaN is NaN.
  for (int64_t u = begin; u < end; ++u) if (perRow[u - begin] != T(0)) add(u, perRow[u - begin]);
}

// sum_cf += weight_f value_cf
template <typename T>
LAPIDARY_INLINE void addRow(T* __restrict sum, const T* __restrict values, const T* __restrict weights, const AttendJob<T>& job) {
  for (int64_t c = 0; c < job.valueDim; ++c) {
    for (int64_t f = 0; f < job.heads; ++f) sum[c * job.heads + f] += weights[f] * values[c * job.heads + f];
  }
}

template <typename T, int64_t kDim>
LAPIDARY_INLINE void attendSegment(const AttendJob<T>& job, int64_t b, T* memory) {
  const int64_t begin = job.bounds[b], count = job.countOf(b), wide = job.wide(), heads = job.heads;
  const Room<T> room(job, count, memory);
  scoresOf<T, kDim>(job, b, room);
  T *__restrict most = room.most, *__restrict sums = room.sums, *result = job.result + b * job.values();
  for (int64_t f = 0; f < wide; ++f) most[f] = f < heads ? room.weights[f] : T(0);
  for (int64_t l = 1; l <= count; ++l) {
    const T* __restrict s = room.weights + l * wide;
    for (int64_t f = 0; f < wide; ++f) most[f] = s[f] > most[f] ? s[f] : most[f];
  }
  std::fill_n(sums, wide, T(0));
  std::fill_n(result, job.values(), T(0));
  for (int64_t l = 0; l <= count; ++l) {
    T* __restrict s = room.weights + l * wide;
    for (int64_t f = 0; f < wide; ++f) s[f] = expOf(s[f] - most[f]);
    for (int64_t f = 0; f < wide; ++f) sums[f] += s[f];
    addRow(result, l == 0 ? job.priorValues : job.valuesAndBias + (begin + l - 1) * job.columns(), s, job);
  }
  for (int64_t c = 0; c < job.valueDim; ++c) {
    for (int64_t f = 0; f < heads; ++f) result[c * heads + f] /= sums[f];
  }
  for (int64_t f = 0; f < heads; ++f) job.logSums[b * heads + f] = most[f] + std::log(sums[f]);
}

// From s of one row the gradients of its values and of s itself, which takes the place of s.
template <typename T>
LAPIDARY_INLINE void rowGradients(const AttendJob<T>& job, int64_t b, const Room<T>& room, const T* __restrict values, T* __restrict s,
                                  T* __restrict valueGradient) {
  const int64_t heads = job.heads;
  const T *__restrict logSums = room.most, *__restrict outer = room.sums;
  const T* __restrict gradient = job.gradient + b * job.values();
  T* __restrict inner = room.inner;
  for (int64_t f = 0; f < job.wide(); ++f) s[f] = expOf(s[f] - logSums[f]);
  for (int64_t f = 0; f < heads; ++f) inner[f] = -outer[f];
  for (int64_t c = 0; c < job.valueDim; ++c) {
    for (int64_t f = 0; f < heads; ++f) {
      inner[f] += gradient[c * heads + f] * values[c * heads + f];
      valueGradient[c * heads + f] = s[f] * gradient[c * heads + f];
    }
  }
  for (int64_t f = 0; f < heads; ++f) s[f] *= inner[f];
}

// dq_bf = scale Σ_l ds_fl n(row_fl)
template <typename T, int64_t kDim>
LAPIDARY_INLINE void queryGradients(const AttendJob<T>& job, int64_t b, const Room<T>& room) {
  const int64_t dim = kDim > 0 ? kDim : job.dim;
  for (int64_t f = 0; f < job.heads; ++f) {
    T* query = job.queryGradient + (b * job.heads + f) * dim;
    T sums[kDim > 0 ? kDim : 1] = {};  // In registers where the width is known.
    T* __restrict sum = kDim > 0 ? sums : query;
    forEachRow(job, b, f, room.perRow, [&](int64_t u, T factor) LAPIDARY_LAMBDA {
      const T* __restrict key = job.keys + u * dim;
      for (int64_t j = 0; j < dim; ++j) sum[j] += factor * key[j];
    });
    for (int64_t j = 0; j < dim; ++j) query[j] = job.scale * sum[j];
  }
}

template <typename T, int64_t kDim>
LAPIDARY_INLINE void attendSegmentBackward(const AttendJob<T>& job, int64_t b, T* memory) {
  const int64_t begin = job.bounds[b], count = job.countOf(b), wide = job.wide(), heads = job.heads;
  const Room<T> room(job, count, memory);
  scoresOf<T, kDim>(job, b, room);
  std::fill_n(room.sums, wide, T(0));
  for (int64_t f = 0; f < wide; ++f) room.most[f] = f < heads ? job.logSums[b * heads + f] : T(0);
  for (int64_t c = 0; c < job.valueDim; ++c) {
    const int64_t at = b * job.values() + c * heads;
    for (int64_t f = 0; f < heads; ++f) room.sums[f] += job.gradient[at + f] * job.result[at + f];  // dy·y of each head
  }
  rowGradients(job, b, room, job.priorValues, room.weights, job.priorValueGradient + b * job.values());
  std::copy_n(room.weights, heads, job.priorGradient + b * heads);
  for (int64_t from = 0; from < count; from += kTile) {
    const int64_t to = std::min(count, from + kTile);
    for (int64_t l = from; l < to; ++l) {
      T* s = room.weights + (l + 1) * wide;
      T* valuesAndBias = job.valuesAndBiasGradient + (begin + l) * job.columns();
      rowGradients(job, b, room, job.valuesAndBias + (begin + l) * job.columns(), s, valuesAndBias);
      for (int64_t f = 0; f < heads; ++f) valuesAndBias[job.values() + f] = job.scale * s[f];
    }
    for (int64_t f = 0; f < heads; ++f) {
      T* scores = job.scoreGradient + f * job.length + begin;
      for (int64_t l = from; l < to; ++l) scores[l] = room.weights[(l + 1) * wide + f];
    }
  }
  queryGradients<T, kDim>(job, b, room);
}

// dn_u += scale ds q_bf over the rows of heads [begin, end), whose keys nobody else has. perRow: room for the longest segment.
template <typename T, int64_t kDim>
LAPIDARY_INLINE void scatterKeys(const AttendJob<T>& job, int64_t size, T* gradients, T* perRow, int64_t begin, int64_t end) {
  const int64_t dim = kDim > 0 ? kDim : job.dim;
  for (int64_t b = 0; b < size; ++b) {
    for (int64_t f = begin; f < end; ++f) {
      const T* __restrict query = job.query + (b * job.heads + f) * dim;
      forEachRow(job, b, f, perRow, [&](int64_t u, T factor) LAPIDARY_LAMBDA {
        T* __restrict sum = gradients + u * dim;
        for (int64_t j = 0; j < dim; ++j) sum[j] += job.scale * factor * query[j];
      });
    }
  }
}

}  // namespace lapidary
