// bias_activation: y = act(x + b), act one of none, relu, gelu (with erf), silu; x [..., D], b [D].
//   d/dx = g · act'(x + b) ;  d/db = its sum over rows.
#include "fused.h"

namespace lapidary {

Activation activationOf(const std::string& name) {
  if (name == "none") return Activation::kNone;
  if (name == "relu") return Activation::kRelu;
  if (name == "gelu") return Activation::kGelu;
  TORCH_CHECK(name == "silu", "activation must be none, relu, gelu or silu, got ", name);
  return Activation::kSilu;
}

at::Tensor plainActivation(const at::Tensor& x, Activation activation) {
  if (activation == Activation::kRelu) return at::relu(x);
  if (activation == Activation::kGelu) return at::gelu(x);
  return activation == Activation::kSilu ? at::silu(x) : x;
}

constexpr double kInverseRoot2 = 0.70710678118654752;
constexpr double kInverseRoot2Pi = 0.39894228040143268;

// Relu is written so that NaN passes.
template <Activation kind, typename T>
LAPIDARY_INLINE T activate(T z) {
  if constexpr (kind == Activation::kRelu) return z <= T(0) ? T(0) : z;
  if constexpr (kind == Activation::kGelu) return T(0.5) * z * (T(1) + erfOf(z * T(kInverseRoot2)));
  if constexpr (kind == Activation::kSilu) return z * sigmoidOf(z);
  return z;
}

template <Activation kind, typename T>
LAPIDARY_INLINE T slope(T z) {
  if constexpr (kind == Activation::kRelu) return z <= T(0) ? T(0) : T(1);
  if constexpr (kind == Activation::kGelu) {
    return T(0.5) * (T(1) + erfOf(z * T(kInverseRoot2))) + z * T(kInverseRoot2Pi) * expOf(T(-0.5) * z * z);
  }
  if constexpr (kind == Activation::kSilu) {
    const T s = sigmoidOf(z);
    return s * (T(1) + z * (T(1) - s));
  }
  return T(1);
}

template <typename T>
struct Forward {
  const T* x;
  const T* bias;  // Null if there is none.
  T* sum;         // Null if it is not wanted; may be the memory of x.
  T* y;
  int64_t width;
};

template <Activation kind, typename T>
LAPIDARY_INLINE void forwardKind(const Forward<T>& a, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; ++row) {
    const T* x = a.x + row * a.width;
    T* y = a.y + row * a.width;
    if (a.sum != nullptr) {
      T* sum = a.sum + row * a.width;
      if (a.bias != nullptr) for (int64_t j = 0; j < a.width; ++j) sum[j] = x[j] + a.bias[j];
      else for (int64_t j = 0; j < a.width; ++j) sum[j] = x[j];
      for (int64_t j = 0; j < a.width; ++j) y[j] = activate<kind>(sum[j]);
    } else if (a.bias != nullptr) {
      for (int64_t j = 0; j < a.width; ++j) y[j] = activate<kind>(x[j] + a.bias[j]);
    } else {
      for (int64_t j = 0; j < a.width; ++j) y[j] = activate<kind>(x[j]);
    }
  }
}
template <typename T>
LAPIDARY_INLINE void forwardOf(const Forward<T>& a, Activation kind, int64_t begin, int64_t end) {
  if (kind == Activation::kRelu) return forwardKind<Activation::kRelu>(a, begin, end);
  if (kind == Activation::kGelu) return forwardKind<Activation::kGelu>(a, begin, end);
  if (kind == Activation::kSilu) return forwardKind<Activation::kSilu>(a, begin, end);
  forwardKind<Activation::kNone>(a, begin, end);
}
template <typename T>
static void forwardRows(const Forward<T>& a, Activation kind, int64_t begin, int64_t end) {
  onEachIsa([&]() LAPIDARY_LAMBDA { forwardOf(a, kind, begin, end); });
}

template <typename T>
static T* dataOrNull(const at::Tensor& tensor) {
  return tensor.defined() ? tensor.data_ptr<T>() : nullptr;
}

at::Tensor biasActivation(const at::Tensor& x, const at::Tensor& bias, Activation activation, at::Tensor* sum) {
  const at::Tensor y = at::empty_like(x);
  if (sum != nullptr && !sum->defined()) *sum = at::empty_like(x);
  const int64_t width = x.size(1);
  AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "biasActivation", [&] {
    const Forward<scalar_t> a{x.data_ptr<scalar_t>(), dataOrNull<scalar_t>(bias), sum != nullptr ? sum->data_ptr<scalar_t>() : nullptr,
                              y.data_ptr<scalar_t>(), width};
    at::parallel_for(0, x.size(0), grainOf(width), [&](int64_t begin, int64_t end) { forwardRows(a, activation, begin, end); });
  });
  return y;
}

