// tables_attention: attention to ragged segments whose keys are rows of tables, one head per feature.
//   s_fl = scale · (q_bf · n(row_{code_fl}) + u_fl),  n(x) = x / √(mean(x²) + ε),  for the rows l of segment b
// `values_and_bias` [L, V·F + F] has V numbers of each head, then u: one tensor, since it is the largest by far and comes from one map.
//   y_bf = Σ_l softmax(s_f)_l v_fl over the segment and one row that stands in front of each: score scale · p_f, value r_f
// Keys are never written out: a row that a batch repeats is looked up and normalized once. With w the weights,
//   dv = w dy ;  ds = w (dy·v − dy·y) ;  dq_f = scale Σ_l ds n ;  dn_u = scale Σ_{b, l: row u} ds q_bf
#include "bridge/flops.h"
#include "../fused/fused.h"
#include "../jagged/segments.h"
#include "distinct.h"
#include "attention_segment.h"

namespace lapidary {

namespace {

struct AttentionInputs {
  at::Tensor query, valuesAndBias, prior, priorValues, offsets;
  double scale, eps;
  int64_t heads() const { return query.size(1); }
  int64_t dim() const { return query.size(2); }
  int64_t length() const { return valuesAndBias.size(0); }
  int64_t valueDim() const { return valuesAndBias.size(1) / std::max<int64_t>(1, heads()) - 1; }
};

}  // namespace

template <typename T>
static void attend(const AttendJob<T>& job, int64_t b, T* weights) {
  onEachIsa([&]() LAPIDARY_LAMBDA { byWidth(job.dim, [&](auto dim) LAPIDARY_LAMBDA { attendSegment<T, dim()>(job, b, weights); }); });
}
template <typename T>
static void attendBackward(const AttendJob<T>& job, int64_t b, T* weights) {
  onEachIsa([&]() LAPIDARY_LAMBDA {
    byWidth(job.dim, [&](auto dim) LAPIDARY_LAMBDA { attendSegmentBackward<T, dim()>(job, b, weights); });
  });
}
template <typename T>
static void scatter(const AttendJob<T>& job, int64_t size, T* gradients, T* perRow, int64_t begin, int64_t end) {
  onEachIsa([&]() LAPIDARY_LAMBDA {
    byWidth(job.dim, [&](auto dim) LAPIDARY_LAMBDA { scatterKeys<T, dim()>(job, size, gradients, perRow, begin, end); });
  });
}

static void checkAttention(const Lookup& lookup, const AttentionInputs& in) {
  constexpr const char* op = "tables_attention";
  checkShapes(op, lookup);
  const auto heads = static_cast<int64_t>(lookup.features.size());
  const int64_t length = heads > 0 ? lookup.codes[0].numel() : 0;
  TORCH_CHECK(heads > 0, op, ": there must be a feature");
  checkSegments(op, in.valuesAndBias, in.offsets);
  TORCH_CHECK(in.query.dim() == 3 && in.query.size(1) == heads && in.query.size(2) == rowDim(lookup.tables[0]) &&
                  in.query.size(0) == in.offsets.size(0) - 1,
              op, ": query must be [", in.offsets.size(0) - 1, ", ", heads, ", ", rowDim(lookup.tables[0]), "], got ", in.query.sizes());
  TORCH_CHECK(in.valuesAndBias.dim() == 2 && in.valuesAndBias.size(0) == length && in.valuesAndBias.size(1) >= heads && in.valuesAndBias.size(1) % heads == 0, op,
              ": values_and_bias must be [", length, ", ", heads, "·(V + 1)], got ", in.valuesAndBias.sizes());
  TORCH_CHECK(in.prior.sizes() == at::IntArrayRef({heads}) && in.priorValues.sizes() == at::IntArrayRef({heads * in.valueDim()}), op,
              ": the row in front must have scores [", heads, "] and values [", heads * in.valueDim(), "], got ", in.prior.sizes(), " and ",
              in.priorValues.sizes());
  const at::ScalarType type = sumType(lookup.tables[0].scalar_type());
  for (const at::Tensor* tensor : {&in.query, &in.valuesAndBias, &in.prior, &in.priorValues}) {
    TORCH_CHECK(tensor->scalar_type() == type, op, ": all numbers must be ", type, ", got ", tensor->scalar_type());
  }
}

static AttentionInputs contiguous(const AttentionInputs& in) {
  return {in.query.contiguous(), in.valuesAndBias.contiguous(), in.prior.contiguous(), in.priorValues.contiguous(),
          in.offsets.contiguous(), in.scale, in.eps};
}

template <typename T>
static AttendJob<T> jobOf(const AttentionInputs& in, const at::Tensor& keys, const DistinctIds& distinct, const at::Tensor& result,
                          const at::Tensor& logSums) {
  return {in.query.data_ptr<T>(), keys.data_ptr<T>(), in.valuesAndBias.data_ptr<T>(), in.prior.data_ptr<T>(), in.priorValues.data_ptr<T>(),
          distinct.rows.data_ptr<int32_t>(), distinct.first.data(), in.offsets.data_ptr<int64_t>(), result.data_ptr<T>(), logSums.data_ptr<T>(), in.heads(),
          in.length(),             in.dim(),                       in.valueDim(),        static_cast<T>(in.scale)};
}

// Calls `body(b, room)` for each segment, with a Room.
template <typename T, typename Body>
static void forEachSegment(const AttendJob<T>& job, int64_t size, const Body& body) {
  at::parallel_for(0, size, std::max<int64_t>(1, size * 512 / std::max<int64_t>(1, job.length)), [&](int64_t begin, int64_t end) {
    std::vector<T> room;
    for (int64_t b = begin; b < end; ++b) {
      const auto wanted = static_cast<size_t>(Room<T>::size(job, job.countOf(b)));
      if (room.size() < wanted) room.resize(wanted);
      body(b, room.data());
    }
  });
}

struct Attended {
  at::Tensor result, logSums;
  NormalizedRows keys;
  DistinctIds distinct;
};

// Two products of all pairs of a segment and its rows, so often.
static void countProducts(const AttentionInputs& in, double times) {
  if (countsFlops()) addFlops(2 * times * static_cast<double>(in.length() * in.heads() * (in.dim() + in.valueDim())));
}

static Attended attendTables(const Lookup& lookup, const AttentionInputs& in) {
  const FeatureList list = checkFeatures("tables_attention", lookup);
  const int64_t size = in.query.size(0);
  checkBounds("tables_attention", in.offsets.data_ptr<int64_t>(), size, in.length());
  countProducts(in, 1);
  Attended out;
  out.distinct = distinctIds("tables_attention", list);
  out.keys = normalized(distinctRows(lookup.tables, lookup.features, out.distinct), in.eps);
  out.result = at::empty({size, in.heads() * in.valueDim()}, in.query.options());
  out.logSums = at::empty({size, in.heads()}, in.query.options());
  AT_DISPATCH_FLOATING_TYPES(in.query.scalar_type(), "tables_attention", [&] {
    const auto job = jobOf<scalar_t>(in, out.keys.rows, out.distinct, out.result, out.logSums);
    forEachSegment(job, size, [&](int64_t b, scalar_t* room) { attend(job, b, room); });
  });
  return out;
}

// The plain composition, for devices that have no kernel of ours.
static at::Tensor attendTablesPlainly(const Lookup& lookup, const AttentionInputs& in, at::TensorList leaves) {
  const int64_t length = in.length(), heads = in.heads(), width = heads * in.valueDim();
  const at::Tensor ids = segmentIds(in.offsets, length);
  const at::Tensor keys = normalized(at::stack(poolTables(lookup, leaves), 1), in.eps).rows;
  const at::Tensor s = ((in.query.index_select(0, ids) * keys).sum(-1) + in.valuesAndBias.slice(1, width)) * in.scale;
  const at::Tensor front = (in.prior * in.scale).expand({in.query.size(0), heads});
  const at::Tensor most = front.detach().index_reduce(0, ids, s.detach(), "amax");
  const at::Tensor own = (s - most.index_select(0, ids)).exp(), other = (front - most).exp();
  const at::Tensor sums = other.index_add(0, ids, own);
  const at::Tensor weighted = (own / sums.index_select(0, ids)).unsqueeze(1) * in.valuesAndBias.slice(1, 0, width).reshape({length, in.valueDim(), heads});
  const at::Tensor result = ((other / sums).unsqueeze(1) * in.priorValues.view({in.valueDim(), heads})).index_add(0, ids, weighted);
  return result.flatten(1);
}

namespace {

class TablesAttention : public torch::autograd::Function<TablesAttention> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, at::TensorList leaves, const at::Tensor& query,
                            const at::Tensor& valuesAndBias, const at::Tensor& prior, const at::Tensor& priorValues,
                            const Lookup& lookup, const AttentionInputs& in) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const AttentionInputs inputs = contiguous(in);
    const Attended out = attendTables(lookup, inputs);
    saveDistinct(context, {inputs.query, inputs.valuesAndBias, inputs.prior, inputs.priorValues, inputs.offsets, out.result, out.logSums,
                           out.keys.rows, out.keys.inverse}, out.distinct, lookup.features, leaves);
    context->saved_data["scale"] = in.scale;
    return out.result;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const AttentionInputs in{saved[0], saved[1], saved[2], saved[3], saved[4], context->saved_data["scale"].toDouble(), 0};
    const at::Tensor result = saved[5], logSums = saved[6], keys = saved[7], inverse = saved[8];
    const DistinctIds distinct = savedDistinct(context, saved, 9);
    countProducts(in, 2);
    const at::Tensor gradient = gradients[0].contiguous();
    const int64_t size = in.query.size(0), heads = in.heads();
    const at::Tensor query = at::zeros_like(in.query), valuesAndBias = at::empty_like(in.valuesAndBias), keyGradient = at::zeros_like(keys);
    const at::Tensor scores = at::empty({heads, in.length()}, in.valuesAndBias.options());
    const at::Tensor prior = at::empty({size, heads}, in.prior.options());
    const at::Tensor priorValues = at::empty({size, in.priorValues.size(0)}, in.prior.options());
    AT_DISPATCH_FLOATING_TYPES(in.query.scalar_type(), "tables_attention", [&] {
      auto job = jobOf<scalar_t>(in, keys, distinct, result, logSums);
      job.gradient = gradient.data_ptr<scalar_t>();
      job.queryGradient = query.data_ptr<scalar_t>();
      job.scoreGradient = scores.data_ptr<scalar_t>();
      job.valuesAndBiasGradient = valuesAndBias.data_ptr<scalar_t>();
      job.priorGradient = prior.data_ptr<scalar_t>();
      job.priorValueGradient = priorValues.data_ptr<scalar_t>();
      forEachSegment(job, size, [&](int64_t b, scalar_t* room) { attendBackward(job, b, room); });
      scalar_t* to = keyGradient.data_ptr<scalar_t>();
      at::parallel_for(0, heads, 1, [&](int64_t begin, int64_t end) {
        std::vector<scalar_t> perRow(job.longest(size));
        scatter(job, size, to, perRow.data(), begin, end);
      });
    });
    torch::autograd::variable_list results =
        tableGradients(context, distinct, normalizedBackward({keys, inverse}, keyGradient));
    results.insert(results.end(), {query, valuesAndBias, prior.sum(0) * in.scale, priorValues.sum(0)});
    results.resize(results.size() + 2);
    return results;
  }
};

}  // namespace

