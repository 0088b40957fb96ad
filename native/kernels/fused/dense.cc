// dense: y = act(x Wᵀ + b) over the last axis; x [..., in], W [out, in], b [out] → [..., out].
//   z = x Wᵀ + b, δ = g act'(z):  dx = δ W ;  dW = δᵀ x ;  db = Σ δ.
// half: x, W and δ are rounded to bfloat16 before the three products, which add in float32; W itself, its gradient and all
// else stay float32. float8: x and z are kept for backward as float8 codes (relu: one bit per element).
#include "fused.h"
#include "half_product.h"

namespace lapidary {

static at::Tensor rounded(const at::Tensor& x, bool half) { return half ? x.to(at::kBFloat16) : x; }

struct DenseInputs {
  at::Tensor input, weight, bias;
  Activation activation;
  bool half, float8;
};

struct Computed {
  at::Tensor y, sum;
};

// a b + bias of factors that are bfloat16, or wide both.
static at::Tensor matrixProduct(const HalfFactor& a, const HalfFactor& b, const at::Tensor& bias = {}) {
  if (a.matrix.scalar_type() == at::kBFloat16) return halfProduct(a, b, bias.defined() ? bias.contiguous() : bias);
  const at::Tensor left = a.transposed ? a.matrix.t() : a.matrix, right = b.transposed ? b.matrix.t() : b.matrix;
  return bias.defined() ? at::addmm(bias, left, right) : at::mm(left, right);
}

// rows, weight: rounded already.
static Computed product(const DenseInputs& in, const at::Tensor& rows, const at::Tensor& weight, bool keeps) {
  if (in.activation == Activation::kNone) return {matrixProduct({rows}, {weight, true}, in.bias), at::Tensor()};
  const bool smooth = in.activation == Activation::kGelu || in.activation == Activation::kSilu;
  Computed out;
  const at::Tensor z = matrixProduct({rows}, {weight, true});
  if (smooth && keeps) out.sum = z;
  out.y = biasActivation(z, in.bias.defined() ? in.bias.contiguous() : in.bias, in.activation, smooth && keeps ? &out.sum : nullptr);
  return out;
}

static std::vector<int64_t> resultShape(const DenseInputs& in) {
  std::vector<int64_t> shape = in.input.sizes().vec();
  shape.back() = in.weight.size(0);
  return shape;
}

class Dense : public torch::autograd::Function<Dense> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& input, const at::Tensor& weight,
                            const c10::optional<at::Tensor>& biasIn, int64_t activation, bool half, bool float8) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const at::Tensor bias = orEmpty(biasIn);
    const DenseInputs in{input, weight, bias, static_cast<Activation>(activation), half, float8};
    const at::Tensor rows = rowsOf(input);
    const at::Tensor narrowRows = rounded(rows, half), narrowWeight = rounded(weight, half);
    const Computed out = product(in, narrowRows, narrowWeight, true);
    at::Tensor result = out.y.view(resultShape(in));
    const Kept x = float8 ? keep(rows, true) : Kept{narrowRows, at::Tensor()};
    Kept z;
    if (out.sum.defined()) z = keep(out.sum, float8);
    else if (in.activation == Activation::kRelu) z.values = float8 ? positiveBits(out.y) : result;
    context->save_for_backward({x.values, x.scales, z.values, z.scales, narrowWeight});
    context->saved_data["activation"] = activation;
    context->saved_data["half"] = half;
    context->saved_data["shape"] = input.sizes();
    context->saved_data["wants"] = (input.requires_grad() ? 1 : 0) | (weight.requires_grad() ? 2 : 0) |
                                   (bias.defined() && bias.requires_grad() ? 4 : 0);
    return result;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, torch::autograd::variable_list gradients) {
    auto saved = context->get_saved_variables();
    const auto kind = static_cast<Activation>(context->saved_data["activation"].toInt());
    const bool half = context->saved_data["half"].toBool();
    const auto shape = context->saved_data["shape"].toIntVector();
    const int64_t wants = context->saved_data["wants"].toInt();
    const at::Tensor g = rowsOf(gradients[0]);
    const auto type = g.scalar_type();
    const at::Tensor weight = saved[4];
    at::Tensor sum, bias;
    {
      const at::Tensor z = saved[2].defined() ? restore(saved[2], saved[3], type, g.sizes()) : at::Tensor();
      const ActivationGradients inner = activationBackward(g, {z, saved[3].defined() ? Keeping::kRestored : Keeping::kAsItIs}, kind, (wants & 4) != 0);
      sum = rounded(inner.sum, half);
      bias = inner.bias;
    }
    at::Tensor dInput, dWeight;
    if ((wants & 2) != 0) {
      const at::Tensor kept = restore(saved[0], saved[1], type, {g.size(0), weight.size(1)});
      const at::Tensor rows = kept.scalar_type() == type && saved[1].defined() ? rounded(kept, half) : kept;
      dWeight = matrixProduct({sum, true}, {rows});
    }
    if ((wants & 1) != 0) dInput = matrixProduct({sum}, {weight}).view(shape);
    return {dInput, dWeight, bias, at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

static void checkDense(const DenseInputs& in) {
  TORCH_CHECK(in.input.dim() >= 1 && in.weight.dim() == 2 && in.input.size(-1) == in.weight.size(1), "dense: input ", in.input.sizes(),
              " does not end in the columns of weight ", in.weight.sizes());
  TORCH_CHECK(in.weight.scalar_type() == in.input.scalar_type(), "dense: weight must be of the input's type, ", in.input.scalar_type());
  TORCH_CHECK(!in.bias.defined() || (in.bias.dim() == 1 && in.bias.size(0) == in.weight.size(0) && in.bias.scalar_type() == in.input.scalar_type()),
              "dense: bias must be [", in.weight.size(0), "] of the input's type");
}

// The plain composition, for devices and types that have no kernel of ours.
static at::Tensor plainDense(const DenseInputs& in) {
  const auto type = in.input.scalar_type();
  const at::Tensor z = at::linear(rounded(in.input, in.half), rounded(in.weight, in.half)).to(type);
  return plainActivation(in.bias.defined() ? z + in.bias : z, in.activation);
}

// One function for both keys: whether a gradient is recorded, it sees itself. float64 is for tests and never rounded.
static at::Tensor dense(const at::Tensor& input, const at::Tensor& weight, const c10::optional<at::Tensor>& bias,
                        c10::string_view activation, bool half, bool float8) {
  const DenseInputs in{input, weight, orEmpty(bias), activationOf(std::string(activation)), half && input.scalar_type() == at::kFloat, float8};
  checkDense(in);
  if (!hasKernel(input)) return plainDense(in);
  if (recordsGradient({input, weight, in.bias})) {
    return Dense::apply(input, weight, orNone(in.bias), static_cast<int64_t>(in.activation), in.half, in.float8);
  }
  at::AutoDispatchBelowADInplaceOrView guard;
  return product(in, rounded(rowsOf(input), in.half), rounded(weight, in.half), false).y.view(resultShape(in));
}

}  // namespace lapidary

TORCH_LIBRARY_IMPL(lapidary, CompositeExplicitAutograd, library) { library.impl("dense", lapidary::dense); }
TORCH_LIBRARY_IMPL(lapidary, Autograd, library) { library.impl("dense", lapidary::dense); }