template <typename T>
LAPIDARY_INLINE void bitsOfRange(const T* y, uint8_t* bits, int64_t count, int64_t begin, int64_t end) {
  for (int64_t byte = begin; byte < end; ++byte) {
    const int64_t size = count - byte * 8 < 8 ? count - byte * 8 : 8;
    uint32_t packed = 0;
    for (int64_t i = 0; i < size; ++i) packed |= static_cast<uint32_t>(!(y[byte * 8 + i] <= T(0))) << i;
    bits[byte] = static_cast<uint8_t>(packed);
  }
}
template <typename T>
static void packBits(const T* y, uint8_t* bits, int64_t count, int64_t begin, int64_t end) {
  onEachIsa([&]() LAPIDARY_LAMBDA { bitsOfRange(y, bits, count, begin, end); });
}

at::Tensor positiveBits(const at::Tensor& y) {
  const int64_t count = y.numel();
  at::Tensor bits = at::empty({(count + 7) / 8}, y.options().dtype(at::kByte));
  AT_DISPATCH_FLOATING_TYPES(y.scalar_type(), "positiveBits", [&] {
    at::parallel_for(0, bits.numel(), kGrain / 8, [&](int64_t begin, int64_t end) {
      packBits(y.data_ptr<scalar_t>(), bits.data_ptr<uint8_t>(), count, begin, end);
    });
  });
  return bits;
}

// What relu passes, eight elements from one byte at a time.
LAPIDARY_INLINE void passBits(const float* gradient, const uint8_t* bits, float* result, int64_t count) {
  typedef uint32_t Eight __attribute__((vector_size(32)));
  const Eight places = {1, 2, 4, 8, 16, 32, 64, 128};
  for (int64_t i = 0; i < count; i += 8) {
    Eight g;
    std::memcpy(&g, gradient + i, sizeof(g));
    const Eight passed = (Eight{} + bits[i >> 3]) & places;
    g &= reinterpret_cast<Eight>(passed == places);
    std::memcpy(result + i, &g, sizeof(g));
  }
}
LAPIDARY_INLINE void passBits(const double* gradient, const uint8_t* bits, double* result, int64_t count) {
  for (int64_t i = 0; i < count; ++i) result[i] = (bits[i >> 3] >> (i & 7) & 1) != 0 ? gradient[i] : 0.0;
}

template <typename T>
struct Backward {
  const T* gradient;
  const T* kept;        // x + bias, or y for relu; null if `bits` says it.
  const uint8_t* bits;
  T* result;
  T* columns;           // Receives the sums over rows; null if they are not wanted.
  int64_t width;
};

template <Activation kind, typename T>
LAPIDARY_INLINE void backwardKind(const Backward<T>& a, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; ++row) {
    const int64_t first = row * a.width;
    const T* g = a.gradient + first;
    T* to = a.result + first;
    if (kind == Activation::kRelu && a.bits != nullptr && (a.width & 7) == 0) {
      passBits(g, a.bits + (first >> 3), to, a.width);
    } else if (kind == Activation::kRelu && a.bits != nullptr) {
      for (int64_t j = 0; j < a.width; ++j) to[j] = (a.bits[(first + j) >> 3] >> ((first + j) & 7) & 1) != 0 ? g[j] : T(0);
    } else if (kind == Activation::kRelu) {
      for (int64_t j = 0; j < a.width; ++j) to[j] = a.kept[first + j] <= T(0) ? T(0) : g[j];
    } else if (kind != Activation::kNone) {
      for (int64_t j = 0; j < a.width; ++j) to[j] = g[j] * slope<kind>(a.kept[first + j]);
    }
    if (a.columns == nullptr) continue;
    const T* source = kind == Activation::kNone ? g : to;
    for (int64_t j = 0; j < a.width; ++j) a.columns[j] += source[j];
  }
}
template <typename T>
LAPIDARY_INLINE void backwardOf(const Backward<T>& a, Activation kind, int64_t begin, int64_t end) {
  if (kind == Activation::kRelu) return backwardKind<Activation::kRelu>(a, begin, end);
  if (kind == Activation::kGelu) return backwardKind<Activation::kGelu>(a, begin, end);
  if (kind == Activation::kSilu) return backwardKind<Activation::kSilu>(a, begin, end);
  backwardKind<Activation::kNone>(a, begin, end);
}
template <typename T>
static void backwardRows(const Backward<T>& a, Activation kind, int64_t begin, int64_t end) {
  onEachIsa([&]() LAPIDARY_LAMBDA { backwardOf(a, kind, begin, end); });
}

