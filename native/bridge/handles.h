// Tensors as small integers. Each JavaScript thread has its own table, so a handle never crosses threads and no lock
// is needed. A handle is a slot and the slot's generation: a stale one is recognised, not followed.
#pragma once
#include "torch.h"

namespace lapidary {

using Handle = uint32_t;

// An error whose kind JavaScript tells apart; everything else thrown is reported as an operator's error.
struct BridgeError : std::runtime_error {
  const char* kind;
  BridgeError(const char* kind, const std::string& message) : std::runtime_error(message), kind(kind) {}
};

class HandleTable {
 public:
  Handle add(at::Tensor tensor) {
    if (free_.empty()) {
      if (slots_.size() == kMaxSlots) throw BridgeError("limit", "more than 4194304 live tensors");
      slots_.emplace_back();
      free_.push_back(static_cast<uint32_t>(slots_.size() - 1));
    }
    const uint32_t index = free_.back();
    free_.pop_back();
    Slot& slot = slots_[index];
    slot.tensor = std::move(tensor);
    slot.depth = static_cast<uint32_t>(marks_.size());
    slot.live = true;
    const Handle handle = slot.generation << kIndexBits | index;
    if (slot.depth > 0) scoped_.push_back(handle);
    ++live_;
    return handle;
  }

  const at::Tensor& get(Handle handle) {
    Slot* slot = find(handle);
    if (slot == nullptr) throw BridgeError("freed", "tensor " + std::to_string(handle) + " was freed with its scope");
    return slot->tensor;
  }

  void release(Handle handle) {
    Slot* slot = find(handle);
    if (slot == nullptr) return;
    slot->tensor = at::Tensor();
    slot->live = false;
    slot->generation = slot->generation == kMaxGeneration ? 1 : slot->generation + 1;
    free_.push_back(handle & kIndexMask);
    --live_;
  }

  void openScope() { marks_.push_back(scoped_.size()); }

  // Frees what the innermost scope made, except what was kept: that passes to the scope around it.
  void closeScope() {
    if (marks_.empty()) throw BridgeError("scope", "no scope is open");
    const size_t mark = marks_.back();
    marks_.pop_back();
    const auto outer = static_cast<uint32_t>(marks_.size());
    size_t end = mark;
    for (size_t i = mark; i < scoped_.size(); ++i) {
      const Slot* slot = find(scoped_[i]);
      if (slot == nullptr) continue;
      if (slot->depth > outer) {
        release(scoped_[i]);
      } else if (outer > 0) {
        scoped_[end++] = scoped_[i];
      }
    }
    scoped_.resize(end);
  }

  // Lets a tensor outlive the scope of that depth; returns whether this took it out of the last scope that owned it.
  bool keep(Handle handle, uint32_t depth) {
    get(handle);
    Slot& slot = slots_[handle & kIndexMask];
    if (slot.depth < depth || depth == 0) return false;
    slot.depth = depth - 1;
    return slot.depth == 0;
  }

  uint32_t depth() const { return static_cast<uint32_t>(marks_.size()); }
  uint32_t live() const { return live_; }

 private:
  struct Slot {
    at::Tensor tensor;
    uint32_t generation = 1;
    uint32_t depth = 0;
    bool live = false;
  };
  // 22 + 9 bits: a handle is a small integer for V8, and 0 is never one.
  static constexpr uint32_t kIndexBits = 22;
  static constexpr uint32_t kIndexMask = (1u << kIndexBits) - 1;
  static constexpr uint32_t kMaxGeneration = (1u << 9) - 1;
  static constexpr size_t kMaxSlots = size_t{1} << kIndexBits;

  Slot* find(Handle handle) {
    const uint32_t index = handle & kIndexMask;
    if (index >= slots_.size()) return nullptr;
    Slot& slot = slots_[index];
    return slot.live && slot.generation == handle >> kIndexBits ? &slot : nullptr;
  }

  std::vector<Slot> slots_;
  std::vector<uint32_t> free_;
  std::vector<Handle> scoped_;
  std::vector<size_t> marks_;
  uint32_t live_ = 0;
};

}  // namespace lapidary
