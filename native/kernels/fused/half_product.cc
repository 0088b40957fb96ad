// C = A B + bias of bfloat16 factors, with sums and results in float32.
// The instruction multiplies pairs: c += a_2k b_2k + a_2k+1 b_2k+1. So A gives a pair of one row to 64 columns at once, and B
// is laid out in panels of 64 columns, in which the pairs of two rows stand beside each other. Sums of 6 rows and 64 columns
// stay in 24 registers, over chunks of kChunk pairs, so that a chunk of a panel stays in the first cache.
#include "half_product.h"

#include <algorithm>

#include "bridge/flops.h"
#include "../isa.h"

#if defined(LAPIDARY_X86)
#include <immintrin.h>
#define LAPIDARY_HALF_TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")))
#endif

namespace lapidary {

#if defined(LAPIDARY_X86)

namespace {

constexpr int64_t kPanel = 64, kLanes = 16, kVectors = kPanel / kLanes;
constexpr int64_t kRows = 6;
constexpr int64_t kChunk = 128;
// Pairs that are worth a thread.
constexpr int64_t kPacked = 1 << 14;

int64_t panelsOf(int64_t width) { return (width + kPanel - 1) / kPanel; }

// The first `count` of 16 or 32 lanes.
__mmask16 first16(int64_t count) { return count >= 16 ? 0xffff : count <= 0 ? 0 : static_cast<__mmask16>((1u << count) - 1); }
__mmask32 first32(int64_t count) { return count >= 32 ? ~0u : count <= 0 ? 0 : static_cast<__mmask32>((1ull << count) - 1); }

// Pairs of a factor in groups of 64 of its rows (A) or columns (B): element `i` of the group's pair `k` at
// group + i · stride + k · pairStride.
struct Pairs {
  const uint32_t* data;
  int64_t count;  // Pairs, ⌈K / 2⌉.
  int64_t stride, pairStride;
  const uint32_t* group(int64_t g) const { return data + g * kPanel * count; }
};

// Rows 2k and 2k+1 of [K, width], interleaved: pairs [panel][k][64], zero beyond the ends.
LAPIDARY_HALF_TARGET void interleave(const uint16_t* from, int64_t depth, int64_t width, int64_t panel, uint32_t* to) {
  alignas(64) uint16_t low[32], high[32];
  for (int i = 0; i < 32; ++i) {
    low[i] = static_cast<uint16_t>(i / 2 + (i % 2) * 32);
    high[i] = static_cast<uint16_t>(low[i] + 16);
  }
  const __m512i lowOf = _mm512_load_si512(low), highOf = _mm512_load_si512(high);
  const int64_t pairs = (depth + 1) / 2, column = panel * kPanel;
  const __mmask32 masks[2] = {first32(width - column), first32(width - column - 32)};
  for (int64_t k = 0; k < pairs; ++k) {
    const bool both = 2 * k + 1 < depth;
    for (int64_t half = 0; half < 2; ++half) {
      const uint16_t* row = from + 2 * k * width + column + half * 32;
      const __m512i one = _mm512_maskz_loadu_epi16(masks[half], row);
      const __m512i two = _mm512_maskz_loadu_epi16(both ? masks[half] : 0, row + width);
      _mm512_store_si512(to + k * kPanel + half * 32, _mm512_permutex2var_epi16(one, lowOf, two));
      _mm512_store_si512(to + k * kPanel + half * 32 + 16, _mm512_permutex2var_epi16(one, highOf, two));
    }
  }
}

// The same panel of a matrix that stands there transposed, [width, K], K even: its pairs are whole.
LAPIDARY_HALF_TARGET void transposePairs(const uint32_t* from, int64_t pairs, int64_t width, int64_t panel, uint32_t* to) {
  const __m512i lane = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  const __m512i index = _mm512_mullo_epi32(lane, _mm512_set1_epi32(static_cast<int>(pairs)));
  for (int64_t v = 0; v < kVectors; ++v) {
    const int64_t column = panel * kPanel + v * kLanes;
    const __mmask16 mask = first16(width - column);
    for (int64_t k = 0; k < pairs; ++k) {
      const __m512i found = _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), mask, index, from + column * pairs + k, 4);
      _mm512_store_si512(to + k * kPanel + v * kLanes, found);
    }
  }
}

// What one task adds into.
struct Tile {
  float* result;
  int64_t stride, columns;
  const float* start;  // What the sums begin with, a row for all rows; null to go on from the result.
};

template <int R>
LAPIDARY_HALF_TARGET void multiplyRows(const Pairs& a, const uint32_t* rows, const uint32_t* panel, int64_t pairs, const Tile& tile) {
  __mmask16 masks[kVectors];
  __m512 sums[R][kVectors];
  for (int v = 0; v < kVectors; ++v) masks[v] = first16(tile.columns - v * kLanes);
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      const float* from = tile.start != nullptr ? tile.start + v * kLanes : tile.result + r * tile.stride + v * kLanes;
      sums[r][v] = _mm512_maskz_loadu_ps(tile.start != nullptr ? 0xffff : masks[v], from);
    }
  }
  for (int64_t k = 0; k < pairs; ++k) {
    __m512bh columns[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) columns[v] = (__m512bh)_mm512_load_si512(panel + k * kPanel + v * kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const __m512bh pair = (__m512bh)_mm512_set1_epi32(static_cast<int>(rows[r * a.stride + k * a.pairStride]));
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) sums[r][v] = _mm512_dpbf16_ps(sums[r][v], pair, columns[v]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) _mm512_mask_storeu_ps(tile.result + r * tile.stride + v * kLanes, masks[v], sums[r][v]);
  }
}

