// Jagged attention for every other CPU: vectors of 16 bytes, which are SSE2 or NEON.
#include "attention.h"

#define LAPIDARY_ISA plain
#define LAPIDARY_W 4
#define LAPIDARY_MR 4
#include "instances.h"
