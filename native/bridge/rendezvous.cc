// How the processes of a group find each other: through a TCP store that rank 0, or the launcher's agent, serves.
#include "process_group.h"

#ifdef USE_C10D_GLOO
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <thread>

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

// A server that this process has opened serves as long as the process lives: one that went with its group, or with an
// attempt at one, would take along those who wait for the next.
static void keepServing(uint16_t port, const c10::intrusive_ptr<c10d::Store>& store) {
  static std::mutex mutex;
  static auto* const served = new std::unordered_map<uint16_t, c10::intrusive_ptr<c10d::Store>>();
  const std::lock_guard<std::mutex> lock(mutex);
  served->emplace(port, store);
}

// libtorch 2 serves stores through libuv unless it is told not to, and Debian builds it without; 1.13 has no such choice.
template <typename Settings>
static auto withoutLibuv(Settings& settings, int) -> decltype(void(settings.useLibUV)) {
  settings.useLibUV = false;
}
template <typename Settings>
static void withoutLibuv(Settings&, long) {}

static c10::intrusive_ptr<c10d::Store> openStore(const GroupOptions& options) {
  c10d::TCPStoreOptions settings;
  settings.port = options.port;
  settings.isServer = options.serve;
  settings.waitWorkers = false;
  // 1.13 counts the time to connect in whole seconds, and gives up at once within the first.
  settings.timeout = std::chrono::ceil<std::chrono::seconds>(options.rendezvousTimeout);
  settings.multiTenant = true;  // Several groups of this process share one server.
  withoutLibuv(settings, 0);
  auto store = c10::make_intrusive<c10d::TCPStore>(options.address, settings);
  if (options.serve) keepServing(options.port, store);
  return c10::make_intrusive<c10d::PrefixStore>(options.prefix + "/" + std::to_string(options.size), store);
}

// The ranks that have not come to this round.
static std::string missingFrom(c10d::Store& round, int size) {
  std::string missing;
  for (int rank = 0; rank < size; ++rank) {
    const auto name = std::to_string(rank);
    if (!round.check({name})) missing += (missing.empty() ? "" : ", ") + name;
  }
  return missing;
}

// Waits until every process is there. The n-th group of a process is the n-th of the others: each round has its own part
// of the store, so that no one takes the addresses of an earlier group for those of this one.
static c10::intrusive_ptr<c10d::Store> meet(const c10::intrusive_ptr<c10d::Store>& store, const GroupOptions& options) {
  const std::string own = std::to_string(options.rank);
  const int64_t number = store->add("rounds/" + own, 1);
  auto round = c10::make_intrusive<c10d::PrefixStore>(std::to_string(number), store);
  round->set(own, std::vector<uint8_t>{1});
  std::vector<std::string> everyone;
  for (int rank = 0; rank < options.size; ++rank) everyone.push_back(std::to_string(rank));
  try {
    round->wait(everyone, options.rendezvousTimeout);
  } catch (const std::exception&) {
    const std::string missing = missingFrom(*round, options.size);
    if (missing.empty()) throw;
    // Who comes late begins with this round, so whoever tries again must, too.
    round->deleteKey(own);
    store->add("rounds/" + own, -1);
    throw BridgeError("collective", "no sign of rank " + missing + " at " + options.address + ":" +
                                        std::to_string(options.port) + " within " +
                                        std::to_string(options.rendezvousTimeout.count()) + " ms");
  }
  return round;
}

// Gives access to Gloo's members that closing needs.
class Gloo : public c10d::ProcessGroupGloo {
 public:
  using c10d::ProcessGroupGloo::ProcessGroupGloo;

  void disconnect() {
#ifdef LAPIDARY_LINKS_GLOO
    for (const auto& context : contexts_) context->closeConnections();
#endif  // Hidden inside libtorch otherwise: then the connections close with the last work that is under way.
  }

  // The store's client of 1.13 has a thread that spins once the server is gone, and Gloo needs the store only to connect.
  void forgetStore() { store_.reset(); }
};

static void connectGloo(Group& group, const GroupOptions& options) {
  auto settings = Gloo::Options::create(options.timeout);
  const char* interface = std::getenv("GLOO_SOCKET_IFNAME");
  settings->devices.push_back(interface != nullptr ? Gloo::createDeviceForInterface(interface)
                                                   : Gloo::createDeviceForHostname(addressTowards(options.address)));
  auto gloo = c10::make_intrusive<Gloo>(group.store, options.rank, options.size, settings);
  // The process that serves the store may be the first to end: by then everybody must be connected.
  gloo->barrier()->wait(options.timeout);
  gloo->forgetStore();
  group.store.reset();
  group.disconnect = [raw = gloo.get()] { raw->disconnect(); };
  group.transport = gloo;
}

static void connectNccl(Group& group, const GroupOptions& options) {
#ifdef USE_C10D_NCCL
  // Its watchdog would end this process where another one has failed; our own waiting looks at errors and the time.
  setenv("NCCL_ASYNC_ERROR_HANDLING", "0", 0);
  setenv("TORCH_NCCL_ASYNC_ERROR_HANDLING", "0", 0);
  auto settings = c10d::ProcessGroupNCCL::Options::create();
  settings->timeout = options.timeout;
  group.transport = c10::make_intrusive<c10d::ProcessGroupNCCL>(group.store, options.rank, options.size, settings);
#else
  throw BridgeError("unsupported", "the addon was built without NCCL");
#endif
}

static std::unique_ptr<Group> connectNow(const GroupOptions& options) {
  auto group = std::make_unique<Group>();
  group->store = meet(openStore(options), options);
  if (options.backend == "gloo") connectGloo(*group, options);
  else connectNccl(*group, options);
  return group;
}

// Each part has its time limit, but a stranger that listens on the store's port and says nothing is met by none of them:
// hence a thread, which is left alone when time is up.
std::unique_ptr<Group> connect(const GroupOptions& options) {
  std::packaged_task<std::unique_ptr<Group>()> task([options] { return connectNow(options); });
  auto result = task.get_future();
  std::thread(std::move(task)).detach();
  if (result.wait_for(options.rendezvousTimeout + options.timeout) == std::future_status::ready) return result.get();
  throw BridgeError("collective", "no answer from a store at " + options.address + ":" + std::to_string(options.port));
}

}  // namespace lapidary
#endif
