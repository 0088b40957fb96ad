// Rows of embedding tables in each of their formats, and the noise that rounds them: the unified embedding format, which
// training, checkpoints and serving share.
//   float64, float32, float16, bfloat16   [V, D]
//   int8, as a uint8 tensor               [V, D + 8]: D codes q, then float32 scale, then float32 offset; x = q·scale + offset
// Sums are float64 over float64 rows and float32 over all others.
#pragma once
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>

#include "bridge/torch.h"
#include "../vector.h"

namespace lapidary {

constexpr int64_t kInt8Tail = 2 * sizeof(float);

// Fetches memory that will be needed soon into the second cache: a core can have far more lines under way to it than to
// the first one, whose few are what bounds a walk over random rows. The first cache takes them from there in no time.
LAPIDARY_INLINE void fetchLines(const void* memory, int64_t bytes) {
  for (int64_t line = 0; line < bytes; line += 64) __builtin_prefetch(static_cast<const char*>(memory) + line, 0, 2);
}

LAPIDARY_INLINE uint64_t mix64(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

LAPIDARY_INLINE uint32_t mix32(uint32_t x) {
  x = (x ^ (x >> 16)) * 0x7feb352du;
  x = (x ^ (x >> 15)) * 0x846ca68bu;
  return x ^ (x >> 16);
}

// 32 random bits of each column of a row, from a counter and not a state: threads do not matter, nor does their order.
struct RowNoise {
  uint32_t low, high;
  LAPIDARY_INLINE RowNoise(uint64_t seed, uint64_t step, uint64_t row) {
    constexpr uint64_t kGolden = 0x9e3779b97f4a7c15u;
    const uint64_t key = mix64(mix64(mix64(seed + kGolden) + step + kGolden) + row + kGolden);
    low = static_cast<uint32_t>(key);
    high = static_cast<uint32_t>(key >> 32);
  }
  LAPIDARY_INLINE uint32_t operator()(int64_t column) const {
    return mix32(mix32(low + static_cast<uint32_t>(column) * 0x9e3779b9u) ^ high);
  }
};

// To the nearest, halves away from zero: half of what is cut off is added before it is.
struct Nearest {
  LAPIDARY_INLINE uint32_t operator()(int64_t) const { return 0x80008000u | 0x1000u; }
};

LAPIDARY_INLINE float halfToFloat(uint16_t half) {
  // The exponent is rebased by a product, which makes subnormal halves normal; infinities and NaN have all of its bits.
  const float rebased = bitsOf<float>(static_cast<uint32_t>(half & 0x7fffu) << 13) * 0x1p112f;
  const uint32_t special = (half & 0x7c00u) == 0x7c00u ? 0x7f800000u : 0u;
  return bitsOf<float>(bitsOf<uint32_t>(rebased) | special | static_cast<uint32_t>(half & 0x8000u) << 16);
}

// Rounds up as often as what is cut off says; never from a finite value to an infinity unless the value is beyond range.
LAPIDARY_INLINE uint16_t halfFromFloat(float value, uint32_t noise) {
  const uint32_t bits = bitsOf<uint32_t>(value);
  const uint32_t size = bits & 0x7fffffffu;
  uint32_t half;
  if (size >= 0x7f800000u) half = 0x7c00u | (size > 0x7f800000u ? 0x200u : 0u);
  else if (size >= 0x477ff000u) half = 0x7c00u;
  else if (size >= 0x38800000u) half = std::min((size + (noise & 0x1fffu) - 0x38000000u) >> 13, 0x7bffu);
  else half = static_cast<uint32_t>(bitsOf<float>(size) * 0x1p24f + static_cast<float>(noise & 0x1fffu) * 0x1p-13f);
  return static_cast<uint16_t>(half | (bits >> 16 & 0x8000u));
}

LAPIDARY_INLINE uint16_t bfloatFromFloat(float value, uint32_t noise) {
  constexpr uint32_t kInfinity = 0x7f800000u;
  const uint32_t bits = bitsOf<uint32_t>(value);
  const uint32_t rounded = bits + (noise & 0xffffu);
  const bool special = (bits & kInfinity) == kInfinity;
  const bool beyond = (rounded & kInfinity) == kInfinity;
  const uint32_t quiet = (bits & 0x7fffffu) != 0 ? bits | 0x400000u : bits;
  return static_cast<uint16_t>((special ? quiet : beyond ? bits : rounded) >> 16);
}

template <typename T>
struct FullRows {
  using Element = T;
  using Sum = T;
  static int64_t dim(int64_t width) { return width; }
  struct Reader {
    const T* row;
    LAPIDARY_INLINE Reader(const T* from, int64_t) : row(from) {}
    LAPIDARY_INLINE T operator[](int64_t j) const { return row[j]; }
  };
  template <typename Noise>
  LAPIDARY_INLINE static void write(T* __restrict row, const T* __restrict values, int64_t dim, const Noise&) {
    for (int64_t j = 0; j < dim; ++j) row[j] = values[j];
  }
};

// Rows of 16 bits: `Format` says what the bits mean.
template <typename Format>
struct NarrowRows {
  using Element = uint16_t;
  using Sum = float;
  struct Reader {
    const uint16_t* row;
    LAPIDARY_INLINE Reader(const uint16_t* from, int64_t) : row(from) {}
    LAPIDARY_INLINE float operator[](int64_t j) const { return Format::decode(row[j]); }
  };
  template <typename Noise>
  LAPIDARY_INLINE static void write(uint16_t* __restrict row, const float* __restrict values, int64_t dim, const Noise& noise) {
    for (int64_t j = 0; j < dim; ++j) row[j] = Format::encode(values[j], noise(j));
  }
};

struct HalfFormat {
  LAPIDARY_INLINE static float decode(uint16_t bits) { return halfToFloat(bits); }
  LAPIDARY_INLINE static uint16_t encode(float value, uint32_t noise) { return halfFromFloat(value, noise); }
};
using HalfRows = NarrowRows<HalfFormat>;

struct BfloatFormat {
  LAPIDARY_INLINE static float decode(uint16_t bits) { return bitsOf<float>(static_cast<uint32_t>(bits) << 16); }
  LAPIDARY_INLINE static uint16_t encode(float value, uint32_t noise) { return bfloatFromFloat(value, noise); }
};
using BfloatRows = NarrowRows<BfloatFormat>;

struct Int8Rows {
  using Element = uint8_t;
  using Sum = float;
  struct Reader {
    const uint8_t* row;
    float tail[2];
    LAPIDARY_INLINE Reader(const uint8_t* from, int64_t dim) : row(from) { std::memcpy(tail, from + dim, sizeof(tail)); }
    LAPIDARY_INLINE float operator[](int64_t j) const { return static_cast<float>(row[j]) * tail[0] + tail[1]; }
  };
  // The smallest value becomes code 0, the largest 255. A row with a value that is not finite is NaN as a whole.
  template <typename Noise>
  LAPIDARY_INLINE static void write(uint8_t* __restrict row, const float* __restrict values, int64_t dim, const Noise& noise) {
    float low = std::numeric_limits<float>::infinity(), high = -low, spoiled = 0;
    for (int64_t j = 0; j < dim; ++j) {
      low = values[j] < low ? values[j] : low;
      high = values[j] > high ? values[j] : high;
      spoiled += values[j] * 0;
    }
    const bool finite = spoiled == 0;
    const float range = dim > 0 && finite ? high - low : 0;
    const float factor = range > 0 ? 255 / range : 0;
    const float tail[2] = {range / 255, dim == 0 ? 0 : finite ? low : std::numeric_limits<float>::quiet_NaN()};
    for (int64_t j = 0; j < dim; ++j) {
      const float code = finite ? (values[j] - low) * factor + static_cast<float>(noise(j) >> 8) * 0x1p-24f : 0;
      row[j] = static_cast<uint8_t>(static_cast<int32_t>(std::min(code, 255.0f)));
    }
    std::memcpy(row + dim, tail, sizeof(tail));
  }
};

// Calls the body with the rows' format as a type: `withRows(dtype, "op", [&](auto rows) { using Rows = decltype(rows); … })`.
template <typename Body>
inline void withRows(at::ScalarType format, const char* op, const Body& body) {
  switch (format) {
    case at::kFloat: return body(FullRows<float>{});
    case at::kDouble: return body(FullRows<double>{});
    case at::kHalf: return body(HalfRows{});
    case at::kBFloat16: return body(BfloatRows{});
    case at::kByte: return body(Int8Rows{});
    default: TORCH_CHECK_NOT_IMPLEMENTED(false, op, ": rows are float64, float32, float16, bfloat16 or int8 (as uint8), got ", format);
  }
}

inline int64_t rowDim(const at::Tensor& table) {
  return table.scalar_type() == at::kByte ? table.size(1) - kInt8Tail : table.size(1);
}

inline at::ScalarType sumType(at::ScalarType format) { return format == at::kDouble ? at::kDouble : at::kFloat; }

// Values of rows in any format, on any device. rows [n, width] → [n, D]
inline at::Tensor plainRows(const at::Tensor& rows) {
  if (rows.scalar_type() != at::kByte) return rows.to(sumType(rows.scalar_type()));
  const int64_t dim = rowDim(rows);
  const at::Tensor tail = rows.slice(1, dim).clone(at::MemoryFormat::Contiguous).view(at::kFloat);  // Elsewhere it is not aligned.
  return rows.slice(1, 0, dim).to(at::kFloat) * tail.slice(1, 0, 1) + tail.slice(1, 1, 2);
}

}  // namespace lapidary
