// How the processes of a group find each other: through a TCP store that rank 0, or the launcher's agent, serves.
#include "process_group.h"

#ifdef USE_C10D_GLOO
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

namespace lapidary {

// Our own address on the route to `host`. A host's own name is no guide: Debian maps it to 127.0.1.1.
static std::string addressTowards(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), "9", &hints, &found) != 0) throw std::runtime_error("no address is known of " + host);
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> guard(found, freeaddrinfo);
  for (const addrinfo* candidate = found; candidate != nullptr; candidate = candidate->ai_next) {
    const int descriptor = socket(candidate->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) continue;
    // Connecting a datagram socket sends nothing; it only chooses the route.
    sockaddr_storage own{};
    socklen_t length = sizeof own;
    const bool routed = connect(descriptor, candidate->ai_addr, candidate->ai_addrlen) == 0 &&
                        getsockname(descriptor, reinterpret_cast<sockaddr*>(&own), &length) == 0;
    close(descriptor);
    char text[NI_MAXHOST];
    if (routed && getnameinfo(reinterpret_cast<sockaddr*>(&own), length, text, sizeof text, nullptr, 0, NI_NUMERICHOST) == 0) {
      return text;
    }
  }
  throw std::runtime_error("no route to " + host);
}

static c10::intrusive_ptr<c10d::Store> openStore(const GroupOptions& options) {
  c10d::TCPStoreOptions settings;
  settings.port = options.port;
  settings.isServer = options.serve;
  settings.waitWorkers = false;
  settings.timeout = options.rendezvousTimeout;
  auto store = c10::make_intrusive<c10d::TCPStore>(options.address, settings);
  return c10::make_intrusive<c10d::PrefixStore>(options.prefix, store);
}

// Waits until every process is there; names those that are not when time is up.
static void meet(c10d::Store& store, const GroupOptions& options) {
  const auto key = [](int rank) { return "arrived/" + std::to_string(rank); };
  store.set(key(options.rank), std::vector<uint8_t>{1});
  std::vector<std::string> keys;
  for (int rank = 0; rank < options.size; ++rank) keys.push_back(key(rank));
  try {
    store.wait(keys, options.rendezvousTimeout);
  } catch (const std::exception&) {
    std::string missing;
    for (int rank = 0; rank < options.size; ++rank) {
      if (!store.check({key(rank)})) missing += (missing.empty() ? "" : ", ") + std::to_string(rank);
    }
    throw BridgeError("collective", "no sign of rank " + missing + " at " + options.address + ":" +
                                        std::to_string(options.port) + " within " +
                                        std::to_string(options.rendezvousTimeout.count()) + " ms");
  }
}

// Gloo's own members that closing needs are protected.
class Gloo : public c10d::ProcessGroupGloo {
 public:
  using c10d::ProcessGroupGloo::ProcessGroupGloo;
#if TORCH_VERSION_MAJOR < 2
  void disconnect() {
    for (const auto& context : contexts_) context->closeConnections();
  }
  // The store's client of 1.13 has a thread that spins once the server is gone, and Gloo needs the store only to connect.
  void forgetStore() { store_.reset(); }
#else
  // From 2.0 on Gloo is hidden inside libtorch: peers see the connections close when the process ends.
  void disconnect() {}
  void forgetStore() {}
#endif
};

static void connectGloo(Group& group, const GroupOptions& options) {
  auto settings = Gloo::Options::create(options.timeout);
  const char* interface = std::getenv("GLOO_SOCKET_IFNAME");
  settings->devices.push_back(interface != nullptr ? Gloo::createDeviceForInterface(interface)
                                                   : Gloo::createDeviceForHostname(addressTowards(options.address)));
  auto gloo = c10::make_intrusive<Gloo>(group.store, options.rank, options.size, settings);
  // Rank 0 may be the first to end, and the store with it: by then everybody must be connected.
  gloo->barrier()->wait(options.timeout);
  gloo->forgetStore();
  if (!options.serve) group.store.reset();
  group.disconnect = [raw = gloo.get()] { raw->disconnect(); };
  group.transport = gloo;
}

static void connectNccl(Group& group, const GroupOptions& options) {
#ifdef USE_C10D_NCCL
  auto settings = c10d::ProcessGroupNCCL::Options::create();
  settings->timeout = options.timeout;
  group.transport = c10::make_intrusive<c10d::ProcessGroupNCCL>(group.store, options.rank, options.size, settings);
#else
  throw BridgeError("unsupported", "the addon was built without NCCL");
#endif
}

std::unique_ptr<Group> connect(const GroupOptions& options) {
  if (options.backend != "gloo" && options.backend != "nccl") {
    throw BridgeError("argument", "no backend is called " + options.backend);
  }
  auto group = std::make_unique<Group>();
  group->store = openStore(options);
  meet(*group->store, options);
  if (options.backend == "gloo") connectGloo(*group, options);
  else connectNccl(*group, options);
  return group;
}

}  // namespace lapidary
#endif
