// norm, residual_norm: over the last axis of s = x (+ residual), with x̂ = (s − c) r, n = γ x̂ + β:
//   layer: c = mean(s), r = 1/√(mean((s − c)²) + ε), y = n
//   rms:   c = 0,       r = 1/√(mean(s²) + ε),       y = n
// Backward, with δ = dy and h = γ δ:  ds = r (h − [layer] mean(h) − x̂ mean(h x̂)), dγ = Σ δ x̂, dβ = Σ δ.
// For it x is kept, or x̂ as float8: x̂ has unit size, so that its codes need nothing of x.
#include "fused.h"

namespace lapidary {

enum class Norm { kLayer, kRms };

static Norm normOf(c10::string_view name) {
  if (name == "layer") return Norm::kLayer;
  TORCH_CHECK(name == "rms", "norm: kind must be layer or rms, got ", name);
  return Norm::kRms;
}

template <typename T>
struct NormForward {
  const T* x;
  const T* residual;  // Null if there is none.
  const T* scale;
  const T* shift;     // Null if there is none.
  T* sum;             // x + residual; null without one.
  T* y;
  T* centre;          // One per row, or null if nothing is kept.
  T* inverse;
  T* normalized;      // x̂, or null.
  int64_t width;
  T eps;
};

template <Norm kind, typename T>
LAPIDARY_INLINE void normForwardKind(const NormForward<T>& a, int64_t begin, int64_t end) {
  const int64_t width = a.width;
  for (int64_t row = begin; row < end; ++row) {
    const T* x = a.x + row * width;
    if (a.residual != nullptr) {
      const T* residual = a.residual + row * width;
      T* sum = a.sum + row * width;
      for (int64_t j = 0; j < width; ++j) sum[j] = x[j] + residual[j];
      x = sum;
    }
    const T count = static_cast<T>(width);
    const T centre = kind == Norm::kLayer ? sumOf(x, width) / count : T(0);
    const T square = squareOf(x, centre, width) / count;
    const T inverse = T(1) / std::sqrt(square + a.eps);
    T* __restrict y = a.y + row * width;
    if (a.shift != nullptr) for (int64_t j = 0; j < width; ++j) y[j] = (x[j] - centre) * inverse * a.scale[j] + a.shift[j];
    else for (int64_t j = 0; j < width; ++j) y[j] = (x[j] - centre) * inverse * a.scale[j];
    if (a.normalized != nullptr) {
      T* __restrict normalized = a.normalized + row * width;
      for (int64_t j = 0; j < width; ++j) normalized[j] = (x[j] - centre) * inverse;
    }
    if (a.centre != nullptr) a.centre[row] = centre;
    if (a.inverse != nullptr) a.inverse[row] = inverse;
  }
}
template <typename T>
LAPIDARY_INLINE void normForwardOf(const NormForward<T>& a, Norm kind, int64_t begin, int64_t end) {
  if (kind == Norm::kLayer) return normForwardKind<Norm::kLayer>(a, begin, end);
  normForwardKind<Norm::kRms>(a, begin, end);
}
template <typename T>
static void normForwardRows(const NormForward<T>& a, Norm kind, int64_t begin, int64_t end) {
  onEachIsa([&]() LAPIDARY_LAMBDA { normForwardOf(a, kind, begin, end); });
}

template <typename T>
struct NormBackward {
  const T* gradient;
  const T* x;          // s, or x̂ if there is no centre.
  const T* centre;
  const T* inverse;
  const T* scale;
  const T* sumGradient;  // Of s itself, added; null if there is none.
  T* result;
  T* scaleSums;          // [width] each, added to.
  T* shiftSums;
  T* row;                // Room for 2 · width numbers.
  int64_t width;
};

// dy and x̂ of one row, added to the columns' sums; `inner` becomes h.
template <typename T>
LAPIDARY_INLINE void normColumns(const NormBackward<T>& a, const T* __restrict x, const T* __restrict g, std::pair<T, T> affine) {
  const auto [centre, inverse] = affine;
  T* __restrict normalized = a.row;
  T* __restrict inner = a.row + a.width;
  T* __restrict scaleSums = a.scaleSums;
  T* __restrict shiftSums = a.shiftSums;
  const T* __restrict scale = a.scale;
  for (int64_t j = 0; j < a.width; ++j) {
    const T unit = (x[j] - centre) * inverse;
    normalized[j] = unit;
    inner[j] = g[j] * scale[j];
    scaleSums[j] += g[j] * unit;
    shiftSums[j] += g[j];
  }
}

template <Norm kind, typename T>
LAPIDARY_INLINE void normBackwardKind(const NormBackward<T>& a, int64_t begin, int64_t end) {
  const int64_t width = a.width;
  const T* __restrict normalized = a.row;
  const T* __restrict inner = a.row + width;
  for (int64_t row = begin; row < end; ++row) {
    const T inverse = a.inverse[row];
    const bool raw = a.centre != nullptr;
    normColumns(a, a.x + row * width, a.gradient + row * width,
                      raw ? std::pair<T, T>(a.centre[row], inverse) : std::pair<T, T>(T(0), T(1)));
    const T count = static_cast<T>(width);
    const T mean = kind == Norm::kLayer ? sumOf(inner, width) / count : T(0);
    const T slope = dotOf(inner, normalized, width) / count;
    T* __restrict to = a.result + row * width;
    for (int64_t j = 0; j < width; ++j) to[j] = inverse * (inner[j] - mean - normalized[j] * slope);
    if (a.sumGradient != nullptr) {
      const T* __restrict more = a.sumGradient + row * width;
      for (int64_t j = 0; j < width; ++j) to[j] += more[j];
    }
  }
}
template <typename T>
LAPIDARY_INLINE void normBackwardOf(const NormBackward<T>& a, Norm kind, int64_t begin, int64_t end) {
  if (kind == Norm::kLayer) return normBackwardKind<Norm::kLayer>(a, begin, end);
  normBackwardKind<Norm::kRms>(a, begin, end);
}
template <typename T>
static void normBackwardRows(const NormBackward<T>& a, Norm kind, int64_t begin, int64_t end) {
  onEachIsa([&]() LAPIDARY_LAMBDA { normBackwardOf(a, kind, begin, end); });
}

struct Normed {
  at::Tensor y, sum, centre, inverse, normalized;
};

struct NormInputs {
  at::Tensor x, residual, scale, shift;
  Norm kind;
  double eps;
};

template <typename T>
static T* pointer(const at::Tensor& tensor) {
  return tensor.defined() ? tensor.data_ptr<T>() : nullptr;
}

static at::Tensor contiguousOr(const at::Tensor& tensor) { return tensor.defined() ? tensor.contiguous() : tensor; }

static int64_t rowCount(const at::Tensor& x) { return x.size(-1) == 0 ? 0 : x.numel() / x.size(-1); }

static Normed runNorm(const NormInputs& in, bool keeps, bool float8) {
  const at::Tensor x = in.x.contiguous(), residual = contiguousOr(in.residual), scale = in.scale.contiguous(), shift = contiguousOr(in.shift);
  const int64_t width = x.size(-1), rows = rowCount(x);
  Normed out;
  out.y = at::empty_like(x);
  if (residual.defined()) out.sum = at::empty_like(x);
  if (keeps) out.inverse = at::empty({rows}, x.options());
  if (keeps && !float8) out.centre = at::empty({rows}, x.options());
  if (keeps && float8) out.normalized = at::empty_like(x);
  AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "norm", [&] {
    const NormForward<scalar_t> a{pointer<scalar_t>(x), pointer<scalar_t>(residual), pointer<scalar_t>(scale),
                                  pointer<scalar_t>(shift), pointer<scalar_t>(out.sum), pointer<scalar_t>(out.y),
                                  pointer<scalar_t>(out.centre), pointer<scalar_t>(out.inverse),
                                  pointer<scalar_t>(out.normalized), width, static_cast<scalar_t>(in.eps)};
    at::parallel_for(0, rows, grainOf(width), [&](int64_t begin, int64_t end) { normForwardRows(a, in.kind, begin, end); });
  });
  return out;
}

