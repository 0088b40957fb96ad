// The module: one state per JavaScript thread, conversions, errors.
#include "bridge.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace lapidary {

Environment& environment(napi_env env) {
  void* data = nullptr;
  napi_get_instance_data(env, &data);
  return *static_cast<Environment*>(data);
}

void check(napi_env env, napi_status status, const char* what) {
  if (status != napi_ok) throw BridgeError("argument", std::string(what) + " has the wrong type");
}

Call::Call(napi_env env, napi_callback_info info) : state(environment(env)), env(env) {
  check(env, napi_get_cb_info(env, info, &count, values, nullptr, nullptr), "call");
}

bool isNothing(napi_env env, napi_value value) {
  napi_valuetype type;
  napi_typeof(env, value, &type);
  return type == napi_undefined || type == napi_null;
}

double toDouble(napi_env env, napi_value value, const char* what) {
  double result = 0;
  check(env, napi_get_value_double(env, value, &result), what);
  return result;
}

int64_t toInt(napi_env env, napi_value value, const char* what) {
  double number = 0;
  if (napi_get_value_double(env, value, &number) == napi_ok) {
    if (number != std::trunc(number) || std::abs(number) > 9007199254740992.0) {
      throw BridgeError("argument", std::string(what) + " is not an integer");
    }
    return static_cast<int64_t>(number);
  }
  int64_t result = 0;
  bool lossless = false;
  check(env, napi_get_value_bigint_int64(env, value, &result, &lossless), what);
  if (!lossless) throw BridgeError("argument", std::string(what) + " does not fit 64 bits");
  return result;
}

bool toBool(napi_env env, napi_value value, const char* what) {
  bool result = false;
  check(env, napi_get_value_bool(env, value, &result), what);
  return result;
}

std::string toString(napi_env env, napi_value value, const char* what) {
  size_t length = 0;
  check(env, napi_get_value_string_utf8(env, value, nullptr, 0, &length), what);
  std::string result(length, '\0');
  napi_get_value_string_utf8(env, value, result.data(), length + 1, &length);
  return result;
}

template <typename T, typename Convert>
static std::vector<T> toList(napi_env env, napi_value value, const char* what, Convert convert) {
  uint32_t length = 0;
  check(env, napi_get_array_length(env, value, &length), what);
  std::vector<T> result;
  result.reserve(length);
  for (uint32_t i = 0; i < length; ++i) {
    napi_value element;
    check(env, napi_get_element(env, value, i, &element), what);
    result.push_back(convert(element));
  }
  return result;
}

std::vector<int64_t> toInts(napi_env env, napi_value value, const char* what) {
  return toList<int64_t>(env, value, what, [&](napi_value v) { return toInt(env, v, what); });
}

const at::Tensor& toTensor(const Call& call, napi_value value, const char* what) {
  uint32_t handle = 0;
  check(call.env, napi_get_value_uint32(call.env, value, &handle), what);
  return call.state.tensors.get(handle);
}

std::vector<at::Tensor> toTensors(const Call& call, napi_value value, const char* what) {
  return toList<at::Tensor>(call.env, value, what, [&](napi_value v) { return toTensor(call, v, what); });
}

napi_value fromNumber(napi_env env, double value) {
  napi_value result;
  napi_create_double(env, value, &result);
  return result;
}

napi_value fromBool(napi_env env, bool value) {
  napi_value result;
  napi_get_boolean(env, value, &result);
  return result;
}

napi_value fromString(napi_env env, const std::string& value) {
  napi_value result;
  napi_create_string_utf8(env, value.data(), value.size(), &result);
  return result;
}

napi_value fromInts(napi_env env, c10::IntArrayRef values) {
  napi_value result;
  napi_create_array_with_length(env, values.size(), &result);
  for (size_t i = 0; i < values.size(); ++i) {
    napi_set_element(env, result, i, fromNumber(env, static_cast<double>(values[i])));
  }
  return result;
}

