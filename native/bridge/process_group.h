// A group of processes over c10d, and what is under way in it. The two libtorch lines differ in names only.
#pragma once
#ifdef USE_C10D_GLOO
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#ifdef USE_C10D_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

#include <chrono>
#include <functional>
#include <unordered_map>

#include "bridge.h"

namespace lapidary {

#if TORCH_VERSION_MAJOR >= 2
using Transport = c10d::Backend;  // since 2.0 a ProcessGroup is a front over backends
#else
using Transport = c10d::ProcessGroup;
#endif
using Milliseconds = std::chrono::milliseconds;

// The tensors are held until the work is waited for, whatever happens to their handles.
struct Pending {
  c10::intrusive_ptr<c10d::Work> work;
  std::vector<at::Tensor> tensors;
};

struct Group {
  // Where NCCL finds the others at the first collective; Gloo needs none once it is connected.
  c10::intrusive_ptr<c10d::Store> store;
  c10::intrusive_ptr<Transport> transport;
  // Closes the connections, so that a peer in the middle of a collective sees it at once.
  std::function<void()> disconnect = [] {};
  std::unordered_map<int64_t, Pending> pending;
  int64_t started = 0;
};

struct GroupOptions {
  int rank;
  int size;
  std::string address;
  uint16_t port;
  std::string backend;
  Milliseconds timeout;
  Milliseconds rendezvousTimeout;
  // Rank 0 serves the store, unless a launcher's agent does so already.
  bool serve;
  // Of the store's keys.
  std::string prefix;
};

// Runs `body` and reports whatever it throws as a failure of the group.
template <typename Body>
auto collective(Body body) {
  try {
    return body();
  } catch (const BridgeError&) {
    throw;
  } catch (const c10::Error& error) {
    throw BridgeError("collective", error.what_without_backtrace());
  } catch (const std::exception& error) {
    throw BridgeError("collective", error.what());
  }
}

// Meets the other processes at the store and connects to each; returns or throws within the sum of both timeouts.
std::unique_ptr<Group> connect(const GroupOptions& options);

}  // namespace lapidary
#endif
