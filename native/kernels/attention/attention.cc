// jagged_attention: attention of jagged queries to jagged keys, forward and backward, on the CPU. On other devices the
// callers in TypeScript take the plain composition. query [Lq, H, d], key [Lk, Hk, d], value [Lk, Hk, dv] → [Lq, H, dv].
#include "arguments.h"
#include "plan.h"
#include "bridge/flops.h"

namespace lapidary {

using namespace attention;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

template <typename T, typename Tensor>
static Rows<T> rowsOf(const Tensor& tensor) {
  return {tensor.template data_ptr<std::remove_const_t<T>>(), tensor.stride(0), tensor.stride(1)};
}

// Cosine and sine of position · base^(-2i/d). [positions, d / 2, 2]
static at::Tensor rotationsOf(const Arguments& a, const at::TensorOptions& options) {
  if (a.rotaryBase <= 0) return {};
  const auto place = options.dtype(at::kDouble);
  const int64_t dim = a.query.size(2);
  const at::Tensor frequencies = at::arange(0, dim, 2, place).mul(-std::log(a.rotaryBase) / static_cast<double>(dim)).exp();
  const at::Tensor angles = at::arange(a.longest(), place).unsqueeze(1) * frequencies;
  return at::stack({angles.cos(), angles.sin()}, -1).to(options.dtype()).contiguous();
}

template <typename T>
static Problem<T> problemOf(const Arguments& a, const at::Tensor& rotations) {
  Problem<T> p;
  p.query = rowsOf<const T>(a.query);
  p.key = rowsOf<const T>(a.key);
  p.value = rowsOf<const T>(a.value);
  p.heads = a.query.size(1);
  p.keyHeads = a.key.size(1);
  p.dim = a.query.size(2);
  p.valueDim = a.value.size(2);
  p.queryBounds = a.queryOffsets.data_ptr<int64_t>();
  p.keyBounds = a.keyOffsets.data_ptr<int64_t>();
  p.activation = a.activation;
  p.scale = a.scale;
  p.factor = a.factor;
  p.mask = a.mask;
  if (rotations.defined()) p.rotations = rotations.data_ptr<T>();
  if (a.positionBias.defined()) {
    p.positionBias = a.positionBias.data_ptr<T>();
    p.positionReach = a.positionBias.size(1) / 2;
    p.positionStride = a.positionBias.size(0) == 1 ? 0 : a.positionBias.size(1);
  }
  return p;
}

static Lengths lengthsOf(const Arguments& a) {
  return {a.queryOffsets.size(0) - 1, a.queryOffsets.data_ptr<int64_t>(), a.keyOffsets.data_ptr<int64_t>()};
}

// Two products of all pairs of a row and a key that it sees, so often; what backward computes again is not counted.
static void countProducts(const Arguments& a, double times) {
  if (!countsFlops()) return;
  const auto width = static_cast<double>(a.query.size(1) * (a.query.size(2) + a.value.size(2)));
  addFlops(2 * times * width * static_cast<double>(pairsOf(a.mask, lengthsOf(a))));
}

// Result, and the logarithms of softmax's sums if they are asked for.
static std::pair<at::Tensor, at::Tensor> forward(const Arguments& a, bool keep) {
  constexpr int64_t kRows = 512;
  countProducts(a, 1);
  const int64_t rows = a.query.size(0), heads = a.query.size(1);
  at::Tensor result = at::empty({rows, heads, a.value.size(2)}, a.query.options());
  at::Tensor logSums;
  if (keep && a.activation == Activation::Softmax) logSums = at::empty({rows, heads}, a.query.options());
  const at::Tensor rotations = rotationsOf(a, a.query.options());
  const Plan plan = planOf(a.mask, lengthsOf(a), a.key.size(1), kRows);
  AT_DISPATCH_FLOATING_TYPES(a.query.scalar_type(), "jagged_attention", [&] {
    Problem<scalar_t> p = problemOf<scalar_t>(a, rotations);
    p.result = rowsOf<scalar_t>(result);
    if (logSums.defined()) p.logSums = logSums.data_ptr<scalar_t>();
    const auto run = kernels<scalar_t>().forward;
    inParallel<scalar_t>(plan.items.size(), [&](int64_t i, Scratch<scalar_t>& scratch) {
      run(p, plan.items[i], scratch, nullptr, nullptr);
    });
  });
  return {result, logSums};
}

// Adds the items' partial gradients of keys in the items' order, each example and key head by one thread.
template <typename T>
static void addPartials(const Problem<T>& p, const Plan& plan, const T* keys, const T* values) {
  std::vector<int64_t> starts;
  for (const Item& item : plan.inOrder) {
    if (item.partial >= 0 && item.begin == 0) starts.push_back(item.number);
  }
  inParallel<T>(starts.size(), [&](int64_t s, Scratch<T>&) {
    const Item& first = plan.inOrder[starts[s]];
    for (size_t n = starts[s]; n < plan.inOrder.size(); ++n) {
      const Item& item = plan.inOrder[n];
      if (item.example != first.example || item.keyHead != first.keyHead) break;
      for (int64_t j = 0; j < item.keyEnd - item.keyBegin; ++j) {
        const int64_t row = p.keyBounds[item.example] + item.keyBegin + j;
        T* key = p.keyGradient.at(row, item.keyHead);
        T* value = p.valueGradient.at(row, item.keyHead);
        for (int64_t c = 0; c < p.dim; ++c) key[c] += keys[(item.partial + j) * p.dim + c];
        for (int64_t c = 0; c < p.valueDim; ++c) value[c] += values[(item.partial + j) * p.valueDim + c];
      }
    }
  });
}

// Of [items, group, columns] to [heads or 1, columns], in the items' order.
static at::Tensor addBias(const Plan& plan, const at::Tensor& parts, const at::Tensor& bias, int64_t keyHeads) {
  at::Tensor result = at::zeros_like(bias);
  const int64_t group = parts.size(1), columns = parts.size(2);
  AT_DISPATCH_FLOATING_TYPES(bias.scalar_type(), "jagged_attention", [&] {
    const scalar_t* from = parts.data_ptr<scalar_t>();
    scalar_t* to = result.data_ptr<scalar_t>();
    at::parallel_for(0, columns, 64, [&](int64_t begin, int64_t end) {
      for (const Item& item : plan.inOrder) {
        for (int64_t g = 0; g < group; ++g) {
          const scalar_t* part = from + (item.number * group + g) * columns;
          scalar_t* sum = to + (bias.size(0) == 1 ? 0 : (item.keyHead * group + g) * columns);
          for (int64_t c = begin; c < end; ++c) sum[c] += part[c];
        }
      }
    });
  });
  return result;
}

struct Gradients {
  at::Tensor query, key, value, positionBias;
};

static Gradients backward(const Arguments& a, const at::Tensor& gradient, const at::Tensor& output,
                          const at::Tensor& logSums) {
  countProducts(a, 2);
  // With many examples there is work for all threads; few long ones are cut, at the price of partial sums.
  const int64_t rowsPerItem = (a.queryOffsets.size(0) - 1) * a.key.size(1) >= 256 ? int64_t{1} << 40 : 1024;
  const Plan plan = planOf(a.mask, lengthsOf(a), a.key.size(1), rowsPerItem);
  const auto options = a.query.options();
  Gradients result{at::empty(a.query.sizes(), options), at::zeros(a.key.sizes(), options),
                   at::zeros(a.value.sizes(), options), {}};
  const int64_t items = plan.items.size(), group = a.query.size(1) / a.key.size(1);
  at::Tensor positions;
  if (a.positionBias.defined()) positions = at::zeros({items, group, a.positionBias.size(1)}, options);
  const at::Tensor keyParts = at::empty({plan.partialRows, a.key.size(2)}, options);
  const at::Tensor valueParts = at::empty({plan.partialRows, a.value.size(2)}, options);
  const at::Tensor rotations = rotationsOf(a, options);
  AT_DISPATCH_FLOATING_TYPES(a.query.scalar_type(), "jagged_attention", [&] {
    Problem<scalar_t> p = problemOf<scalar_t>(a, rotations);
    p.gradient = rowsOf<const scalar_t>(gradient);
    p.output = rowsOf<const scalar_t>(output);
    p.queryGradient = rowsOf<scalar_t>(result.query);
    p.keyGradient = rowsOf<scalar_t>(result.key);
    p.valueGradient = rowsOf<scalar_t>(result.value);
    if (logSums.defined()) p.logSums = logSums.data_ptr<scalar_t>();
    if (positions.defined()) p.positionGradients = positions.data_ptr<scalar_t>();
    const auto run = kernels<scalar_t>().backward;
    scalar_t* keys = keyParts.data_ptr<scalar_t>();
    scalar_t* values = valueParts.data_ptr<scalar_t>();
    inParallel<scalar_t>(items, [&](int64_t i, Scratch<scalar_t>& scratch) {
      const Item& item = plan.items[i];
      const bool whole = item.partial < 0;
      run(p, item, scratch, whole ? nullptr : keys + item.partial * p.dim, whole ? nullptr : values + item.partial * p.valueDim);
    });
    addPartials<scalar_t>(p, plan, keys, values);
  });
  if (positions.defined()) result.positionBias = addBias(plan, positions, a.positionBias, a.key.size(1));
  return result;
}

class JaggedAttention : public torch::autograd::Function<JaggedAttention> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& query, const at::Tensor& key,
                            const at::Tensor& value, const c10::optional<at::Tensor>& positionBias,
                            const Arguments* arguments) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const Arguments a = arguments->ready();
    auto [result, logSums] = lapidary::forward(a, true);
    context->save_for_backward({a.query, a.key, a.value, a.positionBias, a.queryOffsets, a.keyOffsets, result, logSums});
    context->saved_data["activation"] = static_cast<int64_t>(a.activation);
    context->saved_data["numbers"] = std::vector<double>{a.scale, a.factor, a.rotaryBase};
    context->saved_data["mask"] = std::vector<int64_t>{a.mask.causal, a.mask.window, a.mask.globalKeys, a.mask.block};
    context->saved_data["dtype"] = static_cast<int64_t>(arguments->query.scalar_type());
    return result.to(arguments->query.scalar_type());
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    TORCH_CHECK(!at::GradMode::is_enabled(), "jagged_attention: there is no second derivative");
    const variable_list saved = context->get_saved_variables();
    Arguments a;
    a.query = saved[0], a.key = saved[1], a.value = saved[2], a.positionBias = saved[3];
    a.queryOffsets = saved[4], a.keyOffsets = saved[5];
    a.activation = static_cast<Activation>(context->saved_data["activation"].toInt());
    const auto numbers = context->saved_data["numbers"].toDoubleVector();
    a.scale = numbers[0], a.factor = numbers[1], a.rotaryBase = numbers[2];
    const auto mask = context->saved_data["mask"].toIntVector();
    a.mask = {mask[0] != 0, mask[1], mask[2], mask[3]};
    const at::Tensor upstream = gradients[0].to(a.query.scalar_type()).contiguous();
    Gradients result = lapidary::backward(a, upstream, saved[6], saved[7]);
    const auto dtype = static_cast<at::ScalarType>(context->saved_data["dtype"].toInt());
    const auto back = [&](const at::Tensor& tensor) { return tensor.defined() ? tensor.to(dtype) : tensor; };
    return {back(result.query), back(result.key), back(result.value), back(result.positionBias), at::Tensor()};
  }
};

using Optional = c10::optional<at::Tensor>;

template <bool Differentiable>
static at::Tensor jaggedAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                                  const at::Tensor& queryOffsets, const at::Tensor& keyOffsets, const Optional& positionBias,
                                  c10::string_view activation, double scale, double factor, bool causal, int64_t window,
                                  int64_t globalKeys, int64_t block, double rotaryBase) {
  const Arguments a = {query, key, value, queryOffsets, keyOffsets, positionBias.value_or(at::Tensor()),
                       activationOf(activation), scale, factor, {causal, window, globalKeys, block}, rotaryBase};
  a.check();
  if (Differentiable) return JaggedAttention::apply(query, key, value, positionBias, &a);
  return lapidary::forward(a.ready(), false).first.to(query.scalar_type());
}

}  // namespace lapidary

TORCH_LIBRARY_IMPL(lapidary, CPU, library) { library.impl("jagged_attention", lapidary::jaggedAttention<false>); }
TORCH_LIBRARY_IMPL(lapidary, AutogradCPU, library) { library.impl("jagged_attention", lapidary::jaggedAttention<true>); }
