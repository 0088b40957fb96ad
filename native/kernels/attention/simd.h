// Vectors of W lanes in the compiler's own vector types, so that one text serves AVX-512, AVX2, SSE and NEON, and small
// matrix products on them. Included once per instruction set, which a pragma must have named before: GCC takes vectors
// apart when it reads a function, so inlining into one that names its instruction set comes too late.
#pragma once
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>

#pragma GCC diagnostic ignored "-Wpsabi"  // Vectors are passed between inlined functions only.
#define LAPIDARY_INLINE __attribute__((always_inline)) inline
#define LAPIDARY_LAMBDA __attribute__((always_inline))

namespace lapidary::attention::LAPIDARY_ISA {

template <typename T>
struct IntegerOf;
template <>
struct IntegerOf<float> {
  using type = int32_t;
  using bits = uint32_t;
};
template <>
struct IntegerOf<double> {
  using type = int64_t;
  using bits = uint64_t;
};

template <typename T, int W>
struct Lanes {
  using Int = typename IntegerOf<T>::type;
  using Bits = typename IntegerOf<T>::bits;
  typedef T V __attribute__((vector_size(sizeof(T) * W)));
  typedef Int I __attribute__((vector_size(sizeof(T) * W)));
  typedef Bits U __attribute__((vector_size(sizeof(T) * W)));
  typedef T Loose __attribute__((vector_size(sizeof(T) * W), aligned(alignof(T)), may_alias));
};

template <typename T, int W>
using Vec = typename Lanes<T, W>::V;
template <typename T, int W>
using IntVec = typename Lanes<T, W>::I;

template <typename T, int W>
LAPIDARY_INLINE Vec<T, W> load(const T* from) {
  return *reinterpret_cast<const typename Lanes<T, W>::Loose*>(from);
}
template <typename T, int W>
LAPIDARY_INLINE void store(T* to, Vec<T, W> value) {
  *reinterpret_cast<typename Lanes<T, W>::Loose*>(to) = value;
}
template <typename T, int W>
LAPIDARY_INLINE Vec<T, W> splat(T value) {
  return value - Vec<T, W>{};
}
template <typename V>
LAPIDARY_INLINE V larger(V a, V b) {  // The first if one is NaN.
  return b > a ? b : a;
}

// 2^x to about one unit in the last place; 0 below 2^-126, ∞ from 2^128, NaN stays NaN.
template <int W>
LAPIDARY_INLINE Vec<float, W> exp2Of(Vec<float, W> x) {
  using V = Vec<float, W>;
  using U = typename Lanes<float, W>::U;
  const V shifted = x + 12582912.0f;  // 1.5 · 2^23: the integer part of x lands in the lowest bits.
  const V f = x - (shifted - 12582912.0f);
  // Least relative error on [-1/2, 1/2], 7.7e-8.
  V p = 0.0013266970636323094f * f + 0.009675459936261177f;
  p = p * f + 0.05550742521882057f;
  p = p * f + 0.24022121727466583f;
  p = p * f + 0.6931469440460205f;
  p = p * f + 1.0000001192092896f;
  // Unsigned: lanes of infinity and NaN overflow, and are replaced below.
  const U power = ((U)shifted << 23) + (127u << 23);
  V result = p * (V)power;
  result = x < -126.0f ? V{} : result;
  return x >= 128.0f ? V{} + std::numeric_limits<float>::infinity() : result;
}
template <int W>
LAPIDARY_INLINE Vec<double, W> exp2Of(Vec<double, W> x) {
  for (int lane = 0; lane < W; ++lane) x[lane] = std::exp2(x[lane]);
  return x;
}

constexpr double kLog2E = 1.4426950408889634;

// body(0), …, body(N-1) with numbers that are constants: what a loop indexes with them stays in registers.
template <typename Body, int... N>
LAPIDARY_INLINE void unroll(std::integer_sequence<int, N...>, const Body& body) {
  (body(std::integral_constant<int, N>{}), ...);
}
template <int N, typename Body>
LAPIDARY_INLINE void unroll(const Body& body) {
  unroll(std::make_integer_sequence<int, N>{}, body);
}

// C[MR × NV·W] (+)= A B: A's element (m, k) at m + k·stride (Down) or m·stride + k; B and C row by row.
template <typename T, int W, int MR, int NV, bool Down>
LAPIDARY_INLINE void block(int64_t depth, const T* a, int64_t stride, const T* b, int64_t ldb, T* c, int64_t ldc, bool add) {
  using V = Vec<T, W>;
  V sums[MR * NV];
  unroll<MR * NV>([&](auto i) LAPIDARY_LAMBDA {
    sums[i] = add ? load<T, W>(c + i / NV * ldc + i % NV * W) : V{};
  });
  for (int64_t k = 0; k < depth; ++k) {
    V row[NV];
    unroll<NV>([&](auto n) LAPIDARY_LAMBDA { row[n] = load<T, W>(b + k * ldb + n * W); });
    unroll<MR>([&](auto m) LAPIDARY_LAMBDA {
      const V factor = splat<T, W>(Down ? a[m + k * stride] : a[m * stride + k]);
      unroll<NV>([&](auto n) LAPIDARY_LAMBDA { sums[m * NV + n] += factor * row[n]; });
    });
  }
  unroll<MR * NV>([&](auto i) LAPIDARY_LAMBDA { store<T, W>(c + i / NV * ldc + i % NV * W, sums[i]); });
}

template <typename T, int W, int MR, int NV, bool Down>
LAPIDARY_INLINE void columns(int64_t rows, int64_t depth, const T* a, int64_t stride, const T* b, int64_t ldb, T* c,
                             int64_t ldc, bool add) {
  const int64_t next = Down ? 1 : stride;
  int64_t m = 0;
  for (; m + MR <= rows; m += MR) block<T, W, MR, NV, Down>(depth, a + m * next, stride, b, ldb, c + m * ldc, ldc, add);
  for (; m + 2 <= rows; m += 2) block<T, W, 2, NV, Down>(depth, a + m * next, stride, b, ldb, c + m * ldc, ldc, add);
  if (m < rows) block<T, W, 1, NV, Down>(depth, a + m * next, stride, b, ldb, c + m * ldc, ldc, add);
}

// C[rows × N] (+)= A[rows × depth] B[depth × N], N a multiple of W. Down: A is stored [depth × rows], else [rows × depth].
template <typename T, int W, int MR, bool Down>
LAPIDARY_INLINE void multiply(int64_t rows, int64_t n, int64_t depth, const T* a, int64_t stride, const T* b, int64_t ldb,
                              T* c, int64_t ldc, bool add) {
  int64_t j = 0;
  for (; j + 2 * W <= n; j += 2 * W) columns<T, W, MR, 2, Down>(rows, depth, a, stride, b + j, ldb, c + j, ldc, add);
  if (j < n) columns<T, W, MR, 1, Down>(rows, depth, a, stride, b + j, ldb, c + j, ldc, add);
}

}  // namespace lapidary::attention::LAPIDARY_ISA
