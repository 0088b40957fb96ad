// Gradients: what libtorch's autograd engine offers, one function each.
#include "bridge.h"

namespace lapidary {

// backward(tensor, gradient | null, retainGraph): accumulates into the .grad of the leaves.
static napi_value backward(const Call& call) {
  const at::Tensor tensor = toTensor(call, call.values[0], "tensor");
  std::vector<at::Tensor> gradients;
  if (!isNothing(call.env, call.values[1])) gradients.push_back(toTensor(call, call.values[1], "gradient"));
  torch::autograd::backward({tensor}, gradients, toBool(call.env, call.values[2], "retainGraph"), false);
  return undefined(call.env);
}

// grad(outputs, inputs, gradients, createGraph) → a gradient per input, null where the outputs do not depend on it.
static napi_value grad(const Call& call) {
  const auto outputs = toTensors(call, call.values[0], "outputs");
  const auto inputs = toTensors(call, call.values[1], "inputs");
  const auto gradients = toTensors(call, call.values[2], "gradients");
  const bool create = toBool(call.env, call.values[3], "createGraph");
  return fromTensors(call, torch::autograd::grad(outputs, inputs, gradients, create, create, true));
}

static napi_value gradOf(const Call& call) {
  return fromTensor(call, toTensor(call, call.values[0], "tensor").grad());
}

// setGrad(tensor, gradient | null). libtorch would take any, and the next backward add to it or fail.
static napi_value setGrad(const Call& call) {
  at::Tensor tensor = toTensor(call, call.values[0], "tensor");
  at::Tensor gradient;
  if (!isNothing(call.env, call.values[1])) {
    gradient = toTensor(call, call.values[1], "gradient");
    if (gradient.sizes() != tensor.sizes() || gradient.dtype() != tensor.dtype() ||
        gradient.device() != tensor.device()) {
      throw BridgeError("argument", "a gradient that differs from its tensor in shape, dtype or device");
    }
  }
  tensor.mutable_grad() = gradient;
  return undefined(call.env);
}

static napi_value requiresGrad(const Call& call) {
  return fromBool(call.env, toTensor(call, call.values[0], "tensor").requires_grad());
}

static napi_value setRequiresGrad(const Call& call) {
  at::Tensor tensor = toTensor(call, call.values[0], "tensor");
  tensor.requires_grad_(toBool(call.env, call.values[1], "requiresGrad"));
  return undefined(call.env);
}

// setGradEnabled(enabled) → what it was, on this thread.
static napi_value setGradEnabled(const Call& call) {
  const bool before = at::GradMode::is_enabled();
  at::GradMode::set_enabled(toBool(call.env, call.values[0], "enabled"));
  return fromBool(call.env, before);
}

void defineAutograd(napi_env env, napi_value exports) {
  define(env, exports, "backward", guarded<backward>);
  define(env, exports, "grad", guarded<grad>);
  define(env, exports, "gradOf", guarded<gradOf>);
  define(env, exports, "setGrad", guarded<setGrad>);
  define(env, exports, "requiresGrad", guarded<requiresGrad>);
  define(env, exports, "setRequiresGrad", guarded<setRequiresGrad>);
  define(env, exports, "setGradEnabled", guarded<setGradEnabled>);
}

}  // namespace lapidary
