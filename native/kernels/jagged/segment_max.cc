// segment_max: largest value of each column over consecutive rows, -inf for an empty segment; NaN wins. No gradient.
// values [L, ...], offsets [B+1] (int64, from 0 to L) → [B, ...].
#include <algorithm>
#include <limits>

#include "segments.h"

namespace lapidary {

static at::Tensor segmentMaxCpu(const at::Tensor& valuesIn, const at::Tensor& offsetsIn) {
  checkSegments("segment_max", valuesIn, offsetsIn);
  const at::Tensor values = valuesIn.contiguous();
  const at::Tensor offsets = offsetsIn.contiguous();
  const int64_t segments = offsets.size(0) - 1;
  const int64_t rows = values.size(0);
  const int64_t* bounds = offsets.data_ptr<int64_t>();
  checkBounds("segment_max", bounds, segments, rows);
  at::Tensor result = at::empty(segmentShape(values, offsets), values.options());
  const int64_t width = rows > 0 ? values.numel() / rows : 0;
  AT_DISPATCH_FLOATING_TYPES(values.scalar_type(), "segment_max", [&] {
    const scalar_t* from = values.data_ptr<scalar_t>();
    scalar_t* to = result.data_ptr<scalar_t>();
    std::fill_n(to, result.numel(), -std::numeric_limits<scalar_t>::infinity());
    at::parallel_for(0, segments, 64, [&](int64_t begin, int64_t end) {
      for (int64_t s = begin; s < end; ++s) {
        scalar_t* max = to + s * width;
        for (int64_t row = bounds[s]; row < bounds[s + 1]; ++row) {
          for (int64_t j = 0; j < width; ++j) {
            const scalar_t value = from[row * width + j];
            if (!(value <= max[j])) max[j] = std::isnan(max[j]) ? max[j] : value;
          }
        }
      }
    });
  });
  return result;
}

// The plain composition, for devices that have no kernel of ours.
static at::Tensor segmentMaxComposite(const at::Tensor& values, const at::Tensor& offsets) {
  checkSegments("segment_max", values, offsets);
  const int64_t rows = values.size(0);
  std::vector<int64_t> columns(values.dim(), 1);
  columns[0] = rows;
  const at::Tensor index = segmentIds(offsets, rows).view(columns).expand_as(values);
  return at::full(segmentShape(values, offsets), -std::numeric_limits<double>::infinity(), values.options())
      .scatter_reduce(0, index, values, "amax");
}

}  // namespace lapidary

TORCH_LIBRARY_IMPL(lapidary, CPU, library) { library.impl("segment_max", lapidary::segmentMaxCpu); }
TORCH_LIBRARY_IMPL(lapidary, CompositeExplicitAutograd, library) {
  library.impl("segment_max", lapidary::segmentMaxComposite);
}
// It has no gradient. Where nothing says so, libtorch 2 records a node that fails in the backward.
TORCH_LIBRARY_IMPL(lapidary, Autograd, library) { library.impl("segment_max", torch::CppFunction::makeFallthrough()); }
