// adamw_: one update of parameters w and of the running means of their gradient, in one pass over memory:
//   m ← m + (1 − β₁)(g − m) ;  v ← β₂ v + (1 − β₂) g² ;  w ← (1 − η λ) w − η / c₁ · m / (√(v / c₂) + ε),  c = 1 − βᵗ
// Seven numbers are moved per parameter; as operators of libtorch's they are twenty.
#include "fused.h"

namespace lapidary {

namespace {

struct AdamW {
  double rate, beta1, beta2, eps, decay, correction1, correction2;
};

template <typename T>
struct AdamWJob {
  T *values, *first, *second;
  const T* gradient;
};

// All that the loop reads beside memory is a local: what could lie in the memory that it writes would keep it from vectors.
template <typename T>
LAPIDARY_INLINE void updateValues(const AdamWJob<T>& job, const AdamW& rule, int64_t begin, int64_t end) {
  const T rise1 = static_cast<T>(1 - rule.beta1), beta2 = static_cast<T>(rule.beta2), rise2 = static_cast<T>(1 - rule.beta2);
  const T correction2 = static_cast<T>(rule.correction2), eps = static_cast<T>(rule.eps), kept = static_cast<T>(1 - rule.rate * rule.decay);
  const T rate = static_cast<T>(rule.rate / rule.correction1);
  T *__restrict values = job.values, *__restrict first = job.first, *__restrict second = job.second;
  const T* __restrict gradient = job.gradient;
  for (int64_t i = begin; i < end; ++i) {
    const T g = gradient[i];
    const T m = first[i] + rise1 * (g - first[i]);
    const T v = beta2 * second[i] + rise2 * g * g;
    first[i] = m;
    second[i] = v;
    values[i] = kept * values[i] - rate * m / (std::sqrt(v / correction2) + eps);
  }
}
template <typename T>
void updateRange(const AdamWJob<T>& job, const AdamW& rule, int64_t begin, int64_t end) {
  onEachIsa([&]() LAPIDARY_LAMBDA { updateValues(job, rule, begin, end); });
}

void updatePlainly(at::Tensor& values, at::Tensor& first, at::Tensor& second, const at::Tensor& gradient, const AdamW& rule) {
  first.lerp_(gradient, 1 - rule.beta1);
  second.mul_(rule.beta2).addcmul_(gradient, gradient, 1 - rule.beta2);
  const at::Tensor deviation = second.div(rule.correction2).sqrt_().add_(rule.eps);
  values.mul_(1 - rule.rate * rule.decay).addcdiv_(first, deviation, -rule.rate / rule.correction1);
}

}  // namespace

static void adamw(at::Tensor& values, at::Tensor& first, at::Tensor& second, const at::Tensor& gradient, double lr, double beta1,
                  double beta2, double eps, double decay, int64_t step) {
  for (const at::Tensor* tensor : std::initializer_list<const at::Tensor*>{&first, &second, &gradient}) {
    TORCH_CHECK(tensor->sizes() == values.sizes() && tensor->scalar_type() == values.scalar_type(), "adamw_: all must be ",
                values.scalar_type(), " ", values.sizes(), ", got ", tensor->scalar_type(), " ", tensor->sizes());
  }
  TORCH_CHECK(step >= 1, "adamw_: updates count from 1, got ", step);
  const auto steps = static_cast<double>(step);
  const AdamW rule{lr, beta1, beta2, eps, decay, 1 - std::pow(beta1, steps), 1 - std::pow(beta2, steps)};
  const bool together = values.is_contiguous() && first.is_contiguous() && second.is_contiguous() && gradient.is_contiguous();
  if (!hasKernel(values) || !together) return updatePlainly(values, first, second, gradient, rule);
  AT_DISPATCH_FLOATING_TYPES(values.scalar_type(), "adamw_", [&] {
    const AdamWJob<scalar_t> job{values.data_ptr<scalar_t>(), first.data_ptr<scalar_t>(), second.data_ptr<scalar_t>(), gradient.data_ptr<scalar_t>()};
    at::parallel_for(0, values.numel(), kGrain, [&](int64_t begin, int64_t end) { updateRange(job, rule, begin, end); });
  });
}

}  // namespace lapidary

TORCH_LIBRARY_IMPL(lapidary, CompositeExplicitAutograd, library) { library.impl("adamw_", lapidary::adamw); }
