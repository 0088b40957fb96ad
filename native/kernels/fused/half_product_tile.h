// sums += A B of one tile, for one instruction set: LAPIDARY_ISA, of LAPIDARY_W lanes of float32, with LAPIDARY_MR rows of two
// vectors in registers. Included once for each, so it has no guard.
namespace lapidary::LAPIDARY_ISA {

typedef float TileVector __attribute__((vector_size(4 * LAPIDARY_W)));

// a [depth][MR], b [depth][2 W] → sums [MR][2 W]; every sum adds its products in the order of depth.
static void multiplyTile(const float* a, const float* b, int64_t depth, float* sums) {
  TileVector low[LAPIDARY_MR], high[LAPIDARY_MR], one, two;
#pragma GCC unroll 16
  for (int r = 0; r < LAPIDARY_MR; ++r) {
    std::memcpy(&low[r], sums + r * 2 * LAPIDARY_W, sizeof(TileVector));
    std::memcpy(&high[r], sums + r * 2 * LAPIDARY_W + LAPIDARY_W, sizeof(TileVector));
  }
  for (int64_t k = 0; k < depth; ++k, a += LAPIDARY_MR, b += 2 * LAPIDARY_W) {
    std::memcpy(&one, b, sizeof(TileVector));
    std::memcpy(&two, b + LAPIDARY_W, sizeof(TileVector));
#pragma GCC unroll 16
    for (int r = 0; r < LAPIDARY_MR; ++r) {
      low[r] += a[r] * one;
      high[r] += a[r] * two;
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < LAPIDARY_MR; ++r) {
    std::memcpy(sums + r * 2 * LAPIDARY_W, &low[r], sizeof(TileVector));
    std::memcpy(sums + r * 2 * LAPIDARY_W + LAPIDARY_W, &high[r], sizeof(TileVector));
  }
}

constexpr TileKernel kTile{LAPIDARY_MR, 2 * LAPIDARY_W, multiplyTile};

}  // namespace lapidary::LAPIDARY_ISA

#undef LAPIDARY_ISA
#undef LAPIDARY_W
#undef LAPIDARY_MR
