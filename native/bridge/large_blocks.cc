// Memory of large tensors. The C library gives each of them fresh pages and takes them back at once, so that a step over
// a large batch spends half of its time on page faults. Here they lie in huge pages, and what was freed is kept for the
// next tensor of the same size class.
#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <stdlib.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

#include <list>
#include <mutex>

#include "bridge.h"

namespace lapidary {

// Smaller tensors come from the C library, which keeps their pages.
static constexpr size_t kSmallest = size_t{1} << 20;
static constexpr size_t kHugePage = size_t{1} << 21;
// Of blocks that nobody uses. What is beyond goes back to the system, the one that was freed first.
static constexpr size_t kMostKept = size_t{1} << 30;

struct Block {
  void* data;
  size_t bytes;
};

// Classes are an eighth of a power of two apart: at most so much is wasted, and sizes that vary a little meet again.
static size_t classOf(size_t bytes) {
  size_t step = kHugePage;
  while (step * 16 < bytes) step *= 2;
  return (bytes + step - 1) / step * step;
}

class KeptBlocks {
 public:
  // The block that was freed last, whose pages are the warmest; nothing if there is none of the size.
  Block* take(size_t bytes) {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (auto at = blocks_.begin(); at != blocks_.end(); ++at) {
      if ((*at)->bytes != bytes) continue;
      Block* block = *at;
      blocks_.erase(at);
      kept_ -= bytes;
      return block;
    }
    return nullptr;
  }

  void give(Block* block) {
    const std::lock_guard<std::mutex> lock(mutex_);
    blocks_.push_front(block);
    kept_ += block->bytes;
    while (kept_ > kMostKept) {
      Block* oldest = blocks_.back();
      blocks_.pop_back();
      kept_ -= oldest->bytes;
      free(oldest->data);
      delete oldest;
    }
  }

 private:
  std::mutex mutex_;
  std::list<Block*> blocks_;
  size_t kept_ = 0;
};

// Never destroyed: tensors may be freed after the last line of main.
static KeptBlocks& keptBlocks() {
  static auto* blocks = new KeptBlocks();
  return *blocks;
}

static Block* freshBlock(size_t bytes) {
  void* data = nullptr;
  if (posix_memalign(&data, kHugePage, bytes) != 0) return nullptr;
#ifdef MADV_HUGEPAGE
  madvise(data, bytes, MADV_HUGEPAGE);  // Where the system has none, pages stay as they are.
#endif
  return new Block{data, bytes};
}

static void giveBack(void* context) {
  auto* block = static_cast<Block*>(context);
  c10::profiledCPUMemoryReporter().Delete(block->data);
  keptBlocks().give(block);
}

class LargeBlockAllocator : public c10::Allocator {
 public:
  explicit LargeBlockAllocator(c10::Allocator* small) : small_(small) {}

  c10::DataPtr allocate(size_t bytes) const override {
    if (bytes < kSmallest) return small_->allocate(bytes);
    const size_t size = classOf(bytes);
    Block* block = keptBlocks().take(size);
    if (block == nullptr) block = freshBlock(size);
    if (block == nullptr) return small_->allocate(bytes);  // Which says that memory ran out.
    c10::profiledCPUMemoryReporter().New(block->data, bytes);
    return {block->data, block, &giveBack, c10::Device(c10::DeviceType::CPU)};
  }

 private:
  c10::Allocator* small_;
};

void useLargeBlocks() {
  static const bool once = [] {
    c10::SetCPUAllocator(new LargeBlockAllocator(c10::GetCPUAllocator()), 1);
    return true;
  }();
  (void)once;
}

}  // namespace lapidary
