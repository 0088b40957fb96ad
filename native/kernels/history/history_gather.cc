// history_gather_: cuts the histories of a batch out of the columns of an event store, in the stored widths, and codes
// them as features/coding.ts does. Example b reads the events [starts_b, starts_b + n_b), n_b = offsets_{b+1} − offsets_b:
//   age_i      = unit · Σ_{i < j ≤ e} gap_j,  e = starts_b + n_b the first event of the example's own time
//   a code c   → row_c if time_b > admitted_c, else 0, of the table [V, 2] of admitted_c and row_c; 0 beyond it
//   a number x → 0 if NaN, else 64 + sign(x) · min(63, ⌊2 log2(1 + |s x|)⌋), s > 0 the column's scale
//   an age     → 1 + min(55, ⌊2 log2(1 + age / 1 s)⌋)
// and 0 where age_i ≤ the column's delay: an outcome that was not known yet.
#ifdef __linux__
#include <sys/mman.h>
#endif

#include <algorithm>
#include <limits>

#include "bridge/torch.h"
#include "../vector.h"

namespace lapidary {

namespace {

// As in features/transform.ts, which the tests hold this against.
constexpr int32_t kNumberSteps = 63, kAgeSteps = 56;
constexpr double kSecondMs = 1000;

// Events for which starting a thread pays.
constexpr int64_t kGrain = 4096;

struct StoredColumn {
  const void* values;
  at::ScalarType type;
  // Both side by side: of a large table each look-up waits for one line of memory, not for two.
  const double* table;
  uint32_t codes;
  double scale;
  double delay;
  int32_t* target;
};

struct Histories {
  std::vector<StoredColumn> columns;
  const void* gaps;
  at::ScalarType gapType;
  double unit;
  const double* starts;
  const double* times;
  const int32_t* offsets;
  int64_t examples;
  int32_t* ages;
};

// Calls `body` with the values in their stored width: libtorch has no unsigned types of 16 and 32 bits. What is no
// integer is of type `Other`.
template <typename Other, typename Body>
LAPIDARY_INLINE void withStored(at::ScalarType type, const void* values, Body body) {
  switch (type) {
    case at::kByte:
      return body(static_cast<const uint8_t*>(values));
    case at::kShort:
      return body(static_cast<const uint16_t*>(values));
    case at::kInt:
      return body(static_cast<const uint32_t*>(values));
    default:
      return body(static_cast<const Other*>(values));
  }
}

// ⌊2 log2 y⌋ of y ≥ 1, from its exponent and whether its fraction reaches that of √2.
LAPIDARY_INLINE int64_t halfOctaves(double y) {
  constexpr int64_t kFraction = (int64_t(1) << 52) - 1, kRootOfTwo = 0x6A09E667F3BCD;
  const auto bits = bitsOf<int64_t>(y);
  return 2 * ((bits >> 52) - 1023) + ((bits & kFraction) >= kRootOfTwo ? 1 : 0);
}

LAPIDARY_INLINE int32_t numberBucket(double x) {
  const auto step = static_cast<int32_t>(std::min<int64_t>(kNumberSteps, halfOctaves(1.0 + std::fabs(x))));
  return x == x ? kNumberSteps + 1 + (x < 0 ? -step : step) : 0;
}

LAPIDARY_INLINE int32_t ageBucket(double age) {
  return 1 + static_cast<int32_t>(std::min<int64_t>(kAgeSteps - 1, halfOctaves(1.0 + age / kSecondMs)));
}

// Newest event first, so that each gap is added once.
template <typename Gap>
LAPIDARY_INLINE void sumGaps(const Gap* gaps, int64_t count, double unit, double* ages) {
  int64_t units = 0;
  for (int64_t i = count - 1; i >= 0; --i) {
    units += static_cast<int64_t>(gaps[i + 1]);
    ages[i] = static_cast<double>(units) * unit;
  }
}

// Code 0 never has a row: it stands in for what is beyond the table, so that the loop has no branches.
template <typename Code>
LAPIDARY_INLINE void lookUp(const Code* codes, int64_t count, const StoredColumn& column, double time, int32_t* target) {
  const double* table = column.table;
  const uint32_t size = column.codes;
  if (size == 0) std::fill_n(target, count, 0);
  for (int64_t i = 0; size > 0 && i < count; ++i) {
    const double* entry = table + 2 * static_cast<size_t>(codes[i] < size ? codes[i] : 0);
    target[i] = time > entry[0] ? static_cast<int32_t>(entry[1]) : 0;
  }
}

LAPIDARY_INLINE void lookUp(const float* numbers, int64_t count, const StoredColumn& column, double, int32_t* target) {
  const double scale = column.scale;
  for (int64_t i = 0; i < count; ++i) target[i] = numberBucket(scale * numbers[i]);
}

LAPIDARY_INLINE void hideUnknown(const double* ages, int64_t count, double delay, int32_t* target) {
  for (int64_t i = count - 1; i >= 0 && !(ages[i] > delay); --i) target[i] = 0;
}

// The histories of the examples [first, last).
LAPIDARY_INLINE void gatherExamples(const Histories& all, int64_t first, int64_t last) {
  std::vector<double> ages;
  for (int64_t b = first; b < last; ++b) {
    const int64_t at = all.offsets[b], count = all.offsets[b + 1] - at;
    if (count == 0) continue;
    const auto start = static_cast<int64_t>(all.starts[b]);
    if (static_cast<int64_t>(ages.size()) < count) ages.resize(count);
    double* age = ages.data();
    withStored<double>(all.gapType, all.gaps, [&](const auto* gaps) LAPIDARY_LAMBDA { sumGaps(gaps + start, count, all.unit, age); });
    for (const StoredColumn& column : all.columns) {
      int32_t* target = column.target + at;
      withStored<float>(column.type, column.values, [&](const auto* values) LAPIDARY_LAMBDA {
        lookUp(values + start, count, column, all.times[b], target);
      });
      hideUnknown(age, count, column.delay, target);
    }
    for (int64_t i = 0; i < count; ++i) all.ages[at + i] = ageBucket(age[i]);
  }
}

void gather(const Histories& all, int64_t first, int64_t last) {
  onEachIsa([&]() LAPIDARY_LAMBDA { gatherExamples(all, first, last); });
}

void checkStored(const at::Tensor& column, at::ScalarType other, int64_t events, const char* name) {
  const auto type = column.scalar_type();
  TORCH_CHECK((type == at::kByte || type == at::kShort || type == at::kInt || type == other) && column.dim() == 1 &&
                  column.size(0) == events && column.is_contiguous(),
              "history_gather_: ", name, " must be uint8, int16, int32 or ", other, " [", events, "], got ", type, " ", column.sizes());
}

void checkVector(const at::Tensor& tensor, at::ScalarType type, int64_t size, const char* name) {
  TORCH_CHECK(tensor.dim() == 1 && tensor.size(0) == size && tensor.scalar_type() == type && tensor.is_contiguous(),
              "history_gather_: ", name, " must be ", type, " [", size, "], got ", tensor.scalar_type(), " ", tensor.sizes());
}

// Example by example: within the columns, one event of the example's own time after it.
void checkRanges(const Histories& all, int64_t events, int64_t length) {
  TORCH_CHECK(all.offsets[0] == 0 && all.offsets[all.examples] == length, "history_gather_: offsets must run from 0 to ",
              length, ", got ", all.offsets[0], " to ", all.offsets[all.examples]);
  for (int64_t b = 0; b < all.examples; ++b) {
    const int64_t count = static_cast<int64_t>(all.offsets[b + 1]) - all.offsets[b];
    const double start = all.starts[b];
    TORCH_CHECK(count >= 0, "history_gather_: offsets must not decrease, they do at ", b);
    TORCH_CHECK_INDEX(count == 0 || (start >= 0 && start + static_cast<double>(count) < static_cast<double>(events)),
                      "history_gather_: the history of example ", b, " is ", count, " events from ", start, " on, of ", events);
  }
}

void checkTable(const at::Tensor& table) {
  TORCH_CHECK(table.dim() == 2 && table.size(1) == 2 && table.scalar_type() == at::kDouble && table.is_contiguous() &&
                  table.size(0) <= std::numeric_limits<uint32_t>::max(),
              "history_gather_: a table must be float64 [V, 2], got ", table.scalar_type(), " ", table.sizes());
  TORCH_CHECK(table.numel() == 0 || table.data_ptr<double>()[1] == 0, "history_gather_: code 0 must not have a row");
}

// Fresh memory of a batch is some thousand pages, and the system takes longer for them than this kernel for the codes.
void useHugePages(void* data, size_t bytes) {
#ifdef MADV_HUGEPAGE
  constexpr size_t kHugePage = size_t{1} << 21;
  const size_t begin = (reinterpret_cast<size_t>(data) + kHugePage - 1) / kHugePage * kHugePage;
  const size_t end = (reinterpret_cast<size_t>(data) + bytes) / kHugePage * kHugePage;
  if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
#endif
}

}  // namespace

static void historyGather(at::Tensor& codes, at::TensorList columns, at::TensorList tables,
                          at::ArrayRef<double> delays, const at::Tensor& gaps, double unit, const at::Tensor& starts,
                          const at::Tensor& times, const at::Tensor& offsets, at::ArrayRef<double> scales) {
  const size_t count = columns.size();
  const int64_t events = gaps.numel(), examples = starts.numel();
  TORCH_CHECK(tables.size() == count && delays.size() == count, "history_gather_: tables and delays must be of ", count,
              " columns");
  TORCH_CHECK(scales.empty() || scales.size() == count, "history_gather_: scales must be of ", count, " columns, got ", scales.size());
  TORCH_CHECK(codes.dim() == 2 && codes.size(0) == static_cast<int64_t>(count) + 1 && codes.scalar_type() == at::kInt &&
                  codes.is_contiguous(),
              "history_gather_: codes must be int32 [", count + 1, ", L], got ", codes.scalar_type(), " ", codes.sizes());
  checkStored(gaps, at::kDouble, events, "gaps");
  checkVector(starts, at::kDouble, examples, "starts");
  checkVector(times, at::kDouble, examples, "times");
  checkVector(offsets, at::kInt, examples + 1, "offsets");
  const int64_t length = codes.size(1);
  int32_t* target = codes.data_ptr<int32_t>();
  Histories all{{},       gaps.data_ptr(), gaps.scalar_type(), unit, starts.data_ptr<double>(), times.data_ptr<double>(),
                offsets.data_ptr<int32_t>(), examples, target + static_cast<int64_t>(count) * length};
  checkRanges(all, events, length);
  for (size_t c = 0; c < count; ++c) {
    checkStored(columns[c], at::kFloat, events, "a column");
    checkTable(tables[c]);
    all.columns.push_back({columns[c].data_ptr(), columns[c].scalar_type(), tables[c].data_ptr<double>(),
                           static_cast<uint32_t>(tables[c].size(0)), scales.empty() ? 1 : scales[c], delays[c], target + static_cast<int64_t>(c) * length});
  }
  useHugePages(target, codes.nbytes());
  // Pieces of as many events: an example is of the piece in which its history begins.
  const auto exampleAt = [&](int64_t event) { return std::lower_bound(all.offsets, all.offsets + examples, event) - all.offsets; };
  at::parallel_for(0, length, kGrain, [&](int64_t begin, int64_t end) { gather(all, exampleAt(begin), exampleAt(end)); });
}

}  // namespace lapidary

TORCH_LIBRARY_IMPL(lapidary, CPU, library) { library.impl("history_gather_", lapidary::historyGather); }
