// Counts the bytes of tensors that this thread allocates on the CPU: those that live now, and the most that ever did.
#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include "bridge.h"

namespace lapidary {

class MemoryCount : public c10::MemoryReportingInfoBase {
 public:
  // Sizes of freed memory are negative. Totals, which are not read, are int64_t in libtorch 1 and size_t in libtorch 2:
  // of each pair the one that it declares is an override.
  void reportMemoryUsage(void*, int64_t size, int64_t, int64_t, c10::Device device) { count(size, device); }
  void reportMemoryUsage(void*, int64_t size, size_t, size_t, c10::Device device) { count(size, device); }
  void reportOutOfMemory(int64_t, int64_t, int64_t, c10::Device) {}
  void reportOutOfMemory(int64_t, size_t, size_t, c10::Device) {}
  bool memoryProfilingEnabled() const override { return true; }

  int64_t live = 0;
  int64_t peak = 0;

 private:
  void count(int64_t size, c10::Device device) {
    if (!device.is_cpu()) return;
    live += size;
    peak = std::max(peak, live);
  }
};

static thread_local std::shared_ptr<MemoryCount> counter;

// startMemory(): begins to count from 0.
static napi_value startMemory(const Call& call) {
  if (counter) throw BridgeError("argument", "memory is already being counted");
  counter = std::make_shared<MemoryCount>();
  c10::ThreadLocalDebugInfo::_push(c10::DebugInfoKind::PROFILER_STATE, counter);
  return undefined(call.env);
}

// liveMemory() → bytes allocated and not freed since startMemory().
static napi_value liveMemory(const Call& call) {
  return fromNumber(call.env, counter ? static_cast<double>(counter->live) : 0);
}

// stopMemory() → the most bytes that lived at once since startMemory().
static napi_value stopMemory(const Call& call) {
  const double peak = counter ? static_cast<double>(counter->peak) : 0;
  if (counter) c10::ThreadLocalDebugInfo::_pop(c10::DebugInfoKind::PROFILER_STATE);
  counter.reset();
  return fromNumber(call.env, peak);
}

void defineMemory(napi_env env, napi_value exports) {
  define(env, exports, "startMemory", guarded<startMemory>);
  define(env, exports, "liveMemory", guarded<liveMemory>);
  define(env, exports, "stopMemory", guarded<stopMemory>);
}

}  // namespace lapidary