napi_value fromTensor(const Call& call, at::Tensor tensor) {
  napi_value result;
  if (tensor.defined()) {
    napi_create_uint32(call.env, call.state.tensors.add(std::move(tensor)), &result);
  } else {
    napi_get_null(call.env, &result);
  }
  return result;
}

napi_value fromTensors(const Call& call, std::vector<at::Tensor> tensors) {
  napi_value result;
  napi_create_array_with_length(call.env, tensors.size(), &result);
  for (size_t i = 0; i < tensors.size(); ++i) {
    napi_set_element(call.env, result, i, fromTensor(call, std::move(tensors[i])));
  }
  return result;
}

napi_value undefined(napi_env env) {
  napi_value result;
  napi_get_undefined(env, &result);
  return result;
}

static bool contains(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

// libtorch has few exception types, so some kinds are told by their text.
static const char* kindOf(const std::string& message) {
  if (contains(message, "can't allocate memory") || contains(message, "out of memory") ||
      contains(message, "not enough memory")) {
    return "memory";
  }
  // libtorch's own words for a dtype without a kernel.
  return contains(message, "not implemented for '") ? "unsupported" : "operator";
}

static std::string firstLine(const std::string& text) { return text.substr(0, text.find('\n')); }

static void raise(napi_env env, const char* kind, const std::string& where, const std::string& message) {
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  if (pending) return;
  const Environment& state = environment(env);
  if (state.makeError == nullptr) {
    napi_throw_error(env, kind, message.c_str());
    return;
  }
  napi_value makeError, error;
  napi_get_reference_value(env, state.makeError, &makeError);
  napi_value arguments[] = {fromString(env, kind), fromString(env, where), fromString(env, message)};
  if (napi_call_function(env, undefined(env), makeError, 3, arguments, &error) == napi_ok) napi_throw(env, error);
}

napi_value throwCurrent(napi_env env, const std::string& where) {
  try {
    throw;
  } catch (const BridgeError& error) {
    raise(env, error.kind, where, error.what());
  } catch (const c10::NotImplementedError& error) {
    raise(env, "unsupported", where, firstLine(error.what_without_backtrace()));
  } catch (const c10::Error& error) {
    const std::string message = firstLine(error.what_without_backtrace());
    raise(env, kindOf(message), where, message);
  } catch (const std::bad_alloc&) {
    raise(env, "memory", where, "out of memory");
  } catch (const std::exception& error) {
    raise(env, "operator", where, firstLine(error.what()));
  } catch (...) {
    raise(env, "operator", where, "unknown native exception");
  }
  return nullptr;
}

void define(napi_env env, napi_value exports, const char* name, napi_callback callback) {
  napi_value function;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function);
  napi_set_named_property(env, exports, name, function);
}

// onError((kind, where, message) => Error): makes the errors that the bridge throws.
static napi_value onError(const Call& call) {
  napi_create_reference(call.env, call.values[0], 1, &call.state.makeError);
  return undefined(call.env);
}

}  // namespace lapidary

// A training step frees and takes the same blocks as the one before: keep them, instead of having the kernel clear fresh
// pages for each. Tensors from 1 MB on are large_blocks.cc's; the rest is theirs, and what libraries work in.
static void keepFreedMemory() {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 32 << 20);  // The largest that glibc allows.
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
#endif
}

NAPI_MODULE_INIT() {
  keepFreedMemory();
  lapidary::useLargeBlocks();
  auto* state = new lapidary::Environment();
  state->env = env;
  napi_set_instance_data(env, state, [](napi_env, void* data, void*) { delete static_cast<lapidary::Environment*>(data); },
                         nullptr);
  lapidary::define(env, exports, "onError", lapidary::guarded<lapidary::onError>);
  lapidary::defineOperators(env, exports);
  lapidary::defineTensors(env, exports);
  lapidary::defineAutograd(env, exports);
  lapidary::defineFlops(env, exports);
  lapidary::defineMemory(env, exports);
  lapidary::defineFileLock(env, exports);
  lapidary::defineProcessGroup(env, exports);
  return exports;
}