// `x`: s with its centres, or x̂ without. → ds, dγ, dβ
static std::array<at::Tensor, 3> runNormBackward(const NormInputs& in, const Normed& kept, const std::array<at::Tensor, 2>& gradients) {
  const at::Tensor gradient = gradients[0].contiguous(), more = contiguousOr(gradients[1]);
  const int64_t width = in.x.size(-1), rows = rowCount(in.x);
  const Pieces pieces(rows);
  at::Tensor result = at::empty_like(gradient);
  const at::Tensor sums = at::zeros({pieces.count, 2 * width}, gradient.options());
  AT_DISPATCH_FLOATING_TYPES(gradient.scalar_type(), "norm_backward", [&] {
    at::parallel_for(0, pieces.count, std::max<int64_t>(1, grainOf(width) / pieces.size), [&](int64_t first, int64_t last) {
      std::vector<scalar_t> row(2 * width);
      for (int64_t piece = first; piece < last; ++piece) {
        scalar_t* columns = sums.data_ptr<scalar_t>() + piece * 2 * width;
        normBackwardRows(NormBackward<scalar_t>{pointer<scalar_t>(gradient), pointer<scalar_t>(in.x), pointer<scalar_t>(kept.centre),
                                                pointer<scalar_t>(kept.inverse), pointer<scalar_t>(in.scale),
                                                pointer<scalar_t>(more), pointer<scalar_t>(result), columns, columns + width,
                                                row.data(), width},
                         in.kind, pieces.begin(piece), pieces.end(piece));
      }
    });
  });
  const at::Tensor total = sumOfPieces(sums);
  return {result, total.slice(0, 0, width), total.slice(0, width)};
}

