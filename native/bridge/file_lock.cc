// Locks on files that the kernel takes back from a process that ends, however it ends.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "bridge.h"

namespace lapidary {

// lockFile(path) → a descriptor that holds the lock, or −1 while another one does. Makes the file if there is none. On a
// file system without locks every descriptor holds it.
static napi_value lockFile(const Call& call) {
  const std::string path = toString(call.env, call.values[0], "path");
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (file < 0) throw BridgeError("argument", path + ": " + std::strerror(errno));
  if (flock(file, LOCK_EX | LOCK_NB) == 0) return fromNumber(call.env, file);
  if (errno != EWOULDBLOCK) return fromNumber(call.env, file);
  close(file);
  return fromNumber(call.env, -1);
}

// unlockFile(descriptor)
static napi_value unlockFile(const Call& call) {
  close(static_cast<int>(toInt(call.env, call.values[0], "descriptor")));
  return undefined(call.env);
}

void defineFileLock(napi_env env, napi_value exports) {
  define(env, exports, "lockFile", guarded<lockFile>);
  define(env, exports, "unlockFile", guarded<unlockFile>);
}

}  // namespace lapidary