ActivationGradients activationBackward(const at::Tensor& gradient, const std::pair<at::Tensor, Keeping>& from, Activation activation, bool wantsBias) {
  const at::Tensor kept = from.first;
  const bool changes = activation != Activation::kNone;
  const bool overwrites = changes && from.second == Keeping::kRestored && kept.scalar_type() == gradient.scalar_type();
  const at::Tensor result = overwrites ? kept : changes ? at::empty_like(gradient) : gradient;
  const Pieces pieces(gradient.size(0));
  const int64_t width = gradient.size(1);
  const at::Tensor columns = wantsBias ? at::zeros({pieces.count, width}, gradient.options()) : at::Tensor();
  AT_DISPATCH_FLOATING_TYPES(gradient.scalar_type(), "bias_activation_backward", [&] {
    const bool bits = changes && kept.scalar_type() == at::kByte;
    const scalar_t* values = changes && !bits ? kept.data_ptr<scalar_t>() : nullptr;
    at::parallel_for(0, pieces.count, std::max<int64_t>(1, grainOf(width) / pieces.size), [&](int64_t first, int64_t last) {
      for (int64_t piece = first; piece < last; ++piece) {
        scalar_t* sums = wantsBias ? columns.data_ptr<scalar_t>() + piece * width : nullptr;
        backwardRows(Backward<scalar_t>{gradient.data_ptr<scalar_t>(), values, bits ? kept.data_ptr<uint8_t>() : nullptr,
                                        result.data_ptr<scalar_t>(), sums, width},
                     activation, pieces.begin(piece), pieces.end(piece));
      }
    });
  });
  return {result, wantsBias ? sumOfPieces(columns) : at::Tensor()};
}

static void checkBias(const at::Tensor& input, const at::Tensor& bias) {
  TORCH_CHECK(input.dim() >= 1, "bias_activation: input must have an axis");
  TORCH_CHECK(!bias.defined() || (bias.dim() == 1 && bias.size(0) == input.size(-1) && bias.scalar_type() == input.scalar_type()),
              "bias_activation: bias must be [", input.size(-1), "] of the input's type");
}

// The plain composition, for devices and types that have no kernel of ours.
static at::Tensor plainBiasActivation(const at::Tensor& input, const at::Tensor& bias, Activation activation) {
  return plainActivation(bias.defined() ? input + bias : input, activation);
}

class BiasActivation : public torch::autograd::Function<BiasActivation> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& input, const c10::optional<at::Tensor>& biasIn,
                            int64_t activation, bool float8) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const at::Tensor bias = orEmpty(biasIn);
    const auto kind = static_cast<Activation>(activation);
    const bool smooth = kind == Activation::kGelu || kind == Activation::kSilu;
    at::Tensor sum;
    const at::Tensor y = biasActivation(rowsOf(input), bias.defined() ? bias.contiguous() : bias, kind, smooth ? &sum : nullptr);
    at::Tensor result = y.view(input.sizes());
    const bool bits = float8 && kind == Activation::kRelu;
    const Kept kept = smooth ? keep(sum, float8) : Kept{bits ? positiveBits(y) : result, at::Tensor()};
    context->save_for_backward({kept.values, kept.scales});
    context->saved_data["activation"] = activation;
    context->saved_data["bias"] = bias.defined() && bias.requires_grad();
    return result;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor g = rowsOf(gradients[0]);
    const auto kind = static_cast<Activation>(context->saved_data["activation"].toInt());
    const at::Tensor kept = restore(saved[0], saved[1], g.scalar_type(), g.sizes());
    const auto [sum, bias] = activationBackward(g, {kept, saved[1].defined() ? Keeping::kRestored : Keeping::kAsItIs}, kind, context->saved_data["bias"].toBool());
    return {sum.view(gradients[0].sizes()), bias, at::Tensor(), at::Tensor()};
  }
};

static at::Tensor biasActivationCpu(const at::Tensor& input, const c10::optional<at::Tensor>& biasIn, c10::string_view name, bool) {
  const at::Tensor bias = orEmpty(biasIn);
  checkBias(input, bias);
  const Activation activation = activationOf(std::string(name));
  if (!hasKernel(input)) return plainBiasActivation(input, bias, activation);
  return biasActivation(rowsOf(input), bias.defined() ? bias.contiguous() : bias, activation, nullptr).view(input.sizes());
}

static at::Tensor biasActivationAutograd(const at::Tensor& input, const c10::optional<at::Tensor>& biasIn, c10::string_view name, bool float8) {
  const at::Tensor bias = orEmpty(biasIn);
  checkBias(input, bias);
  const Activation activation = activationOf(std::string(name));
  if (!hasKernel(input)) return plainBiasActivation(input, bias, activation);
  if (recordsGradient({input, bias})) return BiasActivation::apply(input, orNone(bias), static_cast<int64_t>(activation), float8);
  at::AutoDispatchBelowADInplaceOrView guard;
  return biasActivationCpu(input, biasIn, name, float8);
}

}  // namespace lapidary

TORCH_LIBRARY_IMPL(lapidary, CompositeExplicitAutograd, library) {
  library.impl("bias_activation", lapidary::biasActivationCpu);
}
TORCH_LIBRARY_IMPL(lapidary, Autograd, library) { library.impl("bias_activation", lapidary::biasActivationAutograd); }
