// What vectorized kernels share: one function compiled for several instruction sets, sums in a fixed order, functions
// without branches. No -ffast-math: NaN and infinities behave as in the scalar formulas.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "isa.h"

// What onEachIsa (isa.h) runs is inlined into functions that are compiled for each instruction set.
#define LAPIDARY_INLINE inline __attribute__((always_inline))
#define LAPIDARY_LAMBDA __attribute__((always_inline))

namespace lapidary {

template <typename To, typename From>
LAPIDARY_INLINE To bitsOf(From from) {
  static_assert(sizeof(To) == sizeof(From), "same width");
  To to;
  std::memcpy(&to, &from, sizeof(To));
  return to;
}

// Calls the body with a width that the compiler knows, so that loops need no ends: `body(dim)`, `dim()` 0 for any other width.
template <typename Body>
LAPIDARY_INLINE void byWidth(int64_t dim, const Body& body) {
  if (dim == 8) body(std::integral_constant<int64_t, 8>());
  else if (dim == 16) body(std::integral_constant<int64_t, 16>());
  else if (dim == 32) body(std::integral_constant<int64_t, 32>());
  else if (dim == 64) body(std::integral_constant<int64_t, 64>());
  else body(std::integral_constant<int64_t, 0>());
}

// 64 bytes of numbers: one AVX-512 register, two of AVX2, four of SSE or NEON.
template <typename T>
struct Lanes {
  typedef T Vector __attribute__((vector_size(64)));
  static constexpr int64_t kCount = 64 / sizeof(T);
};

// Σ term(block) for blocks of lanes, in one order whatever the instruction set: two rows of lanes in turn, added lane by
// lane, what is left over at the end. `vector(i)` gives the terms from i on, `scalar(i)` one of them.
template <typename T, typename VectorTerm, typename Term>
LAPIDARY_INLINE T laneSum(int64_t count, VectorTerm vector, Term scalar) {
  constexpr int64_t kLanes = Lanes<T>::kCount;
  typename Lanes<T>::Vector even = {}, odd = {};
  int64_t i = 0;
  for (; i + 2 * kLanes <= count; i += 2 * kLanes) {
    even += vector(i);
    odd += vector(i + kLanes);
  }
  if (i + kLanes <= count) {
    even += vector(i);
    i += kLanes;
  }
  even += odd;
  T total(0);
  for (int64_t lane = 0; lane < kLanes; ++lane) total += even[lane];
  for (; i < count; ++i) total += scalar(i);
  return total;
}

template <typename T>
LAPIDARY_INLINE typename Lanes<T>::Vector load(const T* from) {
  typename Lanes<T>::Vector vector;
  std::memcpy(&vector, from, sizeof(vector));
  return vector;
}

// Σ x_j
template <typename T>
LAPIDARY_INLINE T sumOf(const T* x, int64_t count) {
  return laneSum<T>(count, [=](int64_t i) LAPIDARY_LAMBDA { return load(x + i); }, [=](int64_t i) { return x[i]; });
}

// Σ (x_j − c)²
template <typename T>
LAPIDARY_INLINE T squareOf(const T* x, T centre, int64_t count) {
  return laneSum<T>(
      count,
      [=](int64_t i) LAPIDARY_LAMBDA {
        const auto d = load(x + i) - centre;
        return d * d;
      },
      [=](int64_t i) { return (x[i] - centre) * (x[i] - centre); });
}

// Σ x_j y_j
template <typename T>
LAPIDARY_INLINE T dotOf(const T* x, const T* y, int64_t count) {
  return laneSum<T>(count, [=](int64_t i) LAPIDARY_LAMBDA { return load(x + i) * load(y + i); },
                    [=](int64_t i) { return x[i] * y[i]; });
}

// e^x to a rounding or two: n = round(x / ln 2), a polynomial for e^(x - n ln 2), then 2^n in two factors, so that
// results over- and underflow as they should. NaN stays NaN: both comparisons are false for it.
LAPIDARY_INLINE float expOf(float x) {
  constexpr float kRounder = 12582912.0f;  // 1.5 · 2^23: adding it rounds to an integer, kept in the low bits.
  float c = x > 89.0f ? 89.0f : x;
  c = c < -104.0f ? -104.0f : c;
  const float shifted = c * 1.44269504088896341f + kRounder;
  const float n = shifted - kRounder;
  float r = c - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  float p = 1.98412698e-4f;
  p = p * r + 1.38888889e-3f;
  p = p * r + 8.33333333e-3f;
  p = p * r + 4.16666667e-2f;
  p = p * r + 1.66666667e-1f;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  const auto power = static_cast<int32_t>(bitsOf<uint32_t>(shifted) - bitsOf<uint32_t>(kRounder));
  const int32_t half = power >> 1;
  const float low = bitsOf<float>(static_cast<uint32_t>(half + 127) << 23);
  const float high = bitsOf<float>(static_cast<uint32_t>(power - half + 127) << 23);
  return p * low * high;
}
LAPIDARY_INLINE double expOf(double x) { return std::exp(x); }

template <typename T>
LAPIDARY_INLINE T sigmoidOf(T x) {
  return T(1) / (T(1) + expOf(-x));
}

// Abramowitz and Stegun 7.1.26: absolute error below 1.5e-7, a rounding of float32.
LAPIDARY_INLINE float erfOf(float x) {
  const float a = std::fabs(x);
  const float t = 1.0f / (1.0f + 0.3275911f * a);
  const float p = ((((1.061405429f * t - 1.453152027f) * t + 1.421413741f) * t - 0.284496736f) * t + 0.254829592f) * t;
  const float e = 1.0f - p * expOf(-a * a);
  return x < 0.0f ? -e : (x == x ? e : x);
}
LAPIDARY_INLINE double erfOf(double x) { return std::erf(x); }

}  // namespace lapidary
