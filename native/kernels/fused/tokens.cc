// What mixes the tokens of each example, X_b [n, D]; a library calls a product for each example instead.
//   token_map: Y_b = W X_b, W [m, n].       dX_b = Wᵀ dY_b ;  dW = Σ_b dY_b X_bᵀ
//   token_products: P_b = X_b (X_bᵀ Y_b), the products of all pairs of tokens by a factor Y_b [n, k], with G_b = X_bᵀ Y_b:
//     H_b = X_bᵀ dP_b ;  dY_b = X_b H_b ;  dX_b = dP_b G_bᵀ + Y_b H_bᵀ
#include "bridge/flops.h"
#include "../small_product.h"
#include "fused.h"

namespace lapidary {

namespace {

// Calls `body(begin, end)` for ranges of examples with so many products each.
template <typename Body>
void forExamples(int64_t examples, int64_t products, const Body& body) {
  constexpr int64_t kProductsPerThread = 1 << 17;
  at::parallel_for(0, examples, std::max<int64_t>(1, kProductsPerThread / std::max<int64_t>(1, products)), body);
}

template <typename T>
struct MapJob {
  T* result;          // [B, m, D]
  const T* input;     // [B, n, D]
  Strided<T> weight;  // [m, n]
  int64_t to, from, dim;
};

template <typename T>
void mapExamples(const MapJob<T>& job, int64_t begin, int64_t end) {
  onEachIsa([&]() LAPIDARY_LAMBDA {
    for (int64_t b = begin; b < end; ++b) {
      smallProduct<false>(job.result + b * job.to * job.dim, job.weight, job.input + b * job.from * job.dim, {job.to, job.from, job.dim});
    }
  });
}

// [B, m, D] of a weight that is read by columns if it is `transposed`.
at::Tensor mapTokens(const at::Tensor& input, const at::Tensor& weight, bool transposed) {
  const int64_t size = input.size(0), from = input.size(1), dim = input.size(2), to = weight.size(transposed ? 1 : 0);
  at::Tensor result = at::empty({size, to, dim}, input.options());
  AT_DISPATCH_FLOATING_TYPES(input.scalar_type(), "token_map", [&] {
    const scalar_t* numbers = weight.data_ptr<scalar_t>();
    const int64_t columns = weight.size(1);
    const MapJob<scalar_t> job{result.data_ptr<scalar_t>(), input.data_ptr<scalar_t>(),
                               {numbers, transposed ? 1 : columns, transposed ? columns : 1}, to, from, dim};
    forExamples(size, to * from * dim, [&](int64_t begin, int64_t end) { mapExamples(job, begin, end); });
  });
  return result;
}

template <typename T>
struct MapGradientJob {
  T* result;         // [m, n]
  const T* gradient; // [B, m, D]
  const T* input;    // [B, n, D]
  T* room;           // [D, n]
  int64_t to, from, dim;
};

template <typename T>
void addMapGradients(const MapGradientJob<T>& job, int64_t begin, int64_t end) {
  onEachIsa([&]() LAPIDARY_LAMBDA {
    for (int64_t b = begin; b < end; ++b) {
      transpose(job.room, job.input + b * job.from * job.dim, job.from, job.dim);
      smallProduct<true>(job.result, Strided<T>{job.gradient + b * job.to * job.dim, job.dim, 1}, job.room, {job.to, job.dim, job.from});
    }
  });
}

// Σ_b dY_b X_bᵀ, in pieces that depend on the number of examples only.
at::Tensor mapGradient(const at::Tensor& gradient, const at::Tensor& input) {
  const int64_t size = input.size(0), from = input.size(1), dim = input.size(2), to = gradient.size(1);
  const Pieces pieces(size);
  at::Tensor parts = at::zeros({pieces.count, to * from}, input.options());
  AT_DISPATCH_FLOATING_TYPES(input.scalar_type(), "token_map", [&] {
    forExamples(pieces.count, pieces.size * to * from * dim, [&](int64_t begin, int64_t end) {
      std::vector<scalar_t> room(dim * from);
      for (int64_t p = begin; p < end; ++p) {
        addMapGradients<scalar_t>({parts.data_ptr<scalar_t>() + p * to * from, gradient.data_ptr<scalar_t>(), input.data_ptr<scalar_t>(),
                                   room.data(), to, from, dim}, pieces.begin(p), pieces.end(p));
      }
    });
  });
  return sumOfPieces(parts).view({to, from});
}

class TokenMap : public torch::autograd::Function<TokenMap> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& inputIn, const at::Tensor& weightIn) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const at::Tensor input = inputIn.contiguous(), weight = weightIn.contiguous();
    context->save_for_backward({input, weight});
    return mapTokens(input, weight, false);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, torch::autograd::variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor gradient = gradients[0].contiguous(), input = saved[0], weight = saved[1];
    const double products = 2.0 * static_cast<double>(input.numel() * weight.size(0));
    at::Tensor dInput, dWeight;
    if (context->needs_input_grad(0)) dInput = mapTokens(gradient, weight, true);
    if (context->needs_input_grad(1)) dWeight = mapGradient(gradient, input);
    if (countsFlops()) addFlops(products * (dInput.defined() + dWeight.defined()));
    return {dInput, dWeight};
  }
};

