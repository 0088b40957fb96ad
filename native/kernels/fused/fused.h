// What the fused operators share: when our kernels apply, sums over rows that do not depend on the number of threads.
#pragma once
#include <algorithm>

#include "bridge/torch.h"
#include "../vector.h"

namespace lapidary {

// Other devices and types take the plain composition.
inline bool hasKernel(const at::Tensor& x) {
  return x.is_cpu() && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kDouble);
}

inline bool recordsGradient(at::ArrayRef<at::Tensor> inputs) {
  return at::GradMode::is_enabled() &&
         std::any_of(inputs.begin(), inputs.end(), [](const at::Tensor& x) { return x.defined() && x.requires_grad(); });
}

// Autograd's functions take what may be missing as optional: an undefined tensor has no device to them.
inline c10::optional<at::Tensor> orNone(const at::Tensor& tensor) {
  return tensor.defined() ? c10::optional<at::Tensor>(tensor) : c10::nullopt;
}

inline at::Tensor orEmpty(const c10::optional<at::Tensor>& tensor) { return tensor.value_or(at::Tensor()); }

// [..., width] → contiguous [rows, width]
inline at::Tensor rowsOf(const at::Tensor& x) {
  const int64_t width = x.size(-1);
  return x.reshape({width == 0 ? c10::multiply_integers(x.sizes().slice(0, x.dim() - 1)) : x.numel() / width, width}).contiguous();
}

// The least work, in elements, that is worth a second thread.
constexpr int64_t kGrain = 16384;

inline int64_t grainOf(int64_t width) { return std::max<int64_t>(1, kGrain / std::max<int64_t>(1, width)); }

// Rows in pieces that depend on their number only: each piece adds into columns of its own, the pieces then add in
// order, so that results are the same to the bit for every number of threads.
struct Pieces {
  int64_t rows;
  int64_t size;
  int64_t count;
  explicit Pieces(int64_t rowsIn) : rows(rowsIn), size(std::max<int64_t>(64, (rowsIn + 31) / 32)), count((rowsIn + size - 1) / size) {}
  int64_t begin(int64_t piece) const { return piece * size; }
  int64_t end(int64_t piece) const { return std::min(rows, (piece + 1) * size); }
};

// The sum of the pieces' columns. parts [pieces, width] → [width]
inline at::Tensor sumOfPieces(const at::Tensor& parts) {
  at::Tensor total = at::zeros({parts.size(1)}, parts.options());
  AT_DISPATCH_FLOATING_TYPES(parts.scalar_type(), "sumOfPieces", [&] {
    const scalar_t* from = parts.data_ptr<scalar_t>();
    scalar_t* to = total.data_ptr<scalar_t>();
    const int64_t width = parts.size(1);
    for (int64_t piece = 0; piece < parts.size(0); ++piece) {
      for (int64_t j = 0; j < width; ++j) to[j] += from[piece * width + j];
    }
  });
  return total;
}

// What autograd keeps of a tensor for backward: itself, or a quarter of it as float8 (float8.cc).
struct Kept {
  at::Tensor values;  // The tensor, or the codes of its elements.
  at::Tensor scales;  // Undefined for the tensor itself.
};
Kept keep(const at::Tensor& tensor, bool float8);
at::Tensor restore(const at::Tensor& values, const at::Tensor& scales, at::ScalarType dtype, at::IntArrayRef shape);

// y = act(x + bias) in float32 or float64 and its derivative (activation.cc).
enum class Activation { kNone, kRelu, kGelu, kSilu };
Activation activationOf(const std::string& name);
at::Tensor plainActivation(const at::Tensor& x, Activation activation);
// act(x + bias); x [rows, width] contiguous. `sum`, if wanted, receives x + bias; if it is given as x, then in place.
at::Tensor biasActivation(const at::Tensor& x, const at::Tensor& bias, Activation activation, at::Tensor* sum);
// One bit per element: whether the gradient of relu passes it. y → [⌈n / 8⌉] uint8
at::Tensor positiveBits(const at::Tensor& y);
struct ActivationGradients {
  at::Tensor sum;   // d/d (x + bias)
  at::Tensor bias;  // Its sum over rows; undefined unless wanted.
};
// `kept`: x + bias; for relu y or its positiveBits. What was restored only for this is overwritten with the result.
enum class Keeping { kAsItIs, kRestored };
ActivationGradients activationBackward(const at::Tensor& gradient, const std::pair<at::Tensor, Keeping>& kept,
                                       Activation activation, bool wantsBias);

}  // namespace lapidary
