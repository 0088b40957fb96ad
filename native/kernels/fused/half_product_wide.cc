// C = A B + bias of bfloat16 factors for processors without products of them: the factors are widened to float32 as they
// are packed, A in groups of as many rows and B of as many columns as a tile has, [group][depth][rows or columns].
// An element of C is one sum over the depth in order, whoever computes it: its bits do not depend on the number of threads,
// as those of a library's products do.
#include <algorithm>
#include <cstring>

#include "half_product.h"
#include "../isa.h"

namespace lapidary {

namespace {

constexpr int64_t kMaxRows = 12, kMaxColumns = 32;

struct TileKernel {
  int64_t rows, columns;
  void (*multiply)(const float* a, const float* b, int64_t depth, float* sums);
};

}  // namespace

}  // namespace lapidary

// Vector types must be read for the instruction set that they are compiled for: GCC takes apart what it finds too wide.
#if defined(LAPIDARY_X86)
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v3")
#define LAPIDARY_ISA v3
#define LAPIDARY_W 8
#define LAPIDARY_MR 6
#include "half_product_tile.h"
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v4,prefer-vector-width=512")
#define LAPIDARY_ISA v4
#define LAPIDARY_W 16
#define LAPIDARY_MR 12
#include "half_product_tile.h"
#pragma GCC pop_options
#endif
#define LAPIDARY_ISA plain
#define LAPIDARY_W 4
#define LAPIDARY_MR 6
#include "half_product_tile.h"

namespace lapidary {

namespace {

// Numbers of the depth for which a panel of B stays in the first cache; rows and columns of what one task computes.
constexpr int64_t kDepth = 256, kTaskRows = 96, kTaskColumns = 64;
// Numbers that are worth a thread.
constexpr int64_t kPacked = 1 << 15;

const TileKernel& tileKernel() {
#if defined(LAPIDARY_X86)
  if (isa() >= Isa::kAvx512) return v4::kTile;
  if (isa() == Isa::kAvx2) return v3::kTile;
#endif
  return plain::kTile;
}

float widened(uint16_t bits) {
  const uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float value;
  std::memcpy(&value, &wide, sizeof(value));
  return value;
}

// A factor in groups of `lanes` of its rows (A) or columns (B), zero beyond the last.
struct Packed {
  int64_t lanes, depth, width, groups;
  at::Tensor memory;
  const float* group(int64_t g, int64_t from) const { return memory.data_ptr<float>() + (g * depth + from) * lanes; }
};

void packGroup(const Packed& into, const uint16_t* bits, bool alongRows, int64_t g) {
  float* to = into.memory.data_ptr<float>() + g * into.depth * into.lanes;
  const int64_t first = g * into.lanes, count = std::min(into.lanes, into.width - first);
  if (count < into.lanes) std::fill_n(to, into.depth * into.lanes, 0.0f);
  if (alongRows) {
    for (int64_t i = 0; i < count; ++i) {
      const uint16_t* row = bits + (first + i) * into.depth;
      for (int64_t k = 0; k < into.depth; ++k) to[k * into.lanes + i] = widened(row[k]);
    }
    return;
  }
  for (int64_t k = 0; k < into.depth; ++k) {
    const uint16_t* row = bits + k * into.width + first;
    for (int64_t i = 0; i < count; ++i) to[k * into.lanes + i] = widened(row[i]);
  }
}

Packed pack(const HalfFactor& factor, bool isLeft, int64_t lanes) {
  const bool alongRows = isLeft != factor.transposed;
  const at::Tensor matrix = factor.matrix.contiguous();
  Packed packed{lanes, matrix.size(alongRows ? 1 : 0), matrix.size(alongRows ? 0 : 1), 0, at::Tensor()};
  packed.groups = (packed.width + lanes - 1) / lanes;
  packed.memory = at::empty({packed.groups * packed.depth * lanes}, matrix.options().dtype(at::kFloat));
  const auto* bits = reinterpret_cast<const uint16_t*>(matrix.data_ptr<at::BFloat16>());
  at::parallel_for(0, packed.groups, std::max<int64_t>(1, kPacked / (packed.depth * lanes + 1)), [&](int64_t begin, int64_t end) {
    for (int64_t g = begin; g < end; ++g) packGroup(packed, bits, alongRows, g);
  });
  return packed;
}

struct Product {
  const TileKernel& kernel;
  const Packed &a, &b;
  const float* bias;  // Null for none.
  float* result;

  // Adds the products of `depth` numbers from `from` on to tile (g, p); the first begin with the bias.
  void addTile(int64_t g, int64_t p, int64_t from, int64_t depth) const {
    alignas(64) float sums[kMaxRows * kMaxColumns];
    const int64_t row = g * kernel.rows, column = p * kernel.columns;
    const int64_t rows = std::min(kernel.rows, a.width - row), columns = std::min(kernel.columns, b.width - column);
    if (rows < kernel.rows || columns < kernel.columns || (from == 0 && bias == nullptr)) std::fill_n(sums, kernel.rows * kernel.columns, 0.0f);
    for (int64_t r = 0; r < rows; ++r) {
      const float* start = from > 0 ? result + (row + r) * b.width : bias;
      if (start != nullptr) std::copy_n(start + column, columns, sums + r * kernel.columns);
    }
    kernel.multiply(a.group(g, from), b.group(p, from), depth, sums);
    for (int64_t r = 0; r < rows; ++r) std::copy_n(sums + r * kernel.columns, columns, result + (row + r) * b.width + column);
  }

  int64_t taskGroups() const { return kTaskRows / kernel.rows; }
  int64_t taskPanels() const { return kTaskColumns / kernel.columns; }
  int64_t tasksAcross() const { return (b.groups + taskPanels() - 1) / taskPanels(); }
  int64_t tasks() const { return (a.groups + taskGroups() - 1) / taskGroups() * tasksAcross(); }

  void run(int64_t task) const {
    const int64_t group = task / tasksAcross() * taskGroups(), panel = task % tasksAcross() * taskPanels();
    for (int64_t from = 0; from == 0 || from < a.depth; from += kDepth) {
      for (int64_t p = panel; p < std::min(b.groups, panel + taskPanels()); ++p) {
        for (int64_t g = group; g < std::min(a.groups, group + taskGroups()); ++g) addTile(g, p, from, std::min(kDepth, a.depth - from));
      }
    }
  }
};

}  // namespace

at::Tensor halfProductWidened(const HalfFactor& left, const HalfFactor& right, const at::Tensor& bias) {
  const TileKernel& kernel = tileKernel();
  const Packed a = pack(left, true, kernel.rows), b = pack(right, false, kernel.columns);
  const at::Tensor result = at::empty({a.width, b.width}, left.matrix.options().dtype(at::kFloat));
  const Product product{kernel, a, b, bias.defined() ? bias.data_ptr<float>() : nullptr, result.data_ptr<float>()};
  const int64_t work = kTaskRows * kTaskColumns * std::max<int64_t>(1, a.depth);
  at::parallel_for(0, product.tasks(), std::max<int64_t>(1, (int64_t{1} << 20) / work), [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) product.run(task);
  });
  return result;
}

}  // namespace lapidary