// One function for both keys: whether a gradient is recorded, it sees itself.
static at::Tensor tablesAttention(at::TensorList tables, at::IntArrayRef features, at::TensorList codes, const at::Tensor& query,
                                  const at::Tensor& valuesAndBias, const at::Tensor& prior, const at::Tensor& priorValues,
                                  const at::Tensor& offsets, double scale, double eps, at::TensorList leaves) {
  const Lookup lookup{tables, features, codes, {}, {}, false};
  const AttentionInputs in{query, valuesAndBias, prior, priorValues, offsets, scale, eps};
  checkAttention(lookup, in);
  checkLeaves("tables_attention", tables, leaves);
  if (!hasKernel(query)) return attendTablesPlainly(lookup, in, leaves);
  if (at::GradMode::is_enabled()) {
    return TablesAttention::apply(leaves.empty() ? tables : leaves, query, valuesAndBias, prior, priorValues, lookup, in);
  }
  at::AutoDispatchBelowADInplaceOrView guard;
  return attendTables(lookup, contiguous(in)).result;
}

}  // namespace lapidary

TORCH_LIBRARY_IMPL(lapidary, CompositeExplicitAutograd, library) {
  library.impl("tables_attention", lapidary::tablesAttention);
}
TORCH_LIBRARY_IMPL(lapidary, Autograd, library) { library.impl("tables_attention", lapidary::tablesAttention); }
