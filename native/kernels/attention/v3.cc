// Jagged attention for x86-64-v3: AVX2 and FMA, 16 registers.
#if defined(__x86_64__)
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "attention.h"

#define LAPIDARY_ISA v3
#define LAPIDARY_W 8
#define LAPIDARY_MR 4
#pragma GCC target("arch=x86-64-v3")
#include "instances.h"
#endif
