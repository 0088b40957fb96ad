// Making tensors from memory, looking into them, their lifetimes; generators; threads; what this build can do.
#include <dlfcn.h>

#include <ATen/CPUGeneratorImpl.h>

#include "bridge.h"
#include "kernels/isa.h"

#ifdef LAPIDARY_CUDA
#include <ATen/cuda/CUDAGeneratorImpl.h>
#endif

namespace lapidary {

struct Bytes {
  void* data;
  size_t size;
};

static Bytes bytesOf(const Call& call, napi_value array) {
  napi_typedarray_type type;
  size_t length = 0;
  void* data = nullptr;
  check(call.env, napi_get_typedarray_info(call.env, array, &type, &length, &data, nullptr, nullptr), "array");
  static constexpr size_t kSizes[] = {1, 1, 1, 2, 2, 4, 4, 4, 8, 8, 8};
  return {data, length * kSizes[type]};
}

static void dropDeadReferences(Environment& state) {
  std::vector<napi_ref> dead;
  {
    const std::lock_guard<std::mutex> lock(state.dead->mutex);
    dead.swap(state.dead->list);
  }
  for (napi_ref reference : dead) napi_delete_reference(state.env, reference);
}

static size_t byteSize(const std::vector<int64_t>& shape, c10::ScalarType dtype) {
  size_t bytes = c10::elementSize(dtype);
  for (const int64_t n : shape) {
    if (n < 0) throw BridgeError("argument", "shape has a negative size");
    if (__builtin_mul_overflow(bytes, static_cast<size_t>(n), &bytes)) {
      throw BridgeError("argument", "shape has more elements than can be counted");
    }
  }
  return bytes;
}

// fromArray(array, dtype, shape, share) → handle. `share`: the tensor looks into the array, which stays alive with it.
static napi_value fromArray(const Call& call) {
  dropDeadReferences(call.state);
  const Bytes bytes = bytesOf(call, call.values[0]);
  const auto dtype = static_cast<c10::ScalarType>(toInt(call.env, call.values[1], "dtype"));
  const auto shape = toInts(call.env, call.values[2], "shape");
  if (byteSize(shape, dtype) != bytes.size) {
    throw BridgeError("argument", "an array of " + std::to_string(bytes.size) + " bytes does not fill the shape's " +
                                      std::to_string(byteSize(shape, dtype)));
  }
  const auto options = at::TensorOptions().dtype(dtype);
  // libtorch never calls the deleter of an empty array, so it would never be let go.
  if (!toBool(call.env, call.values[3], "share") || bytes.size == 0) {
    at::Tensor tensor = at::empty(shape, options);
    if (bytes.size > 0) std::memcpy(tensor.data_ptr(), bytes.data, bytes.size);
    return fromTensor(call, std::move(tensor));
  }
  napi_ref reference;
  napi_create_reference(call.env, call.values[0], 1, &reference);
  auto release = [dead = call.state.dead, reference](void*) {
    const std::lock_guard<std::mutex> lock(dead->mutex);
    dead->list.push_back(reference);
  };
  return fromTensor(call, at::from_blob(bytes.data, shape, std::move(release), options));
}

static const at::Tensor& readable(const Call& call) {
  const at::Tensor& tensor = toTensor(call, call.values[0], "tensor");
  if (!tensor.device().is_cpu() || !tensor.is_contiguous()) {
    throw BridgeError("argument", "memory can be read of contiguous tensors on the CPU only");
  }
  return tensor;
}

// copyTo(tensor, array): the tensor's bytes into a typed array of the same size.
static napi_value copyTo(const Call& call) {
  const at::Tensor& tensor = readable(call);
  const Bytes bytes = bytesOf(call, call.values[1]);
  if (bytes.size != tensor.nbytes()) throw BridgeError("argument", "array and tensor differ in size");
  if (bytes.size > 0) std::memcpy(bytes.data, tensor.data_ptr(), bytes.size);
  return undefined(call.env);
}

// view(tensor) → ArrayBuffer over the tensor's own memory, which it keeps alive.
static napi_value view(const Call& call) {
  const at::Tensor& tensor = readable(call);
  napi_value result;
  if (tensor.nbytes() == 0) {
    check(call.env, napi_create_arraybuffer(call.env, 0, nullptr, &result), "view");
    return result;
  }
  auto* owner = new at::Tensor(tensor);
  const auto release = [](napi_env, void*, void* hint) { delete static_cast<at::Tensor*>(hint); };
  check(call.env, napi_create_external_arraybuffer(call.env, tensor.data_ptr(), tensor.nbytes(), release, owner, &result),
        "view");
  return result;
}

static napi_value shapeOf(const Call& call) {
  return fromInts(call.env, toTensor(call, call.values[0], "tensor").sizes());
}

static napi_value dtypeOf(const Call& call) {
  return fromNumber(call.env, static_cast<double>(toTensor(call, call.values[0], "tensor").scalar_type()));
}

static napi_value deviceOf(const Call& call) {
  return fromString(call.env, toTensor(call, call.values[0], "tensor").device().str());
}

static napi_value isSparse(const Call& call) {
  return fromBool(call.env, toTensor(call, call.values[0], "tensor").is_sparse());
}

static napi_value isContiguous(const Call& call) {
  return fromBool(call.env, toTensor(call, call.values[0], "tensor").is_contiguous());
}

// item(tensor) → the number in a tensor of one element.
static napi_value item(const Call& call) {
  return fromNumber(call.env, toTensor(call, call.values[0], "tensor").item().toDouble());
}

static napi_value release(const Call& call) {
  call.state.tensors.release(static_cast<Handle>(toInt(call.env, call.values[0], "tensor")));
  return undefined(call.env);
}

// keep(tensor, depth): lets a tensor outlive the scope of that depth → whether no scope owns it from now on.
static napi_value keep(const Call& call) {
  const auto handle = static_cast<Handle>(toInt(call.env, call.values[0], "tensor"));
  const auto depth = static_cast<uint32_t>(toInt(call.env, call.values[1], "depth"));
  return fromBool(call.env, call.state.tensors.keep(handle, depth));
}

static napi_value openScope(const Call& call) {
  call.state.tensors.openScope();
  dropDeadReferences(call.state);
  return fromNumber(call.env, call.state.tensors.depth());
}

static napi_value closeScope(const Call& call) {
  call.state.tensors.closeScope();
  return undefined(call.env);
}

static napi_value liveTensors(const Call& call) { return fromNumber(call.env, call.state.tensors.live()); }

static at::Generator makeGenerator(const c10::Device& device, uint64_t seed) {
  // The CPU's engine takes 32 bits only: without the fold, seeds 2^32 apart would be the same. Smaller ones stay as
  // they are elsewhere.
  if (device.is_cpu()) return at::make_generator<at::CPUGeneratorImpl>(seed ^ (seed >> 32) * 0x9E3779B97F4A7C15);
#ifdef LAPIDARY_CUDA
  if (device.is_cuda()) {
    at::Generator generator = at::make_generator<at::CUDAGeneratorImpl>(device.has_index() ? device.index() : 0);
    generator.set_current_seed(seed);
    return generator;
  }
#endif
  throw BridgeError("unsupported", "no random generator for device " + device.str());
}

static at::Generator& generatorOf(const Call& call) {
  return call.state.generator(toInt(call.env, call.values[0], "generator"));
}

// generator(seed, device) → id.
static napi_value newGenerator(const Call& call) {
  const auto seed = static_cast<uint64_t>(toInt(call.env, call.values[0], "seed"));
  at::Generator generator = makeGenerator(c10::Device(toString(call.env, call.values[1], "device")), seed);
  const int64_t id = call.state.nextGenerator++;
  call.state.generators.emplace(id, std::move(generator));
  return fromNumber(call.env, static_cast<double>(id));
}

static napi_value releaseGenerator(const Call& call) {
  call.state.generators.erase(toInt(call.env, call.values[0], "generator"));
  return undefined(call.env);
}

static napi_value generatorState(const Call& call) { return fromTensor(call, generatorOf(call).get_state()); }

static napi_value setGeneratorState(const Call& call) {
  generatorOf(call).set_state(toTensor(call, call.values[1], "state"));
  return undefined(call.env);
}

// OpenBLAS keeps a pool of its own, which libtorch's setting does not reach.
static void setBlasThreads(int threads) {
  using Set = void (*)(int);
  if (auto set = reinterpret_cast<Set>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads"))) set(threads);
}

static napi_value setThreads(const Call& call) {
  const int64_t wanted = toInt(call.env, call.values[0], "threads");
  if (wanted < 1 || wanted > 4096) throw BridgeError("argument", "threads must be from 1 to 4096");
  const auto threads = static_cast<int>(wanted);
  at::set_num_threads(threads);
  setBlasThreads(threads);
  return undefined(call.env);
}

static napi_value threads(const Call& call) { return fromNumber(call.env, at::get_num_threads()); }

static std::string blasLibrary() {
  Dl_info info;
  void* symbol = dlsym(RTLD_DEFAULT, "sgemm_");
  return symbol != nullptr && dladdr(symbol, &info) != 0 && info.dli_fname != nullptr ? info.dli_fname : "";
}

static void set(napi_env env, napi_value object, const char* name, napi_value value) {
  napi_set_named_property(env, object, name, value);
}

// buildInfo() → { torch, blas, instructionSet, cuda, gloo }.
static napi_value buildInfo(const Call& call) {
  napi_value info;
  napi_create_object(call.env, &info);
  set(call.env, info, "torch", fromString(call.env, TORCH_VERSION));
  set(call.env, info, "blas", fromString(call.env, blasLibrary()));
  set(call.env, info, "instructionSet", fromString(call.env, isaName()));
  set(call.env, info, "cuda", fromBool(call.env, at::hasCUDA()));
#ifdef USE_C10D_GLOO
  set(call.env, info, "gloo", fromBool(call.env, true));
#else
  set(call.env, info, "gloo", fromBool(call.env, false));
#endif
  return info;
}

void defineTensors(napi_env env, napi_value exports) {
  define(env, exports, "fromArray", guarded<fromArray>);
  define(env, exports, "copyTo", guarded<copyTo>);
  define(env, exports, "view", guarded<view>);
  define(env, exports, "shape", guarded<shapeOf>);
  define(env, exports, "dtype", guarded<dtypeOf>);
  define(env, exports, "device", guarded<deviceOf>);
  define(env, exports, "isSparse", guarded<isSparse>);
  define(env, exports, "isContiguous", guarded<isContiguous>);
  define(env, exports, "item", guarded<item>);
  define(env, exports, "release", guarded<release>);
  define(env, exports, "keep", guarded<keep>);
  define(env, exports, "openScope", guarded<openScope>);
  define(env, exports, "closeScope", guarded<closeScope>);
  define(env, exports, "liveTensors", guarded<liveTensors>);
  define(env, exports, "generator", guarded<newGenerator>);
  define(env, exports, "releaseGenerator", guarded<releaseGenerator>);
  define(env, exports, "generatorState", guarded<generatorState>);
  define(env, exports, "setGeneratorState", guarded<setGeneratorState>);
  define(env, exports, "setThreads", guarded<setThreads>);
  define(env, exports, "threads", guarded<threads>);
  define(env, exports, "buildInfo", guarded<buildInfo>);
}

}  // namespace lapidary