void multiplyRemaining(int64_t count, const Pairs& a, const uint32_t* rows, const uint32_t* panel, int64_t pairs, const Tile& tile) {
  switch (count) {
    case 1: return multiplyRows<1>(a, rows, panel, pairs, tile);
    case 2: return multiplyRows<2>(a, rows, panel, pairs, tile);
    case 3: return multiplyRows<3>(a, rows, panel, pairs, tile);
    case 4: return multiplyRows<4>(a, rows, panel, pairs, tile);
    case 5: return multiplyRows<5>(a, rows, panel, pairs, tile);
    default: return multiplyRows<kRows>(a, rows, panel, pairs, tile);
  }
}

// 64 rows and 64 columns of the result. bias: 64 numbers.
void multiplyTile(const Pairs& a, const uint32_t* group, int64_t rows, const uint32_t* panel, const float* bias, Tile tile) {
  float* result = tile.result;
  for (int64_t first = 0; first == 0 || first < a.count; first += kChunk) {
    const int64_t pairs = std::min(kChunk, a.count - first);
    tile.start = first == 0 ? bias : nullptr;
    for (int64_t row = 0; row < rows; row += kRows) {
      tile.result = result + row * tile.stride;
      const uint32_t* from = group + row * a.stride + first * a.pairStride;
      multiplyRemaining(std::min(kRows, rows - row), a, from, panel + first * kPanel, pairs, tile);
    }
  }
}

// Room that begins at a cache line, as the loads of panels want.
struct Room {
  at::Tensor memory;
  uint32_t* data;
  explicit Room(int64_t count) : memory(at::empty({4 * count + 64}, at::kByte)) {
    const auto address = reinterpret_cast<uintptr_t>(memory.data_ptr<uint8_t>());
    data = reinterpret_cast<uint32_t*>((address + 63) / 64 * 64);
  }
};

// A factor as the loops see it: `width` rows (A) or columns (B) of `depth` numbers.
struct Side {
  at::Tensor matrix;
  int64_t depth, width, pairs;
  bool alongRows;  // Whether the two numbers of a pair stand beside each other.
  const uint16_t* bits;
  Side(const HalfFactor& of, bool isLeft)
      : matrix(of.matrix.contiguous()),
        depth(of.matrix.size(isLeft == of.transposed ? 0 : 1)),
        width(of.matrix.size(isLeft == of.transposed ? 1 : 0)),
        pairs((depth + 1) / 2),
        alongRows(isLeft != of.transposed) {
    // Rows of an odd number of columns end in half a pair: a zero makes it whole.
    if (alongRows && depth % 2 == 1) matrix = at::constant_pad_nd(matrix, {0, 1});
    bits = reinterpret_cast<const uint16_t*>(matrix.data_ptr<at::BFloat16>());
  }
  int64_t panels() const { return panelsOf(width); }
  int64_t room() const { return panels() * kPanel * pairs; }
  void pack(int64_t panel, uint32_t* room) const {
    uint32_t* to = room + panel * kPanel * pairs;
    if (alongRows) transposePairs(reinterpret_cast<const uint32_t*>(bits), pairs, width, panel, to);
    else interleave(bits, depth, width, panel, to);
  }
};

}  // namespace

static at::Tensor multiply(const Side& left, const Side& right, const at::Tensor& bias) {
  const int64_t height = left.width, width = right.width, pairs = left.pairs, panels = right.panels();
  // A's pairs are read one by one, so that they may stay where they are, unless they are split among rows.
  const int64_t leftPanels = left.alongRows ? 0 : left.panels();
  const Room leftRoom(left.alongRows ? 0 : left.room()), rightRoom(right.room());
  at::parallel_for(0, leftPanels + panels, std::max<int64_t>(1, kPacked / (pairs * kPanel + 1)), [&](int64_t begin, int64_t end) {
    for (int64_t panel = begin; panel < end; ++panel) {
      if (panel < leftPanels) left.pack(panel, leftRoom.data);
      else right.pack(panel - leftPanels, rightRoom.data);
    }
  });
  const Pairs a = left.alongRows ? Pairs{reinterpret_cast<const uint32_t*>(left.bits), pairs, pairs, 1} : Pairs{leftRoom.data, pairs, 1, kPanel};
  const Pairs b{rightRoom.data, pairs, 1, kPanel};
  std::vector<float> start(panels * kPanel, 0.0f);
  if (bias.defined()) std::copy_n(bias.data_ptr<float>(), width, start.data());
  const at::Tensor result = at::empty({height, width}, left.matrix.options().dtype(at::kFloat));
  float* to = result.data_ptr<float>();
  at::parallel_for(0, left.panels() * panels, std::max<int64_t>(1, kPacked / (pairs * kPanel + 1)), [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t row = task / panels * kPanel, column = task % panels * kPanel;
      const Tile tile{to + row * width + column, width, std::min(kPanel, width - column), nullptr};
      multiplyTile(a, a.group(task / panels), std::min(kPanel, height - row), b.group(task % panels), start.data() + column, tile);
    }
  });
  return result;
}

#endif

at::Tensor halfProduct(const HalfFactor& left, const HalfFactor& right, const at::Tensor& bias) {
  if (countsFlops()) {
    const double width = static_cast<double>(right.matrix.size(right.transposed ? 0 : 1));
    addFlops(2.0 * static_cast<double>(left.matrix.numel()) * width);
  }
#if defined(LAPIDARY_X86)
  if (isa() == Isa::kAvx512Bf16) return multiply(Side(left, true), Side(right, false), bias);
#endif
  return halfProductWidened(left, right, bias);
}

}  // namespace lapidary
