// Collectives: each starts at once and returns a work to wait for. In a group, all processes start the same ones in the
// same order.
#include "process_group.h"

#include "bridge.h"

#ifdef USE_C10D_GLOO
#include <thread>

namespace lapidary {

// Of the process, not of a thread's environment, and never destroyed: ending a group joins threads that may be waiting
// for a peer, which must not hold up the end of the process.
struct Groups {
  std::mutex mutex;
  std::unordered_map<int64_t, std::unique_ptr<Group>> live;
  int64_t made = 0;
};

static Groups& groups() {
  static Groups* const instance = new Groups();
  return *instance;
}

static Group& groupOf(const Call& call) {
  Groups& all = groups();
  const std::lock_guard<std::mutex> lock(all.mutex);
  const auto found = all.live.find(toInt(call.env, call.values[0], "group"));
  if (found == all.live.end()) throw BridgeError("collective", "the process group is closed");
  return *found->second;
}

static int toRank(const Call& call, napi_value value, const char* what) {
  return static_cast<int>(toInt(call.env, value, what));
}

// initGroup(rank, size, address, port, backend, timeoutMs, rendezvousTimeoutMs, serve, prefix) → group.
static napi_value initGroup(const Call& call) {
  const auto text = [&](size_t i, const char* what) { return toString(call.env, call.values[i], what); };
  const auto milliseconds = [&](size_t i, const char* what) { return Milliseconds(toInt(call.env, call.values[i], what)); };
  const GroupOptions options{toRank(call, call.values[0], "rank"),
                             toRank(call, call.values[1], "size"),
                             text(2, "address"),
                             static_cast<uint16_t>(toInt(call.env, call.values[3], "port")),
                             text(4, "backend"),
                             milliseconds(5, "timeoutMs"),
                             milliseconds(6, "rendezvousTimeoutMs"),
                             toBool(call.env, call.values[7], "serve"),
                             text(8, "prefix")};
  if (options.backend != "gloo" && options.backend != "nccl") {
    throw BridgeError("argument", "no backend is called " + options.backend);
  }
  if (options.size < 1 || options.rank < 0 || options.rank >= options.size) {
    throw BridgeError("argument", "rank " + std::to_string(options.rank) + " of " + std::to_string(options.size));
  }
  auto group = collective([&] { return connect(options); });
  Groups& all = groups();
  const std::lock_guard<std::mutex> lock(all.mutex);
  all.live.emplace(++all.made, std::move(group));
  return fromNumber(call.env, static_cast<double>(all.made));
}

// destroyGroup(group): ends the connections; what is under way fails, here and on the peers.
static napi_value destroyGroup(const Call& call) {
  std::unique_ptr<Group> group;
  {
    Groups& all = groups();
    const std::lock_guard<std::mutex> lock(all.mutex);
    const auto found = all.live.find(toInt(call.env, call.values[0], "group"));
    if (found == all.live.end()) return undefined(call.env);
    group = std::move(found->second);
    all.live.erase(found);
  }
  bool busy = false;
  for (const auto& entry : group->pending) busy = busy || !entry.second.work->isCompleted();
  if (!busy) return undefined(call.env);
  group->disconnect();
  std::thread([group = std::move(group)] {}).detach();
  return undefined(call.env);
}

// The tensor as plain memory for the transport to read or write.
static at::Tensor plain(const at::Tensor& tensor) {
  if (!tensor.is_contiguous()) throw BridgeError("argument", "a collective needs contiguous tensors");
  return tensor.detach();
}

// Gloo knows few dtypes; what is only moved goes as another one of the same width.
static at::Tensor movable(const at::Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case at::kBFloat16:
    case at::kShort:
      return plain(tensor).view(at::kHalf);
    case at::kBool:
      return plain(tensor).view(at::kByte);
    default:
      return plain(tensor);
  }
}

static bool isGloo(const Group& group) { return group.transport->getBackendName() == "gloo"; }

static at::Tensor reducible(const Group& group, const at::Tensor& tensor) {
  const auto dtype = tensor.scalar_type();
  const bool narrow = dtype == at::kBFloat16 || dtype == at::kShort || dtype == at::kBool;
  if (narrow && isGloo(group)) {
    throw BridgeError("unsupported", std::string("Gloo cannot reduce tensors of ") + c10::toString(dtype));
  }
  return plain(tensor);
}

template <typename Start>
static napi_value start(const Call& call, std::vector<at::Tensor> tensors, Start begin) {
  Group& group = groupOf(call);
  // Gloo only looks at the arguments here; NCCL connects, which fails when a process is gone.
  auto work = isGloo(group) ? begin(*group.transport) : collective([&] { return begin(*group.transport); });
  group.pending.emplace(++group.started, Pending{std::move(work), std::move(tensors)});
  return fromNumber(call.env, static_cast<double>(group.started));
}

