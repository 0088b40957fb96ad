// float8_encode / float8_decode: E4M3 with one float32 scale per 128 elements of the flattened tensor.
//   scale_k = max |x_i| / 448 over the finite elements of block k ;  code_i = E4M3(x_i / scale_k), to nearest, ties to even
// 448 is the largest number of the format; it has no infinity, so infinities become NaN, in their own place only.
#include "fused.h"

namespace lapidary {

constexpr int64_t kBlock = 128;
constexpr float kLargest = 448.0f;

// Adding 2^14, whose last bit is worth 2^-9, rounds to the multiples of the least subnormal.
LAPIDARY_INLINE uint8_t encodeOne(float x) {
  const auto bits = bitsOf<uint32_t>(x);
  const uint32_t sign = bits >> 24 & 0x80u;
  const uint32_t magnitude = bits & 0x7fffffffu;
  const uint32_t normal = ((magnitude + 0x7ffffu + (magnitude >> 20 & 1u)) >> 20) - ((127u - 7u) << 3);
  const float size = bitsOf<float>(magnitude);
  const uint32_t subnormal = bitsOf<uint32_t>(size + 16384.0f) - bitsOf<uint32_t>(16384.0f);
  uint32_t code = magnitude < 0x3c800000u ? subnormal : normal;  // 2^-6
  code = magnitude > 0x43e00000u ? 0x7eu : code;                 // 448: saturated
  code = magnitude >= 0x7f800000u ? 0x7fu : code;                // infinity, NaN
  return static_cast<uint8_t>(code | sign);
}

LAPIDARY_INLINE float decodeOne(uint8_t code) {
  const uint32_t magnitude = code & 0x7fu;
  const float subnormal = static_cast<float>(static_cast<int32_t>(magnitude)) * 0.001953125f;  // 2^-9
  const float normal = bitsOf<float>((magnitude << 20) + ((127u - 7u) << 23));
  float size = magnitude < 8u ? subnormal : normal;
  size = magnitude == 0x7fu ? bitsOf<float>(0x7fc00000u) : size;
  return bitsOf<float>(bitsOf<uint32_t>(size) | static_cast<uint32_t>(code & 0x80u) << 24);
}

// Blocks [begin, end) of `count` elements.
template <typename T>
LAPIDARY_INLINE void encodeBlocksOf(const T* x, uint8_t* codes, float* scales, int64_t count, int64_t begin, int64_t end) {
  for (int64_t block = begin; block < end; ++block) {
    const int64_t first = block * kBlock;
    const int64_t size = count - first < kBlock ? count - first : kBlock;
    float values[kBlock];
    for (int64_t i = 0; i < size; ++i) values[i] = static_cast<float>(x[first + i]);
    uint32_t largest = 0;  // Finite floats without sign order as their bits do.
    for (int64_t i = 0; i < size; ++i) {
      const uint32_t magnitude = bitsOf<uint32_t>(values[i]) & 0x7fffffffu;
      const uint32_t finite = magnitude < 0x7f800000u ? magnitude : 0u;
      largest = finite > largest ? finite : largest;
    }
    const float wanted = bitsOf<float>(largest) / kLargest;
    const float scale = wanted > 1.2e-38f ? wanted : 1.2e-38f;  // Its inverse must stay finite.
    const float inverse = 1.0f / scale;
    scales[block] = scale;
    uint8_t* to = codes + first;
    for (int64_t i = 0; i < size; ++i) to[i] = encodeOne(values[i] * inverse);
  }
}
template <typename T>
static void encodeBlocks(const T* x, uint8_t* codes, float* scales, int64_t count, int64_t begin, int64_t end) {
  onEachIsa([&]() LAPIDARY_LAMBDA { encodeBlocksOf(x, codes, scales, count, begin, end); });
}

template <typename T>
LAPIDARY_INLINE void decodeBlocksOf(const uint8_t* codes, const float* scales, T* x, int64_t count, int64_t begin, int64_t end) {
  for (int64_t block = begin; block < end; ++block) {
    const int64_t first = block * kBlock;
    const int64_t size = count - first < kBlock ? count - first : kBlock;
    const float scale = scales[block];
    for (int64_t i = 0; i < size; ++i) x[first + i] = static_cast<T>(decodeOne(codes[first + i]) * scale);
  }
}
template <typename T>
static void decodeBlocks(const uint8_t* codes, const float* scales, T* x, int64_t count, int64_t begin, int64_t end) {
  onEachIsa([&]() LAPIDARY_LAMBDA { decodeBlocksOf(codes, scales, x, count, begin, end); });
}

static int64_t blocksOf(int64_t count) { return (count + kBlock - 1) / kBlock; }

static std::tuple<at::Tensor, at::Tensor> encodeCpu(const at::Tensor& selfIn) {
  const at::Tensor self = selfIn.contiguous();
  const int64_t count = self.numel();
  at::Tensor codes = at::empty({count}, self.options().dtype(at::kByte));
  at::Tensor scales = at::empty({blocksOf(count)}, self.options().dtype(at::kFloat));
  AT_DISPATCH_FLOATING_TYPES(self.scalar_type(), "float8_encode", [&] {
    at::parallel_for(0, blocksOf(count), kGrain / kBlock, [&](int64_t begin, int64_t end) {
      encodeBlocks(self.data_ptr<scalar_t>(), codes.data_ptr<uint8_t>(), scales.data_ptr<float>(), count, begin, end);
    });
  });
  return {codes, scales};
}

static void checkCodes(const at::Tensor& codes, const at::Tensor& scales, at::IntArrayRef shape) {
  const int64_t count = c10::multiply_integers(shape);
  TORCH_CHECK(codes.scalar_type() == at::kByte && codes.dim() == 1 && codes.numel() == count && codes.is_contiguous(),
              "float8_decode: codes must be uint8 [", count, "], got ", codes.scalar_type(), " ", codes.sizes());
  TORCH_CHECK(scales.scalar_type() == at::kFloat && scales.dim() == 1 && scales.numel() == blocksOf(count) && scales.is_contiguous(),
              "float8_decode: scales must be float32 [", blocksOf(count), "], got ", scales.scalar_type(), " ", scales.sizes());
}

static at::Tensor decodeCpu(const at::Tensor& codes, const at::Tensor& scales, at::IntArrayRef shape, at::ScalarType dtype) {
  checkCodes(codes, scales, shape);
  at::Tensor result = at::empty(shape, scales.options().dtype(dtype));
  const int64_t count = codes.numel();
  AT_DISPATCH_FLOATING_TYPES(dtype, "float8_decode", [&] {
    at::parallel_for(0, blocksOf(count), kGrain / kBlock, [&](int64_t begin, int64_t end) {
      decodeBlocks(codes.data_ptr<uint8_t>(), scales.data_ptr<float>(), result.data_ptr<scalar_t>(), count, begin, end);
    });
  });
  return result;
}

// Devices without a kernel of ours: through the host.
static std::tuple<at::Tensor, at::Tensor> encodeComposite(const at::Tensor& self) {
  const auto [codes, scales] = encodeCpu(self.detach().cpu());
  return {codes.to(self.device()), scales.to(self.device())};
}

static at::Tensor decodeComposite(const at::Tensor& codes, const at::Tensor& scales, at::IntArrayRef shape, at::ScalarType dtype) {
  return decodeCpu(codes.cpu(), scales.cpu(), shape, dtype).to(codes.device());
}

Kept keep(const at::Tensor& tensor, bool float8) {
  if (!float8) return {tensor, at::Tensor()};
  const auto [codes, scales] = encodeCpu(tensor);
  return {codes, scales};
}

at::Tensor restore(const at::Tensor& values, const at::Tensor& scales, at::ScalarType dtype, at::IntArrayRef shape) {
  return scales.defined() ? decodeCpu(values, scales, shape, dtype) : values;
}

}  // namespace lapidary

TORCH_LIBRARY_IMPL(lapidary, CPU, library) {
  library.impl("float8_encode", lapidary::encodeCpu);
  library.impl("float8_decode", lapidary::decodeCpu);
}
TORCH_LIBRARY_IMPL(lapidary, CompositeExplicitAutograd, library) {
  library.impl("float8_encode", lapidary::encodeComposite);
  library.impl("float8_decode", lapidary::decodeComposite);
}
