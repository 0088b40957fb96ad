// Counts the floating-point operations of the matrix products that this thread runs, forward and backward alike.
#include <ATen/record_function.h>

#include "bridge.h"
#include "flops.h"

namespace lapidary {

struct FlopCount {
  at::CallbackHandle callback = 0;
  bool running = false;
  double flops = 0;
};

static thread_local FlopCount flopCounter;

static int64_t size(const c10::IValue& value, int64_t axis) { return value.toTensor().size(axis); }

// 2·rows·inner·columns per product; everything else is small beside them and left out.
static double flopsOf(const std::string& name, const at::RecordFunction& function) {
  if (name != "aten::mm" && name != "aten::addmm" && name != "aten::bmm") return 0;
  const auto inputs = function.inputs();
  if (name == "aten::mm") return 2.0 * size(inputs[0], 0) * size(inputs[0], 1) * size(inputs[1], 1);
  if (name == "aten::addmm") return 2.0 * size(inputs[1], 0) * size(inputs[1], 1) * size(inputs[2], 1);
  return 2.0 * size(inputs[0], 0) * size(inputs[0], 1) * size(inputs[0], 2) * size(inputs[1], 2);
}

static std::unique_ptr<at::ObserverContext> onCall(const at::RecordFunction& function) {
  flopCounter.flops += flopsOf(function.name(), function);
  return nullptr;
}

bool countsFlops() { return flopCounter.running; }

void addFlops(double flops) { flopCounter.flops += flops; }

// startFlops(): begins to count from 0.
static napi_value startFlops(const Call& call) {
  if (flopCounter.running) throw BridgeError("argument", "floating-point operations are already being counted");
  auto callback = at::RecordFunctionCallback(onCall).needsInputs(true).scopes({at::RecordScope::FUNCTION});
  flopCounter = {at::addThreadLocalCallback(callback), true, 0};
  return undefined(call.env);
}

// stopFlops() → floating-point operations since startFlops().
static napi_value stopFlops(const Call& call) {
  if (flopCounter.running) at::removeCallback(flopCounter.callback);
  flopCounter.running = false;
  return fromNumber(call.env, flopCounter.flops);
}

void defineFlops(napi_env env, napi_value exports) {
  define(env, exports, "startFlops", guarded<startFlops>);
  define(env, exports, "stopFlops", guarded<stopFlops>);
}

}  // namespace lapidary