static c10d::ReduceOp toReduction(const std::string& name) {
  if (name == "sum") return c10d::ReduceOp::SUM;
  if (name == "max") return c10d::ReduceOp::MAX;
  if (name == "min") return c10d::ReduceOp::MIN;
  throw BridgeError("argument", "no reduction is called " + name);
}

// allReduce(group, tensor, "sum" | "max" | "min") → work; in place.
static napi_value allReduce(const Call& call) {
  std::vector<at::Tensor> tensors{reducible(groupOf(call), toTensor(call, call.values[1], "tensor"))};
  c10d::AllreduceOptions options;
  options.reduceOp = toReduction(toString(call.env, call.values[2], "reduction"));
  return start(call, tensors, [&](Transport& transport) { return transport.allreduce(tensors, options); });
}

// broadcast(group, tensor, root) → work; in place.
static napi_value broadcast(const Call& call) {
  std::vector<at::Tensor> tensors{movable(toTensor(call, call.values[1], "tensor"))};
  c10d::BroadcastOptions options;
  options.rootRank = toRank(call, call.values[2], "root");
  return start(call, tensors, [&](Transport& transport) { return transport.broadcast(tensors, options); });
}

// allGather(group, output [size, ...], input [...]) → work.
static napi_value allGather(const Call& call) {
  const at::Tensor output = movable(toTensor(call, call.values[1], "output"));
  std::vector<at::Tensor> inputs{movable(toTensor(call, call.values[2], "input"))};
  std::vector<std::vector<at::Tensor>> outputs{output.unbind(0)};
  return start(call, {output, inputs[0]}, [&](Transport& transport) { return transport.allgather(outputs, inputs); });
}

// allToAll(group, output, input, outputSplits, inputSplits) → work; splits count rows of the first axis, by rank.
static napi_value allToAll(const Call& call) {
  at::Tensor output = movable(toTensor(call, call.values[1], "output"));
  at::Tensor input = movable(toTensor(call, call.values[2], "input"));
  auto outputSplits = toInts(call.env, call.values[3], "outputSplits");
  auto inputSplits = toInts(call.env, call.values[4], "inputSplits");
  return start(call, {output, input}, [&](Transport& transport) {
    return transport.alltoall_base(output, input, outputSplits, inputSplits);
  });
}

// barrier(group) → work.
static napi_value barrier(const Call& call) {
  return start(call, {}, [](Transport& transport) { return transport.barrier(); });
}

static std::unordered_map<int64_t, Pending>::iterator findPending(const Call& call, Group& group) {
  const auto found = group.pending.find(toInt(call.env, call.values[1], "work"));
  if (found == group.pending.end()) throw BridgeError("argument", "this work was waited for already");
  return found;
}

// isDone(group, work) → whether waiting would return, or throw, at once.
static napi_value isDone(const Call& call) {
  Group& group = groupOf(call);
  return fromBool(call.env, findPending(call, group)->second.work->isCompleted());
}

// NCCL's own wait only puts the work before what the stream does next: it sees neither an error nor the time.
static void waitForDevice(c10d::Work& work, Milliseconds timeout) {
  const auto end = std::chrono::steady_clock::now() + timeout;
  while (!work.isCompleted()) {
    if (std::chrono::steady_clock::now() > end) throw std::runtime_error("no end within the timeout");
    std::this_thread::sleep_for(std::chrono::microseconds(50));
  }
  if (const auto failure = work.exception()) std::rethrow_exception(failure);
  work.synchronize();
}

// wait(group, work, timeoutMs): blocks this thread until the work is done. After a timeout it is still under way.
static napi_value wait(const Call& call) {
  Group& group = groupOf(call);
  const auto found = findPending(call, group);
  const Milliseconds timeout(toInt(call.env, call.values[2], "timeoutMs"));
  collective([&] {
    if (isGloo(group)) found->second.work->wait(timeout);
    else waitForDevice(*found->second.work, timeout);
  });
  group.pending.erase(found);
  return undefined(call.env);
}

void defineProcessGroup(napi_env env, napi_value exports) {
  define(env, exports, "initGroup", guarded<initGroup>);
  define(env, exports, "destroyGroup", guarded<destroyGroup>);
  define(env, exports, "allReduce", guarded<allReduce>);
  define(env, exports, "broadcast", guarded<broadcast>);
  define(env, exports, "allGather", guarded<allGather>);
  define(env, exports, "allToAll", guarded<allToAll>);
  define(env, exports, "barrier", guarded<barrier>);
  define(env, exports, "isDone", guarded<isDone>);
  define(env, exports, "wait", guarded<wait>);
}

}  // namespace lapidary

#else

namespace lapidary {

static napi_value initGroup(const Call&) {
  throw BridgeError("unsupported", "the addon was built without Gloo's headers (Debian's libgloo-dev)");
}

void defineProcessGroup(napi_env env, napi_value exports) { define(env, exports, "initGroup", guarded<initGroup>); }

}  // namespace lapidary
#endif
