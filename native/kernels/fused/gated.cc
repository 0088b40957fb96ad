// gated: y = s(z) ⊙ x with s = sigmoid (a gate) or silu (SwiGLU).
//   d/dx = g s(z) ;  d/dz = g x s'(z), sigmoid' = σ(1 − σ), silu' = σ(1 + z(1 − σ)).
#include "fused.h"

namespace lapidary {

template <bool silu, typename T>
LAPIDARY_INLINE void gatedForward(const T* z, const T* x, T* y, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) {
    const T s = sigmoidOf(z[i]);
    y[i] = (silu ? z[i] * s : s) * x[i];
  }
}
template <typename T>
static void sigmoidForward(const T* z, const T* x, T* y, int64_t begin, int64_t end) {
  onEachIsa([&]() LAPIDARY_LAMBDA { gatedForward<false>(z, x, y, begin, end); });
}
template <typename T>
static void siluForward(const T* z, const T* x, T* y, int64_t begin, int64_t end) {
  onEachIsa([&]() LAPIDARY_LAMBDA { gatedForward<true>(z, x, y, begin, end); });
}

template <typename T>
struct GatedBackward {
  const T* g;
  const T* z;
  const T* x;
  T* dz;
  T* dx;
};

template <bool silu, typename T>
LAPIDARY_INLINE void gatedBackward(const GatedBackward<T>& a, int64_t begin, int64_t end) {
  T* __restrict dz = a.dz;
  T* __restrict dx = a.dx;
  for (int64_t i = begin; i < end; ++i) {
    const T z = a.z[i];
    const T s = sigmoidOf(z);
    dx[i] = a.g[i] * (silu ? z * s : s);
    dz[i] = a.g[i] * a.x[i] * (silu ? s * (T(1) + z * (T(1) - s)) : s * (T(1) - s));
  }
}
template <typename T>
static void sigmoidBackward(const GatedBackward<T>& a, int64_t begin, int64_t end) {
  onEachIsa([&]() LAPIDARY_LAMBDA { gatedBackward<false>(a, begin, end); });
}
template <typename T>
static void siluBackward(const GatedBackward<T>& a, int64_t begin, int64_t end) {
  onEachIsa([&]() LAPIDARY_LAMBDA { gatedBackward<true>(a, begin, end); });
}

static at::Tensor runGated(const at::Tensor& gateIn, const at::Tensor& valuesIn, bool silu) {
  const at::Tensor gate = gateIn.contiguous(), values = valuesIn.contiguous();
  at::Tensor y = at::empty_like(gate);
  AT_DISPATCH_FLOATING_TYPES(gate.scalar_type(), "gated", [&] {
    const scalar_t *z = gate.data_ptr<scalar_t>(), *x = values.data_ptr<scalar_t>();
    scalar_t* to = y.data_ptr<scalar_t>();
    at::parallel_for(0, gate.numel(), kGrain / 4, [&](int64_t begin, int64_t end) {
      silu ? siluForward(z, x, to, begin, end) : sigmoidForward(z, x, to, begin, end);
    });
  });
  return y;
}

static void checkGated(const at::Tensor& gate, const at::Tensor& values) {
  TORCH_CHECK(gate.sizes() == values.sizes() && gate.scalar_type() == values.scalar_type(), "gated: gate ", gate.sizes(),
              " and values ", values.sizes(), " must have one shape and type");
}

static bool isSilu(c10::string_view function) {
  TORCH_CHECK(function == "sigmoid" || function == "silu", "gated: activation must be sigmoid or silu, got ", function);
  return function == "silu";
}

class Gated : public torch::autograd::Function<Gated> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& gate, const at::Tensor& values, bool silu, bool float8) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const Kept z = keep(gate.contiguous(), float8), x = keep(values.contiguous(), float8);
    context->save_for_backward({z.values, z.scales, x.values, x.scales});
    context->saved_data["silu"] = silu;
    return runGated(gate, values, silu);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, torch::autograd::variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor g = gradients[0].contiguous();
    const bool silu = context->saved_data["silu"].toBool();
    const at::Tensor gate = restore(saved[0], saved[1], g.scalar_type(), g.sizes());
    const at::Tensor values = restore(saved[2], saved[3], g.scalar_type(), g.sizes());
    at::Tensor dGate = at::empty_like(g), dValues = at::empty_like(g);
    AT_DISPATCH_FLOATING_TYPES(g.scalar_type(), "gated_backward", [&] {
      const GatedBackward<scalar_t> a{g.data_ptr<scalar_t>(), gate.data_ptr<scalar_t>(), values.data_ptr<scalar_t>(),
                                      dGate.data_ptr<scalar_t>(), dValues.data_ptr<scalar_t>()};
      at::parallel_for(0, g.numel(), kGrain / 4, [&](int64_t begin, int64_t end) {
        silu ? siluBackward(a, begin, end) : sigmoidBackward(a, begin, end);
      });
    });
    return {dGate, dValues, at::Tensor(), at::Tensor()};
  }
};

// One function for both keys: whether a gradient is recorded, it sees itself.
static at::Tensor gated(const at::Tensor& gate, const at::Tensor& values, c10::string_view function, bool float8) {
  checkGated(gate, values);
  const bool silu = isSilu(function);
  if (!hasKernel(gate)) return (silu ? at::silu(gate) : at::sigmoid(gate)) * values;
  if (recordsGradient({gate, values})) return Gated::apply(gate, values, silu, float8);
  at::AutoDispatchBelowADInplaceOrView guard;
  return runGated(gate, values, silu);
}

}  // namespace lapidary

TORCH_LIBRARY_IMPL(lapidary, CompositeExplicitAutograd, library) { library.impl("gated", lapidary::gated); }
TORCH_LIBRARY_IMPL(lapidary, Autograd, library) { library.impl("gated", lapidary::gated); }
