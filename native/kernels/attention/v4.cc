// Jagged attention for x86-64-v4: AVX-512, 32 registers.
#if defined(__x86_64__)
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "attention.h"

#define LAPIDARY_ISA v4
#define LAPIDARY_W 16
#define LAPIDARY_MR 8
#pragma GCC target("arch=x86-64-v4,prefer-vector-width=512")
#include "instances.h"
#endif
