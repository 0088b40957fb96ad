// to_rows, from_rows: between values and the rows of a table in any format.
#include "features.h"

namespace lapidary {

template <typename Rows, typename Noise>
static void writeRows(const float* from, void* to, int64_t rows, int64_t dim, int64_t width, const Noise& noiseOf) {
  at::parallel_for(0, rows, 256, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      Rows::write(static_cast<typename Rows::Element*>(to) + row * width, from + row * dim, dim, noiseOf(row));
    }
  });
}

// values [n, D] → rows [n, D] or, of int8, [n, D + 8]. To the nearest, or, with a seed, stochastically.
static at::Tensor toRowsCpu(const at::Tensor& values, at::ScalarType format, c10::optional<int64_t> seed, int64_t step) {
  TORCH_CHECK(values.dim() == 2 && at::isFloatingType(values.scalar_type()), "to_rows: values must be floats [n, D], got ",
              values.scalar_type(), " ", values.sizes());
  withRows(format, "to_rows", [](auto) {});
  if (format == at::kDouble || format == at::kFloat || (format != at::kByte && !seed)) return values.to(format).contiguous();
  const at::Tensor from = values.to(at::kFloat).contiguous();
  const int64_t rows = from.size(0), dim = from.size(1), width = dim + (format == at::kByte ? kInt8Tail : 0);
  at::Tensor result = at::empty({rows, width}, from.options().dtype(format));
  withRows(format, "to_rows", [&](auto type) {
    using Rows = decltype(type);
    if constexpr (std::is_same_v<typename Rows::Sum, float> && sizeof(typename Rows::Element) < sizeof(float)) {
      const auto write = [&](const auto& noiseOf) {
        writeRows<Rows>(from.data_ptr<float>(), result.data_ptr(), rows, dim, width, noiseOf);
      };
      if (!seed) write([](int64_t) { return Nearest(); });
      else write([&](int64_t row) { return RowNoise(*seed, step, row); });
    }
  });
  return result;
}

static at::Tensor fromRows(const at::Tensor& rows) {
  TORCH_CHECK(rows.dim() == 2, "from_rows: rows must be [n, width], got ", rows.sizes());
  withRows(rows.scalar_type(), "from_rows", [](auto) {});
  TORCH_CHECK(rowDim(rows) >= 0, "from_rows: int8 rows are at least ", kInt8Tail, " wide, got ", rows.size(1));
  return plainRows(rows);
}

}  // namespace lapidary

TORCH_LIBRARY_IMPL(lapidary, CPU, library) { library.impl("to_rows", lapidary::toRowsCpu); }
TORCH_LIBRARY_IMPL(lapidary, CompositeExplicitAutograd, library) { library.impl("from_rows", lapidary::fromRows); }