static void checkNorm(const NormInputs& in) {
  TORCH_CHECK(in.x.dim() >= 1, "norm: input must have an axis");
  const int64_t width = in.x.size(-1);
  const auto fits = [&](const at::Tensor& t) { return !t.defined() || (t.dim() == 1 && t.size(0) == width && t.scalar_type() == in.x.scalar_type()); };
  TORCH_CHECK(fits(in.scale) && fits(in.shift), "norm: scale and shift must be [", width, "] of the input's type, got ", in.scale.sizes());
  TORCH_CHECK(!in.residual.defined() || (in.residual.sizes() == in.x.sizes() && in.residual.scalar_type() == in.x.scalar_type()),
              "norm: residual must be as the input, ", in.x.sizes());
  TORCH_CHECK(in.kind == Norm::kLayer || !in.shift.defined(), "norm: only layer has a shift");
}

// The plain composition, for devices and types that have no kernel of ours.
static at::Tensor plainNorm(const NormInputs& in, const at::Tensor& sum) {
  const at::Tensor centred = in.kind == Norm::kLayer ? sum - sum.mean(-1, true) : sum;
  at::Tensor n = centred * (centred.square().mean(-1, true) + in.eps).rsqrt() * in.scale;
  if (in.shift.defined()) n = n + in.shift;
  return n;
}

// Inputs x, residual, scale, shift; results y and, with a residual, s.
class NormFunction : public torch::autograd::Function<NormFunction> {
 public:
  static torch::autograd::variable_list forward(torch::autograd::AutogradContext* context, const at::Tensor& x, const c10::optional<at::Tensor>& residualIn,
                                                const at::Tensor& scale, const c10::optional<at::Tensor>& shiftIn, int64_t kind, double eps, bool float8) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const at::Tensor residual = orEmpty(residualIn), shift = orEmpty(shiftIn);
    const NormInputs in{x, residual, scale, shift, static_cast<Norm>(kind), eps};
    const Normed out = runNorm(in, true, float8);
    const Kept kept = float8 ? keep(out.normalized, true) : Kept{residual.defined() ? out.sum : x.contiguous(), at::Tensor()};
    context->save_for_backward({kept.values, kept.scales, out.centre, out.inverse, scale.contiguous(), contiguousOr(shift)});
    context->saved_data["kind"] = kind;
    context->saved_data["residual"] = residual.defined();
    context->saved_data["shape"] = x.sizes();
    if (residual.defined()) return {out.y, out.sum};
    return {out.y};
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, torch::autograd::variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const bool residual = context->saved_data["residual"].toBool();
    const auto shape = context->saved_data["shape"].toIntVector();
    const at::Tensor x = restore(saved[0], saved[1], gradients[0].scalar_type(), shape);
    const NormInputs in{x, at::Tensor(), saved[4], saved[5], static_cast<Norm>(context->saved_data["kind"].toInt()), 0};
    const auto [input, scale, shift] = runNormBackward(in, {{}, {}, saved[2], saved[3], {}}, {gradients[0], residual ? gradients[1] : at::Tensor()});
    return {input, residual ? input : at::Tensor(), scale, saved[5].defined() ? shift : at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

static std::tuple<at::Tensor, at::Tensor> applyNorm(const NormInputs& in, bool float8) {
  checkNorm(in);
  if (!hasKernel(in.x)) {
    const at::Tensor sum = in.residual.defined() ? in.x + in.residual : in.x;
    return {plainNorm(in, sum), sum};
  }
  if (recordsGradient({in.x, in.residual, in.scale, in.shift})) {
    const auto results = NormFunction::apply(in.x, orNone(in.residual), in.scale, orNone(in.shift), static_cast<int64_t>(in.kind), in.eps, float8);
    return {results[0], in.residual.defined() ? results[1] : in.x};
  }
  at::AutoDispatchBelowADInplaceOrView guard;
  const Normed out = runNorm(in, false, false);
  return {out.y, out.sum};
}

// One function for both keys: whether a gradient is recorded, it sees itself.
static at::Tensor norm(const at::Tensor& input, const at::Tensor& scale, const c10::optional<at::Tensor>& shift,
                       c10::string_view kind, double eps, bool float8) {
  return std::get<0>(applyNorm({input, at::Tensor(), scale, orEmpty(shift), normOf(kind), eps}, float8));
}

static std::tuple<at::Tensor, at::Tensor> residualNorm(const at::Tensor& input, const at::Tensor& residual, const at::Tensor& scale,
                                                       const c10::optional<at::Tensor>& shift, c10::string_view kind, double eps, bool float8) {
  return applyNorm({input, residual, scale, orEmpty(shift), normOf(kind), eps}, float8);
}

}  // namespace lapidary

TORCH_LIBRARY_IMPL(lapidary, CompositeExplicitAutograd, library) {
  library.impl("norm", lapidary::norm);
  library.impl("residual_norm", lapidary::residualNorm);
}
TORCH_LIBRARY_IMPL(lapidary, Autograd, library) {
  library.impl("norm", lapidary::norm);
  library.impl("residual_norm", lapidary::residualNorm);
}
