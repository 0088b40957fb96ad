// Products of small matrices that lie in the caches, one after the other: what a library for large ones takes longer to
// begin than to compute. The inner dimension is added in its order, whatever the instruction set and the blocking.
#pragma once
#include <algorithm>

#include "vector.h"

namespace lapidary {

// A factor whose numbers may lie in any order: (i, j) is at `i · row + j · column`.
template <typename T>
struct Strided {
  const T* data;
  int64_t row, column;
};

template <typename T>
Strided(const T*, int64_t, int64_t) -> Strided<T>;

// Sizes of C [rows, columns] = A [rows, inner] B [inner, columns].
struct ProductSize {
  int64_t rows, inner, columns;
};

// `kCount` numbers as one vector.
template <typename T, int64_t kCount>
struct Numbers {
  typedef T Vector __attribute__((vector_size(kCount * sizeof(T))));
};

// kRows × kVectors vectors of C, in registers until they are whole. c, b: rows `width` apart.
template <int64_t kRows, int64_t kVectors, int64_t kCount, bool kAdds, typename T>
LAPIDARY_INLINE void productBlock(T* __restrict c, const Strided<T>& a, const T* __restrict b, int64_t inner, int64_t width) {
  using Vector = typename Numbers<T, kCount>::Vector;
  Vector sums[kRows][kVectors];
  for (int64_t i = 0; i < kRows; ++i) {
    for (int64_t v = 0; v < kVectors; ++v) {
      if (kAdds) std::memcpy(&sums[i][v], c + i * width + v * kCount, sizeof(Vector));
      else sums[i][v] = Vector{};
    }
  }
  for (int64_t k = 0; k < inner; ++k) {
    Vector right[kVectors];
    for (int64_t v = 0; v < kVectors; ++v) std::memcpy(&right[v], b + k * width + v * kCount, sizeof(Vector));
    for (int64_t i = 0; i < kRows; ++i) {
      const T left = a.data[i * a.row + k * a.column];
      for (int64_t v = 0; v < kVectors; ++v) sums[i][v] += left * right[v];
    }
  }
  for (int64_t i = 0; i < kRows; ++i) {
    for (int64_t v = 0; v < kVectors; ++v) std::memcpy(c + i * width + v * kCount, &sums[i][v], sizeof(Vector));
  }
}

// Some columns of C: as many rows at a time as leave registers for the factors.
template <int64_t kVectors, int64_t kCount, bool kAdds, typename T>
LAPIDARY_INLINE void productColumns(T* c, Strided<T> a, const T* b, const ProductSize& size) {
  int64_t i = 0;
  for (; i + 6 <= size.rows; i += 6) {
    productBlock<6, kVectors, kCount, kAdds>(c + i * size.columns, Strided{a.data + i * a.row, a.row, a.column}, b, size.inner, size.columns);
  }
  for (; i + 2 <= size.rows; i += 2) {
    productBlock<2, kVectors, kCount, kAdds>(c + i * size.columns, Strided{a.data + i * a.row, a.row, a.column}, b, size.inner, size.columns);
  }
  if (i < size.rows) {
    productBlock<1, kVectors, kCount, kAdds>(c + i * size.columns, Strided{a.data + i * a.row, a.row, a.column}, b, size.inner, size.columns);
  }
}

// C = A B, or C += A B; C [rows, columns] and B [inner, columns] contiguous.
template <bool kAdds, typename T>
LAPIDARY_INLINE void smallProduct(T* c, Strided<T> a, const T* b, const ProductSize& size) {
  constexpr int64_t kLanes = Lanes<T>::kCount;
  int64_t j = 0;
  // Registers of AVX-512 hold two vectors of columns, which hides the latency of an addition.
  if (isa() >= Isa::kAvx512) for (; j + 2 * kLanes <= size.columns; j += 2 * kLanes) productColumns<2, kLanes, kAdds>(c + j, a, b + j, size);
  for (; j + kLanes <= size.columns; j += kLanes) productColumns<1, kLanes, kAdds>(c + j, a, b + j, size);
  if (j + kLanes / 2 <= size.columns) {
    productColumns<1, kLanes / 2, kAdds>(c + j, a, b + j, size);
    j += kLanes / 2;
  }
  if (j + kLanes / 4 <= size.columns) {
    productColumns<1, kLanes / 4, kAdds>(c + j, a, b + j, size);
    j += kLanes / 4;
  }
  for (; j < size.columns; ++j) productColumns<1, 1, kAdds>(c + j, a, b + j, size);
}

// x [rows, columns] → [columns, rows]
template <typename T>
LAPIDARY_INLINE void transpose(T* __restrict to, const T* __restrict from, int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) to[j * rows + i] = from[i * columns + j];
  }
}

}  // namespace lapidary
