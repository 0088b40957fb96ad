// segment_sum: sums of consecutive rows. values [L, ...], offsets [B+1] (int64, from 0 to L) → [B, ...].
#include "segments.h"

namespace lapidary {

// Rows of one segment are added in order, so the result does not depend on the number of threads.
static at::Tensor segmentSumCpu(const at::Tensor& valuesIn, const at::Tensor& offsetsIn) {
  checkSegments("segment_sum", valuesIn, offsetsIn);
  const at::Tensor values = valuesIn.contiguous();
  const at::Tensor offsets = offsetsIn.contiguous();
  const int64_t segments = offsets.size(0) - 1;
  const int64_t rows = values.size(0);
  const int64_t* bounds = offsets.data_ptr<int64_t>();
  checkBounds("segment_sum", bounds, segments, rows);
  at::Tensor result = at::zeros(segmentShape(values, offsets), values.options());
  const int64_t width = rows > 0 ? values.numel() / rows : 0;
  AT_DISPATCH_FLOATING_TYPES(values.scalar_type(), "segment_sum", [&] {
    const scalar_t* from = values.data_ptr<scalar_t>();
    scalar_t* to = result.data_ptr<scalar_t>();
    at::parallel_for(0, segments, 64, [&](int64_t begin, int64_t end) {
      for (int64_t s = begin; s < end; ++s) {
        scalar_t* sum = to + s * width;
        for (int64_t row = bounds[s]; row < bounds[s + 1]; ++row) {
          for (int64_t j = 0; j < width; ++j) sum[j] += from[row * width + j];
        }
      }
    });
  });
  return result;
}

// The plain composition, for devices that have no kernel of ours.
static at::Tensor segmentSumComposite(const at::Tensor& values, const at::Tensor& offsets) {
  checkSegments("segment_sum", values, offsets);
  return at::zeros(segmentShape(values, offsets), values.options())
      .index_add(0, segmentIds(offsets, values.size(0)), values);
}

// d/d values: each row receives the gradient of its segment's sum.
class SegmentSum : public torch::autograd::Function<SegmentSum> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& values,
                            const at::Tensor& offsets) {
    at::AutoDispatchBelowADInplaceOrView guard;
    static const auto op =
        c10::Dispatcher::singleton().findSchemaOrThrow("lapidary::segment_sum", "").typed<at::Tensor(const at::Tensor&, const at::Tensor&)>();
    at::Tensor result = op.call(values, offsets);  // Checks them; only then have values a size.
    context->save_for_backward({offsets});
    context->saved_data["rows"] = values.size(0);
    return result;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const at::Tensor offsets = context->get_saved_variables()[0];
    return {gradients[0].index_select(0, segmentIds(offsets, context->saved_data["rows"].toInt())), at::Tensor()};
  }
};

static at::Tensor segmentSumAutograd(const at::Tensor& values, const at::Tensor& offsets) {
  return SegmentSum::apply(values, offsets);
}

}  // namespace lapidary

TORCH_LIBRARY_IMPL(lapidary, CPU, library) { library.impl("segment_sum", lapidary::segmentSumCpu); }
TORCH_LIBRARY_IMPL(lapidary, CompositeExplicitAutograd, library) {
  library.impl("segment_sum", lapidary::segmentSumComposite);
}
TORCH_LIBRARY_IMPL(lapidary, Autograd, library) { library.impl("segment_sum", lapidary::segmentSumAutograd); }
