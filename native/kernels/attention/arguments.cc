// Checks of jagged_attention's arguments: each message says what was expected and what came.
#include "arguments.h"

#include "../jagged/segments.h"

namespace lapidary {

using attention::Activation;

#define LAPIDARY_OP "jagged_attention"

Activation activationOf(c10::string_view name) {
  if (name == "softmax") return Activation::Softmax;
  TORCH_CHECK(name == "silu", LAPIDARY_OP ": activation must be softmax or silu, got ", name);
  return Activation::Silu;
}

static void checkRows(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value) {
  TORCH_CHECK(query.dim() == 3 && key.dim() == 3 && value.dim() == 3, LAPIDARY_OP
              ": query, key and value must be [rows, heads, dim], got ", query.sizes(), ", ", key.sizes(), ", ", value.sizes());
  TORCH_CHECK(key.size(0) == value.size(0) && key.size(1) == value.size(1), LAPIDARY_OP
              ": key and value must have the same rows and heads, got ", key.sizes(), " and ", value.sizes());
  TORCH_CHECK(query.size(2) == key.size(2) && query.size(2) > 0 && value.size(2) > 0, LAPIDARY_OP
              ": query and key must have the same dim, and none be 0, got ", query.sizes(), ", ", key.sizes(), ", ", value.sizes());
  TORCH_CHECK(key.size(1) > 0 && query.size(1) % key.size(1) == 0, LAPIDARY_OP ": ", query.size(1),
              " query heads are no multiple of ", key.size(1), " key heads");
  TORCH_CHECK(query.scalar_type() == key.scalar_type() && query.scalar_type() == value.scalar_type(), LAPIDARY_OP
              ": query, key and value must have one dtype, got ", query.scalar_type(), ", ", key.scalar_type(), ", ", value.scalar_type());
}

static void checkBias(const at::Tensor& bias, const at::Tensor& query) {
  if (!bias.defined()) return;
  TORCH_CHECK(bias.dim() == 2 && (bias.size(0) == 1 || bias.size(0) == query.size(1)) && bias.size(1) > 0 &&
                  bias.scalar_type() == query.scalar_type(),
              LAPIDARY_OP ": position_bias must be [1 or ", query.size(1), ", columns] of the queries' dtype, got ",
              bias.scalar_type(), " ", bias.sizes());
  TORCH_CHECK(bias.size(1) % 2 == 1, LAPIDARY_OP
              ": position_bias must have a column for each distance from -reach to reach, got ", bias.sizes());
}

void Arguments::check() const {
  checkRows(query, key, value);
  checkSegments(LAPIDARY_OP, query, queryOffsets);
  checkSegments(LAPIDARY_OP, key, keyOffsets);
  const at::Tensor queries = queryOffsets.contiguous(), keys = keyOffsets.contiguous();
  TORCH_CHECK(queries.sizes() == keys.sizes(), LAPIDARY_OP ": queries of ", queries.size(0) - 1, " examples and keys of ",
              keys.size(0) - 1);
  const int64_t examples = queries.size(0) - 1;
  checkBounds(LAPIDARY_OP, queries.data_ptr<int64_t>(), examples, query.size(0));
  checkBounds(LAPIDARY_OP, keys.data_ptr<int64_t>(), examples, key.size(0));
  TORCH_CHECK(longest() < std::numeric_limits<int32_t>::max() / 2, LAPIDARY_OP ": an example has too many rows");
  TORCH_CHECK(mask.window >= 0 && mask.globalKeys >= 0 && mask.block >= 0, LAPIDARY_OP
              ": window, global_keys and block must not be negative");
  if (mask.causal || mask.window > 0 || mask.globalKeys > 0 || mask.block > 0) {
    TORCH_CHECK(queries.equal(keys), LAPIDARY_OP ": a mask needs queries and keys of the same rows");
  }
  checkBias(positionBias, query);
  TORCH_CHECK(rotaryBase == 0 || (rotaryBase > 0 && query.size(2) % 2 == 0), LAPIDARY_OP
              ": rotary positions need a base above 0 and an even dim, got ", rotaryBase, " and ", query.size(2));
}

int64_t Arguments::longest() const {
  if (queryOffsets.size(0) < 2) return 0;
  return std::max(queryOffsets.diff().max().item<int64_t>(), keyOffsets.diff().max().item<int64_t>());
}

Arguments Arguments::ready() const {
  Arguments a = *this;
  const auto type = query.scalar_type() == at::kHalf || query.scalar_type() == at::kBFloat16 ? at::kFloat : query.scalar_type();
  for (at::Tensor* tensor : {&a.query, &a.key, &a.value}) {
    *tensor = tensor->to(type);
    if (tensor->stride(2) != 1) *tensor = tensor->contiguous();
  }
  if (a.positionBias.defined()) a.positionBias = a.positionBias.to(type).contiguous();
  a.queryOffsets = a.queryOffsets.contiguous();
  a.keyOffsets = a.keyOffsets.contiguous();
  return a;
}

}  // namespace lapidary
