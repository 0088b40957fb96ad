// Memory of large tensors. The C library gives each of them fresh pages and takes them back at once, so that a step over
// a large batch spends half of its time on page faults. Here they lie in huge pages, and what was freed is kept for the
// next tensor of the same size class.
#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <stdlib.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

#include <cstring>
#include <list>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "bridge.h"

namespace lapidary {

// Smaller tensors come from the C library, which keeps their pages.
static constexpr size_t kSmallest = size_t{1} << 20;
static constexpr size_t kHugePage = size_t{1} << 21;
// Of blocks that nobody uses. What is beyond goes back to the system, the one that was freed first.
static constexpr size_t kMostKept = size_t{1} << 30;

// Multiples of a huge page, from 16 of them on of a sixteenth to an eighth of the size: sizes that vary a little meet
// again, and what is wasted is at most the larger of one page and an eighth.
static size_t classOf(size_t bytes) {
  size_t step = kHugePage;
  while (step * 16 < bytes) step *= 2;
  return (bytes + step - 1) / step * step;
}

class LargeBlocks {
 public:
  // A block that was freed, the last one first, whose pages are the warmest, or a fresh one; null if memory ran out.
  void* take(size_t bytes) {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (auto at = kept_.begin(); at != kept_.end(); ++at) {
      if (sizes_[*at] != bytes) continue;
      void* data = *at;
      kept_.erase(at);
      keptBytes_ -= bytes;
      return data;
    }
    void* data = nullptr;
    if (posix_memalign(&data, kHugePage, bytes) != 0) return nullptr;
#ifdef MADV_HUGEPAGE
    madvise(data, bytes, MADV_HUGEPAGE);  // Where the system has none, pages stay as they are.
#endif
    sizes_[data] = bytes;
    return data;
  }

  bool owns(void* data) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return sizes_.count(data) != 0;
  }

  void give(void* data) {
    const std::lock_guard<std::mutex> lock(mutex_);
    kept_.push_front(data);
    keptBytes_ += sizes_[data];
    while (keptBytes_ > kMostKept) {
      void* oldest = kept_.back();
      kept_.pop_back();
      keptBytes_ -= sizes_[oldest];
      sizes_.erase(oldest);
      free(oldest);
    }
  }

 private:
  std::mutex mutex_;
  // Of all blocks, those in use and those that are kept.
  std::unordered_map<void*, size_t> sizes_;
  std::list<void*> kept_;
  size_t keptBytes_ = 0;
};

// Never destroyed: tensors may be freed after the last line of main.
static LargeBlocks& largeBlocks() {
  static auto* blocks = new LargeBlocks();
  return *blocks;
}

static c10::Allocator* smallBlocks = nullptr;

// Of memory of either kind: some of libtorch frees without knowing which it was given.
static void giveBack(void* data) {
  if (data == nullptr) return;
  if (!largeBlocks().owns(data)) return smallBlocks->raw_deleter()(data);
  c10::profiledCPUMemoryReporter().Delete(data);  // Before another thread may be given it.
  largeBlocks().give(data);
}

class LargeBlockAllocator : public c10::Allocator {
 public:
  // Constant in libtorch 1, not in libtorch 2: the one that it declares is an override.
  c10::DataPtr allocate(size_t bytes) { return std::as_const(*this).allocate(bytes); }
  c10::DataPtr allocate(size_t bytes) const {
    void* data = bytes < kSmallest ? nullptr : largeBlocks().take(classOf(bytes));
    if (data == nullptr) return smallBlocks->allocate(bytes);  // Which says so if memory ran out.
    c10::profiledCPUMemoryReporter().New(data, bytes);
    return {data, data, &giveBack, c10::Device(c10::DeviceType::CPU)};
  }

  c10::DeleterFnPtr raw_deleter() const override { return &giveBack; }

  // Asked for by libtorch 2 alone.
  void copy_data(void* target, const void* source, size_t bytes) const { std::memcpy(target, source, bytes); }
};

void useLargeBlocks() {
  static const bool once = [] {
    smallBlocks = c10::GetCPUAllocator();
    c10::SetCPUAllocator(new LargeBlockAllocator(), 1);
    return true;
  }();
  (void)once;
}

}  // namespace lapidary
