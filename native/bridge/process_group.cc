// Collectives (filled in next).
#include "bridge.h"

namespace lapidary {

void defineProcessGroup(napi_env, napi_value) {}

}  // namespace lapidary