template <typename T>
struct ProductsJob {
  const T* input;     // [B, n, D]
  const T* factor;    // [B, n, k]
  T* result;          // [B, n, k]; of backward dY
  int64_t tokens, dim, columns;
  const T* gradient = nullptr;  // [B, n, k]
  T* inputGradient = nullptr;   // [B, n, D]
  int64_t room() const { return 3 * dim * columns; }
};

template <typename T>
void productsOf(const ProductsJob<T>& job, T* mixed, int64_t begin, int64_t end) {
  const int64_t tokens = job.tokens, dim = job.dim, columns = job.columns;
  onEachIsa([&]() LAPIDARY_LAMBDA {
    for (int64_t b = begin; b < end; ++b) {
      const T* x = job.input + b * tokens * dim;
      smallProduct<false>(mixed, Strided<T>{x, 1, dim}, job.factor + b * tokens * columns, {dim, tokens, columns});
      smallProduct<false>(job.result + b * tokens * columns, Strided<T>{x, dim, 1}, mixed, {tokens, dim, columns});
    }
  });
}

template <typename T>
void productsBackward(const ProductsJob<T>& job, T* mixed, int64_t begin, int64_t end) {
  const int64_t tokens = job.tokens, dim = job.dim, columns = job.columns;
  T *inner = mixed + dim * columns, *turned = inner + dim * columns;
  onEachIsa([&]() LAPIDARY_LAMBDA {
    for (int64_t b = begin; b < end; ++b) {
      const T *x = job.input + b * tokens * dim, *y = job.factor + b * tokens * columns, *g = job.gradient + b * tokens * columns;
      smallProduct<false>(mixed, Strided<T>{x, 1, dim}, y, {dim, tokens, columns});  // G
      smallProduct<false>(inner, Strided<T>{x, 1, dim}, g, {dim, tokens, columns});  // H
      smallProduct<false>(job.result + b * tokens * columns, Strided<T>{x, dim, 1}, inner, {tokens, dim, columns});
      T* to = job.inputGradient + b * tokens * dim;
      transpose(turned, mixed, dim, columns);
      smallProduct<false>(to, Strided<T>{g, columns, 1}, turned, {tokens, columns, dim});
      transpose(turned, inner, dim, columns);
      smallProduct<true>(to, Strided<T>{y, columns, 1}, turned, {tokens, columns, dim});
    }
  });
}

// Runs either for all examples. The job's results are set, and nothing of it is shared by two of them.
template <typename T, typename Body>
void forProducts(const ProductsJob<T>& job, int64_t size, const Body& body) {
  forExamples(size, 2 * job.tokens * job.dim * job.columns, [&](int64_t begin, int64_t end) {
    std::vector<T> room(job.room());
    body(job, room.data(), begin, end);
  });
}

