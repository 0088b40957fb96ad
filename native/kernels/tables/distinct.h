// The distinct ids of each feature of a batch: histories repeat few ids many times, so that what is computed of a row needs
// to be computed once.
#pragma once
#include "features.h"

namespace lapidary {

struct DistinctIds {
  std::vector<at::Tensor> codes;  // Of each feature, in order of appearance. [U_f] int64
  std::vector<int64_t> first;     // Where each feature's rows begin among the rows of all; at last their number, U.
  at::Tensor rows;                // Of each id of each feature its row among those of all. [F, L] int32
  int64_t count() const { return first.back(); }
};

// Features of L ids each.
DistinctIds distinctIds(const char* op, const FeatureList& list);

// The distinct rows of ids of all features side by side. What came of events is a few of all combinations.
struct DistinctTuples {
  std::vector<at::Tensor> codes;  // Of each feature, in order of appearance. [T] int64
  at::Tensor places;              // Of each position its tuple. [L] int32
};

// Nothing where that saves little: of one feature, or if there are more tuples than half of the positions.
c10::optional<DistinctTuples> distinctTuples(const FeatureList& list);

// The rows of the distinct ids, as sums have them. → [U, D]
at::Tensor distinctRows(at::TensorList tables, at::IntArrayRef features, const DistinctIds& distinct);

// Rows divided by their root mean square, n = x r with r = 1 / √(mean(x²) + ε).
struct NormalizedRows {
  at::Tensor rows, inverse;
};
NormalizedRows normalized(const at::Tensor& rows, double eps);

// dx = r (dn − n mean(n·dn))
at::Tensor normalizedBackward(const NormalizedRows& made, const at::Tensor& gradient);

// Keeps for a backward the tensors that are its own, behind them the ids, and which leaves want a gradient.
void saveDistinct(torch::autograd::AutogradContext* context, std::vector<at::Tensor> own, const DistinctIds& distinct,
                  at::IntArrayRef features, at::TensorList leaves);

// The ids among the saved tensors, of which the first `own` are the backward's own.
DistinctIds savedDistinct(torch::autograd::AutogradContext* context, const torch::autograd::variable_list& saved, size_t own);

// The sparse gradient of each leaf from that of the distinct rows; undefined for one that wants none.
torch::autograd::variable_list tableGradients(torch::autograd::AutogradContext* context, const DistinctIds& distinct,
                                              const at::Tensor& rows);

}  // namespace lapidary
