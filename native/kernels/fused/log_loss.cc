// masked_log_loss: Σ_t Σ_b m_bt ℓ(z_bt, y_bt) / max(1, known_t), ℓ = max(z, 0) − z y + log(1 + e^−|z|), in one pass with its
// gradient m (σ(z) − y) / max(1, known). logits, labels, mask [B, T], known [T] → scalar.
#include "fused.h"

namespace lapidary {

template <typename T>
static T pieceOf(const T* const* in, T* gradient, int64_t objectives, std::pair<int64_t, int64_t> rows) {
  const T *logits = in[0], *labels = in[1], *mask = in[2], *known = in[3];
  T total(0);
  for (int64_t row = rows.first; row < rows.second; ++row) {
    for (int64_t t = 0; t < objectives; ++t) {
      const int64_t i = row * objectives + t;
      const T z = logits[i];
      // (1 − y) z − min(z, 0) + …: infinite logits give what the sum of the terms gives.
      const T low = z < T(0) ? z : (z == z ? T(0) : z);
      const T loss = (T(1) - labels[i]) * z - low + std::log1p(std::exp(-std::abs(z)));
      const T weight = mask[i] / (known[t] > T(1) ? known[t] : (known[t] == known[t] ? T(1) : known[t]));
      total += loss * weight;
      if (gradient != nullptr) gradient[i] = (T(1) / (T(1) + std::exp(-z)) - labels[i]) * weight;
    }
  }
  return total;
}

static at::Tensor runLogLoss(const std::array<at::Tensor, 4>& in, at::Tensor* gradient) {
  const int64_t objectives = in[0].size(1);
  const Pieces pieces(in[0].size(0));
  at::Tensor parts = at::empty({pieces.count, 1}, in[0].options());
  if (gradient != nullptr) *gradient = at::empty_like(in[0]);
  AT_DISPATCH_FLOATING_TYPES(in[0].scalar_type(), "masked_log_loss", [&] {
    const scalar_t* from[4];
    for (int i = 0; i < 4; ++i) from[i] = in[i].data_ptr<scalar_t>();
    scalar_t* to = gradient != nullptr ? gradient->data_ptr<scalar_t>() : nullptr;
    at::parallel_for(0, pieces.count, 1, [&](int64_t first, int64_t last) {
      for (int64_t piece = first; piece < last; ++piece) {
        parts.data_ptr<scalar_t>()[piece] = pieceOf<scalar_t>(from, to, objectives, {pieces.begin(piece), pieces.end(piece)});
      }
    });
  });
  return sumOfPieces(parts).squeeze(0);
}

static std::array<at::Tensor, 4> contiguousInputs(const at::Tensor& logits, const at::Tensor& labels, const at::Tensor& mask, const at::Tensor& known) {
  return {logits.contiguous(), labels.contiguous(), mask.contiguous(), known.contiguous()};
}

class MaskedLogLoss : public torch::autograd::Function<MaskedLogLoss> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& logits, const at::Tensor& labels,
                            const at::Tensor& mask, const at::Tensor& known) {
    at::AutoDispatchBelowADInplaceOrView guard;
    at::Tensor gradient;
    at::Tensor loss = runLogLoss(contiguousInputs(logits, labels, mask, known), &gradient);
    context->save_for_backward({gradient});
    return loss;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, torch::autograd::variable_list gradients) {
    return {context->get_saved_variables()[0] * gradients[0], at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

// Labels that learn (a teacher with a gradient) take the plain composition, which differentiates them too.
static at::Tensor plainLogLoss(const at::Tensor& logits, const at::Tensor& labels, const at::Tensor& mask, const at::Tensor& known) {
  const at::Tensor losses = (1 - labels) * logits - logits.clamp_max(0) + (-logits.abs()).exp().log1p();
  return ((losses * mask).sum(0) / known.clamp_min(1)).sum();
}

static at::Tensor maskedLogLoss(const at::Tensor& logits, const at::Tensor& labels, const at::Tensor& mask, const at::Tensor& known) {
  const auto type = logits.scalar_type();
  TORCH_CHECK(logits.dim() == 2 && labels.sizes() == logits.sizes() && mask.sizes() == logits.sizes() && known.dim() == 1 &&
                  known.size(0) == logits.size(1),
              "masked_log_loss: logits, labels and mask must be [B, T] and known [T], got ", logits.sizes(), ", ", labels.sizes(), ", ",
              mask.sizes(), ", ", known.sizes());
  TORCH_CHECK(labels.scalar_type() == type && mask.scalar_type() == type && known.scalar_type() == type,
              "masked_log_loss: labels, mask and known must be of the logits' type, ", type);
  if (!hasKernel(logits) || recordsGradient({labels, mask, known})) return plainLogLoss(logits, labels, mask, known);
  if (recordsGradient({logits})) return MaskedLogLoss::apply(logits, labels, mask, known);
  at::AutoDispatchBelowADInplaceOrView guard;
  return runLogLoss(contiguousInputs(logits, labels, mask, known), nullptr);
}

}  // namespace lapidary

TORCH_LIBRARY_IMPL(lapidary, CompositeExplicitAutograd, library) { library.impl("masked_log_loss", lapidary::maskedLogLoss); }
TORCH_LIBRARY_IMPL(lapidary, Autograd, library) { library.impl("masked_log_loss", lapidary::maskedLogLoss); }