template <typename T>
ProductsJob<T> productsJob(const at::Tensor& input, const at::Tensor& factor, const at::Tensor& result) {
  return {input.data_ptr<T>(), factor.data_ptr<T>(), result.data_ptr<T>(), input.size(1), input.size(2), factor.size(2)};
}

at::Tensor tokenProductsOf(const at::Tensor& input, const at::Tensor& factor) {
  at::Tensor result = at::empty_like(factor);
  AT_DISPATCH_FLOATING_TYPES(input.scalar_type(), "token_products", [&] {
    forProducts(productsJob<scalar_t>(input, factor, result), input.size(0), productsOf<scalar_t>);
  });
  return result;
}

// Two products forward, four backward.
void countPairs(const at::Tensor& input, int64_t columns, double times) {
  if (countsFlops()) addFlops(4 * times * static_cast<double>(input.numel() * columns));
}

class TokenProducts : public torch::autograd::Function<TokenProducts> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& inputIn, const at::Tensor& factorIn) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const at::Tensor input = inputIn.contiguous(), factor = factorIn.contiguous();
    context->save_for_backward({input, factor});
    return tokenProductsOf(input, factor);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, torch::autograd::variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor gradient = gradients[0].contiguous(), input = saved[0], factor = saved[1];
    at::Tensor dInput = at::empty_like(input), dFactor = at::empty_like(factor);
    countPairs(input, factor.size(2), 2);
    AT_DISPATCH_FLOATING_TYPES(input.scalar_type(), "token_products", [&] {
      auto job = productsJob<scalar_t>(input, factor, dFactor);
      job.gradient = gradient.data_ptr<scalar_t>();
      job.inputGradient = dInput.data_ptr<scalar_t>();
      forProducts(job, input.size(0), productsBackward<scalar_t>);
    });
    return {dInput, dFactor};
  }
};

}  // namespace

// One function for both keys: whether a gradient is recorded, it sees itself.
static at::Tensor tokenMap(const at::Tensor& input, const at::Tensor& weight) {
  TORCH_CHECK(input.dim() == 3 && weight.dim() == 2 && weight.size(1) == input.size(1) && weight.scalar_type() == input.scalar_type(),
              "token_map: weight ", weight.sizes(), " does not map the tokens of ", input.sizes(), ", of one type");
  if (!hasKernel(input)) return at::matmul(weight, input);
  if (countsFlops()) addFlops(2.0 * static_cast<double>(input.numel() * weight.size(0)));
  if (recordsGradient({input, weight})) return TokenMap::apply(input, weight);
  at::AutoDispatchBelowADInplaceOrView guard;
  return mapTokens(input.contiguous(), weight.contiguous(), false);
}

// One function for both keys: whether a gradient is recorded, it sees itself.
static at::Tensor tokenProducts(const at::Tensor& input, const at::Tensor& factor) {
  TORCH_CHECK(input.dim() == 3 && factor.dim() == 3 && factor.size(0) == input.size(0) && factor.size(1) == input.size(1) &&
                  factor.scalar_type() == input.scalar_type(),
              "token_products: factor ", factor.sizes(), " has no row for each token of ", input.sizes(), ", of one type");
  if (!hasKernel(input)) return at::matmul(input, at::matmul(input.transpose(1, 2), factor));
  countPairs(input, factor.size(2), 1);
  if (recordsGradient({input, factor})) return TokenProducts::apply(input, factor);
  at::AutoDispatchBelowADInplaceOrView guard;
  return tokenProductsOf(input.contiguous(), factor.contiguous());
}

}  // namespace lapidary

TORCH_LIBRARY_IMPL(lapidary, CompositeExplicitAutograd, library) {
  library.impl("token_map", lapidary::tokenMap);
  library.impl("token_products", lapidary::tokenProducts);
}
TORCH_LIBRARY_IMPL(lapidary, Autograd, library) {
  library.impl("token_map", lapidary::tokenMap);
  library.impl("token_products", lapidary::tokenProducts);
}
