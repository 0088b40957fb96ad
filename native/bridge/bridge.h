// What the parts of the bridge share: the state of one JavaScript thread, and conversions between its values and ours.
#pragma once
#include "handles.h"

namespace lapidary {

// A JavaScript typed array that a tensor looks into. Tensors die on any thread, references only on their own, so a
// dead tensor leaves its reference here and the owner's next call drops it.
struct DeadReferences {
  std::mutex mutex;
  std::vector<napi_ref> list;
};

// The signatures that most operators have; their arguments need no boxes.
using Unary = at::Tensor(const at::Tensor&);
using Binary = at::Tensor(const at::Tensor&, const at::Tensor&);
using ScaledBinary = at::Tensor(const at::Tensor&, const at::Tensor&, const at::Scalar&);

struct BoundOperator {
  c10::OperatorHandle handle;
  const c10::FunctionSchema* schema;
  c10::optional<c10::TypedOperatorHandle<Unary>> unary;
  c10::optional<c10::TypedOperatorHandle<Binary>> binary;
  c10::optional<c10::TypedOperatorHandle<ScaledBinary>> scaledBinary;

  explicit BoundOperator(c10::OperatorHandle handle);
};

// The state of one JavaScript thread (one N-API environment).
struct Environment {
  napi_env env;
  HandleTable tensors;
  std::vector<BoundOperator> operators;
  std::unordered_map<int64_t, at::Generator> generators;
  int64_t nextGenerator = 0;
  torch::jit::Stack stack;
  napi_ref makeError = nullptr;
  // Told of every operator that is called while a trace is being recorded.
  napi_ref recorder = nullptr;
  std::shared_ptr<DeadReferences> dead = std::make_shared<DeadReferences>();

  at::Generator& generator(int64_t id) {
    const auto found = generators.find(id);
    if (found == generators.end()) throw BridgeError("argument", "unknown generator");
    return found->second;
  }
};

Environment& environment(napi_env env);

// Throws into C++ what N-API reports by status; `what` names the value that was wrong.
void check(napi_env env, napi_status status, const char* what);

// The arguments of one call from JavaScript.
constexpr size_t kMaxArguments = 24;
struct Call {
  Environment& state;
  napi_env env;
  size_t count = kMaxArguments;
  napi_value values[kMaxArguments];
  Call(napi_env env, napi_callback_info info);
};

bool isNothing(napi_env env, napi_value value);
double toDouble(napi_env env, napi_value value, const char* what);
int64_t toInt(napi_env env, napi_value value, const char* what);
bool toBool(napi_env env, napi_value value, const char* what);
std::string toString(napi_env env, napi_value value, const char* what);
std::vector<int64_t> toInts(napi_env env, napi_value value, const char* what);
const at::Tensor& toTensor(const Call& call, napi_value value, const char* what);
std::vector<at::Tensor> toTensors(const Call& call, napi_value value, const char* what);

napi_value fromNumber(napi_env env, double value);
napi_value fromBool(napi_env env, bool value);
napi_value fromString(napi_env env, const std::string& value);
napi_value fromInts(napi_env env, c10::IntArrayRef values);
// A new handle; an undefined tensor becomes null.
napi_value fromTensor(const Call& call, at::Tensor tensor);
napi_value fromTensors(const Call& call, std::vector<at::Tensor> tensors);
napi_value undefined(napi_env env);

// Throws the current C++ exception into JavaScript as a typed error about `where`.
napi_value throwCurrent(napi_env env, const std::string& where);

// A JavaScript function whose body may throw.
template <napi_value (*body)(const Call&)>
napi_value guarded(napi_env env, napi_callback_info info) {
  try {
    const Call call(env, info);
    return body(call);
  } catch (...) {
    return throwCurrent(env, "torch");
  }
}

void define(napi_env env, napi_value exports, const char* name, napi_callback callback);
void defineOperators(napi_env env, napi_value exports);
void defineTensors(napi_env env, napi_value exports);
void defineAutograd(napi_env env, napi_value exports);
void defineFlops(napi_env env, napi_value exports);
void defineMemory(napi_env env, napi_value exports);
void defineFileLock(napi_env env, napi_value exports);
// Large tensors of this process share memory that is kept.
void useLargeBlocks();
void defineProcessGroup(napi_env env, napi_value exports);

}  // namespace lapidary
