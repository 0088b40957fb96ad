// What the files of jagged attention share: the problem, its cut into items, and the kernels of each instruction set.
//   out_i = factor · Σ_j w_ij v_j,  s_ij = scale · q_i·k_j + positionBias,
//   w = softmax_j(s) | silu(s) over the keys j that row i may see.
#pragma once
#include "bridge/torch.h"

namespace lapidary::attention {

enum class Activation { Softmax, Silu };

// Rows [L, heads, dim] of which dim is contiguous.
template <typename T>
struct Rows {
  T* data = nullptr;
  int64_t row = 0, head = 0;
  T* at(int64_t r, int64_t h) const { return data + r * row + h * head; }
};

// Which keys a row sees: those before it (causal), nearer than `window`, in its own block; the first `globalKeys` besides.
struct Mask {
  bool causal = false;
  int64_t window = 0, globalKeys = 0, block = 0;  // 0 = no limit
};

template <typename T>
struct Problem {
  Rows<const T> query, key, value, output, gradient;
  Rows<T> result, queryGradient, keyGradient, valueGradient;
  T* logSums = nullptr;  // [Lq, heads], base 2: what softmax's backward recomputes the weights from
  int64_t heads = 0, keyHeads = 0, dim = 0, valueDim = 0;
  const int64_t *queryBounds = nullptr, *keyBounds = nullptr;
  Activation activation = Activation::Softmax;
  double scale = 1, factor = 1;
  Mask mask;
  const T* rotations = nullptr;  // [positions, dim / 2, 2]: cosine and sine; null without rotary positions
  // Bias [1 or heads, 2·reach + 1]; a head's row begins at `stride` times its number.
  const T* positionBias = nullptr;
  int64_t positionReach = 0, positionStride = 0;
  // Of each item and query head of its key head; null if no gradient is asked for.
  T* positionGradients = nullptr;

  int64_t group() const { return heads / keyHeads; }
};

// A share of the work: rows [begin, end) of one example, for all query heads of one key head.
struct Item {
  int64_t example, keyHead, begin, end;
  int64_t keyBegin, keyEnd;  // All keys that these rows see lie between.
  int64_t cost;
  int64_t number;   // Its place in the order of examples, heads, rows.
  int64_t partial;  // Row of the partial gradients of keys and values; -1 = the only item of its keys.
};

// The keys that one row sees: [low, high) ∪ [0, prefix).
struct VisibleKeys {
  int64_t low, high, prefix;
};

inline VisibleKeys visibleKeys(const Mask& mask, int64_t row, int64_t keys) {
  int64_t low = 0, high = keys;
  if (mask.causal) high = std::min(high, row + 1);
  const int64_t limit = high;
  if (mask.window > 0) {
    low = std::max<int64_t>(0, row - mask.window + 1);
    high = std::min(high, row + mask.window);
  }
  if (mask.block > 0) {
    low = std::max(low, row / mask.block * mask.block);
    high = std::min(high, (row / mask.block + 1) * mask.block);
  }
  return {std::min(low, high), high, std::min(mask.globalKeys, limit)};
}

// Scratch of one thread, in elements: asked for once, then reused for all its items.
template <typename T>
class Scratch {
 public:
  T* take(int64_t count) {
    T* start = next_;
    next_ += (count + 15) / 16 * 16;
    return start;
  }
  void reset(int64_t capacity) {
    if (capacity > capacity_) {
      data_.reset(static_cast<T*>(::operator new(capacity * sizeof(T), std::align_val_t(64))));
      capacity_ = capacity;
    }
    next_ = data_.get();
  }

 private:
  struct Free {
    void operator()(T* data) const { ::operator delete(data, std::align_val_t(64)); }
  };
  std::unique_ptr<T, Free> data_;
  T* next_ = nullptr;
  int64_t capacity_ = 0;
};

template <typename T>
using Kernel = void (*)(const Problem<T>&, const Item&, Scratch<T>&, T* keyPartial, T* valuePartial);

template <typename T>
struct Kernels {
  Kernel<T> forward, backward;
};

// Those of the instruction set in use.
template <typename T>
Kernels<T> kernels();
template <>
Kernels<float> kernels();
template <>
Kernels<double> kernels();

}  // namespace lapidary::attention
